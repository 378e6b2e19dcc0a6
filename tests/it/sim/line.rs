//! The number line beside a script: one leader at a time, which may go without a word; then another one goes on.

use emgate::event::chain::{ChainState, verify_chain};
use emgate::event::sequencer::Leadership;
use emgate::store::{Db, StoreError, number_line, schema};

use crate::event::{block_on, lead, number_all};

/// Who leads.
#[derive(Default)]
pub(super) struct NumberLine(Option<Leadership>);

impl NumberLine {
    /// Numbers all that is committed.
    pub(super) fn number(&mut self, db: &Db) {
        let leadership = self.0.get_or_insert_with(|| lead(db));
        number_all(db, leadership);
    }

    /// The leader dies, whatever it has left without a number.
    pub(super) fn crash(&mut self) {
        self.0 = None;
    }

    /// In the end every event has its number, in the order of the log, on a line whose hashes hold.
    pub(super) fn finish(&mut self, db: &Db) -> Result<(), String> {
        use diesel::prelude::*;
        use schema::event_log;
        self.number(db);
        let numbered = db.write_blocking(|tx| number_line::after(tx, 0, 100_000)).unwrap();
        let log: Vec<uuid::Uuid> = db
            .write_blocking(|tx| -> Result<_, StoreError> {
                Ok(event_log::table.order(event_log::seq).select(event_log::id).load(tx.connection())?)
            })
            .unwrap();
        let expected: Vec<_> = (1..).zip(&log).collect();
        if numbered.iter().map(|e| (e.pos, &e.id)).collect::<Vec<_>>() != expected {
            return Err(format!(
                "the line has {} events, the log {}, or in another order",
                numbered.len(),
                log.len()
            ));
        }
        let last = i64::try_from(log.len()).unwrap();
        match block_on(verify_chain(db)).unwrap() {
            ChainState::Whole { first: 1, last: end } if end == last => Ok(()),
            other => Err(format!("the chain of hashes is {other:?}, wanted 1 to {last}")),
        }
    }
}
