//! Every number in the database follows the one before, and every link of the hash chain is right.

use super::report::{Check, Finding};
use crate::event::chain::{Broken, Walk};
use crate::store::number_line::Positioned;

/// The check `chain`.
pub(super) struct Chain {
    check: Check,
    walk: Walk,
    reached: i64,
}

impl Chain {
    /// Begins before the oldest event that is kept.
    pub(super) fn new() -> Self {
        Self { check: Check::named("chain"), walk: Walk::default(), reached: 0 }
    }

    /// The number reached.
    pub(super) fn reached(&self) -> i64 {
        self.reached
    }

    /// Learns the oldest number that is kept now: what was ahead and is dropped meanwhile is no gap.
    pub(super) fn kept_from(&mut self, first: Option<i64>) {
        if first.is_some_and(|first| first > self.reached + 1) {
            self.walk = Walk::default();
        }
    }

    /// Takes the next event of the database.
    pub(super) fn see(&mut self, event: &Positioned) {
        self.check.looked += 1;
        let what = match self.walk.step(event) {
            Ok(()) => None,
            Err(Broken::After(before)) if before + 2 == event.pos => {
                Some(format!("number {} is missing before it", before + 1))
            }
            Err(Broken::After(before)) => {
                Some(format!("numbers {} to {} are missing before it", before + 1, event.pos - 1))
            }
            Err(Broken::Altered) => Some("the event, or the link before it, was altered".to_owned()),
            Err(Broken::NoEnvelope) => Some("there is no envelope".to_owned()),
        };
        self.reached = event.pos;
        if let Some(what) = what {
            self.check.found(Finding::of(what).number(event.pos).key(&event.key));
        }
    }

    /// What was found; the chain must reach a number.
    pub(super) fn close(mut self, emstream: &str, last: i64) -> Check {
        if let Some(first) = self.walk.missing(emstream, last) {
            let what = format!("the line ends before number {first}; numbers up to {last} were given");
            self.check.found(Finding::of(what).number(first));
        }
        self.check
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::event::chain::{GENESIS, link};
    use crate::event::envelope;

    /// An unbroken chain from a number on.
    fn chain(first: i64, last: i64) -> Vec<Positioned> {
        let (mut previous, moment) = (GENESIS.to_vec(), DateTime::UNIX_EPOCH);
        let mut events = Vec::new();
        for pos in first..=last {
            let mut event = Positioned {
                pos,
                created_at: moment,
                recorded_at: moment,
                emstream: "s".into(),
                hash: Vec::new(),
                id: Uuid::nil(),
                topic: "em.session.v1".into(),
                key: "k".into(),
                envelope: format!(r#"{{"id":"{pos}","correlationid":"c"}}"#),
                states: None,
            };
            event.hash = link(&previous, &envelope::published(&event).unwrap());
            previous.clone_from(&event.hash);
            events.push(event);
        }
        events
    }

    fn check(events: &[Positioned], last: i64) -> Vec<(Option<i64>, String)> {
        let mut chain = Chain::new();
        events.iter().for_each(|e| chain.see(e));
        let check = chain.close("s", last);
        assert_eq!(check.looked, events.len() as u64);
        check.first.into_iter().map(|f| (f.sequence, f.what)).collect()
    }

    #[test]
    fn a_whole_chain_is_right_from_its_first_or_any_later_number_on() {
        assert_eq!(check(&chain(1, 9), 9), []);
        assert_eq!(check(&chain(5, 9), 9), []);
        assert_eq!(check(&[], 0), []);
    }

    #[test]
    fn an_altered_event_hash_or_number_is_found_where_it_is() {
        let altered = |change: fn(&mut Vec<Positioned>)| {
            let mut events = chain(1, 9);
            change(&mut events);
            check(&events, 9).into_iter().map(|(sequence, _)| sequence.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(altered(|e| e[3].envelope = e[3].envelope.replace("\"4\"", "\"5\"")), [4]);
        assert_eq!(altered(|e| e[3].hash[0] ^= 1), [4, 5], "its own link, and the one made of it");
        assert_eq!(altered(|e| e[0].hash[0] ^= 1), [1, 2]);
        assert_eq!(altered(|e| e[3].envelope.clear()), [4]);
        assert_eq!(altered(|e| drop(e.remove(3))), [5]);
        assert_eq!(altered(|e| drop(e.drain(3..6))), [7]);
        assert_eq!(altered(|e| e.truncate(7)), [8], "its end");
    }

    #[test]
    fn what_is_dropped_while_it_is_walked_is_no_gap() {
        let events = chain(1, 9);
        let mut chain = Chain::new();
        events.iter().take(2).for_each(|e| chain.see(e));
        chain.kept_from(Some(5));
        events.iter().skip(4).for_each(|e| chain.see(e));
        assert_eq!(chain.close("s", 9).findings, 0);
    }
}
