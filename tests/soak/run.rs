//! One run from its empty folder to its verdict.

use std::fs;
use std::io::{IsTerminal, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::checker::{self, Finding, History};
use super::client::Nodes;
use super::eye::Eye;
use super::faults::Stage;
use super::gateway::{Gateway, Settings};
use super::load::{CLIENTS, Work};
use super::plan::{Length, Plan};
use super::proxy::Proxy;
use super::servers::Server;
use super::tally::Tally;
use super::{Options, load, reader, site};

/// How a run ended.
pub(crate) enum Verdict {
    /// Every promise that was looked at was kept.
    Kept,
    /// At least one was not.
    Broken,
}

/// Longest that a start of all, or the end of copying, may take.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two lines of progress on a terminal, and elsewhere.
const PROGRESS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(20));
/// Findings shown on the terminal; all of them are in a file.
const SHOWN: usize = 20;

/// Servers are stopped when a run ends, however it ends.
struct Servers {
    postgres: Server,
    kafka: Server,
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.kafka.signal("CONT");
        self.kafka.stop();
        self.postgres.stop();
    }
}

/// Raised by Ctrl-C and SIGTERM.
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
    let interrupted = interruption();
    let length = if options.short { Length::Short } else { Length::Long };
    let repeat = match length {
        Length::Short => format!("make soak SHORT=1 SEED={seed}"),
        Length::Long => format!("make soak MINUTES={} SEED={seed}", options.minutes),
    };
    println!("soak: seed {seed}; again with: {repeat}");
    let run_dir = &options.run_dir;
    fs::create_dir_all(run_dir).map_err(|e| format!("{}: {e}", run_dir.display()))?;
    let servers = Servers { postgres: Server::postgres(run_dir), kafka: Server::kafka(run_dir) };
    servers.postgres.start()?;
    servers.kafka.start()?;
    let direct =
        format!("postgres://em:{}@127.0.0.1:{}/emgate", servers.postgres.secret(), servers.postgres.port());
    let proxy = Proxy::start(servers.postgres.port());
    let settings = Settings {
        program: fs::canonicalize(&options.gateway).map_err(|e| format!("--gateway: {e}"))?,
        run_dir: run_dir.clone(),
        database: direct.replace(&servers.postgres.port().to_string(), &proxy.address.port().to_string()),
        kafka: vec!["--kafka".into(), format!("127.0.0.1:{}", servers.kafka.port())],
    };
    write_config(&settings)?;
    let mut gateways = vec![Gateway::new(&settings, "one"), Gateway::new(&settings, "two")];
    gateways[0].start();
    gateways[0].await_ready(PATIENCE)?;
    share_state(&gateways)?;
    let password = fs::read_to_string(run_dir.join("secret")).map_err(|e| format!("secret: {e}"))?;
    let certificate = gateways[0].state_dir().join("tls-certificate.pem");
    let nodes = Nodes::new(gateways.iter().map(|g| g.tls).collect(), &certificate, password.trim());
    let mut journal = site::provision(&nodes)?;

    let work = Work::default();
    let mut stage = Stage {
        postgres: Server::postgres(run_dir),
        kafka: Server::kafka(run_dir),
        proxy,
        eye: Eye::on(&direct),
        gateways,
        wanted: 1,
        work: &work,
        tally: Tally::default(),
        findings: Vec::new(),
    };
    let until = Instant::now() + Duration::from_secs_f64(options.minutes * 60.0);
    let mut plan = Plan::new(seed, length);
    let outcome = std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (work, nodes) = (&work, &nodes);
            scope.spawn(move || load::run(work, nodes, number, seed));
        }
        let outcome = play(&mut stage, &mut plan, until, &interrupted, run_dir);
        work.end();
        outcome
    });
    if interrupted.load(Ordering::SeqCst) {
        return Err("interrupted".into());
    }
    let mut findings = std::mem::take(&mut stage.findings);
    findings.extend(outcome.err());
    findings.extend(quiet(&mut stage).err());
    let mut history = History::default();
    let (more, odd) = work.take();
    journal.extend(more);
    history.journal = journal;
    findings.extend(odd.into_iter().map(|text| format!("an answer that must never be given: {text}")));
    reader::read_into(&format!("127.0.0.1:{}", servers.kafka.port()), &mut history)?;
    stage.eye.read_into(&mut history)?;
    stage.tally.add("answers: ok", work.ok.load(Ordering::SeqCst));
    stage.tally.add("answers: refused", work.refused.load(Ordering::SeqCst));
    stage.tally.add("answers: unknown", work.unknown.load(Ordering::SeqCst));
    stage.tally.add("events", history.records.len() as u64);
    keep_journal(run_dir, &history);
    let judged = Instant::now();
    findings.extend(checker::check(&history).into_iter().map(told));
    println!(
        "\nsoak: seed {seed}\n{}  checked in {:.1} s",
        stage.tally.lines(),
        judged.elapsed().as_secs_f64()
    );
    drop(stage);
    verdict(findings, &servers, run_dir, &repeat)
}

