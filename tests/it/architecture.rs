//! Who may use whom: the layers of `src/lib.rs` and the frameworks' places, read from the sources.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Layer of every top module; a module uses its own layer only through itself.
const LAYERS: &[(&str, u8)] = &[
    ("domain", 0),
    ("clock", 0),
    ("config", 0),
    ("telemetry", 0),
    ("store", 1),
    ("soap", 1),
    ("event", 2),
    ("auth", 2),
    ("axl", 3),
    ("em", 3),
    ("handset", 3),
    ("http", 4),
    ("main", 5),
    ("app", 5),
    ("shutdown", 5),
];

/// Uses inside one layer that are meant: the provisioning API ends sessions and starts logins through the service,
/// log lines carry the time of the one place that reads the clock.
const NEIGHBOURS: &[(&str, &str)] =
    &[("axl", "em"), ("telemetry", "clock"), ("main", "app"), ("main", "shutdown"), ("app", "shutdown")];

/// Which files may name a framework; a place ends in `/` for a folder.
const PLACES: &[(&str, &[&str])] = &[
    // the derives of row keys are the one exception below the store
    ("diesel", &["store/", "domain/ids.rs"]),
    ("diesel_migrations", &["store/"]),
    ("rdkafka", &["event/kafka.rs", "event/kafka/"]),
    ("yaserde", &["soap/", "axl/"]),
    ("xml", &["soap/", "axl/"]),
    ("quick_xml", &["soap/", "axl/", "em/screen.rs", "auth/page.rs"]),
    (
        "actix_web",
        &[
            "http/",
            "axl/mod.rs",
            "em/phone_app.rs",
            "em/visit.rs",
            "em/api/mod.rs",
            "em/operator/door.rs",
            "em/operator/http.rs",
            "em/registrations.rs",
            "em/credential/http.rs",
            "em/credential/page.rs",
            "auth/",
            "handset/push.rs",
        ],
    ),
    ("actix_tls", &["http/"]),
    ("rustls", &["http/", "handset/client.rs"]),
];

struct Source {
    path: String,
    module: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut found, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                let module = name.split(['/', '.']).next().unwrap().to_owned();
                found.push(Source {
                    path: name,
                    module,
                    text: code(&std::fs::read_to_string(&path).unwrap()),
                });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The text without comments and unit tests; those may use what they need.
fn code(text: &str) -> String {
    let upto_tests = text.split("#[cfg(test)]").next().unwrap();
    let lines = upto_tests.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The top modules that a text names after `crate::`, braces and all.
fn used(text: &str, root: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let starts = text.match_indices(root).filter(|(at, _)| !text[..*at].ends_with(is_name));
    for (at, _) in starts {
        let rest = &text[at + root.len()..];
        let list = match rest.strip_prefix('{') {
            None => vec![rest],
            Some(inside) => first_level(inside),
        };
        names.extend(
            list.iter().map(|item| item.trim_start().chars().take_while(|c| is_name(*c)).collect::<String>()),
        );
    }
    names.remove("");
    names
}

/// The items of a list in braces, not those of the braces inside it.
fn first_level(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&text[start..at]);
                return items;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

fn layer(module: &str) -> u8 {
    let entry = LAYERS.iter().find(|(name, _)| *name == module);
    entry.unwrap_or_else(|| panic!("module {module} has no layer in tests/it/architecture.rs")).1
}

#[test]
fn modules_use_what_lies_below_them_only() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| s.module != "lib") {
        let mut names = used(&source.text, "crate::");
        names.extend(used(&source.text, "emgate::"));
        for name in names.iter().filter(|name| **name != source.module) {
            let neighbours = NEIGHBOURS.contains(&(&source.module, name));
            if layer(name) >= layer(&source.module) && !neighbours {
                wrong.push(format!("{} uses {name}", source.path));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn rules_see_no_clock_and_no_settings() {
    let rules = sources();
    let outside = ["clock", "config", "telemetry"];
    let wrong: Vec<_> = rules
        .iter()
        .filter(|s| s.module == "domain")
        .filter(|s| used(&s.text, "crate::").iter().any(|name| outside.contains(&name.as_str())))
        .map(|s| &s.path)
        .collect();
    assert_eq!(wrong, Vec::<&String>::new());
}

#[test]
fn frameworks_stay_in_their_places() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (framework, places) in PLACES {
            let allowed =
                places.iter().any(|p| source.path == *p || (p.ends_with('/') && source.path.starts_with(p)));
            let path = format!("{framework}::");
            let named = source.text.match_indices(&path).any(|(at, _)| {
                let before = &source.text[..at];
                // `::x` after a name is a path inside something else
                !before.ends_with(is_name) && !before.ends_with("::")
            });
            if named && !allowed {
                wrong.push(format!("{} uses {framework}", source.path));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_file_is_longer_than_five_hundred_lines_of_code() {
    let long: Vec<_> = sources()
        .into_iter()
        .filter(|s| s.path != "store/schema.rs")
        .filter_map(|s| {
            let lines = s.text.lines().filter(|l| !l.trim().is_empty()).count();
            (lines > 500).then(|| format!("{}: {lines}", s.path))
        })
        .collect();
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn the_reader_of_paths_sees_nested_lists() {
    let text = "use crate::{a::{b, c}, d, e::f};\nlet x = crate::g::h(); mycrate::no();";
    assert_eq!(used(text, "crate::").into_iter().collect::<Vec<_>>(), ["a", "d", "e", "g"]);
}
