//! Calling search spaces: members in order, what points at them, what a change tells.

use crate::support::axl::Caller;
use crate::support::outside::{Outside, change};

fn member(partition: &str, index: u8) -> String {
    format!("<member><routePartitionName>{partition}</routePartitionName><index>{index}</index></member>")
}

/// Three partitions, and a calling search space of the first two.
fn site() -> (Outside, String) {
    let site = Outside::new();
    for name in ["Desks", "Doors", "Roof"] {
        site.uuid("addRoutePartition", &format!("<routePartition><name>{name}</name></routePartition>"));
    }
    let inner =
        format!("<css><name>All</name><members>{}{}</members></css>", member("Doors", 2), member("desks", 1));
    let uuid = site.uuid("addCss", &inner);
    (site, uuid)
}

fn clause(site: &Outside) -> String {
    let shown = site.shown("Css", "<name>All</name>", &["clause"]);
    shown.trim_start_matches("<clause>").trim_end_matches("</clause>").to_owned()
}

#[test]
fn a_search_space_is_added_changed_and_removed_with_one_event_each() {
    let (site, _) = site();
    let mut uuid = String::new();
    let events = site.events_of(|site| {
        uuid = site.uuid("addCss", &format!("<css><members>{}</members><partitionUsage>Intercom</partitionUsage><name>Whisper</name></css>", member("Roof", 1)));
    });
    assert_eq!(events, [change("add", ("Css", &uuid, "Whisper"), &[])]);
    let events = site.events_of(|site| {
        let inner = format!("<uuid>{uuid}</uuid><description>D</description><addMembers>{}</addMembers><newName>Whispers</newName>", member("Doors", 2));
        assert_eq!(site.uuid("updateCss", &inner), uuid);
    });
    let changed = [("description", Some("D")), ("members", None), ("name", Some("Whispers"))];
    assert_eq!(events, [change("update", ("Css", &uuid, "Whispers"), &changed)]);
    assert_eq!(
        site.shown("Css", "<name>whispers</name>", &["partitionUsage"]),
        "<partitionUsage>Intercom</partitionUsage>"
    );
    let events = site.events_of(|site| {
        assert_eq!(site.uuid("removeCss", "<name>WHISPERS</name>"), uuid);
    });
    assert_eq!(events, [change("remove", ("Css", &uuid, "Whispers"), &[])]);
}

#[test]
fn members_are_replaced_added_removed_and_cleared() {
    let (site, _) = site();
    assert_eq!(clause(&site), "Desks:Doors");
    let update = |inner: &str| {
        site.uuid("updateCss", &format!("<name>All</name>{inner}"));
        clause(&site)
    };
    assert_eq!(update(&format!("<addMembers>{}</addMembers>", member("Roof", 3))), "Desks:Doors:Roof");
    assert_eq!(update(&format!("<removeMembers>{}</removeMembers>", member("Doors", 2))), "Desks:Roof");
    assert_eq!(update(&format!("<members>{}</members>", member("Doors", 1))), "Doors");
    assert_eq!(update(""), "Doors");
    site.unmoved("updateCss", "<name>All</name><description/>");
    assert_eq!(update("<members/>"), "<clause/>");
    let both = format!(
        "<name>All</name><members>{}</members><addMembers>{}</addMembers>",
        member("Doors", 1),
        member("Roof", 2)
    );
    let refused = site.refused("updateCss", &both);
    assert!(refused.0 == 5000 && refused.1.contains("cannot be combined with"), "{refused:?}");
}

#[test]
fn a_member_keeps_its_uuid_and_shows_its_partition() {
    let (site, _) = site();
    let before = site.shown("Css", "<name>All</name>", &["members"]);
    assert_eq!(before.matches("<member uuid=\"{").count(), 2, "{before}");
    site.uuid("updateCss", &format!("<name>All</name><addMembers>{}</addMembers>", member("Roof", 3)));
    let after = site.shown("Css", "<name>All</name>", &["members"]);
    assert!(after.starts_with(before.strip_suffix("</members>").unwrap()), "{before} {after}");
}

#[test]
fn members_that_are_sent_again_as_they_are_change_nothing() {
    let (site, _) = site();
    for members in [
        format!("<members>{}{}</members>", member("Doors", 2), member("Desks", 1)),
        format!("<addMembers>{}</addMembers>", member("doors", 2)),
        format!("<removeMembers>{}</removeMembers>", member("Roof", 3)),
    ] {
        site.unmoved("updateCss", &format!("<name>All</name>{members}"));
    }
    let before = site.shown("Css", "<name>All</name>", &["members"]);
    let turned = format!("<members>{}{}</members>", member("Desks", 1), member("Doors", 2));
    site.uuid("updateCss", &format!("<name>All</name>{turned}"));
    let after = site.shown("Css", "<name>All</name>", &["members"]);
    let ids = |shown: &str| {
        shown
            .split("<member uuid=\"")
            .skip(1)
            .map(|m| m.split('"').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&after), ids(&before).into_iter().rev().collect::<Vec<_>>(), "{before} {after}");
}

