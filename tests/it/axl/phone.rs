//! Phones: lines, names, products, and what a change tells.

use crate::support::axl::{AxlSite, Caller};

const ADD: &str = "<phone><name>SEP0000000000A1</name><product>Cisco 8851</product><protocol>SIP</protocol><enableExtensionMobility>true</enableExtensionMobility></phone>";

fn site() -> AxlSite {
    let axl = AxlSite::new();
    axl.uuid("addPhone", ADD);
    axl
}

fn update(axl: &AxlSite, inner: &str) -> String {
    axl.uuid("updatePhone", &format!("<name>SEP0000000000A1</name>{inner}"))
}

fn line(index: u8, pattern: &str, more: &str) -> String {
    format!("<line><index>{index}</index><dirn><pattern>{pattern}</pattern></dirn>{more}</line>")
}

/// Index, pattern and label of each line.
fn lines(axl: &AxlSite) -> Vec<(String, String, String)> {
    let page = axl.tree("getPhone", "<name>SEP0000000000A1</name><returnedTags><lines/></returnedTags>");
    let lines = page.child("phone").unwrap().child("lines").unwrap().clone();
    let told = |line: &emgate::soap::tree::Element| {
        let text = |tag: &str| line.text_of(tag).unwrap_or_default().to_owned();
        (text("index"), line.child("dirn").unwrap().text_of("pattern").unwrap().to_owned(), text("label"))
    };
    lines.children_named("line").map(told).collect()
}

fn told(index: &str, pattern: &str, label: &str) -> (String, String, String) {
    (index.to_owned(), pattern.to_owned(), label.to_owned())
}

#[test]
fn lines_that_are_sent_replace_all_and_what_is_left_out_is_a_default_again() {
    let axl = site();
    update(&axl, &format!("<lines>{}{}</lines>", line(1, "2001", "<label>One</label>"), line(2, "2002", "")));
    assert_eq!(lines(&axl), [told("1", "2001", "One"), told("2", "2002", "")]);
    update(&axl, &format!("<lines>{}</lines>", line(1, "2001", "")));
    assert_eq!(lines(&axl), [told("1", "2001", "")]);
    update(&axl, "<lines/>");
    assert_eq!(lines(&axl), []);
}

#[test]
fn one_number_may_stand_on_two_buttons() {
    let axl = site();
    let both = format!("<lines>{}{}</lines>", line(1, "2001", ""), line(2, "2001", "<label>Two</label>"));
    update(&axl, &both);
    update(&axl, &both);
    assert_eq!(lines(&axl), [told("1", "2001", ""), told("2", "2001", "Two")]);
}

#[test]
fn a_line_is_not_added_on_a_button_that_is_in_use() {
    let axl = site();
    update(&axl, &format!("<addLines>{}</addLines>", line(1, "2001", "")));
    let again = format!("<name>SEP0000000000A1</name><addLines>{}</addLines>", line(1, "2002", ""));
    assert_eq!(axl.refusal("updatePhone", &again), (5003, "index: button 1 is in use".to_owned()));
    let twice =
        format!("<name>SEP0000000000A1</name><lines>{}{}</lines>", line(1, "1", ""), line(1, "2", ""));
    assert_eq!(axl.refusal("updatePhone", &twice), (5003, "index: button 1 is given twice".to_owned()));
    let zero = format!("<name>SEP0000000000A1</name><lines>{}</lines>", line(0, "1", ""));
    assert_eq!(axl.refusal("updatePhone", &zero).0, 5003);
    assert_eq!(lines(&axl), [told("1", "2001", "")]);
}

#[test]
fn lines_are_removed_by_their_number() {
    let axl = site();
    update(&axl, &format!("<lines>{}{}</lines>", line(1, "2001", ""), line(2, "2002", "")));
    update(&axl, &format!("<removeLines>{}</removeLines>", line(9, "2001", "")));
    assert_eq!(lines(&axl), [told("2", "2002", "")]);
    let absent = format!("<name>SEP0000000000A1</name><removeLines>{}</removeLines>", line(1, "2001", ""));
    assert_eq!(axl.refusal("updatePhone", &absent), (5003, "dirn: this line is not on the phone".to_owned()));
    let unknown = format!("<name>SEP0000000000A1</name><removeLines>{}</removeLines>", line(1, "2999", ""));
    assert_eq!(
        axl.refusal("updatePhone", &unknown),
        (5003, "dirn: this line is not on the phone".to_owned())
    );
    assert_eq!(axl.fault("getLine", "<pattern>2999</pattern>").code, 5007);
}

