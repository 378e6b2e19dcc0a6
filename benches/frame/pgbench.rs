//! The peer: `pgbench` with prepared statements, against a copy of the same site.
//!
//! It is measured as ours is: when it has connected, prepared and filled its caches, and not before. Its progress says how fast it is
//! second by second.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Outcome;
use super::cpu::{CpuTime, Meter};
use super::kafka::wall_seconds;
use super::rounds::Figures;
use super::server::Server;

/// Clients that surely connect within a second, on a busy machine too.
const CONNECTED_A_SECOND: usize = 32;
/// Its progress comes once a second, and not to the moment.
const ROUNDING: Duration = Duration::from_millis(500);
/// How long it goes on at the end, so that the last line of progress comes and what was meant to begin before is done.
const REST: Duration = Duration::from_secs(2);

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
    /// How long it runs before it is measured.
    pub(crate) warm_up: Duration,
}

/// What the measured part of a run came to.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Transactions a second.
    pub(crate) rate: f64,
    /// Seconds of each transaction, sorted; with a given rate only. They count from the moment it was meant to begin.
    pub(crate) latencies: Vec<f64>,
    /// CPU seconds; those of `pgbench` itself are the gateway's.
    pub(crate) cpu: CpuTime,
    /// Transactions.
    pub(crate) transactions: f64,
    /// When it began and ended, in seconds since 1970.
    span: [f64; 2],
}

impl Run {
    /// Its rate, and the CPU time of one transaction in µs.
    pub(crate) fn figures(&self) -> Figures {
        let each = 1e6 / self.transactions;
        Figures::from([
            ("rate", self.rate),
            ("client", self.cpu.gateway * each),
            ("postgres", self.cpu.postgres * each),
        ])
    }
}

impl Script<'_> {
    /// Runs it with so many clients and measures it for so long, as fast as it goes.
    pub(crate) fn run(&self, clients: usize, time: Duration) -> Outcome<Run> {
        self.measure(&mut self.command(clients, time)?, time)
    }

    /// Runs it at a rate.
    pub(crate) fn run_at(&self, rate: f64, clients: usize, time: Duration) -> Outcome<Run> {
        let mut pgbench = self.command(clients, time)?;
        pgbench.args(["--rate", &rate.to_string(), "--log", "--log-prefix"]);
        pgbench.arg(self.folder.join("pgbench-log"));
        let mut run = self.measure(&mut pgbench, time)?;
        run.latencies = latencies(self.folder, run.span)?;
        Ok(run)
    }

    fn command(&self, clients: usize, time: Duration) -> Outcome<Command> {
        let file = self.folder.join("pgbench.sql");
        std::fs::write(&file, &self.text)?;
        let connecting = Duration::from_secs(clients.div_ceil(CONNECTED_A_SECOND) as u64);
        let all = (connecting + self.warm_up + time + REST).as_secs();
        let mut pgbench = self.server.program("pgbench", self.database);
        pgbench.args(["-n", "-M", "prepared", "-P", "1", "-T", &all.to_string()]);
        pgbench.args(["-c", &clients.to_string(), "-j", &clients.min(2).to_string(), "-f"]).arg(&file);
        for (name, value) in &self.variables {
            pgbench.arg("-D").arg(format!("{name}={value}"));
        }
        Ok(pgbench)
    }

    fn measure(&self, pgbench: &mut Command, time: Duration) -> Outcome<Run> {
        self.server.settle()?;
        let postgres = self.server.pid()?;
        let mut child = pgbench.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let meter = Meter { gateway: Some(child.id()), postgres };
        let progress = child.stderr.take().ok_or("pgbench shows no progress")?;
        let (run, complaints) = watch(progress, self.warm_up, time, &meter)?;
        let output = child.wait_with_output()?;
        let text = String::from_utf8(output.stdout)?;
        let failed = text.lines().find_map(|line| line.strip_prefix("number of failed transactions: "));
        match run {
            Some(run) if output.status.success() && failed.is_none_or(|n| n.starts_with("0 ")) => Ok(run),
            _ => Err(format!("pgbench did not run to its end: {complaints}{text}").into()),
        }
    }
}

/// Follows the progress to its end; gives what was measured between warm-up and rest, and what else is said.
fn watch(
    progress: impl Read,
    warm_up: Duration,
    time: Duration,
    meter: &Meter,
) -> Outcome<(Option<Run>, String)> {
    let (mut first, mut window, mut run, mut complaints) = (None, None, None, String::new());
    for line in BufReader::new(progress).lines() {
        let line = line?;
        let Some(rate) = rate_of(&line) else {
            complaints += &format!("{line}\n");
            continue;
        };
        let begun = *first.get_or_insert_with(Instant::now);
        match &mut window {
            None if begun.elapsed() + ROUNDING >= warm_up => window = Some(Window::open(meter)?),
            Some(window) if run.is_none() => {
                window.add(rate);
                if window.opened.elapsed() + ROUNDING >= time {
                    run = Some(window.close(meter)?);
                }
            }
            None | Some(_) => {}
        }
    }
    Ok((run, complaints))
}

/// The rate of a line of progress: `progress: 3.0 s, 6716.0 tps, …`.
fn rate_of(line: &str) -> Option<f64> {
    line.strip_prefix("progress: ")?.split(", ").nth(1)?.strip_suffix(" tps")?.parse().ok()
}

/// The part of a run that is measured.
struct Window {
    opened: Instant,
    begun: f64,
    before: CpuTime,
    last: Instant,
    transactions: f64,
}

impl Window {
    fn open(meter: &Meter) -> Outcome<Self> {
        let now = Instant::now();
        Ok(Self { opened: now, begun: wall_seconds(), before: meter.read()?, last: now, transactions: 0.0 })
    }

    /// Adds what was done at a rate since the last time.
    fn add(&mut self, rate: f64) {
        let now = Instant::now();
        self.transactions += rate * (now - self.last).as_secs_f64();
        self.last = now;
    }

    fn close(&self, meter: &Meter) -> Outcome<Run> {
        Ok(Run {
            rate: self.transactions / (self.last - self.opened).as_secs_f64(),
            latencies: Vec::new(),
            cpu: meter.since(self.before)?,
            transactions: self.transactions,
            span: [self.begun, wall_seconds()],
        })
    }
}

/// Reads and removes the logs of all its threads; gives the latencies of what was meant to begin within a span.
fn latencies(folder: &Path, [from, to]: [f64; 2]) -> Outcome<Vec<f64>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with("pgbench-log")) {
            let text = std::fs::read_to_string(&path)?;
            let logged = text.lines().filter_map(logged);
            all.extend(logged.filter(|(meant, _)| (from..to).contains(meant)).map(|(_, latency)| latency));
            std::fs::remove_file(&path)?;
        }
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}

/// When a transaction of the log was meant to begin, and its latency: its third field in µs, before the fifth and sixth, its end.
fn logged(line: &str) -> Option<(f64, f64)> {
    let mut fields = line.split(' ').map(|field| field.parse::<f64>());
    let latency = fields.nth(2)?.ok()? / 1e6;
    let ended = fields.nth(1)?.ok()? + fields.next()?.ok()? / 1e6;
    Some((ended - latency, latency))
}
