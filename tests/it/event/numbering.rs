//! Numbers: gapless, in the order of commits, by one leader, linked by hashes.

use diesel::connection::SimpleConnection;
use emgate::domain::event::Occurred;
use emgate::event::chain::{ChainState, verify_chain};
use emgate::event::sequencer::{Leadership, Round};
use emgate::event::{EventError, append};
use emgate::store::{StoreError, number_line};

use super::samples::{all, cause, login_on, origin};
use super::{block_on, commit, commit_one, lead, number_all};
use crate::support::database::{TestDatabase, await_lock_waiters};

#[test]
fn events_get_consecutive_numbers_in_the_order_of_their_operation() {
    let database = TestDatabase::new();
    let (db, _) = database.open();
    commit(&db, all().into_iter().map(Occurred::of).collect());
    let mut leadership = lead(&db);
    assert_eq!(leadership.round(&db, 0).unwrap(), Round::Numbered { events: 10, last: 10 });
    assert_eq!(leadership.round(&db, 0).unwrap(), Round::Idle);
    let read = db.write_blocking(|tx| number_line::after(tx, 0, 100)).unwrap();
    let topics: Vec<_> = read.iter().map(|e| (e.pos, e.topic.as_str())).collect();
    assert_eq!(
        topics,
        [
            (1, "em.session.v1"),
            (2, "em.session.v1"),
            (3, "em.session.v1"),
            (4, "em.session.v1"),
            (5, "em.session.v1"),
            (6, "em.intercom.v1"),
            (7, "em.provisioning.v1"),
            (8, "em.provisioning.v1"),
            (9, "em.provisioning.v1"),
            (10, "em.audit.v1"),
        ]
    );
}

#[test]
fn a_transaction_that_is_rolled_back_leaves_no_event_and_no_hole() {
    let database = TestDatabase::new();
    let (db, _) = database.open();
    let events = || vec![Occurred::of(login_on("SEP0011223344AA"))];
    commit(&db, events());
    let refused: Result<(), EventError> = db.write_blocking(|tx| {
        append(tx, &origin(), &cause(), events())?;
        Err(StoreError::NotFound.into())
    });
    assert!(refused.is_err());
    commit(&db, events());
    assert_eq!(number_all(&db, &mut lead(&db)), 2);
    assert_eq!(block_on(verify_chain(&db)).unwrap(), ChainState::Whole { first: 1, last: 2 });
}

#[test]
fn many_appenders_and_a_late_commit_make_a_gapless_line() {
    let database = TestDatabase::new();
    let db = database.open_real();
    let mut leadership = lead(&db);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|n| {
                let db = db.clone();
                scope.spawn(move || {
                    for _ in 0..50 {
                        commit_one(&db, login_on(&format!("SEP00112233440{n}")));
                    }
                })
            })
            .collect();
        // takes its key first and commits last
        db.transaction_on(&mut db.connect().unwrap(), |tx| {
            append(tx, &origin(), &cause(), vec![Occurred::of(login_on("SEP0011223344FF"))])?;
            while writers.iter().any(|w| !w.is_finished()) {
                leadership.round(&db, 0)?;
            }
            while leadership.round(&db, 0)? != Round::Idle {}
            Ok::<_, EventError>(())
        })
        .unwrap();
    });
    assert_eq!(number_all(&db, &mut leadership).max(201), 201);
    let read = db.write_blocking(|tx| number_line::after(tx, 0, 1000)).unwrap();
    let numbers: Vec<_> = read.iter().map(|e| e.pos).collect();
    assert_eq!(numbers, (1..=201).collect::<Vec<_>>());
    assert_eq!(read[200].key, "SEP0011223344FF");
    assert_eq!(block_on(verify_chain(&db)).unwrap(), ChainState::Whole { first: 1, last: 201 });
}

#[test]
fn a_round_that_finds_its_events_numbered_meanwhile_is_idle() {
    let database = TestDatabase::new();
    let (db, _) = database.open();
    let mut leadership = lead(&db);
    commit_one(&db, login_on("SEP0011223344AA"));
    let mut copier = db.connect().unwrap();
    copier.batch_execute("BEGIN; LOCK TABLE event_stream IN EXCLUSIVE MODE").unwrap();
    let round = std::thread::scope(|scope| {
        let round = scope.spawn(|| leadership.round(&db, 0).unwrap());
        await_lock_waiters(&database, 1);
        copier.batch_execute("DELETE FROM event_pending; COMMIT").unwrap();
        round.join().unwrap()
    });
    assert_eq!(round, Round::Idle);
}