#[test]
fn partitions_resolve_by_name_and_uuid_and_unknown_ones_are_named() {
    let (site, _) = site();
    let add = |partition: &str| {
        format!("<css><members><member>{partition}<index>1</index></member></members><name>New</name></css>")
    };
    let unknown = "{1B2C0000-0000-0000-0000-0000000000FF}";
    for (partition, named) in [
        ("<routePartitionName>Cellar</routePartitionName>".to_owned(), "Cellar"),
        (format!("<routePartitionName uuid=\"{unknown}\"/>"), unknown),
    ] {
        let refused = site.refused("addCss", &add(&partition));
        assert_eq!(refused, (5003, format!("routePartitionName: no RoutePartition named {named}")));
    }
    let roof = site.uuid("updateRoutePartition", "<name>Roof</name>");
    site.uuid("addCss", &add(&format!("<routePartitionName uuid=\"{roof}\">Doors</routePartitionName>")));
    assert_eq!(site.shown("Css", "<name>New</name>", &["clause"]), "<clause>Roof</clause>");
    let index = site.refused("addCss", "<css><members><member><routePartitionName>Roof</routePartitionName></member></members><name>Other</name></css>");
    assert_eq!(index, (5000, "css/members/member[1]/index: a value is required".to_owned()));
}

#[test]
fn names_are_required_and_belong_to_one_search_space() {
    let (site, uuid) = site();
    let refused = site.refused("addCss", "<css><description>D</description></css>");
    assert_eq!(refused, (5000, "css/name: a value is required".to_owned()));
    let refused = site.refused("addCss", "<css><name>aLL</name></css>");
    assert_eq!(
        refused,
        (-239, "Could not insert new row - duplicate value in a UNIQUE INDEX column (Css aLL)".to_owned())
    );
    let long = format!("<css><name>{}</name></css>", "x".repeat(51));
    assert_eq!(site.refused("addCss", &long), (5000, "css/name: is longer than 50 characters".to_owned()));
    assert_eq!(site.refused("updateCss", "<name>None</name>"), (5003, "Css None not found".to_owned()));
    let missing = (5007, "Item not valid: The specified Css was not found".to_owned());
    assert_eq!(site.refused("getCss", "<name>None</name>"), missing);
    assert_eq!(site.refused("removeCss", "<name>None</name>"), missing);
    site.unmoved("updateCss", &format!("<uuid>{uuid}</uuid><newName/>"));
}

#[test]
fn a_search_space_in_use_stays_whoever_uses_it() {
    let (site, _) = site();
    let by = |user: &str| {
        let refused = site.refused("removeCss", "<name>All</name>");
        assert_eq!(refused, (-692, format!("Css All is still used by {user}")));
    };
    let phone = "<name>SEP0000000000A1</name><product>Cisco 8851</product><protocol>SIP</protocol>";
    site.uuid(
        "addPhone",
        &format!("<phone>{phone}<callingSearchSpaceName>All</callingSearchSpaceName></phone>"),
    );
    by("Phone SEP0000000000A1");
    let update = |inner: &str| site.uuid("updatePhone", &format!("<name>SEP0000000000A1</name>{inner}"));
    update("<callingSearchSpaceName/>");
    // Inside a line entry, where it is kept apart from the phone's own settings.
    update(
        "<lines><line><index>1</index><dirn><pattern>2001</pattern></dirn><monitoringCssName>All</monitoringCssName></line></lines>",
    );
    by("Phone SEP0000000000A1");
    update("<description>Desk</description>");
    by("Phone SEP0000000000A1");
    update("<lines/>");
    site.uuid("updateLine", "<pattern>2001</pattern><callForwardAll><callingSearchSpaceName>All</callingSearchSpaceName></callForwardAll>");
    by("Line 2001");
    site.uuid(
        "updateLine",
        "<pattern>2001</pattern><callForwardAll><callingSearchSpaceName/></callForwardAll>",
    );
    site.uuid("removeCss", "<name>All</name>");
}

#[test]
fn a_line_that_goes_frees_what_its_buttons_pointed_at_and_no_more() {
    let (site, _) = site();
    site.uuid("addCss", "<css><name>Boss</name></css>");
    let line = |index: u8, pattern: &str, css: &str| {
        format!(
            "<line><index>{index}</index><dirn><pattern>{pattern}</pattern></dirn><monitoringCssName>{css}</monitoringCssName></line>"
        )
    };
    let lines = [line(1, "2001", "All"), line(2, "2002", "Boss")].concat();
    let phone = "<name>SEP0000000000A1</name><product>Cisco 8851</product><protocol>SIP</protocol>";
    site.uuid("addPhone", &format!("<phone>{phone}<lines>{lines}</lines></phone>"));
    site.uuid("removeLine", "<pattern>2001</pattern>");
    site.uuid("removeCss", "<name>All</name>");
    let used = site.refused("removeCss", "<name>Boss</name>");
    assert_eq!(used, (-692, "Css Boss is still used by Phone SEP0000000000A1".to_owned()));
}

#[test]
fn lists_go_by_name_description_and_usage_and_show_no_members() {
    let (site, _) = site();
    site.uuid("addCss", "<css><description>Quiet</description><partitionUsage>Intercom</partitionUsage><name>Whisper</name></css>");
    let found = |criteria: &str| site.listed("Css", criteria, "", "name");
    assert_eq!(found("<name>%</name>"), ["All", "Whisper"]);
    assert_eq!(found("<partitionUsage>intercom</partitionUsage>"), ["Whisper"]);
    assert_eq!(found("<partitionUsage>%</partitionUsage><description>%</description>"), ["All", "Whisper"]);
    assert_eq!(found("<description>q%</description><partitionUsage>General</partitionUsage>"), [""; 0]);
    let rows = site.ok("listCss", "<searchCriteria><name>All</name></searchCriteria><returnedTags><clause/><members/><name/></returnedTags>");
    assert!(rows.ends_with("\"><clause>Desks:Doors</clause><name>All</name></css></return>"), "{rows}");
}
