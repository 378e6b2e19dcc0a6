//! Copies numbered events to Kafka in order, once this node has taken over: recovery from the newest records, then batch after batch.
//!
//! Promises that nothing is left out and that nothing already there is sent again. An event's states go directly after it, in its
//! batch. Records go out in the order of their numbers, each batch only when all of the one before is acknowledged (it may be read
//! before that), and a producer leaves no hole in a partition: so each partition holds an unbroken beginning of what belongs there, and
//! its newest record tells what is missing. A state topic that lost its beginning is empty at first and is then written anew as a
//! whole. If Kafka holds numbers that the database has never given (it was restored from an older copy), it begins a new number line
//! above them.

mod republishing;

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use super::counts::Counts;
use super::kafka::{
    DeliveryMode, KafkaFailure, KafkaSettings, Producer, Record, STATE_TOPICS, Tail, partition_of, tails,
};
use super::{EventError, envelope, state};
use crate::store::number_line::{self, Line, Positioned};
use crate::store::{Db, StoreError, TransactionError};

/// Events copied in one batch at most: what a transaction costs by itself is then little beside them.
pub(super) const BATCH: i32 = 2000;
/// A batch gets no event after these bytes, so that it is through well before a transaction runs out of time.
const BATCH_BYTES: i64 = 4 << 20;

/// Copies on behalf of one term of leadership.
pub struct Copier {
    producer: Producer,
    /// The newest records found at the take-over.
    tails: Vec<Tail>,
    settings: KafkaSettings,
    epoch: i64,
    confirmed: i64,
    /// Whether the last batch was a full one: more waits.
    is_behind: bool,
    /// Up to this number, each event is a batch of its own.
    single_until: i64,
    /// The next batch, read while Kafka was busy with the one before.
    ahead: Option<Batch>,
    counts: Counts,
}

/// What goes in one transaction.
struct Batch {
    records: Vec<Record>,
    /// The number after which it begins.
    after: i64,
    /// The number after which it goes on.
    last: i64,
    /// When the log was read, by the database and here.
    read_at: Option<(DateTime<Utc>, Instant)>,
    /// Whether there may be more.
    is_full: bool,
}

/// Why copying stopped.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] KafkaFailure),
    /// The database.
    #[error(transparent)]
    Log(#[from] EventError),
    /// Another node leads.
    #[error("another node leads")]
    Deposed,
}

impl From<StoreError> for CopyError {
    fn from(error: StoreError) -> Self {
        Self::Log(error.into())
    }
}

impl TransactionError for CopyError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Log(e) => e.is_transient(),
            Self::Kafka(_) | Self::Deposed => false,
        }
    }
}

impl CopyError {
    /// Its kind in a word, for a metric.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Kafka(KafkaFailure::Unavailable(_)) => "unavailable",
            Self::Kafka(KafkaFailure::Fenced) => "fenced",
            Self::Kafka(KafkaFailure::Refused { .. }) => "refused",
            Self::Kafka(KafkaFailure::Setting(_)) => "setting",
            Self::Kafka(KafkaFailure::Stopped) => "stopped",
            Self::Log(_) => "database",
            Self::Deposed => "deposed",
        }
    }
}

