//! Partitions: names, what points at them, what a change tells.

use crate::support::axl::Caller;
use crate::support::outside::{Outside, change};

fn add(site: &Outside, name: &str) -> String {
    site.uuid("addRoutePartition", &format!("<routePartition><name>{name}</name></routePartition>"))
}

#[test]
fn a_partition_is_added_changed_and_removed_with_one_event_each() {
    let site = Outside::new();
    let mut uuid = String::new();
    let events = site.events_of(|site| uuid = add(site, "Desks"));
    assert_eq!(events, [change("add", ("RoutePartition", &uuid, "Desks"), &[])]);
    let by_name = site.events_of(|site| {
        let inner = "<name>DESKS</name><description>Third floor</description><useOriginatingDeviceTimeZone>false</useOriginatingDeviceTimeZone><timeZone>Europe/Berlin</timeZone>";
        assert_eq!(site.uuid("updateRoutePartition", inner), uuid);
    });
    let changed = [
        ("description", Some("Third floor")),
        ("timeZone", Some("Europe/Berlin")),
        ("useOriginatingDeviceTimeZone", Some("false")),
    ];
    assert_eq!(by_name, [change("update", ("RoutePartition", &uuid, "Desks"), &changed)]);
    let removed = site.events_of(|site| {
        assert_eq!(site.uuid("removeRoutePartition", &format!("<uuid>{uuid}</uuid>")), uuid);
    });
    assert_eq!(removed, [change("remove", ("RoutePartition", &uuid, "Desks"), &[])]);
    assert_eq!(site.listed("RoutePartition", "<name>%</name>", "", "name"), [""; 0]);
}

#[test]
fn absent_keeps_empty_clears_and_a_value_sets() {
    let site = Outside::new();
    add(&site, "Desks");
    let update = |inner: &str| {
        site.uuid("updateRoutePartition", &format!("<name>Desks</name>{inner}"));
        site.shown("RoutePartition", "<name>Desks</name>", &["description", "timeScheduleIdName", "timeZone"])
    };
    let set = update(
        "<description>D</description><timeScheduleIdName>all THE time</timeScheduleIdName><timeZone>Europe/Berlin</timeZone>",
    );
    assert!(
        set.starts_with("<description>D</description><timeScheduleIdName uuid=\"{")
            && set.ends_with("}\">All the time</timeScheduleIdName><timeZone>Europe/Berlin</timeZone>"),
        "{set}"
    );
    assert_eq!(update(""), set);
    assert_eq!(
        update("<description/><timeScheduleIdName xsi:nil=\"true\"/><timeZone/>"),
        "<description/><timeScheduleIdName/><timeZone>Etc/GMT</timeZone>"
    );
    site.unmoved("updateRoutePartition", "<name>Desks</name><description/><timeZone>Etc/GMT</timeZone>");
}

#[test]
fn a_name_is_required_and_belongs_to_one_partition_in_any_case() {
    let site = Outside::new();
    let desks = add(&site, "Desks");
    for inner in ["<routePartition/>", "<routePartition><name/></routePartition>", ""] {
        let refused = site.refused("addRoutePartition", inner);
        assert!(refused.0 == 5003 || refused.0 == 5000, "{refused:?}");
        assert!(refused.1.contains("ame: ") || refused.1.starts_with("routePartition: "), "{refused:?}");
    }
    let twice = "<routePartition><name>dESKS</name></routePartition>";
    let duplicate = |name: &str| {
        let text = format!(
            "Could not insert new row - duplicate value in a UNIQUE INDEX column (RoutePartition {name})"
        );
        (-239, text)
    };
    assert_eq!(site.refused("addRoutePartition", twice), duplicate("dESKS"));
    let other = add(&site, "Other");
    let rename = format!("<uuid>{other}</uuid><newName>desks</newName>");
    assert_eq!(site.refused("updateRoutePartition", &rename), duplicate("desks"));
    assert_eq!(site.fault("updateRoutePartition", &rename).faultcode, "soapenv:Client");
    // The spelling of one's own name may change.
    let events = site.events_of(|site| {
        site.uuid("updateRoutePartition", "<name>Desks</name><newName>DESKS</newName>");
    });
    assert_eq!(events, [change("update", ("RoutePartition", &desks, "DESKS"), &[("name", Some("DESKS"))])]);
}

