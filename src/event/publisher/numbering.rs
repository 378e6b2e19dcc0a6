//! The sequencer thread: lead or stand by, number round after round, note what Kafka has acknowledged.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{DRAIN, POLL, REFUSED_PAUSE, SECOND, Shared, Standing};
use crate::event::EventError;
use crate::event::sequencer::{Leadership, ROUND, Round};
use crate::store::{number_line, upkeep};

/// How often partitions are made.
const HOUR: Duration = Duration::from_secs(3600);
/// From the begin of a round to that of the next one: at a high rate a round takes what has gathered, not each commit by itself.
const PACE: Duration = Duration::from_millis(5);
/// A transaction older than this, in seconds, is an alarm.
const OLD: i64 = 300;
/// The backlog is counted up to here.
const COUNTED: i64 = 100_001;

/// What one term of leadership keeps in mind between its rounds.
struct Term {
    partitions_due: Instant,
    note_due: Instant,
    noted: i64,
    /// Until when an event that cannot be numbered is left alone.
    retry_due: Option<Instant>,
    leave_by: Option<Instant>,
}

impl Term {
    /// Whether a leader that is to stop has done what it can, or has had its time: others may commit without end.
    fn is_over(&mut self, now: Instant, is_done: bool) -> bool {
        is_done || now >= *self.leave_by.get_or_insert(now + DRAIN)
    }
}

/// Ends a term when it is dropped, with a panic too, so that the copier never works for a sequencer that is gone.
struct EndOfTerm<'s>(&'s Shared);

impl Drop for EndOfTerm<'_> {
    fn drop(&mut self) {
        self.0.term.store(0, Ordering::SeqCst);
        self.0.numbered.raise();
        self.0.status().leader = false;
    }
}

impl Shared {
    /// Leads, or stands by.
    pub(super) fn sequence(&self) {
        while !self.stopping() {
            let end = EndOfTerm(self);
            if let Err(e) = self.lead() {
                tracing::warn!(reason = %e, "numbering of events interrupted: {e}");
                self.status().numbering = Standing::Interrupted(format!("database: {e}"));
            }
            let shut_out = self.is_shut_out(self.term.load(Ordering::SeqCst));
            drop(end);
            self.pause(if shut_out { REFUSED_PAUSE } else { SECOND });
        }
    }

    /// One term: from the wait for leadership to its loss.
    fn lead(&self) -> Result<(), EventError> {
        let mut connection = self.db.connect()?;
        let mut leadership = loop {
            match Leadership::try_take(&self.db, connection)? {
                Ok(leadership) => break leadership,
                Err(back) => connection = back,
            }
            self.refresh_status()?;
            self.pause(SECOND);
            if self.stopping() {
                return Ok(());
            }
        };
        leadership.count_in(self.counts.clone());
        let line = leadership.line().clone();
        tracing::info!(epoch = line.leader_epoch, "this node numbers events from {} on", line.last_pos + 1);
        self.confirmed.store(line.confirmed_pos, Ordering::SeqCst);
        self.term.store(line.leader_epoch, Ordering::SeqCst);
        self.numbered.raise();
        {
            let mut status = self.status();
            (status.leader, status.epoch, status.emstream) = (true, line.leader_epoch, line.emstream);
            (status.last, status.confirmed) = (line.last_pos, line.confirmed_pos);
            (status.numbering, status.copying) = (Standing::Free, Standing::Free);
        }
        self.number_until_deposed(&mut leadership)
    }

    fn number_until_deposed(&self, leadership: &mut Leadership) -> Result<(), EventError> {
        let now = Instant::now();
        let mut term = Term {
            partitions_due: now,
            note_due: now + SECOND,
            noted: self.to_note(),
            retry_due: None,
            leave_by: None,
        };
        loop {
            if Instant::now() >= term.partitions_due {
                term.partitions_due += HOUR;
                if let Err(e) = leadership.make_partitions(&self.db) {
                    tracing::warn!(reason = %e, "partitions of the event log were not made: {e}");
                }
            }
            if let Err(e) = leadership.vacuum_if_due() {
                tracing::warn!(reason = %e, "the room of numbered events was not freed: {e}");
            }
            let begun = Instant::now();
            let round = self.round(leadership, &mut term)?;
            if round == Round::Deposed || self.note(leadership, &mut term)? == Round::Deposed {
                return Ok(());
            }
            if self.is_shut_out(leadership.line().leader_epoch) {
                return Ok(());
            }
            if self.stopping() {
                let nothing_to_number = matches!(round, Round::Idle | Round::Blocked { .. });
                if term.is_over(Instant::now(), nothing_to_number && self.is_all_copied()) {
                    leadership.confirm(&self.db, self.to_note())?;
                    return Ok(());
                }
            }
            match round {
                Round::Numbered { events, .. } if i32::try_from(events) == Ok(ROUND) => continue,
                Round::Numbered { .. } => std::thread::sleep(PACE.saturating_sub(begun.elapsed())),
                Round::Idle | Round::Blocked { .. } | Round::Deposed => {}
            }
            self.committed.wait(POLL);
        }
    }

