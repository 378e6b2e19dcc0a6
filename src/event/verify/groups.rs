//! The events of one operation come in its order, each once and all of them (section 8); those of others may stand between.
//!
//! Where Kafka has dropped old records only what contradicts itself is found. An operation is appended at once, so that one whose events
//! are [`SPREAD`] numbers apart is taken for ended.

use std::collections::{BTreeMap, HashMap};

use super::entry::Entry;
use super::report::{Check, Finding};

/// Numbers within which the events of one operation stand.
const SPREAD: i64 = 10_000;

/// The check `groups`.
pub(super) struct Groups {
    check: Check,
    /// Whether every event is still in Kafka.
    is_whole: bool,
    emstream: String,
    /// Operations that have begun and not ended.
    open: HashMap<String, Open>,
    /// The same, by the number of their latest event.
    latest: BTreeMap<i64, String>,
    /// Below this number an operation may have begun on an earlier line.
    line_begins: i64,
}

/// How far an operation has come.
#[derive(Debug)]
struct Open {
    index: i64,
    count: i64,
    latest: Entry,
    in_snapshot: bool,
}

impl Groups {
    /// Begins before the first event.
    pub(super) fn new(is_whole: bool) -> Self {
        Self {
            check: Check::named("groups"),
            is_whole,
            emstream: String::new(),
            open: HashMap::new(),
            latest: BTreeMap::new(),
            line_begins: 0,
        }
    }

    /// Takes the next event in the order of the line; of an operation with one in the snapshot all must be there.
    pub(super) fn see(&mut self, entry: &Entry, in_snapshot: bool) {
        self.check.looked += 1;
        let (Some(index), Some(count)) = (entry.count("/emopindex"), entry.count("/emopcount")) else {
            self.check.found(Finding::about(entry, "has no place in its operation"));
            return;
        };
        self.follow_line(entry);
        let operation = entry.text("/correlationid");
        let before = self.open.remove(operation);
        if let Some(before) = &before {
            self.latest.remove(&before.latest.position);
        }
        let may_begin_later = !self.is_whole || entry.position < self.line_begins;
        if let Some(what) = contradiction(before.as_ref(), index, count, may_begin_later) {
            self.check.found(Finding::about(entry, what));
        }
        if index < count {
            self.latest.insert(entry.position, operation.to_owned());
            let open = Open { index, count, latest: entry.clone(), in_snapshot };
            self.open.insert(operation.to_owned(), open);
        }
        self.end_before(entry.position.saturating_sub(SPREAD));
    }

    /// What was not confirmed on one line is numbered again on the next.
    fn follow_line(&mut self, entry: &Entry) {
        if self.emstream != entry.text("/emstream") {
            if !self.emstream.is_empty() {
                self.line_begins = entry.position.saturating_add(SPREAD);
            }
            entry.text("/emstream").clone_into(&mut self.emstream);
            self.open.clear();
            self.latest.clear();
        }
    }

    /// Ends operations whose latest event has a lower number.
    fn end_before(&mut self, position: i64) {
        while let Some((latest, operation)) = self.latest.pop_first() {
            if latest >= position {
                self.latest.insert(latest, operation);
                return;
            }
            if let Some(open) = self.open.remove(&operation)
                && self.is_whole
                && open.in_snapshot
            {
                let what =
                    format!("is number {} of {} in its operation and the last", open.index, open.count);
                self.check.found(Finding::about(&open.latest, what));
            }
        }
    }

    /// What was found; where not everything is published, the rest of an operation may be on its way.
    pub(super) fn close(mut self, is_published: bool) -> Check {
        if is_published {
            self.end_before(i64::MAX);
        }
        self.check
    }
}

