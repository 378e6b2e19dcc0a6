//! Old days of the log go when Kafka has them whole, and the line that is left is whole, too.

use std::cell::Cell;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use emgate::clock::ManualClock;
use emgate::event::chain::{ChainState, verify_chain};
use emgate::event::retention::{Retention, drop_old};
use emgate::event::sequencer::Leadership;
use emgate::event::{append, publisher};
use emgate::store::{Db, number_line};

use super::samples::{cause, login_on, origin};
use super::{block_on, commit_one, kafka_settings, lead, number_all};
use crate::support::database::TestDatabase;
use crate::support::waiting::await_some;
use emgate::domain::event::Occurred;

const DAY: i64 = 86_400;

/// Two events on each of five days from 2026-03-03 on, numbered; the clock stands on the fifth.
fn five_days(database: &TestDatabase) -> (Db, ManualClock, Leadership) {
    let (db, clock) = database.open();
    let mut leadership = lead(&db);
    leadership.make_partitions(&db).unwrap();
    for _ in 0..5 {
        clock.advance_seconds(DAY);
        commit_one(&db, login_on("SEP0011223344AA"));
        commit_one(&db, login_on("SEP0011223344BB"));
    }
    assert_eq!(number_all(&db, &mut leadership), 10);
    (db, clock, leadership)
}

fn dropped(db: &Db, days: u32) -> Vec<String> {
    drop_old(db, &mut db.connect().unwrap(), days, &|| true).unwrap()
}

fn numbers(db: &Db) -> Vec<i64> {
    db.write_blocking(|tx| number_line::after(tx, 0, 100)).unwrap().iter().map(|e| e.pos).collect()
}

fn chain(db: &Db) -> ChainState {
    block_on(verify_chain(db)).unwrap()
}

#[test]
fn a_day_goes_when_it_is_old_and_confirmed_whole() {
    let database = TestDatabase::new();
    let (db, _, mut leadership) = five_days(&database);
    assert_eq!(dropped(&db, 2), [""; 0], "Kafka has nothing of it");
    assert_eq!(chain(&db), ChainState::Whole { first: 1, last: 10 });
    leadership.confirm(&db, 3).unwrap();
    assert_eq!(dropped(&db, 2), ["event_log_20260303"], "the second day holds an event that Kafka lacks");
    assert_eq!(numbers(&db), (4..=10).collect::<Vec<_>>());
    assert_eq!(chain(&db), ChainState::Whole { first: 4, last: 10 });
    leadership.confirm(&db, 10).unwrap();
    assert_eq!(dropped(&db, 2), ["event_log_20260304"], "two whole days are kept besides the present one");
    assert_eq!(dropped(&db, 2), [""; 0]);
    assert_eq!(chain(&db), ChainState::Whole { first: 5, last: 10 });
    commit_one(&db, login_on("SEP0011223344AA"));
    assert_eq!(number_all(&db, &mut leadership), 11);
    assert_eq!(chain(&db), ChainState::Whole { first: 5, last: 11 });
}

#[test]
fn a_day_with_an_event_that_has_no_number_is_kept() {
    let database = TestDatabase::new();
    let (db, clock, mut leadership) = five_days(&database);
    clock.advance_seconds(-4 * DAY);
    commit_one(&db, login_on("SEP0011223344CC"));
    clock.advance_seconds(4 * DAY);
    leadership.confirm(&db, 10).unwrap();
    assert_eq!(dropped(&db, 2), ["event_log_20260304"]);
    // numbered among those of a later day: its day goes, it stays, and the line has no hole
    assert_eq!(number_all(&db, &mut leadership), 11);
    leadership.confirm(&db, 11).unwrap();
    assert_eq!(dropped(&db, 2), ["event_log_20260303"]);
    assert_eq!(chain(&db), ChainState::Whole { first: 5, last: 11 });
    assert_eq!(numbers(&db), (5..=11).collect::<Vec<_>>());
}

