//! Pages of `docs/` that are written from what the program knows of itself; `EMGATE_BLESS=1` writes them anew.

mod codes;
mod parameters;
mod requirements;

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The page in the repository is this one.
fn assert_written(name: &str, page: &str) {
    let path = root().join("docs").join(name);
    if std::env::var_os("EMGATE_BLESS").is_some() {
        std::fs::write(&path, page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = kept.lines().zip(page.lines()).position(|(kept, now)| kept != now);
    let line = differs.unwrap_or_else(|| kept.lines().count().min(page.lines().count())) + 1;
    assert!(
        kept == page,
        "docs/{name} is stale from line {line} on: EMGATE_BLESS=1 cargo test --test it pages"
    );
}

/// What the variants of an enum are for, by their names, from the comments in its source.
fn variants(source: &str, name: &str) -> Vec<(String, String)> {
    let (_, body) = source.split_once(&format!("pub enum {name} {{\n")).expect("the enum");
    let (body, _) = body.split_once("\n}\n").expect("its end");
    let (mut found, mut comment) = (Vec::new(), String::new());
    for line in body.lines().filter_map(|line| line.strip_prefix("    ")) {
        match line.strip_prefix("/// ") {
            Some(text) => comment = format!("{comment} {text}").trim().to_owned(),
            None if line.starts_with(|c: char| c.is_ascii_uppercase()) => {
                let end = line.find(|c: char| !c.is_alphanumeric()).unwrap_or(line.len());
                found.push((line[..end].to_owned(), std::mem::take(&mut comment)));
            }
            None => {}
        }
    }
    found
}

/// A cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
