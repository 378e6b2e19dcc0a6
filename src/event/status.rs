//! How far numbering and copying are: what health, metrics and the console ask.

use std::time::{Duration, Instant};

/// How far numbering and copying are, as this node sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether this node numbers and publishes.
    pub leader: bool,
    /// Epoch of its term, or of the leader's it last saw.
    pub epoch: i64,
    /// Identity of the number line.
    pub emstream: String,
    /// Highest number given.
    pub last: i64,
    /// Highest number up to which Kafka has everything.
    pub confirmed: i64,
    /// Committed events without a number, counted up to 100,001.
    pub pending: usize,
    /// Age of the oldest event without a number, in seconds.
    pub oldest_pending: i64,
    /// How numbering goes here.
    pub numbering: Standing,
    /// How copying goes here.
    pub copying: Standing,
    /// Whether the whole state is being published again.
    pub republishing: bool,
    /// Whether Kafka is configured, and keeps events in memory only.
    pub volatile: bool,
    /// Since when copying is at a take-over or a batch, which end soon while Kafka answers.
    pub sending_since: Option<Instant>,
}

/// How a part of publication goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is in its way.
    #[default]
    Free,
    /// Something that should pass by itself.
    Interrupted(String),
    /// It stands still until someone acts.
    Blocked(String),
}

/// A batch or take-over that has not ended by then means that Kafka is away.
const LATE: Duration = Duration::from_secs(3);

impl Status {
    /// Whether publication stands still until someone acts.
    pub fn is_blocked(&self) -> bool {
        [&self.numbering, &self.copying].iter().any(|part| matches!(part, Standing::Blocked(_)))
    }

    /// Whether Kafka, or this node's way to it, is in trouble.
    pub fn is_behind(&self) -> bool {
        self.numbering != Standing::Free
            || self.copying != Standing::Free
            || self.sending_since.is_some_and(|s| s.elapsed() > LATE)
    }
}
