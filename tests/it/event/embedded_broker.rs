//! Copying to the embedded broker, in idempotent mode, with the faults that it can play.

use emgate::event::envelope::sequence_text;
use emgate::event::kafka::{DeliveryMode, EmbeddedBroker, KafkaSettings, embedded_broker, partition_of};
use emgate::event::publisher;
use emgate::event::retention::Retention;
use emgate::store::number_line;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::samples::{all, intercom_changed, login_on};
use super::{
    assert_rising, await_status, commit, commit_one, copy_all, lead, line_of, number_all, read, take_over,
};
use crate::support::database::TestDatabase;
use emgate::domain::event::Occurred;

fn settings(broker: &EmbeddedBroker) -> KafkaSettings {
    KafkaSettings::at(&broker.bootstrap_servers(), DeliveryMode::Idempotent, "em", "lab-east")
}

#[test]
fn a_record_repeats_the_envelope_in_key_headers_timestamp_and_partition() {
    let database = TestDatabase::new();
    let (db, _) = database.open();
    let broker = embedded_broker(1, "em").unwrap();
    let settings = settings(&broker);
    commit_one(&db, login_on("SEP0011223344AA"));
    let mut leadership = lead(&db);
    number_all(&db, &mut leadership);
    copy_all(&db, &mut take_over(&db, &settings, &leadership));
    let record = &read(&settings, Some(1))[0];
    let envelope: serde_json::Value = serde_json::from_str(record.text()).unwrap();
    assert_eq!((record.topic.as_str(), record.partition), ("em.session.v1", 5));
    assert_eq!(record.key, "SEP0011223344AA");
    assert_eq!(record.time_ms, 1_772_438_400_000);
    let text = |name: &str| envelope[name].as_str().unwrap().to_owned();
    let headers = [
        ("content-type", "application/cloudevents+json; charset=UTF-8".to_owned()),
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", text("id")),
        ("ce_type", "em.device.login.v1".to_owned()),
        ("ce_source", "/em/lab-east".to_owned()),
        ("ce_time", "2026-03-02T08:00:00.000Z".to_owned()),
        ("ce_subject", "device/SEP0011223344AA".to_owned()),
        ("ce_sequence", sequence_text(1)),
        ("ce_emstream", text("emstream")),
        ("ce_partitionkey", "SEP0011223344AA".to_owned()),
        ("ce_correlationid", text("correlationid")),
        ("ce_emopindex", "1".to_owned()),
        ("ce_emopcount", "1".to_owned()),
        ("ce_dataschema", "urn:em:schema:em.device.login.v1".to_owned()),
        ("id", text("id")),
        ("traceparent", text("traceparent")),
    ];
    assert_eq!(record.headers, headers.map(|(name, value)| (name.to_owned(), value)));
}

#[test]
fn a_node_that_dies_between_numbering_and_copying_loses_nothing() {
    let database = TestDatabase::new();
    let (db, _) = database.open();
    let broker = embedded_broker(1, "em").unwrap();
    let settings = settings(&broker);
    commit(&db, all().into_iter().map(Occurred::of).collect());
    number_all(&db, &mut lead(&db));
    // the first node is gone; the second copies what it left, then what it numbers itself
    let mut second = lead(&db);
    let mut copier = take_over(&db, &settings, &second);
    assert_eq!(copy_all(&db, &mut copier), all().len() + 3, "three of them have a state");
    commit_one(&db, intercom_changed());
    number_all(&db, &mut second);
    assert_eq!(copy_all(&db, &mut copier), 1 + 1);
    let count = all().len() + 1;
    let records = read(&settings, Some(count));
    assert_eq!(line_of(&records), (1..=i64::try_from(count).unwrap()).collect::<Vec<_>>());
    assert_rising(&records);
}

#[test]
fn a_node_that_dies_before_noting_what_is_acknowledged_repeats_nothing() {
    let database = TestDatabase::new();
    let (db, _) = database.open();
    let broker = embedded_broker(1, "em").unwrap();
    let settings = settings(&broker);
    commit(&db, all().into_iter().map(Occurred::of).collect());
    {
        let mut first = lead(&db);
        number_all(&db, &mut first);
        assert_eq!(copy_all(&db, &mut take_over(&db, &settings, &first)), all().len() + 3);
    }
    let line = db.write_blocking(number_line::line).unwrap();
    let last = i64::try_from(all().len()).unwrap();
    assert_eq!((line.last_pos, line.confirmed_pos), (last, 0));
    let second = lead(&db);
    let again = copy_all(&db, &mut take_over(&db, &settings, &second));
    assert_eq!(
        again, 2,
        "the newest state of each topic: without transactions some of its number may be missing"
    );
    assert_eq!(line_of(&read(&settings, None)), (1..=last).collect::<Vec<_>>());
}

