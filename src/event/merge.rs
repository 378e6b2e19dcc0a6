//! Brings the partitions of all topics into the order of the number line.
//!
//! Inside a partition numbers rise; a repeat is recognised by a number that does not. A missing number may still be on its way, but
//! only in a partition that has been read to its end and only among new records: there it is waited for, for a moment.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::kafka::Incoming;

/// How long a missing number is waited for.
pub const PATIENCE: Duration = Duration::from_millis(500);
/// Records of one source with which it is full.
pub const FULL: usize = 1_000;
/// Records of one source with which it is full no more.
const ROOM: usize = FULL / 4;

/// Records of all sources on their way to one line.
#[derive(Debug, Default)]
pub struct Merge {
    sources: Vec<Source>,
    /// The number that comes next, once one was given out.
    next: Option<i64>,
    waiting_since: Option<Instant>,
}

#[derive(Debug, Default)]
struct Source {
    queue: VecDeque<Incoming>,
    newest: i64,
    at_end: bool,
    is_full: bool,
}

impl Merge {
    /// Merges so many sources.
    pub fn of(sources: usize) -> Self {
        Self { sources: (0..sources).map(|_| Source::default()).collect(), ..Self::default() }
    }

    /// Takes a record in; a repeat is dropped.
    pub fn push(&mut self, record: Incoming) {
        let Some(source) = self.sources.get_mut(record.source) else { return };
        source.at_end = false;
        if record.position > source.newest {
            source.newest = record.position;
            source.queue.push_back(record);
            source.is_full |= source.queue.len() >= FULL;
        }
    }

    /// Notes that a source has been read to its end.
    pub fn end_of(&mut self, source: usize) {
        if let Some(source) = self.sources.get_mut(source) {
            source.at_end = true;
        }
    }

    /// Whether every source has been read to its end and nothing is held.
    pub fn is_drained(&self) -> bool {
        self.sources.iter().all(|s| s.at_end && s.queue.is_empty())
    }

    /// The next record of the line, if it is known to be the next.
    pub fn pop(&mut self, now: Instant) -> Option<Incoming> {
        let smallest = self
            .sources
            .iter()
            .enumerate()
            .filter_map(|(index, s)| Some((s.queue.front()?.position, index)))
            .min()?;
        let (position, index) = smallest;
        if self.next != Some(position) && !self.may_skip_to(index, now) {
            return None;
        }
        self.waiting_since = None;
        self.next = Some(position + 1);
        let source = self.sources.get_mut(index)?;
        source.is_full &= source.queue.len() > ROOM;
        source.queue.pop_front()
    }

    /// Whether a source is so far ahead that no more should be read of it for now.
    pub fn is_full(&self, source: usize) -> bool {
        self.sources.get(source).is_some_and(|s| s.is_full)
    }

    /// How many records are held.
    pub fn held(&self) -> usize {
        self.sources.iter().map(|s| s.queue.len()).sum()
    }

    /// Whether nothing smaller than the head of this source can still come, as far as one can know.
    fn may_skip_to(&mut self, index: usize, now: Instant) -> bool {
        if self.sources.iter().any(|s| s.queue.is_empty() && !s.at_end) {
            return false;
        }
        let is_new = self.sources.get(index).and_then(|s| s.queue.front()).is_some_and(|r| r.is_new);
        let nothing_at_end = self.sources.iter().all(|s| !s.queue.is_empty());
        if nothing_at_end || !is_new || self.next.is_none() {
            return true;
        }
        let since = *self.waiting_since.get_or_insert(now);
        now.duration_since(since) >= PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(source: usize, position: i64, is_new: bool) -> Incoming {
        Incoming {
            source,
            topic: "em.session.v1".into(),
            partition: 0,
            offset: 0,
            position,
            is_new,
            key: String::new(),
            value: None,
            headers: Vec::new(),
            time_ms: 0,
        }
    }

    fn popped(merge: &mut Merge, now: Instant) -> Vec<i64> {
        std::iter::from_fn(|| merge.pop(now)).map(|r| r.position).collect()
    }

    #[test]
    fn partitions_come_out_in_the_order_of_the_line() {
        let now = Instant::now();
        let mut merge = Merge::of(2);
        merge.push(record(0, 1, false));
        merge.push(record(0, 4, false));
        assert_eq!(popped(&mut merge, now), [0; 0], "the other source has not been read yet");
        merge.push(record(1, 2, false));
        merge.push(record(1, 3, false));
        merge.end_of(0);
        merge.end_of(1);
        assert_eq!(popped(&mut merge, now), [1, 2, 3, 4]);
        assert!(merge.is_drained());
    }

    #[test]
    fn a_repeat_is_dropped() {
        let mut merge = Merge::of(1);
        for position in [1, 2, 1, 2, 3] {
            merge.push(record(0, position, false));
        }
        assert_eq!(popped(&mut merge, Instant::now()), [1, 2, 3]);
    }

    #[test]
    fn a_source_that_is_far_ahead_is_full_until_most_of_it_has_gone() {
        let now = Instant::now();
        let mut merge = Merge::of(2);
        for position in 1..=FULL {
            assert!(!merge.is_full(0));
            merge.push(record(0, position as i64, false));
        }
        assert!(merge.is_full(0) && !merge.is_full(1));
        merge.end_of(1);
        while merge.held() >= ROOM {
            assert!(merge.is_full(0));
            merge.pop(now).unwrap();
        }
        assert!(!merge.is_full(0));
    }

    #[test]
    fn a_missing_number_is_waited_for_among_new_records_only() {
        let now = Instant::now();
        let mut merge = Merge::of(2);
        merge.push(record(0, 1, false));
        merge.push(record(0, 3, false));
        merge.push(record(0, 5, true));
        merge.end_of(0);
        merge.end_of(1);
        assert_eq!(popped(&mut merge, now), [1, 3], "retention makes holes in what is old");
        assert_eq!(popped(&mut merge, now), [0; 0]);
        merge.push(record(1, 4, true));
        assert_eq!(popped(&mut merge, now), [4, 5]);
        merge.push(record(0, 9, true));
        merge.end_of(1);
        assert_eq!(popped(&mut merge, now), [0; 0]);
        assert_eq!(popped(&mut merge, now + PATIENCE), [9]);
    }
}
