//! The thread that drops what is old of the log, on a connection of its own, while this node leads.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{SECOND, Shared};
use crate::event::EventError;
use crate::event::retention::{self, Retention};

/// Between two looks.
const HOUR: Duration = Duration::from_secs(3600);
/// Until the next look when the log was too busy for this one.
const MINUTE: Duration = Duration::from_secs(60);

impl Shared {
    /// Drops old events now and then.
    pub(super) fn drop_old(&self) {
        let Retention::Days(days) = self.retention else { return };
        let mut due = Instant::now();
        while !self.stopping() {
            let term = self.term.load(Ordering::SeqCst);
            if term == 0 || Instant::now() < due {
                self.pause(SECOND);
                continue;
            }
            due = Instant::now() + HOUR;
            match self.drop_old_now(days.get(), term) {
                Ok(dropped) => {
                    for name in dropped {
                        tracing::info!(
                            partition = name,
                            "partition {name} of the event log dropped: old and in Kafka"
                        );
                    }
                }
                Err(e) => {
                    tracing::warn!(reason = %e, "old events were not dropped: {e}");
                    due = Instant::now() + MINUTE;
                }
            }
        }
    }

    fn drop_old_now(&self, days: u32, term: i64) -> Result<Vec<String>, EventError> {
        let leads = || !self.stopping() && self.term.load(Ordering::SeqCst) == term;
        retention::drop_old(&self.db, &mut self.db.connect()?, days, &leads)
    }
}
