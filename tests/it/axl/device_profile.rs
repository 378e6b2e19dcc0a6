//! Device profiles: what they need, their lines and services, who keeps them from going, what a change tells.

use crate::support::axl::Caller;
use crate::support::outside::{Outside, change, forced, together};

const MODEL: &str = "<product>Cisco 8851</product><protocol>SIP</protocol>";
const NAME: &str = "<name>UDP_ada</name>";

fn wrapped(inner: &str) -> String {
    format!("<deviceProfile>{inner}</deviceProfile>")
}

/// A phone, and a profile with two lines.
fn site() -> (Outside, String) {
    let site = Outside::new();
    site.uuid("addPhone", &format!("<phone><name>SEP0000000000A1</name>{MODEL}<enableExtensionMobility>true</enableExtensionMobility></phone>"));
    let lines = lines(&[(1, "2001"), (2, "2002")]);
    let uuid = site.uuid("addDeviceProfile", &wrapped(&format!("{NAME}{MODEL}{lines}")));
    (site, uuid)
}

fn lines(of: &[(u8, &str)]) -> String {
    let line = |(index, number): &(u8, &str)| {
        format!("<line><index>{index}</index><dirn><pattern>{number}</pattern></dirn></line>")
    };
    format!("<lines>{}</lines>", of.iter().map(line).collect::<String>())
}

fn update(site: &Outside, inner: &str) -> String {
    site.uuid("updateDeviceProfile", &format!("{NAME}{inner}"))
}

/// Buttons and numbers of the profile.
fn buttons(site: &Outside) -> Vec<String> {
    let profile = site.tree("getDeviceProfile", &format!("{NAME}<returnedTags><lines/></returnedTags>"));
    let lines = profile.child("deviceProfile").and_then(|p| p.child("lines")).unwrap();
    let told = |line: &emgate::soap::tree::Element| {
        let number = line.child("dirn").and_then(|d| d.text_of("pattern")).unwrap();
        format!("{} {number}", line.text_of("index").unwrap())
    };
    lines.children.iter().map(told).collect()
}

#[test]
fn a_profile_is_added_changed_and_removed_with_one_event_each_and_one_for_a_new_number() {
    let (site, _) = site();
    let mut uuid = String::new();
    let events = site.events_of(|site| {
        let inner = format!("<name>UDP_bob</name>{MODEL}{}", lines(&[(1, "2001"), (2, "2003")]));
        uuid = site.uuid("addDeviceProfile", &wrapped(&inner));
    });
    let number = site.uuid("updateLine", "<pattern>2003</pattern>");
    let expected = vec![
        change("add", ("Line", &number, "2003|"), &[]),
        change("add", ("DeviceProfile", &uuid, "UDP_bob"), &[]),
    ];
    assert_eq!(events, together(expected));
    let events = site.events_of(|site| {
        let inner = format!("<newName>UDP_rob</newName><description>D</description>{}<dndStatus>t</dndStatus><softkeyTemplateName>standard user</softkeyTemplateName>", lines(&[(1, "2003")]));
        assert_eq!(site.uuid("updateDeviceProfile", &format!("<name>udp_BOB</name>{inner}")), uuid);
    });
    let changed = [
        ("description", Some("D")),
        ("dndStatus", Some("true")),
        ("lines", None),
        ("name", Some("UDP_rob")),
        ("softkeyTemplateName", Some("Standard User")),
    ];
    assert_eq!(events, [change("update", ("DeviceProfile", &uuid, "UDP_rob"), &changed)]);
    let events = site.events_of(|site| {
        assert_eq!(site.uuid("removeDeviceProfile", &format!("<uuid>{uuid}</uuid>")), uuid);
    });
    assert_eq!(events, [change("remove", ("DeviceProfile", &uuid, "UDP_rob"), &[])]);
    assert_eq!(site.shown("Line", "<pattern>2003</pattern>", &["pattern"]), "<pattern>2003</pattern>");
}

