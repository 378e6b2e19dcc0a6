//! Whole stories on real parts: a gateway, its Postgres, an Apache Kafka that a subscriber reads.

mod caller;
mod clients;
mod main_job;
mod outage;

/// Where Apache Kafka is; `None`: there is none here, and nobody asked that there be.
fn kafka() -> Option<String> {
    let required = std::env::var("EMGATE_REQUIRE_KAFKA").is_ok_and(|v| v == "1");
    let servers = std::env::var("KAFKA_BOOTSTRAP").ok();
    assert!(servers.is_some() || !required, "KAFKA_BOOTSTRAP is not set; `make test` sets it");
    if servers.is_none() {
        eprintln!("not run: KAFKA_BOOTSTRAP is not set");
    }
    servers
}
