//! One run from its empty folder to its verdict.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Options;
use super::plan::Length;
use super::servers::Server;
use super::tally::Tally;
use super::{embedded, faulty};

/// How a run ended.
pub(crate) enum Verdict {
    /// Every promise that was looked at was kept.
    Kept,
    /// At least one was not.
    Broken,
}

/// Findings shown on the terminal; all of them are in a file.
const SHOWN: usize = 20;

/// What all parts of a run stand on. Servers are stopped when it ends, however it ends.
pub(crate) struct Ground {
    /// The gateway's program.
    pub(crate) program: PathBuf,
    /// Where everything is kept.
    pub(crate) run_dir: PathBuf,
    /// What decides.
    pub(crate) seed: u64,
    /// How long faults come.
    pub(crate) minutes: f64,
    /// One of each, or as long as there is time.
    pub(crate) length: Length,
    pub(crate) postgres: Server,
    pub(crate) kafka: Server,
    /// Raised by Ctrl-C and SIGTERM.
    interrupted: Arc<AtomicBool>,
}

/// What a part of a run came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What is wrong.
    pub(crate) findings: Vec<String>,
    /// What was counted and timed.
    pub(crate) tally: Tally,
}

/// One part of a run.
type Part = fn(&Ground) -> Result<Outcome, String>;

impl Ground {
    fn prepare(options: &Options, seed: u64) -> Result<Self, String> {
        let run_dir = options.run_dir.clone();
        fs::create_dir_all(&run_dir).map_err(|e| format!("{}: {e}", run_dir.display()))?;
        let ground = Self {
            program: fs::canonicalize(&options.gateway).map_err(|e| format!("--gateway: {e}"))?,
            seed,
            minutes: options.minutes,
            length: if options.short { Length::Short } else { Length::Long },
            postgres: Server::postgres(&run_dir),
            kafka: Server::kafka(&run_dir),
            interrupted: interruption(),
            run_dir,
        };
        ground.postgres.start()?;
        ground.kafka.start()?;
        Ok(ground)
    }

    /// The address of a database of its Postgres, through a port.
    pub(crate) fn database(&self, name: &str, port: u16) -> String {
        format!("postgres://em:{}@127.0.0.1:{port}/{name}", self.postgres.secret())
    }

    /// Whether somebody wants this to end.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// The command that makes this run again.
    fn repeat(&self) -> String {
        match self.length {
            Length::Short => format!("make soak SHORT=1 SEED={}", self.seed),
            Length::Long => format!("make soak MINUTES={} SEED={}", self.minutes, self.seed),
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        drop(self.kafka.signal("CONT"));
        self.kafka.stop();
        self.postgres.stop();
    }
}

fn interruption() -> Arc<AtomicBool> {
    let raised = Arc::new(AtomicBool::new(false));
    let raise = Arc::clone(&raised);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (mut asked, mut told) =
                (signal(SignalKind::interrupt()).unwrap(), signal(SignalKind::terminate()).unwrap());
            tokio::select! { _ = asked.recv() => (), _ = told.recv() => () }
        });
        raise.store(true, Ordering::SeqCst);
    });
    raised
}

/// Makes the run and judges it.
pub(crate) fn run(options: &Options, seed: u64) -> Result<Verdict, String> {
    let ground = Ground::prepare(options, seed)?;
    println!("soak: seed {seed}; again with: {}", ground.repeat());
    let mut findings = Vec::new();
    let parts: [(&str, Part); 2] = [
        ("faults, Apache Kafka, transactional mode", faulty::run),
        ("embedded broker, idempotent mode", embedded::run),
    ];
    for (name, part) in parts {
        let outcome = part(&ground)?;
        if ground.is_interrupted() {
            return Err("interrupted".into());
        }
        println!("\nsoak: {name}, seed {seed}\n{}", outcome.tally.lines());
        findings.extend(outcome.findings);
    }
    verdict(&ground, &findings)
}

fn verdict(ground: &Ground, findings: &[String]) -> Result<Verdict, String> {
    if findings.is_empty() {
        ground.kafka.remove();
        ground.postgres.remove();
        drop(fs::remove_dir_all(&ground.run_dir));
        println!("soak: nothing found");
        return Ok(Verdict::Kept);
    }
    fs::write(ground.run_dir.join("findings.txt"), findings.join("\n")).map_err(|e| e.to_string())?;
    for finding in findings.iter().take(SHOWN) {
        println!("  {finding}");
    }
    let (count, folder) = (findings.len(), ground.run_dir.display());
    println!("soak: {count} findings, kept with everything in {folder}; again with: {}", ground.repeat());
    Ok(Verdict::Broken)
}
