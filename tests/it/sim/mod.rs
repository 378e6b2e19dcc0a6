//! Seeded worlds (style.md 7): random actions against the real service, whose clock only the script moves, and against a small model.
//!
//! After every action the answer, the events and the tables are what the model says, a refusal has changed nothing, and the fold of
//! all events gives the same picture. A failing seed prints its script, shrunk; a script in `tests/scenarios/` is replayed and its
//! transcript compared. `EMGATE_SIM_SEED`, `EMGATE_SIM_SEEDS` and `EMGATE_SIM_STEPS` choose others.

mod choose;
mod fold;
mod line;
mod model;
mod picture;
mod real;
mod run;
mod shrink;

use std::path::Path;

use run::{Failure, replay};

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// Plays some seeds; the first that fails is shrunk and printed.
fn play(first: u64, seeds: u64, steps: u64) {
    let (first, seeds) = (number("EMGATE_SIM_SEED", first), number("EMGATE_SIM_SEEDS", seeds));
    let steps = number("EMGATE_SIM_STEPS", steps);
    for seed in first..first + seeds {
        let script = choose::script(seed, steps);
        if let Err(failure) = replay(&script) {
            let (script, Failure { at, what }) = shrink::shrink(script, failure);
            panic!(
                "seed {seed} fails at action {}: {what}\nas a file of tests/scenarios:\n{}\n",
                at + 1,
                script.join("\n")
            );
        }
    }
}

#[test]
fn seeded_worlds_behave_as_the_model_says() {
    play(1, 20, 80);
}

#[test]
#[ignore = "many seeds, some minutes; `make soak` runs it"]
fn many_seeded_worlds_behave_as_the_model_says() {
    play(1000, 300, 120);
}

#[test]
fn scenarios_go_as_written_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "txt"));
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let script: Vec<String> =
            text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect();
        let transcript =
            replay(&script).unwrap_or_else(|f| panic!("{}: {}: {}", file.display(), script[f.at], f.what));
        let kept = file.with_extension("out");
        if std::env::var_os("EMGATE_BLESS").is_some() {
            std::fs::write(&kept, &transcript).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&kept).unwrap_or_default(), transcript, "{}", file.display());
    }
}
