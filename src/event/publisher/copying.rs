//! The publisher thread: copy while this node leads, begin anew after trouble.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{POLL, REFUSED_PAUSE, SECOND, Shared, Standing};
use crate::event::EventError;
use crate::event::copier::{BATCH, Copier, CopyError};
use crate::event::kafka::KafkaFailure;

/// First pause between attempts to reach Kafka.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between attempts to reach Kafka.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What the thread keeps in mind between attempts.
struct Attempts {
    pause: Duration,
    /// Up to this number events go one by one, so that those before a refused one get through.
    single_until: i64,
}

impl Shared {
    /// Copies while this node leads.
    pub(super) fn copy(&self) {
        let mut attempts = Attempts { pause: SHORTEST_PAUSE, single_until: 0 };
        loop {
            let epoch = self.term.load(Ordering::SeqCst);
            if epoch == 0 || self.is_overdue() {
                if self.stopping() {
                    return;
                }
                self.numbered.wait(POLL * 4);
                continue;
            }
            let begun = Instant::now();
            let Err(error) = self.copy_for(epoch, attempts.single_until);
            if begun.elapsed() > LONGEST_PAUSE {
                attempts.pause = SHORTEST_PAUSE;
            }
            self.settle(epoch, &error, &mut attempts);
        }
    }

    /// Copies until something stops it.
    fn copy_for(&self, epoch: i64, single_until: i64) -> Result<std::convert::Infallible, CopyError> {
        let Some(settings) = &self.settings else { return Err(KafkaFailure::Stopped.into()) };
        let go_on = || self.term.load(Ordering::SeqCst) == epoch && !self.is_overdue();
        self.status().sending_since = Some(Instant::now());
        let mut copier = Copier::take_over(&self.db, settings, epoch, &go_on)?;
        copier.count_in(self.counts.clone());
        copier.go_singly_until(single_until);
        self.confirmed.store(copier.confirmed(), Ordering::SeqCst);
        let mut look_due = Instant::now();
        loop {
            let before = copier.confirmed();
            // before the log is read: it may hold more than this node knows of yet
            self.status().sending_since = Some(Instant::now());
            copier.step(&self.db, &go_on)?;
            self.republish_if_due(&mut copier, &mut look_due, &go_on)?;
            {
                let mut status = self.status();
                // only now: a take-over alone does not tell whether what was refused is taken
                (status.sending_since, status.copying) = (None, Standing::Free);
            }
            if !go_on() {
                return Err(KafkaFailure::Stopped.into());
            }
            if copier.confirmed() > before {
                self.confirmed.store(copier.confirmed(), Ordering::SeqCst);
                self.status().confirmed = copier.confirmed();
                if self.stopping() {
                    self.committed.raise();
                }
            } else {
                self.numbered.wait(POLL);
            }
        }
    }

    /// Once a second, looks whether the whole state is to be published again, and does it.
    fn republish_if_due(
        &self,
        copier: &mut Copier,
        look_due: &mut Instant,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), CopyError> {
        if Instant::now() < *look_due {
            return Ok(());
        }
        *look_due = Instant::now() + SECOND;
        if !copier.state_is_due(&self.db)? {
            return Ok(());
        }
        {
            let mut status = self.status();
            (status.sending_since, status.republishing) = (None, true);
        }
        let outcome = copier.republish(&self.db, go_on);
        self.status().republishing = false;
        outcome.map(drop)
    }

    /// Says why copying stopped and waits as long as that asks for.
    fn settle(&self, epoch: i64, error: &CopyError, attempts: &mut Attempts) {
        let interrupted = Standing::Interrupted(error.to_string());
        let (standing, wait) = match error {
            CopyError::Kafka(KafkaFailure::Stopped) => return,
            CopyError::Kafka(KafkaFailure::Fenced) | CopyError::Deposed => {
                tracing::warn!("another publisher has taken over; this node stands by");
                self.shut_out.store(epoch, Ordering::SeqCst);
                self.committed.raise();
                (interrupted, SECOND)
            }
            CopyError::Kafka(KafkaFailure::Refused { .. }) if self.begins_singly(attempts) => {
                tracing::warn!(reason = %error, "a batch is refused, its events go one by one: {error}");
                (interrupted, Duration::ZERO)
            }
            CopyError::Kafka(KafkaFailure::Refused { .. } | KafkaFailure::Setting(_))
            | CopyError::Log(EventError::NoEnvelope { .. }) => {
                tracing::error!(reason = %error, "publication stands still: {error}");
                (Standing::Blocked(error.to_string()), REFUSED_PAUSE)
            }
            CopyError::Kafka(KafkaFailure::Unavailable(_)) | CopyError::Log(_) => {
                tracing::warn!(reason = %error, "publication interrupted: {error}");
                attempts.pause = (attempts.pause * 2).min(LONGEST_PAUSE);
                (interrupted, attempts.pause)
            }
        };
        self.counts.restarted(error.reason());
        {
            let mut status = self.status();
            (status.copying, status.sending_since) = (standing, None);
        }
        self.pause(wait);
    }

    /// After the refusal of a batch, sees that its events go one by one; false: they already do.
    fn begins_singly(&self, attempts: &mut Attempts) -> bool {
        let confirmed = self.confirmed.load(Ordering::SeqCst);
        let fresh = attempts.single_until <= confirmed;
        if fresh {
            attempts.single_until = confirmed + i64::from(BATCH);
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, IdSource};
    use crate::event::retention::Retention;
    use crate::store::Db;

    #[test]
    fn a_publisher_that_was_shut_out_ends_its_own_term_and_no_later_one() {
        let db = Db::open("postgres://127.0.0.1:1/none", 1, Clock::Database, IdSource::Random).unwrap();
        let shared = Shared::new(db, None, Retention::ForEver);
        shared.asked_to_stop.set(Instant::now()).unwrap();
        let mut attempts = Attempts { pause: SHORTEST_PAUSE, single_until: 0 };
        assert!(!shared.is_shut_out(0));
        shared.settle(7, &CopyError::Deposed, &mut attempts);
        assert_eq!([7, 8, 0].map(|epoch| shared.is_shut_out(epoch)), [true, false, false]);
    }

    #[test]
    fn copying_ends_some_seconds_after_it_was_asked_to_whatever_the_sequencer_does() {
        let db = Db::open("postgres://127.0.0.1:1/none", 1, Clock::Database, IdSource::Random).unwrap();
        let shared = Shared::new(db, None, Retention::ForEver);
        shared.term.store(7, Ordering::SeqCst);
        let long_ago = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        shared.asked_to_stop.set(long_ago).unwrap();
        shared.copy();
    }
}