#[test]
fn a_restored_database_begins_a_new_line_above_what_was_seen() {
    let broker = embedded_broker(1, "em").unwrap();
    let settings = settings(&broker);
    let before = TestDatabase::new();
    let (db, _) = before.open();
    for _ in 0..5 {
        commit_one(&db, login_on("SEP0011223344AA"));
    }
    let mut leadership = lead(&db);
    number_all(&db, &mut leadership);
    copy_all(&db, &mut take_over(&db, &settings, &leadership));
    // an older copy: it knows nothing of these five, and has already numbered two others
    let restored = TestDatabase::new();
    let (db, _) = restored.open();
    for _ in 0..2 {
        commit_one(&db, login_on("SEP0011223344BB"));
    }
    let mut leadership = lead(&db);
    number_all(&db, &mut leadership);
    let old_stream = leadership.line().emstream.clone();
    let mut copier = take_over(&db, &settings, &leadership);
    number_all(&db, &mut leadership);
    copy_all(&db, &mut copier);
    let line = db.write_blocking(number_line::line).unwrap();
    assert_ne!(line.emstream, old_stream);
    assert_eq!(line.last_pos, 7);
    let records = read(&settings, Some(7));
    assert_eq!(line_of(&records), (1..=7).collect::<Vec<_>>());
    let of_new = records.iter().filter(|r| r.text().contains(&format!("\"emstream\":\"{}\"", line.emstream)));
    assert_eq!(of_new.map(|r| r.position).collect::<Vec<_>>(), [6, 7]);
}

#[test]
fn kafka_away_stops_nothing_but_copying_and_then_the_oldest_comes_first() {
    let database = TestDatabase::new();
    let db = database.open_real();
    let broker = embedded_broker(1, "em").unwrap();
    let settings = KafkaSettings { volatile: false, ..settings(&broker) };
    let publisher = publisher::start(db.clone(), Some(settings.clone()), Retention::ForEver).unwrap();
    commit_one(&db, login_on("SEP0011223344AA"));
    publisher.wake();
    await_status(&publisher, "the first is copied", |s| s.confirmed == 1);
    broker.cluster().broker_down(1).unwrap();
    for _ in 0..20 {
        commit_one(&db, login_on("SEP0011223344AA"));
        publisher.wake();
    }
    let status = await_status(&publisher, "numbering goes on", |s| s.last == 21);
    assert_eq!((status.confirmed, status.leader), (1, true));
    broker.cluster().broker_up(1).unwrap();
    await_status(&publisher, "all are copied", |s| s.confirmed == 21);
    publisher.stop();
    let positions: Vec<_> = read(&settings, None).iter().map(|r| r.position).collect();
    assert_eq!(positions, (1..=21).collect::<Vec<_>>());
    let line = db.write_blocking(number_line::line).unwrap();
    assert_eq!(line.confirmed_pos, 21, "stopping notes what is acknowledged");
}

#[test]
fn errors_and_new_leaders_of_brokers_lose_and_reorder_nothing() {
    let database = TestDatabase::new();
    let (db, _) = database.open();
    let broker = embedded_broker(3, "em").unwrap();
    let settings = settings(&broker);
    let mut leadership = lead(&db);
    let mut copier = take_over(&db, &settings, &leadership);
    broker.cluster().request_errors(
        RDKafkaApiKey::Produce,
        &[
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    );
    for round in 0..3 {
        let partition = partition_of(b"SEP0011223344AA", 6);
        broker.cluster().partition_leader("em.session.v1", partition, Some(round % 3 + 1)).unwrap();
        for _ in 0..5 {
            commit_one(&db, login_on("SEP0011223344AA"));
        }
        number_all(&db, &mut leadership);
        copy_all(&db, &mut copier);
    }
    let records = read(&settings, None);
    let mut numbers = line_of(&records);
    numbers.dedup();
    assert_eq!(numbers, (1..=15).collect::<Vec<_>>());
    // the mock stores a repeated request twice; a repeat is the same byte for byte
    let mut firsts = std::collections::BTreeMap::new();
    for record in &records {
        let first = firsts.entry(record.position).or_insert(record.text());
        assert_eq!(*first, record.text());
    }
}

#[test]
fn a_second_node_takes_over_when_the_first_stops() {
    let database = TestDatabase::new();
    let db = database.open_real();
    let broker = embedded_broker(1, "em").unwrap();
    let settings = settings(&broker);
    let first = publisher::start(db.clone(), Some(settings.clone()), Retention::ForEver).unwrap();
    await_status(&first, "the first leads", |s| s.leader);
    let second = publisher::start(db.clone(), Some(settings.clone()), Retention::ForEver).unwrap();
    commit_one(&db, login_on("SEP0011223344AA"));
    await_status(&first, "the first copies", |s| s.confirmed == 1);
    assert!(!second.status().leader);
    first.stop();
    commit_one(&db, login_on("SEP0011223344BB"));
    await_status(&second, "the second copies", |s| s.leader && s.confirmed == 2);
    second.stop();
    assert_eq!(line_of(&read(&settings, None)), [1, 2]);
}
