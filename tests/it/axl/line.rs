//! Lines: their name is a number in a partition; what they forward to, where they stand, what a change tells.

use crate::support::axl::Caller;
use crate::support::outside::{Outside, change, forced, together};

const PHONE: &str = "<name>SEP0000000000A1</name><product>Cisco 8851</product><protocol>SIP</protocol>";
const DESK_LINE: &str = "<pattern>2001</pattern><routePartitionName>Desks</routePartitionName>";

/// Partitions `Desks` and `Whisper`, and line 2001 in the first.
fn site() -> (Outside, String) {
    let site = Outside::new();
    site.uuid("addRoutePartition", "<routePartition><name>Desks</name></routePartition>");
    site.uuid(
        "addRoutePartition",
        "<routePartition><name>Whisper</name><partitionUsage>Intercom</partitionUsage></routePartition>",
    );
    let uuid = site.uuid("addLine", &format!("<line>{DESK_LINE}<usage>Device</usage></line>"));
    (site, uuid)
}

#[test]
fn a_line_is_added_changed_and_removed_with_one_event_each() {
    let (site, _) = site();
    let mut uuid = String::new();
    let events = site.events_of(|site| {
        uuid = site.uuid("addLine", "<line><pattern>2002</pattern></line>");
    });
    assert_eq!(events, [change("add", ("Line", &uuid, "2002|"), &[])]);
    let events = site.events_of(|site| {
        let inner = "<pattern>2002</pattern><description>Lobby</description><alertingName>L</alertingName><callForwardAll><destination>9000</destination></callForwardAll>";
        assert_eq!(site.uuid("updateLine", inner), uuid);
    });
    let changed = [("alertingName", Some("L")), ("callForwardAll", None), ("description", Some("Lobby"))];
    assert_eq!(events, [change("update", ("Line", &uuid, "2002|"), &changed)]);
    let events = site.events_of(|site| {
        let inner = format!("<uuid>{uuid}</uuid><newPattern>2003</newPattern><newRoutePartitionName>desks</newRoutePartitionName>");
        assert_eq!(site.uuid("updateLine", &inner), uuid);
    });
    let changed = [("pattern", Some("2003")), ("routePartitionName", Some("Desks"))];
    assert_eq!(events, [change("update", ("Line", &uuid, "2003|Desks"), &changed)]);
    let events = site.events_of(|site| {
        let inner = "<pattern>2003</pattern><routePartitionName>DESKS</routePartitionName>";
        assert_eq!(site.uuid("removeLine", inner), uuid);
    });
    assert_eq!(events, [change("remove", ("Line", &uuid, "2003|Desks"), &[])]);
}

#[test]
fn one_number_stands_once_in_a_partition_and_once_without_one() {
    let (site, uuid) = site();
    let duplicate = |pattern: &str| {
        let text = "Could not insert new row - duplicate value in a UNIQUE INDEX column";
        (-239, format!("{text} (Line {pattern})"))
    };
    assert_eq!(site.refused("addLine", &format!("<line>{DESK_LINE}</line>")), duplicate("2001"));
    let without =
        site.uuid("addLine", "<line><pattern>2001</pattern><routePartitionName xsi:nil=\"true\"/></line>");
    assert_eq!(site.refused("addLine", "<line><pattern>2001</pattern></line>"), duplicate("2001"));
    let into = format!("<uuid>{without}</uuid><newRoutePartitionName>Desks</newRoutePartitionName>");
    assert_eq!(site.refused("updateLine", &into), duplicate("2001"));
    let out = format!("<uuid>{uuid}</uuid><newRoutePartitionName/>");
    assert_eq!(site.refused("updateLine", &out), duplicate("2001"));
    let star = site.uuid("addLine", "<line><pattern>*2x</pattern></line>");
    assert_eq!(site.refused("addLine", "<line><pattern>*2X</pattern></line>"), duplicate("*2X"));
    assert!(site.ok("getLine", "<pattern>*2X</pattern>").contains(&star));
}

