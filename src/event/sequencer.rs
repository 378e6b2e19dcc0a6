//! Gives committed events their numbers: one leader among all nodes, one statement a round.
//!
//! Promises a gapless, strictly increasing line in which cause comes before effect, and that a former leader numbers nothing. Knows
//! nothing of Kafka: numbering goes on while Kafka is away, so that readers of the log in the database are not held up.

use super::EventError;
use super::counts::Counts;
use crate::store::number_line::{self, Line, Numbering};
use crate::store::{Connection, Db, Tx};

/// Events numbered in one transaction at most.
pub const ROUND: i32 = 500;

/// Numbers after which the room of what was taken is freed: the server would do it once a minute at best.
const VACUUM_AFTER: usize = 10_000;

/// Days for which partitions are made ahead.
const DAYS_AHEAD: i32 = 14;

/// A node's right to number, bound to a connection of its own: when the connection ends, so does the right.
pub struct Leadership {
    connection: Connection,
    line: Line,
    /// Events taken since the room of those before was freed.
    taken: usize,
    counts: Counts,
}

/// What a round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// Numbers were given up to this one.
    Numbered {
        /// How many.
        events: usize,
        /// The last.
        last: i64,
    },
    /// Nothing waited.
    Idle,
    /// The event whose turn it is cannot be numbered; none after it was.
    Blocked {
        /// The number it would get.
        position: i64,
    },
    /// Another node leads now.
    Deposed,
}

impl Leadership {
    /// Becomes leader if nobody is; otherwise gives the connection back, to be tried again.
    pub fn try_take(db: &Db, mut connection: Connection) -> Result<Result<Self, Connection>, EventError> {
        if !number_line::try_lead(&mut connection)? {
            return Ok(Err(connection));
        }
        let line =
            db.transaction_on(&mut connection, |tx| Ok::<_, EventError>(number_line::raise_epoch(tx)?))?;
        Ok(Ok(Self { connection, line, taken: 0, counts: Counts::default() }))
    }

    /// Counts what it numbers.
    pub(super) fn count_in(&mut self, counts: Counts) {
        self.counts = counts;
    }

    /// The line as it was when this node became leader.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// Makes the partitions of the days ahead; a partition that cannot be made now is tried again later.
    pub fn make_partitions(&mut self, db: &Db) -> Result<i32, EventError> {
        db.transaction_on(&mut self.connection, |tx| Ok(number_line::ensure_partitions(tx, DAYS_AHEAD)?))
    }

    /// Frees the room of what was taken from the pending set when there is much of it: each round would pass it.
    pub(super) fn vacuum_if_due(&mut self) -> Result<(), EventError> {
        if self.taken < VACUUM_AFTER {
            return Ok(());
        }
        self.taken = 0;
        Ok(number_line::vacuum_pending(&mut self.connection)?)
    }

    /// Numbers what waits, and notes up to where Kafka has acknowledged: one statement, so that a node that freezes holds no lock.
    pub fn round(&mut self, db: &Db, confirmed: i64) -> Result<Round, EventError> {
        let epoch = self.line.leader_epoch;
        let mut types = Vec::new();
        let round =
            db.statement_on(&mut self.connection, |tx| number_pending(tx, epoch, confirmed, &mut types))?;
        self.taken += types.len();
        types.iter().for_each(|name| self.counts.committed(name));
        Ok(round)
    }

    /// Shows the server that this leader lives: one that is silent loses its session.
    pub(super) fn touch(&mut self) -> Result<(), EventError> {
        number_line::any_pending(&mut self.connection)?;
        Ok(())
    }

    /// Notes up to where Kafka has acknowledged, on its own.
    pub fn confirm(&mut self, db: &Db, confirmed: i64) -> Result<Round, EventError> {
        let epoch = self.line.leader_epoch;
        let is_ours = db.statement_on(&mut self.connection, |tx| {
            Ok::<_, EventError>(number_line::confirm(tx, epoch, confirmed)?)
        })?;
        Ok(if is_ours { Round::Idle } else { Round::Deposed })
    }
}

/// One round; adds the types of what got a number.
pub(super) fn number_pending(
    tx: &mut Tx<'_>,
    epoch: i64,
    confirmed: i64,
    numbered: &mut Vec<String>,
) -> Result<Round, EventError> {
    let Some(Numbering { last, is_any, types }) = number_line::number_pending(tx, epoch, confirmed, ROUND)?
    else {
        return Ok(Round::Deposed);
    };
    let events = types.len();
    numbered.extend(types);
    Ok(match (is_any, events) {
        (false, _) => Round::Idle,
        (true, 0) => Round::Blocked { position: last + 1 },
        (true, _) => Round::Numbered { events, last },
    })
}
