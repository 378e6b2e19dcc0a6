//! Criteria: patterns, escapes, umlauts, what is null, what is unknown.

use super::{column, names};
use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::TestGateway;

fn site() -> (TestGateway, AxlClient) {
    let gateway = TestGateway::start();
    let axl = AxlClient::of(&gateway);
    (gateway, axl)
}

fn with_partitions(partitions: &[(&str, &str)]) -> (TestGateway, AxlClient) {
    let (gateway, axl) = site();
    for (name, description) in partitions {
        axl.uuid(
            "addRoutePartition",
            &format!(
                "<routePartition><name>{name}</name><description>{description}</description></routePartition>"
            ),
        );
    }
    (gateway, axl)
}

#[test]
fn a_list_needs_a_criterion_that_it_knows() {
    let (_gateway, axl) = site();
    let refused = |criteria: &str| {
        axl.refusal(
            "listPhone",
            &format!("<searchCriteria>{criteria}</searchCriteria><returnedTags><name/></returnedTags>"),
        )
    };
    let none = (5000, "searchCriteria: a value is required".to_owned());
    assert_eq!(refused(""), none);
    assert_eq!(refused("<colour>red</colour>"), none);
}

#[test]
fn an_unknown_criterion_or_tag_beside_a_known_one_is_passed_over() {
    let (_gateway, axl) = with_partitions(&[("One", ""), ("Two", "")]);
    assert_eq!(names(&axl, "<name>T%</name><colour>red</colour>", ""), ["Two"]);
    let answer = axl.ok(
        "listRoutePartition",
        "<searchCriteria><name>Two</name></searchCriteria><returnedTags><colour/><name/></returnedTags>",
    );
    assert!(answer.ends_with("\"><name>Two</name></routePartition></return>"), "{answer}");
}

#[test]
fn percent_and_underscore_are_wildcards_and_a_backslash_is_itself() {
    let (_gateway, axl) = with_partitions(&[("a_b", "x\\y"), ("a\\b", "x%y"), ("a%b", "xy"), ("acb", "")]);
    for (pattern, found) in [
        ("a_b", vec!["a%b", "a\\b", "a_b", "acb"]),
        ("a%b", vec!["a%b", "a\\b", "a_b", "acb"]),
        ("a\\b", vec!["a\\b"]),
        ("a\\_b", vec![]),
        ("a\\%", vec!["a\\b"]),
        ("%\\", vec![]),
        ("\\", vec![]),
        ("_\\_", vec!["a\\b"]),
        ("a__b", vec![]),
    ] {
        assert_eq!(names(&axl, &format!("<name>{pattern}</name>"), ""), found, "{pattern}");
    }
    for (pattern, found) in
        [("x\\y", vec!["a_b"]), ("x_y", vec!["a\\b", "a_b"]), ("x%y", vec!["a%b", "a\\b", "a_b"])]
    {
        assert_eq!(names(&axl, &format!("<description>{pattern}</description>"), ""), found, "{pattern}");
    }
    // wide forms are the same characters in names (design.md 11), and no way around the rules for patterns
    for wide in ["\u{FF3C}", "%\u{FF3C}", "a\u{FF3C}b"] {
        let found = names(&axl, &format!("<name>{wide}</name>"), "");
        assert_eq!(found, if wide.starts_with('a') { vec!["a\\b"] } else { vec![] }, "{wide}");
    }
    let refused = axl.refusal(
        "listRoutePartition",
        &format!(
            "<searchCriteria><name>{}</name></searchCriteria><returnedTags><name/></returnedTags>",
            "\u{FF05}a".repeat(9)
        ),
    );
    assert_eq!(refused, (5003, "name: a pattern has at most 128 characters and 8 of %".to_owned()));
}