#[test]
fn a_line_is_found_by_number_and_partition_or_by_uuid() {
    let (site, uuid) = site();
    let partition = site.uuid("updateRoutePartition", "<name>Desks</name>");
    for selector in [
        DESK_LINE.to_owned(),
        format!("<uuid>{uuid}</uuid>"),
        format!("<pattern>2001</pattern><routePartitionName uuid=\"{partition}\"/>"),
    ] {
        assert_eq!(site.shown("Line", &selector, &["pattern"]), "<pattern>2001</pattern>", "{selector}");
    }
    let missing = (5007, "Item not valid: The specified Line was not found".to_owned());
    let unknown = "<uuid>{1B2C0000-0000-0000-0000-0000000000FF}</uuid>";
    for selector in [
        "<pattern>2001</pattern>",
        "<pattern>2999</pattern><routePartitionName>Desks</routePartitionName>",
        unknown,
    ] {
        assert_eq!(site.refused("getLine", selector), missing, "{selector}");
        assert_eq!(site.refused("removeLine", selector), missing, "{selector}");
    }
    assert_eq!(
        site.refused("updateLine", "<pattern>2001</pattern>"),
        (5003, "Line 2001 not found".to_owned())
    );
    let nowhere = "<pattern>2001</pattern><routePartitionName>Nowhere</routePartitionName>";
    let unresolved = (5003, "routePartitionName: no RoutePartition named Nowhere".to_owned());
    assert_eq!(site.refused("getLine", nowhere), unresolved);
    assert_eq!(site.refused("addLine", &format!("<line>{nowhere}</line>")), unresolved);
    let renamed = site
        .refused("updateLine", &format!("{DESK_LINE}<newRoutePartitionName>Nowhere</newRoutePartitionName>"));
    assert_eq!(renamed, (5003, "newRoutePartitionName: no RoutePartition named Nowhere".to_owned()));
    let none = site.refused("addLine", "<line><description>D</description></line>");
    assert_eq!(none, (5000, "line/pattern: a value is required".to_owned()));
}

#[test]
fn absent_keeps_empty_clears_and_a_value_sets() {
    let (site, _) = site();
    site.uuid("addCss", "<css><name>All</name></css>");
    let tags = ["description", "callForwardAll", "autoAnswer", "voiceMailProfileName", "hrDuration"];
    let update = |inner: &str| {
        site.uuid("updateLine", &format!("{DESK_LINE}{inner}"));
        site.shown("Line", DESK_LINE, &tags)
    };
    let fresh = site.shown("Line", DESK_LINE, &tags);
    let set = update(
        "<description>D</description><autoAnswer>Auto Answer with Headset</autoAnswer><voiceMailProfileName>novoicemail</voiceMailProfileName><hrDuration>7</hrDuration><callForwardAll><forwardToVoiceMail>1</forwardToVoiceMail><callingSearchSpaceName>all</callingSearchSpaceName><destination>9000</destination></callForwardAll>",
    );
    for part in [
        "<description>D</description>",
        "<forwardToVoiceMail>true</forwardToVoiceMail>",
        "}\">All</callingSearchSpaceName>",
        "<destination>9000</destination>",
        "<autoAnswer>Auto Answer with Headset</autoAnswer>",
        "}\">NoVoiceMail</voiceMailProfileName>",
        "<hrDuration>7</hrDuration>",
    ] {
        assert!(set.contains(part), "{part}: {set}");
    }
    assert_eq!(update(""), set);
    assert_eq!(
        update(
            "<description/><autoAnswer/><voiceMailProfileName xsi:nil=\"1\"/><hrDuration></hrDuration><callForwardAll/>"
        ),
        fresh
    );
    let refused = site.refused("updateLine", &format!("{DESK_LINE}<hrDuration>soon</hrDuration>"));
    assert!(refused.0 == 5000 && refused.1.starts_with("hrDuration: is not an integer"), "{refused:?}");
    let refused = site.refused("updateLine", &format!("{DESK_LINE}<callForwardAll><callingSearchSpaceName>None</callingSearchSpaceName></callForwardAll>"));
    assert_eq!(refused, (5003, "callingSearchSpaceName: no Css named None".to_owned()));
}