#[test]
fn a_number_in_an_intercom_partition_becomes_an_intercom_line_of_this_phone() {
    let axl = site();
    axl.uuid(
        "addRoutePartition",
        "<routePartition><name>Whisper</name><partitionUsage>Intercom</partitionUsage></routePartition>",
    );
    let story = axl.story_of(|axl| {
        update(axl, "<lines><line><index>1</index><dirn><pattern>3001</pattern><routePartitionName>Whisper</routePartitionName></dirn></line></lines>");
    });
    assert_eq!(
        story,
        [
            "add Line 3001|Whisper",
            "update Phone SEP0000000000A1 lines=-",
            "intercom 3001 SEP0000000000A1 auto-selected"
        ]
    );
    let line = axl.ok("getLine", "<pattern>3001</pattern><routePartitionName>Whisper</routePartitionName><returnedTags><usage/><defaultActivatedDeviceName/></returnedTags>");
    assert!(
        line.contains("<usage>Device Intercom</usage>")
            && line.contains(">SEP0000000000A1</defaultActivatedDeviceName>"),
        "{line}"
    );
    let story = axl.story_of(|axl| {
        axl.uuid("removePhone", "<name>SEP0000000000A1</name>");
    });
    assert_eq!(
        story,
        [
            "intercom 3001 - cleared-device-removed",
            "update Line 3001|Whisper defaultActivatedDeviceName=-",
            "remove Phone SEP0000000000A1"
        ]
    );
}

#[test]
fn names_products_and_protocols_that_do_not_fit_are_refused_and_nothing_is_stored() {
    let axl = site();
    let add = |name: &str, product: &str, protocol: &str| {
        let phone = format!(
            "<phone><name>{name}</name><product>{product}</product><protocol>{protocol}</protocol></phone>"
        );
        axl.refusal("addPhone", &phone)
    };
    let malformed =
        "The specified name has invalid characters or is not formatted correctly for this device type.";
    for name in ["SEP00", "SEP0000000000AG", "SEP 000000000A2", "SEP0000000000A2;", "A/B"] {
        assert_eq!(add(name, "Cisco 8851", "SIP"), (5003, malformed.to_owned()), "{name}");
    }
    assert_eq!(
        add("SEP0000000000A2", "Cisco 9999", "SIP"),
        (5003, "product: no product named Cisco 9999".to_owned())
    );
    assert_eq!(
        add("SEP0000000000A2", "Cisco 8851", "SCCP"),
        (5003, "protocol: Cisco 8851 does not speak SCCP".to_owned())
    );
    assert_eq!(
        add("SEP0000000000A2", "", "SIP"),
        (5003, "product: give a value, there is no default".to_owned())
    );
    let page = "<searchCriteria><name>%</name></searchCriteria><returnedTags><name/></returnedTags>";
    assert_eq!(axl.tree("listPhone", page).children.len(), 1);
}

#[test]
fn a_rename_keeps_the_uuid_and_stops_at_a_name_that_exists() {
    let axl = site();
    let second = axl.uuid("addPhone", &ADD.replace("A1", "A2"));
    let taken =
        axl.refusal("updatePhone", &format!("<uuid>{second}</uuid><newName>sep0000000000a1</newName>"));
    assert_eq!(taken.0, -239);
    assert!(
        taken.1.starts_with("Could not insert new row - duplicate value in a UNIQUE INDEX column"),
        "{taken:?}"
    );
    assert_eq!(
        axl.uuid("updatePhone", &format!("<uuid>{second}</uuid><newName>sep0000000000a3</newName>")),
        second
    );
    let found = axl.ok("getPhone", "<name>SEP0000000000A3</name><returnedTags><name/></returnedTags>");
    assert!(found.contains("<name>SEP0000000000A3</name>") && found.contains(&second), "{found}");
    assert_eq!(
        axl.uuid("updatePhone", &format!("<uuid>{second}</uuid><newName/><description>D</description>")),
        second
    );
}

#[test]
fn a_change_tells_what_differs_and_no_change_tells_nothing() {
    let axl = site();
    let events = axl.events_of(|axl| {
        update(axl, "<description>Desk</description><location/><enableExtensionMobility>true</enableExtensionMobility>");
    });
    let phone =
        axl.uuid("updatePhone", "<name>SEP0000000000A1</name>").trim_matches(['{', '}']).to_lowercase();
    assert_eq!(
        events,
        [(
            "em.provisioning.changed.v1".to_owned(),
            serde_json::json!({
                "action": "update", "objectType": "Phone", "objectUuid": phone, "objectName": "SEP0000000000A1",
                "changed": [{"name": "description", "value": "Desk", "redacted": false}], "fetchAgain": false,
                "cascadeOf": null, "bulk": null,
                "requestedBy": {"kind": "administrator", "id": "admin", "address": "127.0.0.1", "via": "soap"}
            })
        )]
    );
    let story = axl.story_of(|axl| {
        update(axl, "<description>Desk</description><devicePoolName>default</devicePoolName>");
        update(axl, "");
    });
    assert_eq!(story, Vec::<String>::new());
    let story = axl.story_of(|axl| {
        update(axl, "<description/><enableExtensionMobility>false</enableExtensionMobility>");
        axl.uuid("removePhone", "<name>SEP0000000000A1</name>");
    });
    assert_eq!(
        story,
        [
            "update Phone SEP0000000000A1 description=- enableExtensionMobility=false",
            "remove Phone SEP0000000000A1"
        ]
    );
}