#[test]
fn what_is_not_there_is_named_in_the_fault() {
    let site = Outside::new();
    add(&site, "Desks");
    let uuid = "{1B2C0000-0000-0000-0000-0000000000FF}";
    let missing = (5007, "Item not valid: The specified RoutePartition was not found".to_owned());
    for selector in ["<name>Nowhere</name>".to_owned(), format!("<uuid>{uuid}</uuid>")] {
        assert_eq!(site.refused("getRoutePartition", &selector), missing);
        assert_eq!(site.refused("removeRoutePartition", &selector), missing);
    }
    let update = |selector: &str| site.refused("updateRoutePartition", selector);
    assert_eq!(update("<name>Nowhere</name>"), (5003, "RoutePartition Nowhere not found".to_owned()));
    assert_eq!(update(&format!("<uuid>{uuid}</uuid>")), (5003, format!("RoutePartition {uuid} not found")));
    assert_eq!(update("<uuid>no uuid</uuid>"), (5000, "uuid: is not a uuid".to_owned()));
    assert_eq!(
        update("<name>Desks</name><timeScheduleIdName>Sundays</timeScheduleIdName>"),
        (5003, "timeScheduleIdName: no TimeSchedule named Sundays".to_owned())
    );
    let add =
        "<routePartition><name>New</name><timeScheduleIdName>Sundays</timeScheduleIdName></routePartition>";
    assert_eq!(
        site.refused("addRoutePartition", add),
        (5003, "timeScheduleIdName: no TimeSchedule named Sundays".to_owned())
    );
}

#[test]
fn a_new_name_shows_everywhere_and_the_partition_stays_in_use_until_nothing_points_at_it() {
    let site = Outside::new();
    let desks = add(&site, "Desks");
    site.uuid(
        "addLine",
        "<line><pattern>2001</pattern><routePartitionName>Desks</routePartitionName></line>",
    );
    site.uuid("addCss", "<css><members><member><routePartitionName>Desks</routePartitionName><index>1</index></member></members><name>All</name></css>");
    let events = site.events_of(|site| {
        site.uuid("updateRoutePartition", "<name>Desks</name><newName>Floor</newName>");
    });
    assert_eq!(events, [change("update", ("RoutePartition", &desks, "Floor"), &[("name", Some("Floor"))])]);
    assert_eq!(
        site.shown(
            "Line",
            "<pattern>2001</pattern><routePartitionName>Floor</routePartitionName>",
            &["routePartitionName"]
        ),
        format!("<routePartitionName uuid=\"{desks}\">Floor</routePartitionName>")
    );
    assert_eq!(site.shown("Css", "<name>All</name>", &["clause"]), "<clause>Floor</clause>");
    let remove = || site.refused("removeRoutePartition", "<name>Floor</name>");
    assert_eq!(remove(), (-692, "RoutePartition Floor is still used by Line 2001".to_owned()));
    site.uuid(
        "updateLine",
        "<pattern>2001</pattern><routePartitionName>Floor</routePartitionName><newRoutePartitionName/>",
    );
    assert_eq!(remove(), (-692, "RoutePartition Floor is still used by Css All".to_owned()));
    site.uuid("updateCss", "<name>All</name><members/>");
    site.uuid("removeRoutePartition", "<name>Floor</name>");
}

#[test]
fn lists_take_patterns_and_descriptions_that_are_not_there() {
    let site = Outside::new();
    for name in ["Desks", "Doors", "Phones_1", "PhonesX1"] {
        add(&site, name);
    }
    site.uuid("updateRoutePartition", "<name>Doors</name><description>Wing A</description>");
    let found = |criteria: &str| site.listed("RoutePartition", criteria, "", "name");
    assert_eq!(found("<name>d%</name>"), ["Desks", "Doors"]);
    assert_eq!(found("<name>%O%</name>"), ["Doors", "Phones_1", "PhonesX1"]);
    assert_eq!(found("<name>phones_1</name>"), ["Phones_1", "PhonesX1"]);
    assert_eq!(found("<description>wing%</description>"), ["Doors"]);
    assert_eq!(found("<name>d%</name><description>%</description>"), ["Desks", "Doors"]);
    assert_eq!(found("<name>d%</name><description/>"), [""; 0]);
    assert_eq!(
        site.listed("RoutePartition", "<name>%</name>", "<skip>1</skip><first>2</first>", "name"),
        ["Doors", "Phones_1"]
    );
    let none = site.refused("listRoutePartition", "<searchCriteria/><returnedTags><name/></returnedTags>");
    assert_eq!(none, (5000, "searchCriteria: a value is required".to_owned()));
}
