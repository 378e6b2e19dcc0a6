//! What is counted and timed during a run, for the summary.

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
        for (what, (longest, times, all)) in &self.times {
            let (longest, mean) = (longest.as_secs_f64(), all.as_secs_f64() / f64::from(*times));
            writeln!(text, "  {what:<42} {longest:>8.2} s at most, {mean:.2} s on average of {times}")
                .unwrap();
        }
        text
    }
}
