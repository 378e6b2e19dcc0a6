//! The event log: what is written, numbered, copied to Kafka and read back.

mod batches;
mod beside;
mod blocked;
mod busy;
mod embedded_broker;
mod frozen;
mod golden;
mod groups;
mod kafka;
mod numbering;
mod outage;
mod republish;
mod retention;
mod samples;
mod secure_kafka;
mod state;
mod tail;
mod verify;

use std::time::{Duration, Instant};

use emgate::domain::event::{Event, Occurred};
use emgate::event::append;
use emgate::event::copier::Copier;
use emgate::event::kafka::{DeliveryMode, EventReader, Incoming, KafkaSettings, Polled, ReadFrom};
use emgate::event::publisher::{Publisher, Status};
use emgate::event::sequencer::{Leadership, Round};
use emgate::store::Db;

use crate::support::waiting::await_some;
use samples::{cause, origin};

/// Appends the events of one operation in a transaction of its own.
fn commit(db: &Db, events: Vec<Occurred>) {
    db.write_blocking(|tx| append(tx, &origin(), &cause(), events.clone())).unwrap();
}

/// Appends one event.
fn commit_one(db: &Db, event: Event) {
    commit(db, vec![Occurred::of(event)]);
}

/// Becomes leader; whoever led before must be gone, which the server notices a moment later.
#[track_caller]
pub(crate) fn lead(db: &Db) -> Leadership {
    let mut connection = Some(db.connect().unwrap());
    await_some(Duration::from_secs(5), || {
        let taken = Leadership::try_take(db, connection.take().unwrap()).unwrap();
        taken.map_err(|back| {
            connection = Some(back);
            "another node keeps leading"
        })
    })
}

/// Numbers everything that waits; says up to where.
pub(crate) fn number_all(db: &Db, leadership: &mut Leadership) -> i64 {
    let mut reached = leadership.line().last_pos;
    loop {
        match leadership.round(db, 0).unwrap() {
            Round::Numbered { last, .. } => reached = last,
            Round::Idle => return reached,
            stopped @ (Round::Deposed | Round::Blocked { .. }) => panic!("{stopped:?}"),
        }
    }
}

/// Takes over copying for a leader.
fn take_over(db: &Db, settings: &KafkaSettings, leadership: &Leadership) -> Copier {
    Copier::take_over(db, settings, leadership.line().leader_epoch, &|| true).unwrap()
}

/// Copies everything that is numbered; says how many records were sent.
fn copy_all(db: &Db, copier: &mut Copier) -> usize {
    let mut sent = 0;
    loop {
        let before = copier.confirmed();
        sent += copier.step(db, &|| true).unwrap();
        if copier.confirmed() == before {
            return sent;
        }
    }
}

/// Reads so many records, or all that are there when no number is given, as a subscriber would.
pub(crate) fn read(settings: &KafkaSettings, count: Option<usize>) -> Vec<Incoming> {
    read_with(EventReader::open(settings, ReadFrom::Beginning).unwrap(), count)
}

/// Reads all records of the state topics.
pub(crate) fn read_states(settings: &KafkaSettings) -> Vec<Incoming> {
    read_with(EventReader::open_states(settings).unwrap(), None)
}

fn read_with(mut reader: EventReader, count: Option<usize>) -> Vec<Incoming> {
    let deadline = Instant::now() + Duration::from_secs(40);
    let (mut read, mut ended) = (Vec::new(), vec![false; reader.sources()]);
    while count.is_none_or(|count| read.len() < count) && !(count.is_none() && ended.iter().all(|e| *e)) {
        assert!(Instant::now() < deadline, "{} records came, wanted {count:?}", read.len());
        match reader.poll(Duration::from_millis(30)).unwrap() {
            Polled::Record(record) => {
                ended[record.source] = false;
                read.push(*record);
            }
            Polled::EndOf(source) => ended[source] = true,
            Polled::Nothing => {}
        }
    }
    read
}

/// The numbers of records, sorted: what the whole line looks like to a subscriber of everything.
pub(crate) fn line_of(records: &[Incoming]) -> Vec<i64> {
    let mut line: Vec<i64> = records.iter().map(|r| r.position).collect();
    line.sort_unstable();
    line
}

/// Inside a partition, numbers rise.
pub(crate) fn assert_rising(records: &[Incoming]) {
    let mut newest = std::collections::BTreeMap::new();
    for record in records {
        let before = newest.insert(record.source, record.position).unwrap_or_default();
        assert!(record.position > before, "{} after {before} in {}", record.position, record.topic);
    }
}

/// Waits until the publisher's status says something.
#[track_caller]
fn await_status(publisher: &Publisher, what: &str, holds: impl Fn(&Status) -> bool) -> Status {
    await_some(Duration::from_secs(30), || {
        let status = publisher.status();
        if holds(&status) { Ok(status) } else { Err(format!("{what}: {status:?}")) }
    })
}

/// Settings for topics and a transactional id of this test alone on the real Kafka; `None`: there is none here.
pub(crate) fn kafka_settings(test: &str) -> Option<KafkaSettings> {
    let required = std::env::var("EMGATE_REQUIRE_KAFKA").is_ok_and(|v| v == "1");
    let Ok(servers) = std::env::var("KAFKA_BOOTSTRAP") else {
        assert!(!required, "KAFKA_BOOTSTRAP is not set; `make test` sets it");
        eprintln!("not run: KAFKA_BOOTSTRAP is not set");
        return None;
    };
    let prefix = unique_prefix(test);
    Some(KafkaSettings::at(&servers, DeliveryMode::Transactional, &prefix, &prefix))
}

/// A topic prefix that no other test uses.
pub(crate) fn unique_prefix(test: &str) -> String {
    format!("t{}-{test}", std::process::id())
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
