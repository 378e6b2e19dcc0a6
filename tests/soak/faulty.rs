//! The part with faults: one or two gateways, Apache Kafka, sixteen clients, and a plan.

use std::fs;
use std::io::{IsTerminal, Write as _};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::checker::History;
use super::cluster::{Cluster, judge, kills};
use super::eye::Eye;
use super::faults::Stage;
use super::load::{CLIENTS, Work};
use super::plan::Plan;
use super::proxy::Proxy;
use super::run::{Ground, Outcome};
use super::servers::Server;
use super::tally::Tally;
use super::{load, reader};

/// Longest that the end of copying may take.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two lines of progress on a terminal, and elsewhere.
const PROGRESS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(20));

/// Runs it and looks at what came of it.
pub(crate) fn run(ground: &Ground) -> Result<Outcome, String> {
    let servers = format!("127.0.0.1:{}", ground.kafka.port());
    let proxy = Proxy::start(ground.postgres.port());
    let through_proxy = ground.database("emgate", proxy.address.port());
    let kafka = ["--kafka", &servers].map(str::to_owned);
    let cluster = Cluster::start(ground, &ground.run_dir, &["one", "two"], &through_proxy, &kafka)?;
    let Cluster { gateways, nodes, journal } = cluster;
    let work = Work::default();
    let mut stage = Stage {
        postgres: Server::postgres(&ground.run_dir),
        kafka: Server::kafka(&ground.run_dir),
        proxy,
        eye: Eye::on(&ground.database("emgate", ground.postgres.port())),
        gateways,
        wanted: 1,
        work: &work,
        tally: Tally::default(),
        findings: Vec::new(),
    };
    let played = std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (work, nodes) = (&work, &nodes);
            scope.spawn(move || load::run(work, nodes, number, ground.seed));
        }
        let played = play(ground, &mut stage);
        work.end();
        played
    });
    let mut findings = std::mem::take(&mut stage.findings);
    if ground.is_interrupted() {
        return Ok(Outcome::default());
    }
    findings.extend(played.err());
    findings.extend(stage.never_came());
    findings.extend(quiet(&mut stage).err());
    let mut history = History { journal, kills: kills(&stage.gateways), ..History::default() };
    reader::read_into(&servers, &mut history)?;
    stage.eye.read_into(&mut history)?;
    findings.extend(judge(&ground.run_dir, &work, history, &mut stage.tally));
    Ok(Outcome { findings, tally: stage.tally })
}

/// Plays the plan until it or the time is over.
fn play(ground: &Ground, stage: &mut Stage<'_>) -> Result<(), String> {
    let mut plan = Plan::new(ground.seed, ground.length);
    let begun = Instant::now();
    let time = Duration::from_secs_f64(ground.minutes * 60.0);
    let every = if std::io::stdout().is_terminal() { PROGRESS.0 } else { PROGRESS.1 };
    let mut shown = begun;
    let mut log = fs::File::create(ground.run_dir.join("plan.txt")).map_err(|e| e.to_string())?;
    while begun.elapsed() < time && !ground.is_interrupted() {
        let Some(fault) = plan.next() else { break };
        let (second, now) = (begun.elapsed().as_secs_f64(), super::client::now());
        writeln!(log, "{second:8.2} {now} {fault:?}").map_err(|e| e.to_string())?;
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
    for gateway in &stage.gateways[..stage.wanted] {
        gateway.await_audit(PATIENCE)?;
    }
    let copied = stage.eye.await_line(PATIENCE, |l| l.pending == 0 && l.confirmed == l.last);
    copied.ok_or("not everything is in Kafka when all is quiet")?;
    for gateway in &mut stage.gateways {
        gateway.end()?;
    }
    Ok(())
}
