//! What is counted and timed during a run: for the summary, and so that a fault that never came about is no proof of anything.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Counts and longest times.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How often something happened.
    counts: BTreeMap<&'static str, u64>,
    /// The longest that something took, how often it was measured, and how long in all.
    times: BTreeMap<&'static str, (Duration, u32, Duration)>,
    /// How often a kind of fault was dealt, and how often it came about.
    faults: BTreeMap<&'static str, (u64, u64)>,
}

impl Tally {
    /// One more.
    pub(crate) fn count(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    /// So many more.
    pub(crate) fn add(&mut self, what: &'static str, n: u64) {
        *self.counts.entry(what).or_default() += n;
    }

    /// How often.
    pub(crate) fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }

    /// So many faults of a kind were dealt, and so many of them came about.
    pub(crate) fn fault(&mut self, kind: &'static str, dealt: u64, came: u64) {
        let (all, done) = self.faults.entry(kind).or_default();
        *all += dealt;
        *done += came;
    }

    /// Kinds of fault that were dealt at least so often and never came about.
    pub(crate) fn never(&self, least: u64) -> impl Iterator<Item = String> {
        let missed = self.faults.iter().filter(move |(_, (dealt, came))| *dealt >= least && *came == 0);
        missed
            .map(|(kind, (dealt, _))| format!("{}: dealt {dealt} times, never came about", kind.trim_start()))
    }

    /// Something took this long.
    pub(crate) fn time(&mut self, what: &'static str, took: Duration) {
        let (longest, times, all) = self.times.entry(what).or_default();
        *longest = took.max(*longest);
        *times += 1;
        *all += took;
    }

    /// Everything in lines.
    pub(crate) fn lines(&self) -> String {
        let mut text = String::new();
        for (what, n) in &self.counts {
            writeln!(text, "  {what:<42} {n:>8}").unwrap();
        }
        for (kind, (dealt, came)) in &self.faults {
            writeln!(text, "  {kind:<42} {came:>8} of {dealt}").unwrap();
        }
        for (what, (longest, times, all)) in &self.times {
            let (longest, mean) = (longest.as_secs_f64(), all.as_secs_f64() / f64::from(*times));
            writeln!(text, "  {what:<42} {longest:>8.2} s at most, {mean:.2} s on average of {times}")
                .unwrap();
        }
        text
    }
}