#[test]
fn umlauts_are_found_in_either_case_and_form() {
    let (_gateway, axl) = with_partitions(&[("Müßig", "Über uns"), ("MUSSIG", "")]);
    for pattern in ["Müßig", "mÜß%", "m_ßig", "mu\u{308}ßig"] {
        assert_eq!(names(&axl, &format!("<name>{pattern}</name>"), ""), ["Müßig"], "{pattern}");
    }
    for pattern in ["über uns", "ÜBER%", "_ber uns"] {
        assert_eq!(names(&axl, &format!("<description>{pattern}</description>"), ""), ["Müßig"], "{pattern}");
    }
}

#[test]
fn what_is_null_matches_a_lone_percent_only() {
    let (_gateway, axl) = with_partitions(&[("One", "first"), ("Two", "")]);
    assert_eq!(names(&axl, "<description>%</description>", ""), ["One", "Two"]);
    assert_eq!(names(&axl, "<description>%%</description>", ""), ["One", "Two"]);
    assert_eq!(names(&axl, "<description>f%</description>", ""), ["One"]);
    assert_eq!(names(&axl, "<description></description>", ""), Vec::<String>::new());
    let nodes = axl.ok("listProcessNode", "<searchCriteria><processNodeRole>%</processNodeRole></searchCriteria><returnedTags><name/></returnedTags>");
    assert!(column(&nodes, "name").contains(&"EnterpriseWideData".to_owned()), "{nodes}");
}

#[test]
fn every_criterion_of_a_line_and_of_a_phone_finds_what_it_says() {
    let (_gateway, axl) = with_partitions(&[("Desks", "")]);
    axl.uuid("addCss", "<css><name>Inside</name></css>");
    axl.uuid("addLine", "<line><pattern>2001</pattern><description>Bell</description><routePartitionName>Desks</routePartitionName></line>");
    axl.uuid("addLine", "<line><pattern>\\+4930</pattern></line>");
    axl.uuid("addPhone", "<phone><name>SEP0011AABBCC01</name><product>Cisco 8851</product><protocol>SIP</protocol><description>Bell</description><callingSearchSpaceName>Inside</callingSearchSpaceName></phone>");
    let found = |operation: &str, tag: &str, criteria: &str| {
        let inner =
            format!("<searchCriteria>{criteria}</searchCriteria><returnedTags><{tag}/></returnedTags>");
        column(&axl.ok(operation, &inner), tag)
    };
    let both = vec!["2001", "\\+4930"];
    for (criteria, expected) in [
        ("<pattern>2001</pattern>", vec!["2001"]),
        ("<pattern>20%</pattern>", vec!["2001"]),
        ("<pattern>\\+4930</pattern>", vec!["\\+4930"]),
        ("<pattern>%</pattern>", both.clone()),
        ("<description>bell</description>", vec!["2001"]),
        ("<usage>Device</usage>", both.clone()),
        ("<usage>Device Intercom</usage>", vec![]),
        ("<routePartitionName>desks</routePartitionName>", vec!["2001"]),
        ("<routePartitionName>%</routePartitionName>", both.clone()),
        ("<pattern>%</pattern><routePartitionName>Desks</routePartitionName>", vec!["2001"]),
        ("<pattern>%</pattern><routePartitionName/>", vec![]),
    ] {
        assert_eq!(found("listLine", "pattern", criteria), expected, "{criteria}");
    }
    for (criteria, expected) in [
        ("<name>sep0011%</name>", 1),
        ("<description>bell</description>", 1),
        ("<protocol>sip</protocol>", 1),
        ("<protocol>%</protocol>", 1),
        ("<protocol>SCCP</protocol>", 0),
        ("<callingSearchSpaceName>ins%</callingSearchSpaceName>", 1),
        ("<callingSearchSpaceName>Outside</callingSearchSpaceName>", 0),
        ("<devicePoolName>Default</devicePoolName>", 1),
        ("<securityProfileName>Cisco 8851%</securityProfileName>", 1),
    ] {
        assert_eq!(found("listPhone", "name", criteria).len(), expected, "{criteria}");
    }
}
