//! Health, readiness and metrics.

use std::time::Duration;

use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;
use emgate::app::Migrations;
use emgate::config::DatabaseConfig;

use crate::support::axl::{AxlClient, Caller};
use crate::support::database::TestDatabase;
use crate::support::gateway::TestGateway;
use crate::support::http::Answer;
use crate::support::relay::Relay;
use crate::support::waiting::await_some;

fn report(answer: &Answer) -> (u16, serde_json::Value) {
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

#[test]
fn a_gateway_without_its_database_lives_and_is_not_ready() {
    let gateway = TestGateway::start();
    let admin = gateway.admin();
    let (status, ready) = report(&admin.get("/health/ready"));
    assert_eq!((status, &ready["status"], &ready["database"]), (200, &"ready".into(), &"connected".into()));
    assert_eq!(
        (&ready["node"], &ready["kafka"], &ready["degraded"]),
        (&"test".into(), &"off".into(), &false.into())
    );

    let mut root = PgConnection::establish(&std::env::var("DATABASE_URL").unwrap()).unwrap();
    let name = gateway.database.url.rsplit('/').next().unwrap();
    let away = format!("{name}_away");
    root.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).unwrap();
    root.batch_execute(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    ))
    .unwrap();
    root.batch_execute(&format!("ALTER DATABASE {name} RENAME TO {away}")).unwrap();
    let (status, ready) = report(&admin.get("/health/ready"));
    assert_eq!((status, &ready["status"], &ready["database"]), (503, &"not-ready".into(), &"away".into()));
    assert_eq!(admin.get("/health/live").status, 200);
    let axl = gateway.tls().request("GET", "/axl/", &[("Authorization", &gateway.authorization())], "");
    assert_eq!((axl.status, axl.body.as_str()), (503, "the database does not answer; try again\n"));
    assert_eq!(ready["components"], serde_json::Value::Null);

    root.batch_execute(&format!("ALTER DATABASE {away} RENAME TO {name}")).unwrap();
    root.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).unwrap();
    await_some(Duration::from_secs(30), || match admin.get("/health/ready") {
        ready if ready.status == 200 => Ok(()),
        not => Err(format!("ready again once the database is back: {not:?}")),
    });
}

#[test]
fn a_database_that_is_frozen_is_away_too() {
    let database = TestDatabase::new();
    let (before, rest) = database.url.rsplit_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let relay = Relay::to(server.to_owned());
    let url = format!("{before}@{}/{name}", relay.address);
    let gateway =
        TestGateway::start_on(database, Migrations::Refuse, |c| c.database = DatabaseConfig::at(&url));
    let admin = gateway.admin();
    assert_eq!(admin.get("/health/ready").status, 200);
    relay.freeze(true);
    let (status, ready) = report(&admin.get("/health/ready"));
    assert_eq!((status, &ready["database"]), (503, &"away".into()));
    let metrics = admin.get("/metrics");
    assert_eq!(metrics.status, 200);
    assert!(metrics.body.lines().any(|line| line == "em_database_connected 0"), "{}", metrics.body);
    relay.freeze(false);
    await_some(Duration::from_secs(30), || match admin.get("/health/ready") {
        ready if ready.status == 200 => Ok(()),
        not => Err(format!("ready again once the database goes on: {not:?}")),
    });
}

#[test]
fn the_embedded_broker_is_named_as_what_it_is() {
    let gateway = TestGateway::start_with(|c| {
        c.kafka.bootstrap = "embedded".into();
        c.kafka.embedded_broker = "127.0.0.1:1".into();
    });
    let (status, ready) = report(&gateway.admin().get("/health/ready"));
    assert_eq!(status, 200);
    assert!(ready["warnings"][0].as_str().unwrap().starts_with("embedded broker"), "{ready}");
}

/// A gateway, its administrator, and what its readiness warns of.
struct Watched {
    gateway: TestGateway,
    axl: AxlClient,
}

impl Watched {
    fn new() -> Self {
        let gateway = TestGateway::start();
        let axl = AxlClient::of(&gateway);
        Self { gateway, axl }
    }

    fn set_on(&self, node: &str, name: &str, value: &str) {
        let whose = format!("<processNodeName>{node}</processNodeName><name>{name}</name>");
        let service = "<service>Cisco Extension Mobility</service>";
        self.axl.uuid("updateServiceParameter", &format!("{whose}{service}<value>{value}</value>"));
    }

    fn set(&self, name: &str, value: &str) {
        self.set_on("EnterpriseWideData", name, value);
    }

    fn ready(&self) -> serde_json::Value {
        let (status, ready) = report(&self.gateway.admin().get("/health/ready"));
        assert_eq!((status, &ready["status"]), (200, &"ready".into()), "a hint makes nothing unready");
        ready
    }

    /// Whether a warning holds this.
    fn warns(&self, of: &str) -> bool {
        self.ready()["warnings"].as_array().unwrap().iter().any(|w| w.as_str().unwrap().contains(of))
    }
}

#[test]
fn what_administrators_left_open_or_switched_off_is_warned_of() {
    let watched = Watched::new();
    for name in ["ValidateIPAddress", "ExtensionMobilityActivated", "ExtensionMobilityPagesActivated"] {
        for (value, warned) in [("T", false), ("F", true)] {
            watched.set_on("test", name, value);
            assert_eq!(watched.warns(name), warned, "{name}");
        }
    }
}