#[test]
fn name_product_and_protocol_are_required_and_must_fit() {
    let (site, _) = site();
    let refused = |inner: &str| site.refused("addDeviceProfile", &wrapped(inner));
    let needs = |tag: &str| (5003, format!("{tag}: give a value, there is no default"));
    assert_eq!(refused(MODEL), (5000, "deviceProfile/name: a value is required".to_owned()));
    assert_eq!(refused("<name>N</name><protocol>SIP</protocol>"), needs("product"));
    assert_eq!(refused("<name>N</name><product>Cisco 8851</product><protocol/>"), needs("protocol"));
    let sccp = "<name>N</name><product>Cisco 8851</product><protocol>SCCP</protocol>";
    assert_eq!(refused(sccp), (5003, "protocol: Cisco 8851 does not speak SCCP".to_owned()));
    let unknown = "<name>N</name><product>Cisco 1</product><protocol>SIP</protocol>";
    assert_eq!(refused(unknown), (5003, "product: no product named Cisco 1".to_owned()));
    assert_eq!(
        site.shown("DeviceProfile", NAME, &["product", "model", "class", "protocol", "protocolSide"]),
        "<product>Cisco 8851</product><model>Cisco 8851</model><class>Device Profile</class><protocol>SIP</protocol><protocolSide>User</protocolSide>"
    );
    let template = site.shown("DeviceProfile", NAME, &["phoneTemplateName"]);
    assert!(template.ends_with("}\">Standard 8851 SIP</phoneTemplateName>"), "{template}");
}

#[test]
fn a_name_belongs_to_one_profile_and_a_phone_is_none() {
    let (site, uuid) = site();
    let duplicate = |name: &str| {
        let text = "Could not insert new row - duplicate value in a UNIQUE INDEX column";
        (-239, format!("{text} (DeviceProfile {name})"))
    };
    let refused = site.refused("addDeviceProfile", &wrapped(&format!("<name>udp_ADA</name>{MODEL}")));
    assert_eq!(refused, duplicate("udp_ADA"));
    let other = site.uuid("addDeviceProfile", &wrapped(&format!("<name>UDP_bob</name>{MODEL}")));
    let renamed =
        site.refused("updateDeviceProfile", &format!("<uuid>{other}</uuid><newName>UDP_Ada</newName>"));
    assert_eq!(renamed, duplicate("UDP_Ada"));
    site.unmoved("updateDeviceProfile", &format!("<uuid>{uuid}</uuid><newName/>"));
    let missing = (5007, "Item not valid: The specified DeviceProfile was not found".to_owned());
    for selector in ["<name>SEP0000000000A1</name>", "<uuid>{1B2C0000-0000-0000-0000-0000000000FF}</uuid>"] {
        assert_eq!(site.refused("getDeviceProfile", selector), missing);
        assert_eq!(site.refused("removeDeviceProfile", selector), missing);
    }
    let refused = site.refused("updateDeviceProfile", "<name>UDP_none</name>");
    assert_eq!(refused, (5003, "DeviceProfile UDP_none not found".to_owned()));
    let refused = site.refused("updatePhone", NAME);
    assert_eq!(refused, (5003, "Phone UDP_ada not found".to_owned()));
}

