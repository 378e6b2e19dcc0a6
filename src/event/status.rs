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
    /// Whether publication stands still until someone acts.
    pub blocked: bool,
    /// What keeps this node from numbering or copying.
    pub error: Option<String>,
    /// Whether Kafka is configured, and keeps events in memory only.
    pub volatile: bool,
    /// How often copying began anew.
    pub restarts: u64,
    /// Since when copying is at a take-over or a batch, which end soon while Kafka answers.
    pub sending_since: Option<Instant>,
}

/// A batch or take-over that has not ended by then means that Kafka is away.
const LATE: Duration = Duration::from_secs(3);

impl Status {
    /// Events that Kafka does not have yet.
    pub fn backlog(&self) -> usize {
        self.pending + usize::try_from(self.last - self.confirmed).unwrap_or_default()
    }

    /// Whether Kafka, or this node's way to it, is in trouble.
    pub fn is_behind(&self) -> bool {
        self.blocked || self.error.is_some() || self.sending_since.is_some_and(|s| s.elapsed() > LATE)
    }
}