#[test]
fn the_newest_event_stays_however_old_so_that_the_chain_goes_on() {
    let database = TestDatabase::new();
    let (db, clock, mut leadership) = five_days(&database);
    leadership.confirm(&db, 10).unwrap();
    clock.advance_seconds(60 * DAY);
    dropped(&db, 30);
    assert_eq!(chain(&db), ChainState::Whole { first: 10, last: 10 });
    commit_one(&db, login_on("SEP0011223344AA"));
    assert_eq!(number_all(&db, &mut leadership), 11);
    assert_eq!(chain(&db), ChainState::Whole { first: 10, last: 11 });
}

#[test]
fn an_end_between_any_two_steps_leaves_a_whole_line_and_the_rest_for_the_next_time() {
    let database = TestDatabase::new();
    let (db, _, mut leadership) = five_days(&database);
    leadership.confirm(&db, 10).unwrap();
    let mut gone = Vec::new();
    for steps in 0..12 {
        let left = Cell::new(steps);
        let go_on = || left.replace(i32::max(left.get() - 1, 0)) > 0;
        gone.extend(drop_old(&db, &mut db.connect().unwrap(), 2, &go_on).unwrap());
        let line = chain(&db);
        assert!(matches!(line, ChainState::Whole { last: 10, .. }), "after {steps}: {line:?}");
    }
    assert_eq!(gone, ["event_log_20260303", "event_log_20260304"]);
    assert_eq!(chain(&db), ChainState::Whole { first: 5, last: 10 });
}

#[test]
fn a_busy_log_is_left_alone_after_a_moment_and_its_writers_go_on() {
    let database = TestDatabase::new();
    let (db, _, mut leadership) = five_days(&database);
    leadership.confirm(&db, 10).unwrap();
    let begun = Instant::now();
    db.transaction_on(&mut db.connect().unwrap(), |tx| {
        append(tx, &origin(), &cause(), vec![Occurred::of(login_on("SEP0011223344FF"))])?;
        assert!(drop_old(&db, &mut db.connect().unwrap(), 2, &|| true).is_err());
        commit_one(&db, login_on("SEP0011223344AA"));
        Ok::<_, emgate::event::EventError>(())
    })
    .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(dropped(&db, 2).len(), 2, "the next look finds it quiet");
    assert_eq!(number_all(&db, &mut leadership), 12);
    assert_eq!(chain(&db), ChainState::Whole { first: 5, last: 12 });
}

#[test]
fn a_node_that_leads_drops_what_the_real_kafka_has_and_nothing_without_one() {
    let Some(settings) = kafka_settings("retention") else { return };
    let database = TestDatabase::new();
    let (db, _, leadership) = five_days(&database);
    drop(leadership);
    let oldest = |db: &Db| -> Option<String> {
        diesel::table! { pg_tables (tablename) { tablename -> Text } }
        pg_tables::table
            .filter(pg_tables::tablename.like("event_log_2026%"))
            .select(diesel::dsl::min(pg_tables::tablename))
            .get_result(&mut db.connect().unwrap())
            .unwrap()
    };
    let begins = oldest(&db);
    let two_days = Retention::of_days(2);
    let publisher = publisher::start(db.clone(), None, two_days).unwrap();
    super::await_status(&publisher, "it leads", |s| s.leader && s.last == 10);
    publisher.stop();
    assert_eq!(oldest(&db), begins);
    db.connect().unwrap().batch_execute("UPDATE event_stream SET confirmed_pos = 10").unwrap();
    let publisher = publisher::start(db.clone(), Some(settings), two_days).unwrap();
    await_some(Duration::from_secs(20), || match oldest(&db) {
        Some(day) if day == "event_log_20260305" => Ok(()),
        day => Err(format!("two days are old and confirmed: {day:?}")),
    });
    publisher.stop();
    assert_eq!(chain(&db), ChainState::Whole { first: 5, last: 10 });
}
