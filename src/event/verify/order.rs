//! Numbers rise inside each partition (P4), and what is repeated is recognisable (P6).
//!
//! What lies far back is not kept: a repeat is known as one among the latest records of its partition, as a crash leaves it.

use std::collections::{HashMap, VecDeque};

use ring::digest::{SHA256, digest};

use super::entry::Entry;
use super::report::{Check, Finding};
use crate::event::kafka::DeliveryMode;

/// Records of a partition in which repeats are looked for; the publisher has at most 500 under way.
const WINDOW: usize = 2_000;

/// The checks `order` and `repeats`.
pub(super) struct Order {
    mode: DeliveryMode,
    partitions: HashMap<(&'static str, i32), Latest>,
    order: Check,
    repeats: Check,
    repeated: u64,
}

/// The latest records of one partition.
#[derive(Default)]
struct Latest {
    newest: i64,
    numbers: VecDeque<i64>,
    contents: HashMap<i64, [u8; 32]>,
}

impl Order {
    /// Begins before the first record.
    pub(super) fn new(mode: DeliveryMode) -> Self {
        let (order, repeats) = (Check::named("order"), Check::named("repeats"));
        Self { mode, partitions: HashMap::new(), order, repeats, repeated: 0 }
    }

    /// Takes the next record of its partition; says whether it is the first with its number.
    pub(super) fn see(&mut self, entry: &Entry) -> bool {
        self.order.looked += 1;
        self.repeats.looked += 1;
        let latest = self.partitions.entry((entry.span.topic, entry.span.partition)).or_default();
        let content = content(entry);
        if entry.position > latest.newest {
            latest.push(entry.position, content);
            return true;
        }
        match latest.contents.get(&entry.position) {
            None => {
                let what = format!("stands after number {}", latest.newest);
                self.order.found(Finding::about(entry, what));
                latest.push(entry.position, content);
                return true;
            }
            Some(before) if *before != content => {
                self.repeats
                    .found(Finding::about(entry, "another event under a number that was already used"));
            }
            Some(_) => {
                self.repeated += 1;
                if self.mode == DeliveryMode::Transactional {
                    self.repeats.found(Finding::about(entry, "is repeated"));
                }
            }
        }
        false
    }

    /// What was found: `order`, `repeats`.
    pub(super) fn close(mut self) -> [Check; 2] {
        if self.mode == DeliveryMode::Idempotent {
            self.repeats.note(self.repeated, "repeats, which idempotent delivery allows");
        }
        [self.order, self.repeats]
    }
}

impl Latest {
    fn push(&mut self, position: i64, content: [u8; 32]) {
        self.newest = self.newest.max(position);
        self.numbers.push_back(position);
        self.contents.insert(position, content);
        if self.numbers.len() > WINDOW
            && let Some(oldest) = self.numbers.pop_front()
        {
            self.contents.remove(&oldest);
        }
    }
}

/// Key and value in short.
fn content(entry: &Entry) -> [u8; 32] {
    let both = format!("{}\0{}", entry.key, entry.value);
    digest(&SHA256, both.as_bytes()).as_ref().try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::entry::samples::{entry, with};
    use super::*;

    const KEY: &str = "SEP0011223344AA";

    fn findings(mode: DeliveryMode, entries: &[Entry]) -> (Vec<bool>, [Check; 2]) {
        let mut order = Order::new(mode);
        (entries.iter().map(|e| order.see(e)).collect(), order.close())
    }

    #[test]
    fn a_record_that_stands_after_a_later_one_is_found() {
        let line = [entry(1, KEY), entry(3, KEY), entry(2, KEY), entry(4, KEY)];
        let (first, [order, repeats]) = findings(DeliveryMode::Transactional, &line);
        assert_eq!(first, [true; 4]);
        assert_eq!((order.looked, order.findings, repeats.findings), (4, 1, 0));
        assert_eq!(order.first[0].sequence, Some(2));
        assert_eq!(order.first[0].what, "stands after number 3");
    }

    #[test]
    fn a_repeat_is_found_where_there_are_transactions_and_counted_where_there_are_none() {
        let line = [entry(1, KEY), entry(2, KEY), entry(1, KEY), entry(2, KEY), entry(3, KEY)];
        let (first, [order, repeats]) = findings(DeliveryMode::Transactional, &line);
        assert_eq!(first, [true, true, false, false, true]);
        assert_eq!((order.findings, repeats.findings), (0, 2));
        let (_, [order, repeats]) = findings(DeliveryMode::Idempotent, &line);
        assert_eq!((order.findings, repeats.findings), (0, 0));
        assert_eq!(repeats.notes, ["2 repeats, which idempotent delivery allows"]);
    }

    #[test]
    fn another_event_under_an_old_number_is_found_in_every_mode() {
        let altered = with(1, KEY, |event| event["emnode"] = "gw-2".into());
        for mode in [DeliveryMode::Transactional, DeliveryMode::Idempotent] {
            let (_, [_, repeats]) = findings(mode, &[entry(1, KEY), altered.clone()]);
            assert_eq!(repeats.findings, 1, "{mode:?}");
        }
    }

    #[test]
    fn partitions_are_apart_and_what_is_held_has_a_bound() {
        let other = "SEP0011223344BB";
        assert_ne!(entry(1, KEY).span.partition, entry(1, other).span.partition);
        let mut order = Order::new(DeliveryMode::Transactional);
        assert!(order.see(&entry(9, KEY)) && order.see(&entry(8, other)));
        for n in 10..10_000 {
            order.see(&entry(n, KEY));
        }
        assert!(order.partitions.values().all(|p| p.contents.len() <= WINDOW && p.numbers.len() <= WINDOW));
        assert_eq!(order.close()[0].findings, 0);
    }
}
