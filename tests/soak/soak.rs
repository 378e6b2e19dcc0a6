//! `make soak`: the real program under load and faults, and then an independent look at whether it kept its promises.
//!
//! Gateways, Postgres and Apache Kafka are processes of a run's own. Sixteen clients journal every answer while faults come by a plan
//! that a seed decides. When all is quiet, the checker compares journal, Kafka and tables. It knows nothing of the product's code.
#![expect(clippy::wildcard_enum_match_arm, reason = "in a test, anything else is a failure")]
#![expect(
    clippy::disallowed_methods,
    reason = "looks from outside, with the clock of the machine and with statements of its own"
)]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what tests stand on may panic too")]

mod checker;
mod client;
mod cluster;
mod embedded;
mod eye;
mod faults;
mod faulty;
mod gateway;
mod load;
mod plan;
mod proxy;
mod random;
mod reader;
mod run;
mod servers;
mod site;
mod tally;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Runs the gateway under load and faults and checks that it keeps its promises; `make soak` builds and starts this.
///
/// Exit status: 0 nothing was found, 1 a promise was broken or did not hold in time, 2 the run could not be made or was interrupted.
#[derive(Debug, Clone, Parser)]
pub(crate) struct Options {
    /// The gateway to run
    #[arg(long, value_name = "FILE")]
    pub(crate) gateway: PathBuf,
    /// Folder of everything that the run makes; removed when nothing was found
    #[arg(long, value_name = "DIR")]
    pub(crate) run_dir: PathBuf,
    /// Decides faults and wishes; the same seed gives the same plan
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How long faults come
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    pub(crate) minutes: f64,
    /// One fault of each kind and then the end, in about two minutes
    #[arg(long)]
    pub(crate) short: bool,
}

fn main() -> ExitCode {
    let mut options = Options::parse();
    let seed = *options.seed.get_or_insert_with(|| client::now().unsigned_abs() % 1_000_000);
    match run::run(&options, seed) {
        Ok(run::Verdict::Kept) => ExitCode::SUCCESS,
        Ok(run::Verdict::Broken) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("soak: {why}");
            ExitCode::from(2)
        }
    }
}
