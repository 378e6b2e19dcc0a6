//! `docs/requirements.md`: what Extension Mobility asks for, the tests that show it, and what is not here yet, from `tests/requirements.txt`.

use std::fmt::Write as _;

use super::{assert_written, cell, root};

/// How many there are.
const LAST: usize = 163;

const HEAD: &str = "# Requirements

What users of Extension Mobility rely on, one line each, with the tests that show it from outside or, where a rule is pure, at the rule.
Written from `tests/requirements.txt`, where a test must be there to be named.
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

/// Whether a file has a test of this name.
fn is_test(file: &str, name: &str) -> bool {
    let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let is_it = |line: &str| line.contains(&format!("fn {name}("));
    let at = lines.iter().position(|line| is_it(line));
    at.is_some_and(|at| lines[at.saturating_sub(4)..at].iter().any(|line| line.contains("test")))
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
    for Requirement { id, tests, missing, .. } in all {
        assert!(!tests.is_empty() || !missing.is_empty(), "{id} has neither a test nor a reason");
        for (file, name) in tests {
            assert!(is_test(file, name), "{id}: {file} has no test {name}");
        }
    }
    assert_written("requirements.md", &page(&parts));
}