fn told(finding: Finding) -> String {
    format!("{:?}: {}", finding.kind, finding.text)
}

fn verdict(
    findings: Vec<String>,
    servers: &Servers,
    run_dir: &std::path::Path,
    repeat: &str,
) -> Result<Verdict, String> {
    if findings.is_empty() {
        servers.kafka.remove();
        servers.postgres.remove();
        drop(fs::remove_dir_all(run_dir));
        println!("soak: nothing found");
        return Ok(Verdict::Kept);
    }
    fs::write(run_dir.join("findings.txt"), findings.join("\n")).map_err(|e| e.to_string())?;
    for finding in findings.iter().take(SHOWN) {
        println!("  {finding}");
    }
    println!(
        "soak: {} findings, kept with everything in {}; again with: {repeat}",
        findings.len(),
        run_dir.display()
    );
    Ok(Verdict::Broken)
}

/// Plays the plan until it or the time is over.
fn play(
    stage: &mut Stage<'_>,
    plan: &mut Plan,
    until: Instant,
    interrupted: &AtomicBool,
    run_dir: &std::path::Path,
) -> Result<(), String> {
    let begun = Instant::now();
    let every = if std::io::stdout().is_terminal() { PROGRESS.0 } else { PROGRESS.1 };
    let (mut shown, mut log) =
        (begun, fs::File::create(run_dir.join("plan.txt")).map_err(|e| e.to_string())?);
    while Instant::now() < until && !interrupted.load(Ordering::SeqCst) {
        let Some(fault) = plan.next() else { break };
        writeln!(log, "{:8.2} {} {fault:?}", begun.elapsed().as_secs_f64(), super::client::now())
            .map_err(|e| e.to_string())?;
        stage.play(fault).map_err(|why| format!("after {fault:?}: {why}"))?;
        std::thread::sleep(Duration::from_millis(plan.calm()));
        if shown.elapsed() >= every {
            shown = Instant::now();
            progress(stage, begun, &format!("{fault:?}"));
        }
    }
    Ok(())
}

fn progress(stage: &mut Stage<'_>, begun: Instant, fault: &str) {
    let count = |c: &std::sync::atomic::AtomicU64| c.load(Ordering::SeqCst);
    let line = stage.eye.line().map_or(0, |l| l.last);
    println!(
        "soak: {:4.0} s, {line} events, answers {} ok {} refused {} unknown, {} kills, last {fault}",
        begun.elapsed().as_secs_f64(),
        count(&stage.work.ok),
        count(&stage.work.refused),
        count(&stage.work.unknown),
        stage.tally.of("gateways killed"),
    );
}

/// Waits until everything that happened is in Kafka, and ends the nodes as an operator does.
fn quiet(stage: &mut Stage<'_>) -> Result<(), String> {
    let copied = stage.eye.await_line(PATIENCE, |l| l.pending == 0 && l.confirmed == l.last);
    copied.ok_or("not everything is in Kafka when all is quiet")?;
    for gateway in &mut stage.gateways {
        gateway.end()?;
    }
    Ok(())
}

fn write_config(settings: &Settings) -> Result<(), String> {
    // cheap hashes: what is tried is not the hashing
    let text = "[credentials]\npassword_memory_kib = 64\npassword_passes = 1\npin_memory_kib = 64\npin_passes = 1\n\
                [http]\nworkers = 1\n";
    fs::write(settings.run_dir.join("gateway.toml"), text).map_err(|e| e.to_string())
}

/// The second node has pepper and certificate of the first.
fn share_state(gateways: &[Gateway]) -> Result<(), String> {
    for file in fs::read_dir(gateways[0].state_dir()).map_err(|e| e.to_string())?.flatten() {
        fs::copy(file.path(), gateways[1].state_dir().join(file.file_name())).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn keep_journal(run_dir: &std::path::Path, history: &History) {
    let lines: Vec<String> = history.journal.iter().map(|e| serde_json::to_string(e).unwrap()).collect();
    drop(fs::write(run_dir.join("journal.jsonl"), lines.join("\n")));
}
