//! The alarms in `docs/alerts.yml`: each rests on metrics that a node has, and on an entry of the runbook.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::{StateDir, TestGateway};
use crate::support::process::Process;
use crate::support::waiting::{await_some, await_true};

const ALERTS: &str = include_str!("../../../docs/alerts.yml");
const RUNBOOK: &str = include_str!("../../../docs/runbook.md");

/// The values of a key, in order.
fn values(key: &str) -> impl Iterator<Item = &str> {
    ALERTS
        .lines()
        .filter_map(move |line| line.trim_start_matches([' ', '-']).strip_prefix(key)?.strip_prefix(": "))
}

/// Names of metrics in an expression.
fn metrics(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("em_") || *word == "up")
}

/// The anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || *c == ' ')
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn every_alarm_rests_on_metrics_that_a_node_has_and_leads_to_the_runbook() {
    let gateway = TestGateway::start_with(|c| {
        c.kafka.bootstrap = "embedded".into();
        c.kafka.embedded_broker = "127.0.0.1:1".into();
    });
    // what is counted by surface is there once it has happened
    let phone = "<name>SEP0000000000A1</name><product>Cisco 8851</product><protocol>SIP</protocol>";
    let phone = format!("<phone>{phone}<enableExtensionMobility>true</enableExtensionMobility></phone>");
    AxlClient::of(&gateway).uuid("addPhone", &phone);
    for n in 0..14 {
        gateway.phone().get(&format!("/emapp/EMAppServlet?device=SEP0000000000A1&userid=nobody{n}&seq=1"));
    }
    let shown = gateway.admin().get("/metrics").body;
    let families: BTreeSet<&str> =
        shown.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let alerts: Vec<&str> = values("alert").collect();
    let expressions: Vec<&str> = values("expr").collect();
    let runbooks: Vec<&str> = values("runbook").collect();
    assert!(alerts.len() > 5);
    assert_eq!((expressions.len(), runbooks.len()), (alerts.len(), alerts.len()));
    for (alert, expression) in alerts.iter().zip(expressions) {
        assert!(metrics(expression).next().is_some(), "{alert}");
        for metric in metrics(expression).filter(|metric| *metric != "up") {
            assert!(families.contains(metric.trim_end_matches("_total")), "{alert}: {metric} in {shown}");
        }
        assert!(RUNBOOK.contains(&format!("`{alert}`")), "the runbook names {alert}");
    }
    let headings: BTreeSet<String> =
        RUNBOOK.lines().filter_map(|line| line.strip_prefix("## ")).map(anchor).collect();
    for runbook in runbooks {
        let at = runbook.trim_matches('"').strip_prefix("docs/runbook.md#").expect(runbook);
        assert!(headings.contains(at), "{at} in {headings:?}");
    }
}

#[test]
fn what_the_alarms_watch_changes_with_what_is_wrong() {
    let gateway = TestGateway::start();
    let shows = |line: &str| gateway.admin().get("/metrics").body.lines().any(|l| l == line);
    assert!(shows("em_component_active{component=\"pages\"} 1"));
    assert!(shows("em_component_active{component=\"logins\"} 1") && shows("em_database_connected 1"));
    for (parameter, component) in
        [("ExtensionMobilityPagesActivated", "pages"), ("ExtensionMobilityActivated", "logins")]
    {
        gateway.sql(&format!("INSERT INTO service_parameters (name, node_pk, uuid, value) SELECT '{parameter}', pk, gen_random_uuid(), 'F' FROM objects WHERE type = 'ProcessNode' AND name_key = 'test'"));
        assert!(shows(&format!("em_component_active{{component=\"{component}\"}} 0")), "{component}");
    }
    gateway.sql("ALTER TABLE objects RENAME TO gone");
    assert!(shows("em_database_connected 0"));
}

#[test]
fn a_broker_that_does_not_answer_is_an_alarm_though_events_have_numbers() {
    let gateway = TestGateway::start_with(|c| {
        c.kafka.bootstrap = "embedded".into();
        c.kafka.embedded_broker = "127.0.0.1:1".into();
    });
    await_some(Duration::from_secs(30), || {
        let shown = gateway.admin().get("/metrics").body;
        if shown.lines().any(|line| line == "em_relay_behind 1") { Ok(()) } else { Err(shown) }
    });
    let without = TestGateway::start();
    assert!(without.admin().get("/metrics").body.lines().any(|line| line == "em_relay_behind 0"));
}

/// A collector takes a node that does not answer for `up` 0, which is what [`EmgateDown`](ALERTS) waits for (EM-153).
#[test]
fn a_process_that_has_gone_answers_neither_phones_nor_the_collector() {
    let gateway = TestGateway::start();
    let state = StateDir::new();
    std::fs::copy(gateway.state.0.join("pepper"), state.0.join("pepper")).unwrap();
    let process = Process::start(&["serve", "--node-name=other"], &gateway.database.url, &state);
    let (phones, admin) = (process.client("phones"), process.client("health, metrics"));
    assert_eq!(admin.get("/health/live").status, 200);
    assert_eq!((admin.get("/metrics").status, phones.get("/emapp/EMAppServlet").status), (200, 200));
    process.signal("KILL");
    await_true(Duration::from_secs(10), "a killed process listens no more", || {
        admin.try_open().is_none() && phones.try_open().is_none()
    });
}