#[test]
fn readiness_names_the_parts_of_a_node_that_are_switched_off() {
    let watched = Watched::new();
    let other = watched.gateway.another_node("other", |_| ());
    let parts = |pages: &str, logins: &str| serde_json::json!({"pages": pages, "logins": logins});
    assert_eq!(watched.ready()["components"], parts("active", "active"));
    watched.set_on("test", "ExtensionMobilityPagesActivated", "F");
    assert_eq!(watched.ready()["components"], parts("switched-off", "active"));
    let down = watched.gateway.phone().get("/emapp/EMAppServlet?device=SEP0000000000A1");
    let named = "Extension Mobility Application is not activated on this node\n";
    assert_eq!((down.status, down.body.as_str()), (503, named));
    watched.set_on("test", "ExtensionMobilityPagesActivated", "T");
    watched.set_on("test", "ExtensionMobilityActivated", "F");
    assert_eq!(watched.ready()["components"], parts("active", "switched-off"));
    let elsewhere = report(&other.admin().get("/health/ready")).1;
    assert_eq!(elsewhere["components"], parts("active", "active"), "the other node");
}

#[test]
fn a_switch_without_a_time_is_warned_of() {
    let watched = Watched::new();
    let no_limit = "EnforceIntraClusterMaxLoginTime is T and IntraClusterMaxLoginTime 0:00";
    assert!(!watched.warns(no_limit));
    watched.set("EnforceIntraClusterMaxLoginTime", "T");
    assert!(watched.warns(no_limit));
    watched.set("IntraClusterMaxLoginTime", "8:00");
    assert!(!watched.warns(no_limit));
    watched.set("IntraClusterMaxLoginTime", "0:00");
    assert!(watched.warns(no_limit));
    watched.set("EnforceIntraClusterMaxLoginTime", "F");
    assert!(!watched.warns(no_limit));
}

#[test]
fn user_ids_that_no_keypad_types_are_warned_of() {
    let watched = Watched::new();
    let add = |id: &str| {
        watched.axl.uuid("addUser", &format!("<user><lastName>Test</lastName><userid>{id}</userid></user>"))
    };
    for fine in ["jdoe", "1001", "r.kumar@example.net"] {
        add(fine);
    }
    // objects of other types may be called as they like
    watched.axl.uuid("addRoutePartition", "<routePartition><name>Büro Süd</name></routePartition>");
    assert!(!watched.warns("cannot be typed"));
    add("жанна");
    add("anna maria");
    assert!(
        watched.warns("user ids that cannot be typed on a phone: 2, \"anna maria\" first"),
        "{}",
        watched.ready()
    );
    watched.axl.uuid("removeUser", "<userid>anna maria</userid>");
    assert!(
        watched.warns("user ids that cannot be typed on a phone: 1, \"жанна\" first"),
        "{}",
        watched.ready()
    );
    watched.axl.uuid("updateUser", "<userid>жанна</userid><newUserid>zhanna</newUserid>");
    assert!(!watched.warns("cannot be typed"), "{}", watched.ready());
}

#[test]
fn a_proxy_that_is_seen_while_sources_are_not_checked_is_warned_of_by_name() {
    let watched = Watched::new();
    let ask = |last: u8, headers: &[(&str, &str)]| {
        let client = watched.gateway.phone().at([127, 0, 0, last].into());
        client.request("GET", "/emapp/EMAppServlet?device=SEP0000000000A1", headers, "").status
    };
    let phone = "<name>SEP0000000000A1</name><product>Cisco 8851</product><protocol>SIP</protocol>";
    watched.axl.uuid(
        "addPhone",
        &format!("<phone>{phone}<enableExtensionMobility>true</enableExtensionMobility></phone>"),
    );
    ask(8, &[]);
    assert!(!watched.warns("proxy"));
    ask(9, &[("X-Forwarded-For", "10.1.2.3")]);
    assert!(watched.warns("requests come through the proxy 127.0.0.9 while ValidateIPAddress is F"));
    let metrics = watched.gateway.admin().get("/metrics").body;
    assert!(metrics.lines().any(|line| line == "em_requests_proxied_total 1"), "{metrics}");
    watched.set("ValidateIPAddress", "T");
    ask(9, &[("Via", "1.1 proxy")]);
    assert!(!watched.warns("proxy"), "now it is checked");
}

#[test]
fn a_process_without_the_role_http_has_health_only() {
    let gateway = TestGateway::start_with(|c| c.node.roles = vec![emgate::config::NodeRole::Sweep]);
    assert_eq!((gateway.addresses.phone, gateway.addresses.tls), (None, None));
    assert_eq!(gateway.admin().get("/health/ready").status, 200);
}

#[test]
fn health_is_found_under_the_loopback_names_whatever_the_names_for_clients() {
    let gateway = TestGateway::start_with(|c| c.http.hosts = vec!["phones.example".into()]);
    let ask = |host| format!("GET /health/ready HTTP/1.1\r\nHost: {host}\r\n\r\n");
    for (host, status) in
        [("localhost:9090", 200), ("127.0.0.1", 200), ("phones.example", 200), ("evil.example", 421)]
    {
        assert_eq!(gateway.admin().raw(ask(host)).unwrap().status, status, "{host}");
    }
    assert_eq!(gateway.phone().get("/nothing").status, 421);
}

#[test]
fn metrics_count_requests_by_door_and_outcome() {
    let gateway = TestGateway::start();
    gateway.tls().get("/axl/");
    gateway.phone().get("/nothing");
    let text = gateway.admin().get("/metrics").body;
    assert!(text.contains("em_http_requests_total{surface=\"Soap\",status=\"ClientError\"} 1"), "{text}");
    assert!(text.contains("em_http_requests_total{surface=\"Unknown\",status=\"ClientError\"} 1"), "{text}");
    assert!(text.contains("em_panics_total 0"), "{text}");
    assert!(text.contains("em_stream_last_sequence "), "{text}");
    let mut families: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let all = families.len();
    families.sort_unstable();
    families.dedup();
    assert_eq!(families.len(), all, "a family stands twice in {text}");
}