impl Copier {
    /// Connects, shuts out a former publisher, finds out what is already there. A node that no longer leads is refused before it connects:
    /// it would shut out the one that does.
    pub fn take_over(
        db: &Db,
        settings: &KafkaSettings,
        epoch: i64,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Self, CopyError> {
        led_line(db, epoch)?;
        let producer = Producer::connect(settings, go_on)?;
        let tails = tails(settings, producer.topics())?;
        let line = led_line(db, epoch)?;
        let mut copier = Self {
            producer,
            tails,
            settings: settings.clone(),
            epoch,
            confirmed: line.confirmed_pos,
            is_behind: true,
            single_until: 0,
            ahead: None,
            counts: Counts::default(),
        };
        if copier.has_unknown_tail(db)? {
            copier.restart_line(db)?;
        } else if copier.has_lost_state(db)? {
            copier.ask_for_state(db)?;
        }
        Ok(copier)
    }

    /// Counts what it copies.
    pub(super) fn count_in(&mut self, counts: Counts) {
        self.counts = counts;
    }

    /// Sends events one by one up to a number: what stands before a refused one gets through, what comes after it does not.
    pub(super) fn go_singly_until(&mut self, position: i64) {
        self.single_until = position;
    }

    /// Number up to which everything is acknowledged.
    pub fn confirmed(&self) -> i64 {
        self.confirmed
    }

    /// Copies the next batch; says how many records were sent.
    pub fn step(&mut self, db: &Db, go_on: &dyn Fn() -> bool) -> Result<usize, CopyError> {
        self.step_until(db, i64::MAX, go_on)
    }

    /// Copies the next batch of what stands up to a number.
    fn step_until(&mut self, db: &Db, until: i64, go_on: &dyn Fn() -> bool) -> Result<usize, CopyError> {
        let ahead = self.ahead.take().filter(|batch| batch.after == self.confirmed && batch.last <= until);
        let batch = ahead.map_or_else(|| self.next_batch(db, self.confirmed, until), Ok)?;
        if !batch.records.is_empty() {
            self.ahead = self.publish_and_read_on(db, &batch, until, go_on)?;
            self.counts.published(&batch.records, batch.now());
        }
        (self.confirmed, self.is_behind) = (batch.last, batch.is_full);
        Ok(batch.records.len())
    }

    /// Publishes a batch; when more waits, reads the next one beside it. On a thread of its own: no transaction waits for the database.
    fn publish_and_read_on(
        &self,
        db: &Db,
        batch: &Batch,
        until: i64,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<Batch>, KafkaFailure> {
        std::thread::scope(|scope| {
            let is_more = batch.is_full && batch.last < until;
            let ahead = is_more.then(|| scope.spawn(|| self.next_batch(db, batch.last, until)));
            self.producer.publish(&batch.records, go_on)?;
            // what could not be read is read, or complained of, when its turn comes
            Ok(ahead.and_then(|ahead| ahead.join().ok()?.ok()))
        })
    }

    /// Sends the next batch and leaves it uncommitted: what a publisher that dies leaves behind.
    #[doc(hidden)]
    pub fn step_without_commit(&mut self, db: &Db) -> Result<usize, CopyError> {
        let batch = self.next_batch(db, self.confirmed, i64::MAX)?;
        self.producer.publish_without_commit(&batch.records)?;
        Ok(batch.records.len())
    }

    /// What is to be sent next after a number, of what stands up to another.
    fn next_batch(&self, db: &Db, after: i64, until: i64) -> Result<Batch, CopyError> {
        let most = if after < self.single_until { 1 } else { BATCH };
        let most = i32::try_from(until - after).map_or(most, |left| most.min(left));
        let (events, read_at) = db.statement_blocking(move |tx| {
            let (events, read_at) = number_line::within(tx, after, most, BATCH_BYTES)?;
            Ok::<_, EventError>((events, read_at.map(|at| (at, Instant::now()))))
        })?;
        let bytes: usize = events.iter().map(Positioned::bytes).sum();
        let is_full =
            i32::try_from(events.len()) == Ok(most) || i64::try_from(bytes).is_ok_and(|b| b >= BATCH_BYTES);
        let records = Vec::with_capacity(2 * events.len());
        let mut batch = Batch { records, after, last: after, read_at, is_full };
        for event in &events {
            let Some(records) = state::records(event) else {
                // what stands before it goes first
                if batch.last > after {
                    break;
                }
                return Err(EventError::NoEnvelope { position: event.pos }.into());
            };
            batch.last = event.pos;
            batch.records.extend(records.into_iter().filter(|record| !self.is_there(record)));
        }
        Ok(batch)
    }

    /// Whether the partition's newest record at the take-over was this one or a later one. Several states may share a number: of those
    /// with the number of the newest one, some may be missing, unless an event and its states came in one transaction.
    fn is_there(&self, record: &Record) -> bool {
        let Some(partitions) = self.producer.topics().partitions(&record.topic) else { return false };
        let partition = partition_of(record.key.as_bytes(), partitions);
        let Some(tail) = self.tails.iter().find(|t| t.topic == record.topic && t.partition == partition)
        else {
            return false;
        };
        match self.settings.mode {
            DeliveryMode::Idempotent if is_state(tail.topic) => record.position < tail.position,
            DeliveryMode::Idempotent | DeliveryMode::Transactional => record.position <= tail.position,
        }
    }

    /// Whether Kafka holds an event under a number that the database gave to none, or to another.
    fn has_unknown_tail(&self, db: &Db) -> Result<bool, CopyError> {
        for tail in &self.tails {
            let before = tail.position - 1;
            let (found, line) = db.write_blocking(move |tx| {
                Ok::<_, EventError>((number_line::after(tx, before, 1)?, number_line::line(tx)?))
            })?;
            // a state has an identity of its own
            if is_state(tail.topic) && tail.position <= line.last_pos {
                continue;
            }
            let same = found.first().is_some_and(|e| e.pos == tail.position && e.id.to_string() == tail.id);
            // below the oldest kept event nothing can be compared
            let expired = found.first().is_some_and(|e| e.pos > tail.position)
                || (found.is_empty() && tail.position <= line.confirmed_pos);
            if !same && !expired {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn restart_line(&mut self, db: &Db) -> Result<(), CopyError> {
        let epoch = self.epoch;
        let above = self.tails.iter().map(|t| t.position).max().unwrap_or_default();
        let emstream = envelope::new_stream_name(db.ids());
        tracing::error!(
            event.stream = emstream,
            kafka.newest = above,
            "Kafka holds events that the database does not know: a new number line begins after {above}"
        );
        let line = db.write_blocking(move |tx| {
            if !number_line::restart(tx, epoch, &emstream, above)? {
                return Ok::<_, EventError>(None);
            }
            Ok(Some(number_line::line(tx)?))
        })?;
        self.confirmed = line.ok_or(CopyError::Deposed)?.confirmed_pos;
        self.tails.clear();
        Ok(())
    }
}

impl Batch {
    /// The present moment by the database's clock, as far as that is known.
    fn now(&self) -> Option<DateTime<Utc>> {
        self.read_at.map(|(at, here)| at + TimeDelta::from_std(here.elapsed()).unwrap_or_default())
    }
}

/// The line, as long as the term of this epoch lasts.
fn led_line(db: &Db, epoch: i64) -> Result<Line, CopyError> {
    let line = db.write_blocking(|tx| Ok::<_, EventError>(number_line::line(tx)?))?;
    if line.leader_epoch == epoch { Ok(line) } else { Err(CopyError::Deposed) }
}

fn is_state(topic: &str) -> bool {
    STATE_TOPICS.iter().any(|t| t.name == topic)
}