    /// Numbers what waits. An event that cannot be numbered holds back those after it: this node goes on leading, so that what stands
    /// before it is copied, and tries again now and then.
    fn round(&self, leadership: &mut Leadership, term: &mut Term) -> Result<Round, EventError> {
        let confirmed = self.to_note();
        if term.retry_due.is_some_and(|due| Instant::now() < due) {
            leadership.touch()?;
            return Ok(Round::Idle);
        }
        let round = leadership.round(&self.db, confirmed)?;
        match round {
            Round::Deposed => return Ok(round),
            Round::Blocked { position } => {
                let e = EventError::NoEnvelope { position };
                tracing::error!(event.sequence = position, reason = %e, "numbering stands still: {e}");
                self.status().numbering = Standing::Blocked(e.to_string());
                term.retry_due = Some(Instant::now() + REFUSED_PAUSE);
                return Ok(round);
            }
            Round::Numbered { last, .. } => {
                term.noted = confirmed;
                self.status().last = last;
                self.numbered.raise();
            }
            Round::Idle => {}
        }
        if term.retry_due.take().is_some() {
            self.status().numbering = Standing::Free;
        }
        Ok(round)
    }

    /// Once a second, notes what Kafka has acknowledged and looks how far things are.
    fn note(&self, leadership: &mut Leadership, term: &mut Term) -> Result<Round, EventError> {
        if Instant::now() < term.note_due {
            return Ok(Round::Idle);
        }
        term.note_due = Instant::now() + SECOND;
        let confirmed = self.to_note();
        if confirmed > term.noted && leadership.confirm(&self.db, confirmed)? == Round::Deposed {
            return Ok(Round::Deposed);
        }
        term.noted = confirmed;
        if let Err(e) = self.refresh_status() {
            tracing::warn!(reason = %e, "how far publication is could not be looked up: {e}");
        }
        Ok(Round::Idle)
    }

    /// What the database is told to be acknowledged: nothing of what a broker forgets when it ends, so that a Kafka that comes later
    /// gets it all the same.
    fn to_note(&self) -> i64 {
        match &self.settings {
            Some(settings) if !settings.volatile => self.confirmed.load(Ordering::SeqCst),
            Some(_) | None => 0,
        }
    }

    /// Whether there is nothing left that copying could still do.
    fn is_all_copied(&self) -> bool {
        let status = self.status();
        self.settings.is_none()
            || status.copying != Standing::Free
            || self.confirmed.load(Ordering::SeqCst) >= status.last
    }

    fn refresh_status(&self) -> Result<(), EventError> {
        let (line, pending, oldest, transaction) = self.db.write_blocking(|tx| {
            let oldest = match number_line::oldest_pending(tx)? {
                Some(oldest) => (tx.now()? - oldest).num_seconds().max(0),
                None => 0,
            };
            let (line, pending) = (number_line::line(tx)?, number_line::count_pending(tx, COUNTED)?);
            Ok::<_, EventError>((line, pending, oldest, upkeep::oldest_transaction(tx)?))
        })?;
        let mut status = self.status();
        // a leader knows of acknowledgements before the database does
        let known = if status.leader { self.confirmed.load(Ordering::SeqCst) } else { 0 };
        (status.last, status.confirmed) = (line.last_pos, line.confirmed_pos.max(known));
        (status.emstream, status.pending, status.oldest_pending) = (line.emstream, pending, oldest);
        if status.leader {
            drop(status);
            self.watch_age(transaction);
        } else {
            status.epoch = line.leader_epoch;
            (status.numbering, status.copying) = (Standing::Free, Standing::Free);
        }
        Ok(())
    }

    /// Alarms once when a transaction gets so old that the pending set grows.
    fn watch_age(&self, age: i64) {
        if age <= OLD {
            self.alarmed_of_age.store(false, Ordering::SeqCst);
        } else if !self.alarmed_of_age.swap(true, Ordering::SeqCst) {
            tracing::error!(
                transaction.age_s = age,
                "a database transaction is {age} s old: vacuum cannot clean up behind it"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, IdSource};
    use crate::event::retention::Retention;
    use crate::store::Db;

    #[test]
    fn a_term_ends_in_time_though_there_is_always_something_to_number() {
        let now = Instant::now();
        let mut term = Term { partitions_due: now, note_due: now, noted: 0, retry_due: None, leave_by: None };
        assert!(!term.is_over(now, false));
        assert!(!term.is_over(now + DRAIN - SECOND, false));
        assert!(term.is_over(now + DRAIN, false));
    }

    #[test]
    fn a_sequencer_that_panics_lets_the_copier_end() {
        let db = Db::open("postgres://127.0.0.1:1/none", 1, Clock::Database, IdSource::Random).unwrap();
        let shared = Shared::new(db, None, Retention::ForEver);
        std::thread::scope(|scope| {
            let panicked = scope.spawn(|| {
                let _end = EndOfTerm(&shared);
                shared.term.store(7, Ordering::SeqCst);
                panic!("a mistake of ours");
            });
            assert!(panicked.join().is_err());
            shared.asked_to_stop.set(Instant::now()).unwrap();
            shared.copy();
        });
    }
}
