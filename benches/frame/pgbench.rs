//! The peer: `pgbench` with prepared statements, against a copy of the same site.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use super::Outcome;
use super::server::Server;

/// Clients that surely connect within a second, on a busy machine too.
const CONNECTED_A_SECOND: usize = 32;

/// A script with its variables.
pub(crate) struct Script<'a> {
    /// The server.
    pub(crate) server: &'a Server,
    /// The database.
    pub(crate) database: &'a str,
    /// Where scratch files go.
    pub(crate) folder: &'a Path,
    /// Its text.
    pub(crate) text: String,
    /// Values of its variables.
    pub(crate) variables: Vec<(&'static str, String)>,
}

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Transactions a second.
    pub(crate) rate: f64,
    /// Seconds of each transaction, sorted; with a given rate only. They count from the moment it was meant to begin.
    pub(crate) latencies: Vec<f64>,
    /// CPU seconds of `pgbench` itself.
    pub(crate) cpu: f64,
    /// Transactions.
    pub(crate) transactions: f64,
}

impl Script<'_> {
    /// Runs it with so many clients for so many seconds, as fast as it goes.
    pub(crate) fn run(&self, clients: usize, seconds: f64) -> Outcome<Run> {
        self.start(clients, seconds, None)
    }

    /// Runs it at a rate.
    pub(crate) fn run_at(&self, rate: f64, clients: usize, seconds: f64) -> Outcome<Run> {
        let log = self.folder.join("pgbench-log");
        let mut run = self.start(clients, seconds, Some((rate, &log)))?;
        run.latencies = latencies(self.folder)?;
        Ok(run)
    }

    fn start(&self, clients: usize, seconds: f64, rate: Option<(f64, &PathBuf)>) -> Outcome<Run> {
        let file = self.folder.join("pgbench.sql");
        std::fs::write(&file, &self.text)?;
        let mut pgbench = self.server.program("pgbench", self.database);
        pgbench.args(["-n", "-M", "prepared", "-c", &clients.to_string(), "-j", &clients.min(2).to_string()]);
        // the time it is given holds that of connecting, which it leaves out of the rate
        let connecting = clients.div_ceil(CONNECTED_A_SECOND) as f64;
        pgbench.args(["-T", &(seconds.ceil() + connecting).to_string(), "-f"]).arg(&file);
        for (name, value) in &self.variables {
            pgbench.arg("-D").arg(format!("{name}={value}"));
        }
        if let Some((rate, log)) = rate {
            pgbench.args(["--rate", &rate.to_string(), "--log", "--log-prefix"]).arg(log);
        }
        let (before, begun) = (super::cpu::of_ended_children()?, Instant::now());
        let output = pgbench.stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
        if !output.status.success() || begun.elapsed().as_secs_f64() < seconds / 2.0 {
            return Err(format!("pgbench: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let text = String::from_utf8(output.stdout)?;
        let after = |what: &str| text.lines().find_map(|line| line.strip_prefix(what));
        let first = |rest: Option<&str>| rest.and_then(|r| r.split([' ', '/']).next()?.parse::<f64>().ok());
        let failed = first(after("number of failed transactions: ")).unwrap_or(0.0);
        if failed > 0.0 {
            return Err(format!("pgbench: {failed} transactions failed").into());
        }
        Ok(Run {
            rate: first(after("tps = ")).ok_or("pgbench prints no rate")?,
            transactions: first(after("number of transactions actually processed: "))
                .ok_or("pgbench prints no count")?,
            latencies: Vec::new(),
            cpu: super::cpu::of_ended_children()? - before,
        })
    }
}

/// Reads and removes the logs of all its threads; the third field is the latency in µs.
fn latencies(folder: &Path) -> Outcome<Vec<f64>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with("pgbench-log")) {
            let text = std::fs::read_to_string(&path)?;
            all.extend(
                text.lines().filter_map(|l| l.split(' ').nth(2)?.parse::<f64>().ok()).map(|us| us / 1e6),
            );
            std::fs::remove_file(&path)?;
        }
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}