#[test]
fn absent_keeps_empty_clears_and_a_value_sets() {
    let (site, uuid) = site();
    let tags = [
        "description",
        "userHoldMohAudioSourceId",
        "vendorConfig",
        "mlppIndicationStatus",
        "phoneTemplateName",
        "userLocale",
        "loginUserId",
        "dndStatus",
        "alwaysUsePrimeLine",
        "softkeyTemplateName",
    ];
    let changed = |inner: &str| {
        site.uuid("updateDeviceProfile", &format!("<uuid>{uuid}</uuid>{inner}"));
        site.shown("DeviceProfile", NAME, &tags)
    };
    site.uuid("addUser", "<user><lastName>Ada</lastName><userid>ada</userid></user>");
    let fresh = changed("");
    let set = changed(
        "<description>D</description><userHoldMohAudioSourceId>7</userHoldMohAudioSourceId><vendorConfig><b>1</b><a>2</a></vendorConfig><mlppIndicationStatus>On</mlppIndicationStatus><userLocale>English United States</userLocale><loginUserId>ADA</loginUserId><dndStatus>1</dndStatus><alwaysUsePrimeLine>On</alwaysUsePrimeLine><softkeyTemplateName>Standard User</softkeyTemplateName>",
    );
    for part in [
        "<description>D</description><userHoldMohAudioSourceId>7</userHoldMohAudioSourceId>",
        "<vendorConfig><b>1</b><a>2</a></vendorConfig><mlppIndicationStatus>On</mlppIndicationStatus>",
        "<userLocale>English United States</userLocale>",
        "}\">ada</loginUserId>",
        "<dndStatus>true</dndStatus><alwaysUsePrimeLine>On</alwaysUsePrimeLine>",
        "}\">Standard User</softkeyTemplateName>",
    ] {
        assert!(set.contains(part), "{part}: {set}");
    }
    assert_eq!(changed(""), set);
    assert_eq!(changed("<product>Cisco 7960</product><protocol>SCCP</protocol><class>Phone</class>"), set);
    assert_eq!(
        changed(
            "<description/><userHoldMohAudioSourceId/><vendorConfig/><mlppIndicationStatus/><userLocale/><loginUserId xsi:nil=\"1\"/><dndStatus/><alwaysUsePrimeLine></alwaysUsePrimeLine><softkeyTemplateName/>"
        ),
        fresh
    );
    let refused = |inner: &str| site.refused("updateDeviceProfile", &format!("{NAME}{inner}"));
    assert_eq!(
        refused("<loginUserId>bob</loginUserId>"),
        (5003, "loginUserId: no User named bob".to_owned())
    );
    assert_eq!(
        refused("<softkeyTemplateName>None</softkeyTemplateName>"),
        (5003, "softkeyTemplateName: no SoftKeyTemplate named None".to_owned())
    );
    assert_eq!(refused("<dndStatus>maybe</dndStatus>"), (5000, "dndStatus: is not a boolean".to_owned()));
}

