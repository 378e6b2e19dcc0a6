//! Process nodes: read only, the gateways of this cluster and the name that cluster-wide parameters stand under.

use crate::support::axl::Caller;
use crate::support::outside::Outside;

#[test]
fn the_first_gateway_is_the_publisher_and_is_found_by_name_and_uuid() {
    let site = Outside::new();
    let tags = ["name", "nodeUsage", "processNodeRole"];
    let expected = "<name>test</name><nodeUsage>Publisher</nodeUsage><processNodeRole>CUCM Voice/Video</processNodeRole>";
    assert_eq!(site.shown("ProcessNode", "<name>TEST</name>", &tags), expected);
    let row = site.tree("getProcessNode", "<name>test</name>");
    let uuid = row.children[0].attribute("uuid").unwrap();
    assert_eq!(site.shown("ProcessNode", &format!("<uuid>{uuid}</uuid>"), &tags), expected);
    let missing = (5007, "Item not valid: The specified ProcessNode was not found".to_owned());
    assert_eq!(site.refused("getProcessNode", "<name>nowhere</name>"), missing);
    assert_eq!(
        site.refused("getProcessNode", "<uuid>{1B2C0000-0000-0000-0000-0000000000FF}</uuid>"),
        missing
    );
}

#[test]
fn lists_hold_the_cluster_and_its_gateways() {
    let site = Outside::new();
    let found = |criteria: &str| site.listed("ProcessNode", criteria, "", "name");
    assert_eq!(found("<name>%</name>"), ["EnterpriseWideData", "test"]);
    assert_eq!(found("<name>T%</name>"), ["test"]);
    assert_eq!(
        found("<processNodeRole>cucm%</processNodeRole><description>%</description>"),
        ["EnterpriseWideData", "test"]
    );
    assert_eq!(found("<processNodeRole>CUCM IM and Presence</processNodeRole>"), [""; 0]);
    assert_eq!(found("<name/>"), [""; 0]);
}

#[test]
fn nodes_are_not_provisioned() {
    let site = Outside::new();
    for (operation, inner) in [
        ("addProcessNode", "<processNode><name>other</name></processNode>"),
        ("updateProcessNode", "<name>test</name><description>D</description>"),
        ("removeProcessNode", "<name>test</name>"),
    ] {
        let fault = site.fault(operation, inner);
        let text = format!("operation {operation} is not available on this server");
        assert_eq!((fault.code, fault.message), (5003, text));
    }
}
