//! What was looked at and what was found, for people and for programs.

use std::fmt::{self, Display, Write as _};

use serde::Serialize;

use super::entry::Entry;
use crate::event::kafka::RawRecord;

/// Findings of one check that are shown.
const SHOWN: usize = 10;

/// Something that is not as it must be, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is wrong.
    pub what: String,
    /// Real name of the topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Partition of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<i32>,
    /// Place within the partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// Number on the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<i64>,
    /// Record key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What one check has looked at and found; it keeps the first findings and counts the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Name of the check.
    pub name: &'static str,
    /// How many things were looked at.
    pub looked: u64,
    /// How many findings there are.
    pub findings: u64,
    /// The first of them.
    pub first: Vec<Finding>,
    /// What is to be known about the check and is no finding.
    pub notes: Vec<String>,
    /// Why nothing was compared, where that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

/// The whole outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether nothing was found.
    pub ok: bool,
    /// Identity of the number line.
    pub emstream: String,
    /// Highest number when this began.
    pub last: i64,
    /// Highest number up to which Kafka had acknowledged everything when reading began.
    pub confirmed: i64,
    /// Every check, in order.
    pub checks: Vec<Check>,
}

impl Finding {
    /// A finding about no record.
    pub fn of(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    /// A finding about an event of the number line.
    pub(super) fn about(entry: &Entry, what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            topic: Some(entry.span.name.clone()),
            partition: Some(entry.span.partition),
            offset: Some(entry.offset),
            sequence: Some(entry.position),
            key: Some(entry.key.clone()),
        }
    }

    /// A finding about a record that is no event of ours.
    pub(super) fn at(record: &RawRecord, what: impl Into<String>) -> Self {
        Self {
            topic: Some(record.span.name.clone()),
            partition: Some(record.span.partition),
            offset: Some(record.offset),
            key: record.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned()),
            ..Self::of(what)
        }
    }

    /// The same, with the number it is about.
    #[must_use]
    pub fn number(self, sequence: i64) -> Self {
        Self { sequence: Some(sequence), ..self }
    }

    /// The same, with the key it is about.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }
}

impl Check {
    /// A check that has seen nothing yet.
    pub fn named(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }

    /// Notes a finding.
    pub fn found(&mut self, finding: Finding) {
        self.findings += 1;
        if self.first.len() < SHOWN {
            self.first.push(finding);
        }
    }

    /// Says something that is no finding, if there is anything to it.
    pub fn note(&mut self, count: u64, text: impl Display) {
        if count > 0 {
            self.notes.push(format!("{count} {text}"));
        }
    }
}

impl Report {
    /// Puts checks together.
    pub fn of(emstream: String, last: i64, confirmed: i64, checks: Vec<Check>) -> Self {
        let ok = checks.iter().all(|check| check.findings == 0);
        Self { ok, emstream, last, confirmed, checks }
    }

    /// A check by its name.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = String::new();
        if let (Some(topic), Some(partition)) = (&self.topic, self.partition) {
            write!(place, " {topic}/{partition}")?;
        }
        for (name, value) in [("offset", self.offset), ("sequence", self.sequence)] {
            if let Some(value) = value {
                write!(place, " {name} {value}")?;
            }
        }
        if let Some(key) = &self.key {
            write!(place, " key {key}")?;
        }
        match place.trim_start() {
            "" => write!(f, "{}", self.what),
            place => write!(f, "{} ({place})", self.what),
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ok, emstream, last, confirmed, checks } = self;
        writeln!(f, "number line {emstream}: {last} given, {confirmed} confirmed\n")?;
        writeln!(f, "{:<12}{:>12}{:>12}", "check", "looked at", "findings")?;
        for check in checks {
            match &check.skipped {
                Some(why) => writeln!(f, "{:<12}{:>12}{:>12}  {why}", check.name, "-", "-")?,
                None => writeln!(f, "{:<12}{:>12}{:>12}", check.name, check.looked, check.findings)?,
            }
        }
        for check in checks.iter().filter(|check| check.findings > 0) {
            writeln!(f, "\n{}", check.name)?;
            for finding in &check.first {
                writeln!(f, "  {finding}")?;
            }
            let rest = check.findings - u64::try_from(check.first.len()).unwrap_or_default();
            if rest > 0 {
                writeln!(f, "  and {rest} more")?;
            }
        }
        for check in checks {
            for note in &check.notes {
                writeln!(f, "\nnote on {}: {note}", check.name)?;
            }
        }
        writeln!(f, "\n{}", if *ok { "everything agrees" } else { "not everything agrees" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_findings_are_kept_and_all_are_counted() {
        let mut check = Check::named("line");
        for n in 0..25 {
            check.found(Finding::of("missing").number(n));
        }
        assert_eq!((check.findings, check.first.len()), (25, SHOWN));
        let report = Report::of("s".into(), 25, 25, vec![check, Check::named("chain")]);
        assert!(!report.ok);
        let text = report.to_string();
        assert!(text.contains("\n  missing (sequence 0)\n") && text.contains("\n  and 15 more\n"), "{text}");
        assert!(Report::of("s".into(), 0, 0, vec![Check::named("chain")]).ok);
    }
}
