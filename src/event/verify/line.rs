//! The numbers of all event topics together have no hole, and each number line is one stretch (P3).
//!
//! What retention has dropped is the beginning of a partition. A number may be among that only if it is lower than the first one of a
//! partition whose beginning is gone: above this [`Horizon`] every hole is one. Below it the database decides (`content`). Above what Kafka
//! had confirmed when its partitions were looked at, one after the other, a number may have come to a partition after its look.

use super::entry::Entry;
use super::report::{Check, Finding};

/// Up to which number Kafka alone cannot tell a hole from what has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Horizon(i64);

impl Horizon {
    /// Nothing has expired.
    pub(super) const NONE: Self = Self(0);

    /// Takes in a partition whose beginning has expired, with its first number; without one all of it has.
    #[must_use]
    pub(super) fn beyond(self, first: Option<i64>) -> Self {
        Self(self.0.max(first.unwrap_or(i64::MAX)))
    }
}

/// One number line within Kafka.
#[derive(Debug)]
struct Stretch {
    emstream: String,
    last: i64,
}

/// The check `line`.
pub(super) struct Line {
    check: Check,
    horizon: Horizon,
    confirmed: i64,
    stretches: Vec<Stretch>,
    unjudged: u64,
}

impl Line {
    /// Begins before the first event; up to the confirmed number everything was in Kafka before it was looked at.
    pub(super) fn new(horizon: Horizon, confirmed: i64) -> Self {
        Self { check: Check::named("line"), horizon, confirmed, stretches: Vec::new(), unjudged: 0 }
    }

    /// Takes the next event in the order of the line.
    pub(super) fn see(&mut self, entry: &Entry) {
        self.check.looked += 1;
        let emstream = entry.text("/emstream");
        let Some(before) = self.stretches.last_mut() else {
            self.stretches.push(Stretch { emstream: emstream.to_owned(), last: entry.position });
            return;
        };
        if before.emstream == emstream {
            let first_missing = before.last + 1;
            before.last = before.last.max(entry.position);
            self.hole(first_missing, entry.position - 1);
            return;
        }
        if self.stretches.iter().any(|s| s.emstream == emstream) {
            let what = format!("number line {emstream} goes on after another one has begun");
            self.check.found(Finding::about(entry, what));
        }
        self.stretches.push(Stretch { emstream: emstream.to_owned(), last: entry.position });
    }

    fn hole(&mut self, first: i64, last: i64) {
        let last = last.min(self.confirmed);
        if first > last {
            return;
        }
        let sure = first.max(self.horizon.0.saturating_add(1));
        self.unjudged += u64::try_from(sure.min(last + 1) - first).unwrap_or_default();
        if sure == last {
            self.check.found(Finding::of(format!("number {sure} is missing")).number(sure));
        } else if sure < last {
            self.check.found(Finding::of(format!("numbers {sure} to {last} are missing")).number(sure));
        }
    }

    /// What was found; the line of this name must reach the confirmed number.
    pub(super) fn close(mut self, emstream: &str) -> Check {
        if let Some(last) = self.stretches.last().filter(|s| s.emstream == emstream).map(|s| s.last) {
            self.hole(last + 1, self.confirmed);
        }
        if self.stretches.len() > 1 {
            let names: Vec<_> = self.stretches.iter().map(|s| s.emstream.as_str()).collect();
            self.check.notes.push(format!("number lines one after the other: {}", names.join(", ")));
        }
        self.check.note(self.unjudged, "numbers are not in Kafka and may have expired there");
        self.check
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::samples::{entry, with};
    use super::*;

    fn check(horizon: Horizon, numbers: &[(i64, &str)], confirmed: i64) -> Check {
        let mut line = Line::new(horizon, confirmed);
        for (number, emstream) in numbers {
            line.see(&with(*number, "k", |event| event["emstream"] = (*emstream).into()));
        }
        line.close("s")
    }

    fn texts(check: &Check) -> Vec<&str> {
        check.first.iter().map(|f| f.what.as_str()).collect()
    }

    #[test]
    fn a_hole_is_found_inside_and_at_the_end() {
        assert_eq!(check(Horizon::NONE, &[(1, "s"), (2, "s"), (3, "s")], 3).findings, 0);
        let holes = check(Horizon::NONE, &[(1, "s"), (2, "s"), (4, "s"), (9, "s")], 10);
        assert_eq!(
            texts(&holes),
            ["number 3 is missing", "numbers 5 to 8 are missing", "number 10 is missing"]
        );
        assert_eq!(holes.looked, 4);
    }

    #[test]
    fn what_may_have_expired_is_no_hole_and_what_cannot_have_is_one() {
        let horizon = Horizon::NONE.beyond(Some(6)).beyond(Some(4));
        let holes = check(horizon, &[(2, "s"), (6, "s"), (8, "s")], 8);
        assert_eq!(texts(&holes), ["number 7 is missing"]);
        assert_eq!(holes.notes, ["3 numbers are not in Kafka and may have expired there"]);
        let all_gone = Horizon::NONE.beyond(None);
        assert_eq!(check(all_gone, &[(2, "s"), (6, "s")], 9).findings, 0);
        // a hole that begins before the horizon and ends behind it
        assert_eq!(
            texts(&check(Horizon::NONE.beyond(Some(4)), &[(1, "s"), (9, "s")], 9)),
            ["numbers 5 to 8 are missing"]
        );
    }

    #[test]
    fn what_came_while_partitions_were_looked_at_may_have_holes() {
        assert_eq!(check(Horizon::NONE, &[(1, "s"), (2, "s"), (3, "s"), (6, "s")], 3).findings, 0);
        assert_eq!(
            texts(&check(Horizon::NONE, &[(1, "s"), (3, "s"), (6, "s")], 4)),
            ["number 2 is missing", "number 4 is missing"]
        );
    }

    #[test]
    fn a_new_number_line_may_begin_higher_and_an_old_one_may_not_come_back() {
        assert_eq!(check(Horizon::NONE, &[(1, "r"), (2, "r"), (9, "s"), (10, "s")], 10).findings, 0);
        let mixed = check(Horizon::NONE, &[(1, "s"), (2, "r"), (3, "s")], 3);
        assert_eq!(texts(&mixed), ["number line s goes on after another one has begun"]);
    }

    #[test]
    fn a_record_out_of_order_makes_no_hole() {
        assert_eq!(check(Horizon::NONE, &[(1, "s"), (2, "s"), (3, "s"), (2, "s"), (4, "s")], 4).findings, 0);
        let mut line = Line::new(Horizon::NONE, 1);
        line.see(&entry(1, "k"));
        assert_eq!(line.close("s").findings, 0);
    }
}