/// What is wrong with an event after the one of its operation that came before.
fn contradiction(before: Option<&Open>, index: i64, count: i64, may_begin_later: bool) -> Option<String> {
    let place = format!("is number {index} of {count} in its operation");
    if !(1..=count).contains(&index) {
        return Some(place);
    }
    match before {
        None if index == 1 || may_begin_later => None,
        None => Some(format!("{place} and the first")),
        Some(b) if b.count == count && index == b.index + 1 => None,
        Some(b) if b.count == count && index > b.index && may_begin_later => None,
        Some(b) => Some(format!("{place} after number {} of {}", b.index, b.count)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::samples::with;
    use super::*;

    fn check(is_whole: bool, line: &[(i64, &str, i64, i64)]) -> Check {
        let mut groups = Groups::new(is_whole);
        for (position, operation, index, count) in line {
            let entry = with(*position, "k", |event| {
                event["correlationid"] = (*operation).into();
                (event["emopindex"], event["emopcount"]) = ((*index).into(), (*count).into());
            });
            groups.see(&entry, true);
        }
        let check = groups.close(true);
        assert_eq!(check.looked, line.len() as u64);
        check
    }

    fn findings(line: &[(i64, &str, i64, i64)]) -> u64 {
        check(true, line).findings
    }

    #[test]
    fn operations_in_their_order_are_right_also_through_each_other() {
        assert_eq!(
            findings(&[(1, "a", 1, 1), (2, "b", 1, 3), (3, "b", 2, 3), (4, "b", 3, 3), (5, "c", 1, 1)]),
            0
        );
        assert_eq!(findings(&[(1, "a", 1, 2), (2, "b", 1, 2), (3, "a", 2, 2), (4, "b", 2, 2)]), 0);
    }

    #[test]
    fn an_operation_that_is_cut_or_counted_wrongly_is_found() {
        assert_eq!(findings(&[(1, "a", 1, 2), (2, "b", 1, 1)]), 1, "the second is missing");
        assert_eq!(findings(&[(1, "a", 1, 1), (2, "b", 2, 2)]), 1, "the first is missing");
        assert_eq!(findings(&[(1, "a", 1, 3), (2, "a", 3, 3)]), 1, "the one between is missing");
        assert_eq!(findings(&[(1, "a", 2, 2), (2, "a", 1, 2)]), 2, "the other way round");
        assert_eq!(findings(&[(1, "a", 1, 2), (2, "a", 2, 3), (3, "a", 3, 3)]), 1, "two counts");
        assert_eq!(findings(&[(1, "a", 0, 1), (2, "a", 1, 1)]), 1, "below one");
        assert_eq!(findings(&[(1, "a", 3, 2)]), 1, "above the count");
        let late = check(true, &[(1, "a", 1, 2), (2 + SPREAD, "b", 1, 1), (3 + SPREAD, "c", 1, 1)]);
        assert_eq!(late.first[0].what, "is number 1 of 2 in its operation and the last");
    }

    #[test]
    fn what_has_expired_is_not_missed() {
        assert_eq!(check(false, &[(1, "a", 1, 3), (3, "a", 3, 3), (9, "b", 3, 5)]).findings, 0);
        assert_eq!(check(false, &[(1, "a", 2, 3), (3, "a", 2, 3)]).findings, 1, "twice the same place");
    }

    #[test]
    fn an_operation_on_its_way_when_the_tables_were_read_need_not_be_whole() {
        let mut groups = Groups::new(true);
        let begun = with(1, "k", |event| event["emopcount"] = 2.into());
        groups.see(&begun, false);
        let mut late = Groups::new(true);
        late.see(&begun, true);
        assert_eq!(late.close(false).findings, 0);
        assert_eq!(groups.close(true).findings, 0);
    }

    #[test]
    fn an_operation_may_go_on_on_a_new_line() {
        let mut groups = Groups::new(true);
        for (position, index, emstream) in [(1, 1, "r"), (9, 2, "s")] {
            let entry = with(position, "k", |event| {
                event["correlationid"] = "a".into();
                (event["emopindex"], event["emopcount"]) = (index.into(), 2.into());
                event["emstream"] = emstream.into();
            });
            groups.see(&entry, true);
        }
        assert_eq!(groups.close(true).findings, 0);
    }
}
