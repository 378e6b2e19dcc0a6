//! Gives committed events their numbers: one leader among all nodes, one transaction a round.
//!
//! Promises a gapless, strictly increasing line in which cause comes before effect, and that a former leader numbers nothing. Knows
//! nothing of Kafka: numbering goes on while Kafka is away, so that readers of the log in the database are not held up.

use super::chain::{GENESIS, link};
use super::counts::Counts;
use super::{EventError, envelope};
use crate::store::number_line::{self, Line, Numbered, Taken};
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

    /// Numbers what waits, and notes up to where Kafka has acknowledged. Looks without a lock first, so that idling costs nothing.
    pub fn round(&mut self, db: &Db, confirmed: i64) -> Result<Round, EventError> {
        if !number_line::any_pending(&mut self.connection)? {
            return Ok(Round::Idle);
        }
        match self.number(db, confirmed, None) {
            // what stands before an event that cannot be numbered is numbered all the same
            Err(EventError::NoEnvelope { position }) => self.number(db, confirmed, Some(position)),
            outcome => outcome,
        }
    }

    /// Shows the server that this leader lives: one that is silent loses its session.
    pub(super) fn touch(&mut self) -> Result<(), EventError> {
        number_line::any_pending(&mut self.connection)?;
        Ok(())
    }

    fn number(&mut self, db: &Db, confirmed: i64, below: Option<i64>) -> Result<Round, EventError> {
        let epoch = self.line.leader_epoch;
        let mut taken = Vec::new();
        let round = db.transaction_on(&mut self.connection, |tx| {
            number_pending(tx, epoch, confirmed, below, &mut taken)
        })?;
        if let Round::Numbered { .. } = round {
            self.taken += taken.len();
            taken.iter().for_each(|event| self.counts.committed(&event.envelope));
        }
        Ok(round)
    }

    /// Notes up to where Kafka has acknowledged, on its own.
    pub fn confirm(&mut self, db: &Db, confirmed: i64) -> Result<Round, EventError> {
        let epoch = self.line.leader_epoch;
        db.transaction_on(&mut self.connection, |tx| {
            let Some(line) = number_line::lock_line(tx, epoch)? else { return Ok(Round::Deposed) };
            number_line::number(tx, &line, confirmed.min(line.last_pos), &[])?;
            Ok(Round::Idle)
        })
    }
}

/// One round: lock the line, take, number, link.
pub(super) fn number_pending(
    tx: &mut Tx<'_>,
    epoch: i64,
    confirmed: i64,
    below: Option<i64>,
    taken: &mut Vec<Taken>,
) -> Result<Round, EventError> {
    let Some(line) = number_line::lock_line(tx, epoch)? else { return Ok(Round::Deposed) };
    let most = below.map_or(ROUND, |below| i32::try_from(below - line.last_pos - 1).unwrap_or(ROUND));
    if most <= 0 {
        return Ok(Round::Blocked { position: line.last_pos + 1 });
    }
    *taken = number_line::take_pending(tx, most)?;
    let recorded_at = tx.now()?;
    let mut previous = number_line::last_hash(tx)?.unwrap_or_else(|| GENESIS.to_vec());
    let mut numbered = Vec::with_capacity(taken.len());
    for (pos, event) in (line.last_pos + 1..).zip(taken.iter()) {
        let value = envelope::numbered(&event.envelope, pos, &line.emstream, event.created_at, recorded_at)
            .ok_or(EventError::NoEnvelope { position: pos })?;
        previous = link(&previous, &value);
        numbered.push(Numbered { pos, seq: event.seq, created_at: event.created_at, hash: previous.clone() });
    }
    let last = number_line::number(tx, &line, confirmed.min(line.last_pos), &numbered)?;
    Ok(last.map_or(Round::Deposed, |last| Round::Numbered { events: numbered.len(), last }))
}