#[test]
fn a_line_that_is_removed_leaves_the_phones_and_profiles_it_stands_on() {
    let (site, uuid) = site();
    let lines = format!("<lines><line><index>1</index><dirn>{DESK_LINE}</dirn></line></lines>");
    let phone = site.uuid("addPhone", &format!("<phone>{PHONE}{lines}</phone>"));
    let profile = site.uuid("addDeviceProfile", &format!("<deviceProfile><name>UDP_a</name><product>Cisco 8851</product><protocol>SIP</protocol>{lines}</deviceProfile>"));
    assert_eq!(
        site.shown("Line", DESK_LINE, &["associatedDevices"]),
        "<associatedDevices><device>SEP0000000000A1</device></associatedDevices>"
    );
    site.uuid("updateLine", &format!("{DESK_LINE}<newPattern>2009</newPattern>"));
    let shown = site.shown("Phone", "<name>SEP0000000000A1</name>", &["lines"]);
    assert!(shown.contains("<pattern>2009</pattern>"), "{shown}");
    let events = site.events_of(|site| {
        site.uuid("removeLine", &format!("<uuid>{uuid}</uuid>"));
    });
    let loses = |owner| forced(change("update", owner, &[("lines", None)]), ("Line", "2009|Desks"));
    let expected = vec![
        loses(("Phone", phone.as_str(), "SEP0000000000A1")),
        loses(("DeviceProfile", profile.as_str(), "UDP_a")),
        change("remove", ("Line", &uuid, "2009|Desks"), &[]),
    ];
    assert_eq!(events, together(expected));
    assert_eq!(site.shown("Phone", "<name>SEP0000000000A1</name>", &["lines"]), "<lines/>");
    // The other way round the numbers stay.
    site.uuid("updatePhone", &format!("<name>SEP0000000000A1</name>{lines}"));
    site.uuid("removePhone", "<name>SEP0000000000A1</name>");
    assert_eq!(site.shown("Line", DESK_LINE, &["associatedDevices"]), "<associatedDevices/>");
}

#[test]
fn only_an_intercom_line_has_a_default_device() {
    let (site, _) = site();
    site.uuid("addPhone", &format!("<phone>{PHONE}</phone>"));
    let device = |name: &str| format!("<defaultActivatedDeviceName>{name}</defaultActivatedDeviceName>");
    let refused = site.refused("updateLine", &format!("{DESK_LINE}{}", device("SEP0000000000A1")));
    assert_eq!(
        refused,
        (5003, "defaultActivatedDeviceName: only a line of usage Device Intercom has one".to_owned())
    );
    let intercom = "<pattern>3001</pattern><routePartitionName>Whisper</routePartitionName>";
    site.uuid("addLine", &format!("<line>{intercom}<usage>Device Intercom</usage></line>"));
    let refused = site.refused("updateLine", &format!("{intercom}{}", device("SEP0000000000FF")));
    assert_eq!(refused, (5003, "defaultActivatedDeviceName: no Phone named SEP0000000000FF".to_owned()));
    let update = |inner: &str| {
        let inner = format!("{intercom}{inner}");
        site.story_of(|site| drop(site.uuid("updateLine", &inner)))
    };
    assert_eq!(
        update(&device("sep0000000000a1")),
        [
            "update Line 3001|Whisper defaultActivatedDeviceName=SEP0000000000A1",
            "intercom 3001 SEP0000000000A1 assigned"
        ]
    );
    assert_eq!(update(&device("SEP0000000000A1")), [""; 0]);
    assert_eq!(
        update("<defaultActivatedDeviceName/>"),
        ["update Line 3001|Whisper defaultActivatedDeviceName=-", "intercom 3001 - cleared"]
    );
}

#[test]
fn lists_go_by_number_usage_and_partition() {
    let (site, _) = site();
    for line in [
        "<pattern>2001</pattern>",
        "<pattern>20</pattern><description>Short</description>",
        "<pattern>\\+4920</pattern>",
        "<pattern>3001</pattern><routePartitionName>Whisper</routePartitionName><usage>Device Intercom</usage>",
    ] {
        site.uuid("addLine", &format!("<line>{line}</line>"));
    }
    let found = |criteria: &str| site.listed("Line", criteria, "", "pattern");
    assert_eq!(found("<pattern>2001</pattern>"), ["2001", "2001"]);
    assert_eq!(found("<pattern>%01</pattern>"), ["2001", "2001", "3001"]);
    assert_eq!(found("<pattern>\\+49%</pattern>"), ["\\+4920"]);
    assert_eq!(found("<pattern>20__</pattern><routePartitionName>desk%</routePartitionName>"), ["2001"]);
    assert_eq!(found("<usage>device intercom</usage>"), ["3001"]);
    assert_eq!(
        found("<pattern>%</pattern><routePartitionName>%</routePartitionName><description>%</description>")
            .len(),
        5
    );
    assert_eq!(found("<description>s%</description>"), ["20"]);
    assert_eq!(found("<pattern/>"), [""; 0]);
}
