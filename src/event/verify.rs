//! `emgate events verify`: proves that what Kafka holds, the number line in the database and the tables agree.
//!
//! One transaction reads the tables, the number line and the events that have no number yet: what the tables say is the fold of exactly
//! the events up to there. Then all of these are waited for in Kafka, Kafka is read up to where it ends then, and the database is walked
//! along. So it says the truth while the system runs. What is held in memory is a bit for each number and a state for each key.

mod chain;
pub mod command;
mod content;
mod entry;
mod groups;
mod intercom;
mod line;
mod merging;
mod numbers;
mod order;
mod placement;
mod publication;
mod reading;
pub mod report;
mod sessions;
mod state_record;
mod states;

use std::time::Duration;

use indicatif::ProgressBar;

use super::EventError;
use super::kafka::{KafkaFailure, KafkaSettings, RawReader, STATE_TOPICS, TOPICS};
use crate::store::number_line::Line;
use crate::store::{Db, number_line, verification};
use publication::Published;
use reading::Reading;
pub use report::{Check, Finding, Report};

/// Events read from the database at a time.
const PAGE: i32 = 500;
/// How often it begins anew when what is read changes under it.
const ATTEMPTS: u32 = 3;

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] KafkaFailure),
    /// The database.
    #[error("database: {0}")]
    Database(EventError),
    /// Kafka has stopped answering.
    #[error(
        "kafka has sent nothing for {0} s; check that its brokers are up, or give it longer with --timeout"
    )]
    Silent(u64),
    /// Old records expired, or the number line was begun anew, each time it was read.
    #[error("what was read expired or was restarted meanwhile; run this again")]
    Moving,
}

impl From<EventError> for VerifyError {
    fn from(error: EventError) -> Self {
        Self::Database(error)
    }
}

/// Compares everything. `patience` is how long publication, and then Kafka, is waited for; blocks for as long as that takes.
pub fn verify(
    db: &Db,
    settings: &KafkaSettings,
    patience: Duration,
    bar: &ProgressBar,
) -> Result<Report, VerifyError> {
    for _ in 0..ATTEMPTS {
        if let Some(report) = attempt(db, settings, patience, bar)? {
            return Ok(report);
        }
    }
    Err(VerifyError::Moving)
}

/// One attempt; `None`: what was read has changed meanwhile.
fn attempt(
    db: &Db,
    settings: &KafkaSettings,
    patience: Duration,
    bar: &ProgressBar,
) -> Result<Option<Report>, VerifyError> {
    let snapshot = db.read_blocking(|tx| Ok::<_, EventError>(verification::snapshot(tx)?))?;
    bar.set_message("waiting until everything is published");
    let Some(published) = publication::wait(db, settings, &snapshot, patience)? else { return Ok(None) };
    let topics: Vec<&str> = TOPICS.iter().map(|topic| topic.name).collect();
    let reader = RawReader::open(settings, &topics)?;
    bar.set_length(length(&reader));
    bar.set_message("reading Kafka");
    let mut reading = Reading::begin(db, &reader, settings, &snapshot, &published, patience)?;
    reading.read(bar)?;
    let states: Vec<&str> = STATE_TOPICS.iter().map(|topic| topic.name).collect();
    let states = RawReader::open(settings, &states)?;
    bar.inc_length(length(&states));
    bar.set_message("reading the state topics");
    reading.read_states(&states, bar)?;
    bar.set_message("walking the database");
    let chain = walk(db, &snapshot.line, &published, &mut reading)?;
    if reader.has_lost_its_beginning()? || line_now(db)?.emstream != snapshot.line.emstream {
        return Ok(None);
    }
    let mut checks = vec![chain];
    checks.extend(reading.close(snapshot.sessions, snapshot.intercom));
    Ok(Some(Report::of(snapshot.line.emstream, snapshot.line.last_pos, published.confirmed, checks)))
}

/// Walks the database along: every link, and what is not in Kafka.
fn walk(
    db: &Db,
    line: &Line,
    published: &Published,
    reading: &mut Reading<'_>,
) -> Result<Check, VerifyError> {
    let mut chain = chain::Chain::new();
    loop {
        let reached = chain.reached();
        let (first_kept, page) = db.read_blocking(|tx| {
            Ok::<_, EventError>((verification::first_kept(tx)?, number_line::after(tx, reached, PAGE)?))
        })?;
        chain.kept_from(first_kept);
        let page: Vec<_> = page.into_iter().take_while(|event| event.pos <= published.until).collect();
        if page.is_empty() {
            return Ok(chain.close(&line.emstream, published.until));
        }
        for event in &page {
            chain.see(event);
            reading.miss(event);
        }
    }
}

/// How many records are read at most.
fn length(reader: &RawReader) -> u64 {
    reader.spans().map(|span| u64::try_from(span.end - span.low).unwrap_or_default()).sum()
}

fn line_now(db: &Db) -> Result<Line, EventError> {
    db.read_blocking(|tx| Ok::<_, EventError>(number_line::line(tx)?))
}
