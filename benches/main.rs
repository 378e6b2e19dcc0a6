//! The benches: ours against a peer, in the same rounds, on a durable Postgres of their own. `make bench` runs them.
//!
//! A bench is a file here and a line in [`BENCHES`]. They find out how fast something is; whether it is right is the tests' business.

mod add_phone;
mod event_catchup;
mod event_latency;
mod footprint;
mod frame;
mod get_phone;
mod growth;
mod list_phone;
mod login_api;
mod login_churn;
mod login_cold;
mod login_latency;
mod login_page;
mod logins;
mod slow_disk;
mod soap_floor;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use frame::Outcome;
use frame::lab::Lab;
use frame::table::{self, Finding};
use mimalloc::MiMalloc;

/// The gateway's, for both sides of what runs in this process.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

type Bench = fn(&Lab) -> Outcome<Vec<Finding>>;

/// Every bench by name, in the order they run.
const BENCHES: &[(&str, Bench)] = &[
    ("soap-floor", soap_floor::run),
    ("login-churn", login_churn::run),
    ("login-api", login_api::run),
    ("login-page", login_page::run),
    ("login-cold", login_cold::run),
    ("login-slow-disk", slow_disk::run),
    ("login-latency", login_latency::run),
    ("get-phone", get_phone::run),
    ("add-phone", add_phone::run),
    ("list-phone", list_phone::run),
    ("event-latency", event_latency::run),
    ("event-catchup", event_catchup::run),
    ("footprint", footprint::run),
    ("growth", growth::run),
];

/// Measures the gateway against peers that do the same work.
#[derive(Parser)]
struct Options {
    /// Benches to run; all when none is named
    names: Vec<String>,
    /// Rounds of each bench
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Short samples, small sites: to try a bench out, not to report
    #[arg(long)]
    quick: bool,
    /// Events that event-catchup publishes; 1 000 000, with --quick 100 000
    #[arg(long)]
    events: Option<usize>,
    /// File for the findings as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// File for the findings as a Markdown table
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// What cargo passes to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            table::say(&format!("bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<()> {
    let known = |name: &String| BENCHES.iter().any(|(known, _)| known == name);
    if let Some(unknown) = options.names.iter().find(|name| !known(name)) {
        let names: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        return Err(format!("no bench is called \"{unknown}\"; there are {}", names.join(", ")).into());
    }
    let events = options.events.unwrap_or(if options.quick { 100_000 } else { 1_000_000 });
    let lab = Lab::new(options.rounds, options.quick, events)?;
    frame::site::remove(&lab)?;
    let machine = frame::machine::describe(&lab)?;
    table::say(&machine);
    table::say(&format!("settings of the gateway beside the defaults:\n{}", frame::gateway::SETTINGS));
    let mut all = Vec::new();
    for (name, bench) in BENCHES {
        if !options.names.is_empty() && !options.names.iter().any(|n| n == name) {
            continue;
        }
        let begun = Instant::now();
        let findings = bench(&lab).map_err(|error| format!("{name}: {error}"))?;
        table::say(&format!("{}    took {} s", table::terminal(name, &findings), begun.elapsed().as_secs()));
        all.push((*name, findings));
    }
    frame::site::remove(&lab)?;
    if let Some(file) = &options.json {
        let lines = all.iter().flat_map(|(name, findings)| findings.iter().map(|f| f.to_json(name)));
        std::fs::write(file, serde_json::to_string_pretty(&lines.collect::<Vec<_>>())?)?;
    }
    if let Some(file) = &options.markdown {
        let how = format!("{machine} Rounds: {}{}.", lab.rounds, if lab.quick { ", cut short" } else { "" });
        std::fs::write(file, format!("{how}\n\n{}", table::markdown(&all)))?;
    }
    Ok(())
}
