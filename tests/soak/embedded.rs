//! The part with the embedded broker: idempotent mode, a gateway that is killed again and again. Repeats are allowed when they are the
//! same byte for byte, and nothing may be missing.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::checker::History;
use super::client::now;
use super::cluster::{Cluster, judge, kills};
use super::eye::Eye;
use super::gateway::{Gateway, note_pid};
use super::load::{CLIENTS, Work};
use super::plan::Length;
use super::random::Random;
use super::run::{Ground, Outcome};
use super::tally::Tally;
use super::{load, reader};

/// Longest that anything may take to work again.
const PATIENCE: Duration = Duration::from_secs(60);
/// The broker keeps 5 MiB a partition in memory and then forgets: kills in a short and in a long run.
const KILLS: (u64, u64) = (5, 12);

/// The broker, in a process of its own so that it outlives gateways.
struct Broker(Child);

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Broker {
    /// Starts it; gives its address too.
    fn start(program: &Path, folder: &Path) -> Result<(Self, String), String> {
        let log = fs::File::create(folder.join("broker.log")).map_err(|e| e.to_string())?;
        let child = Command::new(program)
            .arg("broker")
            .arg("--state-dir")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|e| e.to_string())?;
        note_pid(folder, "broker", child.id());
        let (broker, begun) = (Self(child), Instant::now());
        loop {
            match fs::read_to_string(folder.join("broker.address")) {
                Ok(address) if !address.trim().is_empty() => return Ok((broker, address.trim().to_owned())),
                _ if begun.elapsed() > PATIENCE => return Err("the embedded broker does not start".into()),
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

/// Runs it and looks at what came of it.
pub(crate) fn run(ground: &Ground) -> Result<Outcome, String> {
    let folder = ground.run_dir.join("embedded");
    fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let (_broker, servers) = Broker::start(&ground.program, &folder)?;
    let port = ground.postgres.port();
    Eye::on(&ground.database("emgate", port)).create_database("embedded")?;
    let database = ground.database("embedded", port);
    let kafka = ["--kafka", "embedded", "--embedded-broker", &servers].map(str::to_owned);
    let Cluster { mut gateways, nodes, journal } =
        Cluster::start(ground, &folder, &["alone"], &database, &kafka)?;
    let (work, mut tally, mut eye) = (Work::default(), Tally::default(), Eye::on(&database));
    let played = std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (work, nodes) = (&work, &nodes);
            scope.spawn(move || load::run(work, nodes, number, ground.seed + 1));
        }
        let played = kill_again_and_again(ground, &mut gateways[0], &work, &mut tally);
        work.end();
        played
    });
    let mut findings: Vec<String> = played.err().into_iter().collect();
    findings.extend(quiet(&mut gateways[0], &mut eye).err());
    let kills = kills(&gateways);
    let mut history = History { journal, kills, may_repeat: true, ..History::default() };
    reader::read_into(&servers, &mut history)?;
    eye.read_into(&mut history)?;
    findings.extend(judge(&folder, &work, history, &mut tally));
    Ok(Outcome { findings, tally })
}

fn kill_again_and_again(
    ground: &Ground,
    gateway: &mut Gateway,
    work: &Work,
    tally: &mut Tally,
) -> Result<(), String> {
    let mut random = Random::new(ground.seed, u64::MAX);
    let kills = if ground.length == Length::Short { KILLS.0 } else { KILLS.1 };
    for _ in 0..kills {
        if ground.is_interrupted() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(random.between(300, 2_500)));
        gateway.kill();
        tally.count("gateways killed");
        gateway.start();
        tally.time("start to ready", gateway.await_ready(PATIENCE)?);
        let asked = now();
        work.await_success(PATIENCE).ok_or_else(|| format!("no request succeeds after {asked}"))?;
    }
    Ok(())
}

/// Waits until everything that happened was acknowledged, and ends the node as an operator does. What this broker acknowledges is not
/// noted in the database, so the node itself is asked.
fn quiet(gateway: &mut Gateway, eye: &mut Eye) -> Result<(), String> {
    gateway.await_audit(PATIENCE)?;
    let begun = Instant::now();
    loop {
        let confirmed = gateway.gauge("em_stream_confirmed_sequence");
        if eye.line().is_some_and(|l| l.pending == 0 && Some(l.last) == confirmed) {
            return gateway.end();
        }
        if begun.elapsed() > PATIENCE {
            return Err("not everything is with the embedded broker when all is quiet".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