#[test]
fn only_one_node_leads_and_a_deposed_one_numbers_nothing() {
    let database = TestDatabase::new();
    let (db, _) = database.open();
    let mut first = lead(&db);
    let second = Leadership::try_take(&db, db.connect().unwrap()).unwrap();
    assert!(second.is_err(), "the lock is held");
    // a leader whose lock was lost while it was frozen: somebody else has raised the epoch
    db.write_blocking(number_line::raise_epoch).unwrap();
    commit_one(&db, login_on("SEP0011223344AA"));
    assert_eq!(first.round(&db, 0).unwrap(), Round::Deposed);
    assert_eq!(first.confirm(&db, 0).unwrap(), Round::Deposed);
    drop(first);
    assert_eq!(number_all(&db, &mut lead(&db)), 1);
}

#[test]
fn an_altered_event_breaks_the_chain_where_it_stands() {
    let database = TestDatabase::new();
    let (db, _) = database.open();
    for name in ["SEP0011223344AA", "SEP0011223344BB", "SEP0011223344CC"] {
        commit_one(&db, login_on(name));
    }
    number_all(&db, &mut lead(&db));
    let mut connection = db.connect().unwrap();
    connection
        .batch_execute(
            "UPDATE event_log SET envelope = replace(envelope::text, 'mrossi', 'nobody')::json \
             WHERE key = 'SEP0011223344BB'",
        )
        .unwrap();
    assert_eq!(block_on(verify_chain(&db)).unwrap(), ChainState::BrokenAt(2));
}

#[test]
fn a_removed_event_shows() {
    let database = TestDatabase::new();
    let (db, _) = database.open();
    for name in ["SEP0011223344AA", "SEP0011223344BB", "SEP0011223344CC"] {
        commit_one(&db, login_on(name));
    }
    number_all(&db, &mut lead(&db));
    db.connect().unwrap().batch_execute("DELETE FROM event_log WHERE key = 'SEP0011223344CC'").unwrap();
    assert_eq!(block_on(verify_chain(&db)).unwrap(), ChainState::BrokenAt(3));
    db.connect().unwrap().batch_execute("DELETE FROM event_log WHERE key = 'SEP0011223344BB'").unwrap();
    assert_eq!(block_on(verify_chain(&db)).unwrap(), ChainState::BrokenAt(2));
}

#[test]
fn partitions_are_made_ahead_and_leave_alone_a_day_that_has_events() {
    let database = TestDatabase::new();
    let (db, clock) = database.open();
    commit_one(&db, login_on("SEP0011223344AA"));
    clock.advance_seconds(3 * 86_400);
    commit_one(&db, login_on("SEP0011223344BB"));
    clock.advance_seconds(-3 * 86_400);
    let mut leadership = lead(&db);
    assert_eq!(leadership.make_partitions(&db).unwrap(), 13, "all but that of the day that has an event");
    assert_eq!(leadership.make_partitions(&db).unwrap(), 0);
    clock.advance_seconds(86_400);
    commit_one(&db, login_on("SEP0011223344CC"));
    assert_eq!(leadership.make_partitions(&db).unwrap(), 1);
    assert_eq!(number_all(&db, &mut leadership), 3);
    assert_eq!(block_on(verify_chain(&db)).unwrap(), ChainState::Whole { first: 1, last: 3 });
}

#[test]
fn an_event_that_is_written_while_its_partition_is_attached_is_written_after_all() {
    let database = TestDatabase::new();
    let db = database.open_real();
    let (begun, wait) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let mut owner = db.connect().unwrap();
        owner
            .batch_execute(
                "BEGIN; CREATE TABLE event_log_now (LIKE event_log INCLUDING ALL); \
                 ALTER TABLE event_log ATTACH PARTITION event_log_now FOR VALUES FROM ('2020-01-01') TO ('2999-01-01');",
            )
            .unwrap();
        scope.spawn(|| {
            begun.send(()).unwrap();
            commit_one(&db, login_on("SEP0011223344AA"));
        });
        wait.recv().unwrap();
        await_lock_waiters(&database, 1);
        owner.batch_execute("COMMIT").unwrap();
    });
    assert_eq!(number_all(&db, &mut lead(&db)), 1);
}
