//! What was found: as a table on the terminal, as Markdown, as JSON; and progress while it is being found.

use std::io::{IsTerminal as _, Write as _};

use serde_json::{Value, json};

/// What a bench is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// So much or more.
    AtLeast(f64),
    /// So much or less.
    AtMost(f64),
}

/// One line of the result.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// What was measured, peer included.
    pub(crate) what: String,
    /// Unit of `ours` and `peer`.
    pub(crate) unit: &'static str,
    /// Median of ours.
    pub(crate) ours: f64,
    /// Median of the peer.
    pub(crate) peer: Option<f64>,
    /// Median, least and greatest of ours to the peer's, round by round.
    pub(crate) ratio: Option<(f64, [f64; 2])>,
    /// Held to the ratio, or to `ours` where there is no peer.
    pub(crate) goal: Option<Goal>,
    /// What else was seen.
    pub(crate) notes: Vec<String>,
}

impl Finding {
    /// A figure that stands alone.
    pub(crate) fn alone(what: &str, unit: &'static str, ours: f64) -> Self {
        Self { what: what.to_owned(), unit, ours, peer: None, ratio: None, goal: None, notes: Vec::new() }
    }

    /// Adds the goal.
    pub(crate) fn held_to(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }

    /// Adds a remark.
    pub(crate) fn note(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }

    /// Whether the goal was reached, if there is one.
    pub(crate) fn reached(&self) -> Option<bool> {
        let judged = self.ratio.map_or(self.ours, |(ratio, _)| ratio);
        self.goal.map(|goal| match goal {
            Goal::AtLeast(least) => judged >= least,
            Goal::AtMost(most) => judged <= most,
        })
    }

    fn cells(&self) -> [String; 6] {
        let ratio = self.ratio.map_or_else(String::new, |(ratio, [least, greatest])| {
            format!("{} ({} to {})", number(ratio), number(least), number(greatest))
        });
        let unit = if self.ratio.is_some() { "×" } else { self.unit };
        let goal = self.goal.map_or_else(String::new, |goal| match goal {
            Goal::AtLeast(least) => format!("≥ {} {unit}", number(least)),
            Goal::AtMost(most) => format!("≤ {} {unit}", number(most)),
        });
        let reached = match self.reached() {
            None => "",
            Some(true) => "reached",
            Some(false) => "missed",
        };
        let with_unit = |value: f64| format!("{} {}", number(value), self.unit);
        let peer = self.peer.map_or_else(String::new, with_unit);
        [self.what.clone(), with_unit(self.ours), peer, ratio, goal, reached.to_owned()]
    }

    /// The line as JSON.
    pub(crate) fn to_json(&self, bench: &str) -> Value {
        let goal = self.goal.map(|goal| match goal {
            Goal::AtLeast(least) => json!({"at_least": least}),
            Goal::AtMost(most) => json!({"at_most": most}),
        });
        json!({"bench": bench, "what": self.what, "unit": self.unit, "ours": self.ours, "peer": self.peer,
            "ratio": self.ratio.map(|r| r.0), "ratio_least": self.ratio.map(|r| r.1[0]), "ratio_greatest": self.ratio.map(|r| r.1[1]),
            "goal": goal, "reached": self.reached(), "notes": self.notes})
    }
}

const HEAD: [&str; 6] = ["what", "ours", "peer", "ratio (least to greatest)", "goal", ""];

/// The findings of one bench for a terminal.
pub(crate) fn terminal(bench: &str, findings: &[Finding]) -> String {
    let rows: Vec<[String; 6]> =
        std::iter::once(HEAD.map(str::to_owned)).chain(findings.iter().map(Finding::cells)).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut text = format!("\n{bench}\n");
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text += &format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    for note in findings.iter().flat_map(|f| f.notes.iter().map(move |note| format!("{}: {note}", f.what))) {
        text += &format!("    {note}\n");
    }
    text
}

/// All findings as a Markdown table.
pub(crate) fn markdown(all: &[(&'static str, Vec<Finding>)]) -> String {
    let mut text =
        "| bench | what | ours | peer | ratio | goal | |\n|---|---|---|---|---|---|---|\n".to_owned();
    for (bench, findings) in all {
        for finding in findings {
            text += &format!("| `{bench}` | {} |\n", finding.cells().join(" | "));
        }
    }
    text += "\n";
    for (bench, findings) in all {
        for finding in findings.iter().filter(|f| !f.notes.is_empty()) {
            text += &format!("- `{bench}`, {}: {}\n", finding.what, finding.notes.join("; "));
        }
    }
    text
}

/// Three digits that matter.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        x if x >= 100.0 => thousands(value.round()),
        x if x >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 && digit.is_ascii_digit() && !text.ends_with('-') {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Says what is going on: one line that is written over on a terminal, nothing kept elsewhere.
pub(crate) fn progress(text: &str) {
    let mut out = std::io::stderr().lock();
    let _unsaid = if out.is_terminal() {
        write!(out, "\r\x1b[K{text}").and_then(|()| out.flush())
    } else {
        writeln!(out, "{text}")
    };
}

/// Says something that stays.
pub(crate) fn say(text: &str) {
    if std::io::stderr().is_terminal() {
        progress("");
    }
    let mut out = std::io::stdout().lock();
    let _unsaid = writeln!(out, "{text}").and_then(|()| out.flush());
}