#[test]
fn lines_are_replaced_as_a_whole_and_a_line_sent_again_keeps_its_uuid() {
    let (site, _) = site();
    assert_eq!(buttons(&site), ["1 2001", "2 2002"]);
    let uuid_of_2002 = || {
        let shown = site.shown("DeviceProfile", NAME, &["lines"]);
        let line = shown.split("<line ").find(|l| l.contains("<pattern>2002<")).unwrap().to_owned();
        line.split("uuid=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let before = uuid_of_2002();
    update(&site, &lines(&[(1, "2002"), (4, "2005")]));
    assert_eq!(buttons(&site), ["1 2002", "4 2005"]);
    assert_eq!(uuid_of_2002(), before);
    update(&site, "<description>D</description>");
    assert_eq!(buttons(&site), ["1 2002", "4 2005"]);
    let labelled = lines(&[(1, "2002")]).replace("<index>1</index>", "<index>1</index><label>Ada</label>");
    update(&site, &labelled);
    assert!(site.shown("DeviceProfile", NAME, &["lines"]).contains("<label>Ada</label>"));
    update(&site, &lines(&[(1, "2002")]));
    assert!(!site.shown("DeviceProfile", NAME, &["lines"]).contains("Ada"), "a member is no difference");
    update(
        &site,
        "<lines><lineIdentifier><directoryNumber>2009</directoryNumber></lineIdentifier><lineIdentifier><directoryNumber>2001</directoryNumber></lineIdentifier></lines>",
    );
    assert_eq!(buttons(&site), ["1 2009", "2 2001"]);
    let refused = |of: &str| site.refused("updateDeviceProfile", &format!("{NAME}{of}"));
    assert_eq!(
        refused(&lines(&[(1, "2001"), (1, "2002")])),
        (5003, "index: button 1 is given twice".to_owned())
    );
    let zero = refused(&lines(&[(0, "2001")]));
    assert_eq!(zero, (5003, "index: give the number of the button, from 1".to_owned()));
    let nowhere = lines(&[(1, "2001")])
        .replace("</pattern>", "</pattern><routePartitionName>None</routePartitionName>");
    assert_eq!(refused(&nowhere), (5003, "routePartitionName: no RoutePartition named None".to_owned()));
    update(&site, "<lines/>");
    assert_eq!(buttons(&site), [""; 0]);
}

#[test]
fn a_removed_line_raises_the_version_of_the_profile_it_stood_on() {
    let (site, uuid) = site();
    let stamp = || site.shown("DeviceProfile", NAME, &["versionStamp"]);
    let first = stamp();
    assert_eq!(stamp(), first);
    let line = site.uuid("updateLine", "<pattern>2001</pattern>");
    let events = site.events_of(|site| drop(site.uuid("removeLine", "<pattern>2001</pattern>")));
    let loses = change("update", ("DeviceProfile", &uuid, "UDP_ada"), &[("lines", None)]);
    let expected = vec![forced(loses, ("Line", "2001|")), change("remove", ("Line", &line, "2001|"), &[])];
    assert_eq!(events, together(expected));
    let second = stamp();
    assert_ne!(second, first);
    update(&site, "<description>D</description>");
    assert_ne!(stamp(), second);
}

#[test]
fn a_profile_in_use_stays_whoever_uses_it() {
    let (site, _) = site();
    let used = |by: &str| {
        let refused = site.refused("removeDeviceProfile", NAME);
        assert_eq!(refused, (-692, format!("DeviceProfile UDP_ada is still used by {by}")));
    };
    let phone = "<name>SEP0000000000A1</name>";
    site.uuid("updatePhone", &format!("{phone}<defaultProfileName>UDP_ada</defaultProfileName>"));
    used("Phone SEP0000000000A1 as its default profile");
    site.uuid("updatePhone", &format!("{phone}<defaultProfileName/>"));
    site.uuid("addUser", "<user><lastName>Ada</lastName><userid>ada</userid><phoneProfiles><profileName>UDP_ada</profileName></phoneProfiles></user>");
    let device = "<deviceName>SEP0000000000A1</deviceName>";
    site.ok(
        "doDeviceLogin",
        &format!(
            "{device}<loginDuration>60</loginDuration><profileName>UDP_ada</profileName><userId>ada</userId>"
        ),
    );
    used("the session on SEP0000000000A1; log it out first");
    let tags = ["currentProfileName", "loginDuration"];
    let shown = site.shown("DeviceProfile", NAME, &tags);
    assert!(shown.ends_with("}\">UDP_ada</currentProfileName><loginDuration>60</loginDuration>"), "{shown}");
    site.ok("doDeviceLogout", device);
    assert!(!site.shown("DeviceProfile", NAME, &tags).contains("60"));
    // That it belongs to a user keeps nobody from removing it.
    site.uuid("removeDeviceProfile", NAME);
    assert_eq!(site.shown("User", "<userid>ada</userid>", &["phoneProfiles"]), "<phoneProfiles/>");
}

#[test]
fn lists_go_by_name_and_description_and_show_no_collections() {
    let (site, _) = site();
    site.uuid(
        "addDeviceProfile",
        &wrapped(&format!("<name>Lab</name><description>Quiet</description>{MODEL}")),
    );
    let found = |criteria: &str| site.listed("DeviceProfile", criteria, "", "name");
    assert_eq!(found("<name>%</name>"), ["Lab", "UDP_ada"]);
    assert_eq!(found("<name>udp%</name><description>%</description>"), ["UDP_ada"]);
    assert_eq!(found("<description>q%</description>"), ["Lab"]);
    assert_eq!(found("<name>%</name><description/>"), [""; 0]);
    assert_eq!(
        site.listed("DeviceProfile", "<name>%</name>", "<skip>1</skip><first>5</first>", "name"),
        ["UDP_ada"]
    );
    let rows = site.ok(
        "listDeviceProfile",
        &format!(
            "<searchCriteria>{NAME}</searchCriteria><returnedTags><lines/><name/><protocol/></returnedTags>"
        ),
    );
    assert!(
        rows.ends_with("\"><name>UDP_ada</name><protocol>SIP</protocol></deviceProfile></return>"),
        "{rows}"
    );
}
