//! What can be neither numbered nor sent stops the line where it stands: nothing before it is held back, nothing after it goes, and an
//! operator sees it.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use emgate::event::EventRow;
use emgate::event::kafka::{DeliveryMode, KafkaSettings, embedded_broker};
use emgate::event::publisher;
use emgate::event::retention::Retention;
use emgate::store::{Db, event_log, number_line};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::samples::{intercom_changed, login_on, provisioning_changed};
use super::{await_status, block_on, commit_one, kafka_settings, line_of, read};
use crate::support::database::TestDatabase;
use crate::support::gateway::TestGateway;
use crate::support::waiting::await_some;

#[test]
fn an_event_that_cannot_be_numbered_blocks_the_line_in_one_term_until_it_can() {
    let database = TestDatabase::new();
    let db = database.open_real();
    let broker = embedded_broker(1, "em").unwrap();
    let settings = KafkaSettings::at(&broker.bootstrap_servers(), DeliveryMode::Idempotent, "em", "lab-east");
    commit_one(&db, login_on("SEP0011223344AA"));
    append_without_envelope(&db);
    commit_one(&db, login_on("SEP0011223344AA"));
    let publisher = publisher::start(db.clone(), Some(settings.clone()), Retention::ForEver).unwrap();
    let status = await_status(&publisher, "the first is copied", |s| s.is_blocked() && s.confirmed == 1);
    assert_eq!((status.last, status.epoch, status.leader), (1, 1, true));
    assert!(status.is_behind(), "{status:?}");
    // longer than the server waits for a silent leader
    let asleep = Instant::now();
    while asleep.elapsed() < Duration::from_secs(6) {
        let status = publisher.status();
        assert!(status.is_blocked() && status.leader && status.epoch == 1, "{status:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    database_says(
        &db,
        "UPDATE event_log SET envelope = (SELECT envelope FROM event_log WHERE seq = 1) WHERE seq = 2",
    );
    let status = await_status(&publisher, "all are copied", |s| !s.is_blocked() && s.confirmed == 3);
    assert_eq!((status.last, status.epoch, status.leader), (3, 1, true));
    publisher.stop();
    assert_eq!(line_of(&read(&settings, None)), [1, 2, 3]);
}

#[test]
fn stopping_does_not_wait_for_an_event_that_cannot_be_numbered() {
    let database = TestDatabase::new();
    let db = database.open_real();
    append_without_envelope(&db);
    let publisher = publisher::start(db, None, Retention::ForEver).unwrap();
    await_status(&publisher, "the line is blocked", publisher::Status::is_blocked);
    let begun = Instant::now();
    publisher.stop();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn a_topic_that_refuses_for_good_blocks_publication_without_transactions_too() {
    let database = TestDatabase::new();
    let db = database.open_real();
    let broker = embedded_broker(1, "em").unwrap();
    let settings = KafkaSettings::at(&broker.bootstrap_servers(), DeliveryMode::Idempotent, "em", "lab-east");
    let publisher = publisher::start(db.clone(), Some(settings.clone()), Retention::ForEver).unwrap();
    commit_one(&db, login_on("SEP0011223344AA"));
    await_status(&publisher, "the first is copied", |s| s.confirmed == 1);
    // once as a batch, once alone
    let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    broker.cluster().request_errors(RDKafkaApiKey::Produce, &[refusal, refusal]);
    commit_one(&db, provisioning_changed());
    let status = await_status(&publisher, "publication is blocked", publisher::Status::is_blocked);
    // a broker that forgets is told of the first again each time, which the status may say in between
    assert!(status.is_behind() && status.last == 2 && status.confirmed < 2, "{status:?}");
    commit_one(&db, intercom_changed());
    // trying again after a while finds the topic open
    await_status(&publisher, "all are copied", |s| s.confirmed == 3 && !s.is_blocked());
    publisher.stop();
    assert_eq!(line_of(&read(&settings, None)), [1, 2, 3]);
}

#[test]
fn metrics_tell_of_what_kafka_took_and_of_a_record_that_it_refuses() {
    let Some(settings) = kafka_settings("metrics") else { return };
    let gateway = TestGateway::start_with(|c| {
        c.kafka.bootstrap = std::env::var("KAFKA_BOOTSTRAP").unwrap();
        c.kafka.topic_prefix = settings.prefix.clone();
        c.node.cluster_id = settings.cluster.clone();
    });
    let db = gateway.database.open_real();
    // what the start itself has written
    let numbered = |m: &Scrape| {
        let pending = db.write_blocking(|tx| number_line::count_pending(tx, 1)).unwrap();
        let last = db.write_blocking(number_line::line).unwrap().last_pos;
        pending == 0 && m.is_confirmed() && m.number("em_stream_last_sequence") == last
    };
    let before = await_metrics(&gateway, numbered);
    let first = before.number("em_stream_last_sequence");
    commit_one(&db, login_on("SEP0011223344AA"));
    commit_one(&db, intercom_changed());
    // what waits is counted once a second, perhaps between the commit and the number
    let after = await_metrics(&gateway, |m| {
        m.number("em_stream_confirmed_sequence") == first + 2 && m.value("em_events_pending") == Some(0.0)
    });
    let sessions = "em_events_published_total{topic=\"em.session.v1\"}";
    for (name, value) in [
        ("em_events_committed_total{type=\"em.device.login.v1\"}", 1.0),
        ("em_events_committed_total{type=\"em.intercom.defaultdevice.changed.v1\"}", 1.0),
        (sessions, 1.0),
        ("em_events_published_total{topic=\"em.intercom.v1\"}", 1.0),
        ("em_events_pending", 0.0),
        ("em_events_oldest_pending_seconds", 0.0),
        ("em_relay_is_leader", 1.0),
        ("em_relay_leader_epoch", 1.0),
        ("em_relay_blocked", 0.0),
    ] {
        assert_eq!(after.value(name), Some(value), "{name} in {}", after.0);
    }
    let took = after.value("em_event_publish_seconds_count").unwrap();
    assert_eq!(took as i64, first + 2, "one observation an event");

    limit(&settings, "em.session.v1", "100");
    commit_one(&db, intercom_changed());
    commit_one(&db, login_on("SEP0011223344AA"));
    commit_one(&db, intercom_changed());
    let blocked = await_metrics(&gateway, |m| m.value("em_relay_blocked") == Some(1.0));
    assert_eq!(blocked.number("em_stream_confirmed_sequence"), first + 3, "what stands before it went");
    assert!(blocked.value("em_relay_restarts_total{reason=\"refused\"}") >= Some(1.0), "{}", blocked.0);
    let health: serde_json::Value = serde_json::from_str(&gateway.admin().get("/health/ready").body).unwrap();
    assert_eq!(
        (&health["kafka"], &health["degraded"], &health["status"]),
        (&"blocked".into(), &true.into(), &"ready".into())
    );
    limit(&settings, "em.session.v1", "1048588");
    let mended = await_metrics(&gateway, |m| m.value("em_relay_blocked") == Some(0.0) && m.is_confirmed());
    assert_eq!((mended.value(sessions), mended.number("em_stream_last_sequence")), (Some(2.0), first + 5));
    assert_eq!(line_of(&read(&settings, None)), (1..=first + 5).collect::<Vec<_>>());
}

/// The text of `/metrics`.
struct Scrape(String);

impl Scrape {
    fn value(&self, name: &str) -> Option<f64> {
        self.0.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
    }

    fn number(&self, name: &str) -> i64 {
        self.value(name).unwrap() as i64
    }

    fn is_confirmed(&self) -> bool {
        let last = self.number("em_stream_last_sequence");
        last == self.number("em_stream_confirmed_sequence") && self.value("em_relay_is_leader") == Some(1.0)
    }
}

#[track_caller]
fn await_metrics(gateway: &TestGateway, holds: impl Fn(&Scrape) -> bool) -> Scrape {
    await_some(Duration::from_secs(30), || {
        let scrape = Scrape(gateway.admin().get("/metrics").body);
        if holds(&scrape) { Ok(scrape) } else { Err(scrape.0) }
    })
}

/// Sets how large a record of a topic may be.
fn limit(settings: &KafkaSettings, topic: &str, bytes: &str) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", std::env::var("KAFKA_BOOTSTRAP").unwrap())
        .create()
        .unwrap();
    let name = settings.topic_name(topic);
    let change = AlterConfig::new(ResourceSpecifier::Topic(&name)).set("max.message.bytes", bytes);
    let results = block_on(async { admin.alter_configs(&[change], &AdminOptions::new()).await }).unwrap();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

/// A row whose text is no envelope, as no code of ours writes it.
fn append_without_envelope(db: &Db) {
    db.write_blocking(|tx| {
        let row = EventRow {
            id: tx.new_id(),
            type_name: "em.device.login.v1",
            topic: "em.session.v1",
            key: "SEP0011223344AA".into(),
            envelope: "{}".into(),
            states: None,
        };
        event_log::insert(tx, &[row])
    })
    .unwrap();
}

fn database_says(db: &Db, statement: &str) {
    db.connect().unwrap().batch_execute(statement).unwrap();
}
