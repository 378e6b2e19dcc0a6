//! A backlog goes in batches that are bounded, each read while Kafka is busy with the one before; what was numbered leaves no trace.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use emgate::event::EventError;
use emgate::event::copier::CopyError;
use emgate::event::kafka::{DeliveryMode, KafkaSettings, embedded_broker};
use emgate::event::publisher;
use emgate::event::retention::Retention;
use emgate::store::Db;

use super::samples::login_on;
use super::{
    assert_rising, await_status, commit_one, copy_all, kafka_settings, lead, line_of, number_all, read,
    take_over,
};
use crate::support::database::TestDatabase;
use crate::support::waiting::await_true;

/// Events whose text is as long as one may be: 65 of them reach the 4 MiB of a batch.
const LONG: i64 = 150;
const A_BATCH: i64 = 65;

#[test]
fn a_backlog_goes_in_bounded_batches_and_what_cannot_go_stops_only_its_own() {
    let broker = embedded_broker(1, "em").unwrap();
    let at = &broker.bootstrap_servers();
    publish_long_events(&KafkaSettings::at(at, DeliveryMode::Idempotent, "em", "lab-east"));
}

#[test]
fn a_backlog_goes_in_bounded_transactions_too() {
    let Some(settings) = kafka_settings("batches") else { return };
    publish_long_events(&settings);
}

fn publish_long_events(settings: &KafkaSettings) {
    let database = TestDatabase::new();
    let db = database.open_real();
    for n in 0..LONG {
        commit_one(&db, login_on(&format!("SEP{n:012}")));
    }
    let mut leadership = lead(&db);
    assert_eq!(number_all(&db, &mut leadership), LONG);
    run(&db, "UPDATE event_log SET envelope = rpad(envelope::text, 65000)::json");
    let first_of_next = format!("WHERE seq = (SELECT seq FROM event_position WHERE pos = {})", A_BATCH + 1);
    run(&db, &format!("CREATE TABLE kept AS SELECT envelope FROM event_log {first_of_next}"));
    run(&db, &format!("UPDATE event_log SET envelope = '{{}}' {first_of_next}"));

    let mut copier = take_over(&db, settings, &leadership);
    assert_eq!(copier.step(&db, &|| true).unwrap() as i64, 2 * A_BATCH, "a state follows each event");
    assert_eq!(copier.confirmed(), A_BATCH);
    for _ in 0..2 {
        let stopped = copier.step(&db, &|| true).unwrap_err();
        let CopyError::Log(EventError::NoEnvelope { position }) = stopped else { panic!("{stopped}") };
        assert_eq!((position, copier.confirmed()), (A_BATCH + 1, A_BATCH));
    }
    run(&db, &format!("UPDATE event_log SET envelope = (SELECT envelope FROM kept) {first_of_next}"));
    copier.step(&db, &|| true).unwrap();
    assert_eq!(copier.confirmed(), 2 * A_BATCH);
    assert_eq!(copy_all(&db, &mut copier) as i64, 2 * (LONG - 2 * A_BATCH));
    let records = read(settings, None);
    assert_eq!(line_of(&records), (1..=LONG).collect::<Vec<_>>());
    assert_rising(&records);
}

#[test]
fn the_room_of_numbered_events_is_freed_while_numbering_goes_on() {
    let database = TestDatabase::new();
    let db = database.open_real();
    commit_one(&db, login_on("SEP0011223344AA"));
    run(
        &db,
        "INSERT INTO event_log (created_at, id, type, topic, key, envelope)
             SELECT created_at, gen_random_uuid(), type, topic, key, envelope FROM event_log, generate_series(1, 10000);
         INSERT INTO event_pending SELECT seq, created_at FROM event_log ON CONFLICT DO NOTHING",
    );
    let publisher = publisher::start(db.clone(), None, Retention::ForEver).unwrap();
    await_status(&publisher, "all have numbers", |s| s.last == 10_001);
    await_true(Duration::from_secs(10), "the pending set was vacuumed", || vacuums(&db) > 0);
    publisher.stop();
}

/// How often the pending set was vacuumed, not counting what the server does by itself.
fn vacuums(db: &Db) -> i64 {
    let counted = diesel::dsl::sql::<BigInt>("pg_stat_get_vacuum_count('event_pending'::regclass)");
    db.write_blocking(|tx| {
        diesel::select(counted.clone()).get_result(tx.connection()).map_err(emgate::store::StoreError::from)
    })
    .unwrap()
}

fn run(db: &Db, statements: &str) {
    use diesel::connection::SimpleConnection;
    db.connect().unwrap().batch_execute(statements).unwrap();
}
