//! `docs/requirements.md`: what Extension Mobility asks for, the tests that show it, and what is not here yet, from `tests/requirements.txt`.

use std::fmt::Write as _;

use super::{assert_written, cell, root};

/// How many there are.
const LAST: usize = 163;

/// Those that the logins and logouts themselves owe: each has a test through the outer edge, where phones, programs and administrators
/// come in.
#[rustfmt::skip]
const OUTER: &[std::ops::RangeInclusive<usize>] = &[
    5..=5, 7..=8, 23..=25, 32..=32, 34..=35, 37..=41, 43..=43, 50..=52, 57..=57, 59..=59, 62..=79, 81..=86, 88..=88, 91..=103,
    116..=118, 123..=123, 125..=129, 131..=131, 134..=136, 138..=139, 143..=155, 161..=163,
];

/// What a test has that talks to the listeners of a gateway, by itself or through the helpers of its room.
const EDGES: &[&str] = &[
    "TestGateway",
    "Process",
    "Outside",
    "Floor",
    "Watched",
    "Office",
    "Ground",
    "Pair",
    "Upgrade",
    "Target",
];

const HEAD: &str = "# Requirements

What users of Extension Mobility rely on, one line each, with the tests that show it from outside or, where a rule is pure, at the rule;
how fast something is, a bench shows (`docs/performance.md`). Written from `tests/requirements.txt`, where a test must be there to be named.
";

const TABLE: &str = "
| id | what | shown by | not here yet |
|---|---|---|---|
";

struct Requirement<'a> {
    id: &'a str,
    title: &'a str,
    /// File and function.
    tests: Vec<(&'a str, &'a str)>,
    missing: Vec<&'a str>,
}

/// A heading and the requirements below it.
type Part<'a> = (&'a str, Vec<Requirement<'a>>);

/// Reads the list: `# heading`, `EM-001 title`, and below it tests (file, function) and `- what is not here yet`.
fn read(text: &str) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let newest = parts.last_mut().map(|(_, requirements)| requirements);
        match (line.strip_prefix("# "), line.strip_prefix("    ")) {
            (Some(heading), _) => parts.push((heading, Vec::new())),
            (None, None) => {
                let (id, title) = line.split_once(' ').expect("an id and a title");
                let requirement = Requirement { id, title, tests: Vec::new(), missing: Vec::new() };
                newest.expect("a heading").push(requirement);
            }
            (None, Some(inside)) => {
                let requirement = newest.and_then(|all| all.last_mut()).expect("a requirement");
                match inside.strip_prefix("- ") {
                    Some(reason) => requirement.missing.push(reason),
                    None => requirement.tests.push(inside.split_once(' ').expect("a file and a test")),
                }
            }
        }
    }
    parts
}

/// The text of a test of this name, if a file has it: from its attributes to its end.
fn find_test(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.contains(&format!("fn {name}(")))?;
    let from = (at.saturating_sub(4)..at).find(|n| lines[*n].contains("test"))?;
    let indent = lines[at].len() - lines[at].trim_start().len();
    let end = lines[at..].iter().position(|line| *line == format!("{}}}", " ".repeat(indent)))?;
    Some(lines[from..=at + end].join("\n"))
}

/// Whether a bench of this name is on the list of all of them, which is this file.
fn is_bench(file: &str, name: &str) -> bool {
    let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
    file == "benches/main.rs" && text.contains(&format!("(\"{name}\", "))
}

/// Whether a test goes through the outer edge: it waits for answers as clients do, and what it asks is a gateway, which stands in the test,
/// in a function of its file that it calls, or for a whole room in the file beside it.
fn is_outer(file: &str, name: &str) -> bool {
    let Some(test) = find_test(file, name).filter(|_| file.starts_with("tests/it/")) else { return false };
    let has_edge = |text: &str| EDGES.iter().any(|edge| text.contains(edge));
    let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
    let is_mixed = text.contains("Site::new()") || text.contains("AxlSite");
    let room = std::path::Path::new(file).with_file_name("mod.rs");
    let room = std::fs::read_to_string(root().join(room)).unwrap_or_default();
    let helpers: String = text
        .split("\nfn ")
        .filter(|helper| test.contains(&format!("{}(", helper.split('(').next().unwrap_or_default())))
        .collect();
    test.starts_with("#[test]")
        && match is_mixed {
            true => has_edge(&test) || has_edge(&helpers),
            false => has_edge(&text) || has_edge(&room),
        }
}

fn page(parts: &[Part<'_>]) -> String {
    let mut page = HEAD.to_owned();
    let all = || parts.iter().flat_map(|(_, requirements)| requirements);
    let shown = all().filter(|r| r.missing.is_empty()).count();
    let partly = all().filter(|r| !r.missing.is_empty() && !r.tests.is_empty()).count();
    let rest = LAST - shown - partly;
    writeln!(page, "\nOf {LAST}, {shown} are shown whole, {partly} in part, {rest} not yet.").unwrap();
    for (heading, requirements) in parts {
        write!(page, "\n## {heading}\n{TABLE}").unwrap();
        for Requirement { id, title, tests, missing } in requirements {
            let link = |(file, name): &(&str, &str)| format!("[{}](../{file})", name.replace('_', " "));
            let tests = tests.iter().map(link).collect::<Vec<_>>().join(" · ");
            writeln!(page, "| {id} | {} | {tests} | {} |", cell(title), cell(&missing.join("; "))).unwrap();
        }
    }
    page
}

#[test]
fn the_page_of_requirements_names_a_test_or_a_reason_for_each() {
    let text = std::fs::read_to_string(root().join("tests/requirements.txt")).unwrap();
    let parts = read(&text);
    let all: Vec<&Requirement<'_>> = parts.iter().flat_map(|(_, requirements)| requirements).collect();
    let mut ids: Vec<&str> = all.iter().map(|r| r.id).collect();
    ids.sort_unstable();
    let expected: Vec<String> = (1..=LAST).map(|n| format!("EM-{n:03}")).collect();
    assert_eq!(ids, expected);
    let mut owed = Vec::new();
    for Requirement { id, tests, missing, .. } in all {
        assert!(!tests.is_empty() || !missing.is_empty(), "{id} has neither a test nor a reason");
        for (file, name) in tests {
            let is_there = find_test(file, name).is_some() || is_bench(file, name);
            assert!(is_there, "{id}: {file} has no test {name}");
        }
        let number: usize = id.trim_start_matches("EM-").parse().unwrap();
        let is_owed = OUTER.iter().any(|owed| owed.contains(&number));
        let is_shown = tests.iter().any(|(file, name)| is_outer(file, name));
        if is_owed && !is_shown {
            owed.push(*id);
        }
    }
    assert!(owed.is_empty(), "no test through the outer edge: {owed:?}");
    assert_written("requirements.md", &page(&parts));
}
