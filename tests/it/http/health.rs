//! Health, readiness and metrics.

use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;

use crate::support::gateway::TestGateway;
use crate::support::http::Answer;

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
    assert_eq!(
        gateway.tls().request("GET", "/axl/", &[("Authorization", &gateway.authorization())], "").status,
        503
    );

    root.batch_execute(&format!("ALTER DATABASE {away} RENAME TO {name}")).unwrap();
    root.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while admin.get("/health/ready").status != 200 {
        assert!(std::time::Instant::now() < until, "ready again once the database is back");
    }
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

#[test]
fn what_administrators_left_open_or_switched_off_is_warned_of() {
    let gateway = TestGateway::start();
    let warnings = || report(&gateway.admin().get("/health/ready")).1["warnings"].to_string();
    let db = gateway.database.open_real();
    let set = |name: &str, value: &'static str| {
        let parameter = emgate::domain::policy::find(name).unwrap();
        let changed = db.write_blocking(|tx| {
            emgate::store::parameters::set_parameter(tx, parameter, "test", Some(value))
        });
        assert!(changed.unwrap().is_some());
    };
    for (name, fine, warned) in [
        ("ValidateIPAddress", "T", "F"),
        ("ExtensionMobilityActivated", "T", "F"),
        ("ExtensionMobilityPagesActivated", "T", "F"),
    ] {
        set(name, fine);
        assert!(!warnings().contains(name), "{name}");
        set(name, warned);
        assert!(warnings().contains(name), "{name}");
    }
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
