//! Judges a run from outside: what clients were told, what subscribers can read, what the tables hold. Uses nothing of the product.
//!
//! It gets a whole history and gives every finding; a history without one kept every promise that is checked here. Its own tests
//! plant each kind of error.

pub(crate) mod answers;
pub(crate) mod audit;
pub(crate) mod event;
pub(crate) mod fold;
pub(crate) mod journal;
pub(crate) mod line;
pub(crate) mod order;
pub(crate) mod place;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use event::{Digest, Record, Session};
use journal::{Entry, Micros};

/// Everything that is known when a run is over.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    /// What clients kept.
    pub(crate) journal: Vec<Entry>,
    /// Which nodes were killed when.
    pub(crate) kills: Vec<(usize, Micros)>,
    /// Every record of the event topics, in the order of each partition.
    pub(crate) records: Vec<Record>,
    /// How many partitions each topic has.
    pub(crate) partitions: BTreeMap<String, i32>,
    /// Whether records may be repeated (idempotent mode).
    pub(crate) may_repeat: bool,
    /// The number line in the database, by number.
    pub(crate) line: Vec<Position>,
    /// Highest number that the database says it gave.
    pub(crate) last_given: i64,
    /// Events in the log that have no number.
    pub(crate) unnumbered: i64,
    /// What the tables say is.
    pub(crate) tables: World,
    /// Every record of the state topics that is left, in the order of each partition.
    pub(crate) states: Vec<State>,
}

/// A row of the number line and the event that it numbers.
#[derive(Debug, Clone)]
pub(crate) struct Position {
    pub(crate) number: i64,
    pub(crate) stream: String,
    pub(crate) recorded: Micros,
    pub(crate) created: Micros,
    pub(crate) hash: Vec<u8>,
    /// Key and envelope as they are in the log; none: there is no such event.
    pub(crate) logged: Option<(String, String)>,
}

/// Who is where, as events, tables or state topics have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct World {
    /// Phone to session.
    pub(crate) sessions: BTreeMap<String, Session>,
    /// Intercom line to default device, lines without one left out.
    pub(crate) intercom: BTreeMap<String, String>,
    /// Phones there are.
    pub(crate) phones: BTreeSet<String>,
    /// `MultipleLoginBehavior`.
    pub(crate) policy: String,
}

/// One record of a state topic.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    /// Phone or line.
    pub(crate) key: String,
    /// Number of the event that it follows.
    pub(crate) number: i64,
    /// What it says.
    pub(crate) says: Says,
}

/// What a state record says; nothing stands for a tombstone too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Says {
    /// The session of a phone.
    Session(Option<Session>),
    /// The default device of an intercom line.
    Device(Option<String>),
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Something was acknowledged or is in the tables, and no event tells of it.
    Lost,
    /// An event that nothing asked for.
    Phantom,
    /// A later number stands before an earlier one, or an effect before its cause.
    Reordered,
    /// One number or one event twice.
    Duplicated,
    /// A number that nobody has.
    Gap,
    /// A login on an occupied phone, or a logout that fits no login.
    Alternation,
    /// A user on two phones under a policy that forbids it.
    Exclusive,
    /// Events, state topics and tables tell different things.
    Disagreement,
    /// The hash chain is broken, or a record is not what the log says.
    Altered,
    /// A record under another key, or in another partition, than its event belongs.
    Misplaced,
    /// An answer that was not true.
    FalseAnswer,
}

/// One thing that is wrong.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// What kind.
    pub(crate) kind: Kind,
    /// What exactly.
    pub(crate) text: String,
}

/// Collects findings.
#[derive(Debug, Default)]
pub(crate) struct Findings(pub(crate) Vec<Finding>);

impl Findings {
    /// Adds one.
    pub(crate) fn add(&mut self, kind: Kind, text: impl Into<String>) {
        self.0.push(Finding { kind, text: text.into() });
    }
}

/// Every check over a whole history.
pub(crate) fn check(history: &History) -> Vec<Finding> {
    let mut findings = Findings::default();
    let records = line::check(history, &mut findings);
    place::check(history, &mut findings);
    let events = audit::check(history, records.iter().map(|r| &r.event).collect(), &mut findings);
    let course = fold::check(history, &events, &mut findings);
    state::check(history, &course, &mut findings);
    let operations = answers::check(history, &events, &course, &mut findings);
    order::check(&operations, &mut findings);
    findings.0
}

/// A digest in hexadecimal, shortened.
pub(crate) fn short(digest: &Digest) -> String {
    digest.iter().take(6).map(|b| format!("{b:02x}")).collect()
}
