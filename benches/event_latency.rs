//! From the commit of a change to the moment a subscriber of committed records can read its event, at a given rate, against a bare
//! transactional producer with the same rate, batching and size of records.
//!
//! The moment of a commit is the one that Postgres notes (`track_commit_timestamp`): before the log is flushed.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use rdkafka::message::Message as _;

use crate::frame::Outcome;
use crate::frame::gateway::Role;
use crate::frame::kafka::{Bare, Subscriber, Template, make_topic, remove_topics, wall_seconds};
use crate::frame::lab::Lab;
use crate::frame::load::Target;
use crate::frame::requests::{Churn, Random};
use crate::frame::rounds::{Figures, Rounds, quantile};
use crate::frame::table::{Finding, Goal, number};

/// Commits a second; each has one event.
const RATE: f64 = 500.0;
const CONNECTIONS: usize = 16;
const DATABASE: &str = "bench_events";
const OURS: &str = "emgate";
const PEER: &str = "bare producer";
/// How long the last records may take.
const REST: Duration = Duration::from_millis(1500);

/// Runs the bench; nothing without Apache Kafka.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    let Some((broker, prefix)) = lab.kafka("latency") else { return Ok(Vec::new()) };
    lab.copy(DATABASE, lab.usual_phones())?;
    let topic = format!("{prefix}.session.v1");
    let bare_topic = format!("{prefix}.bare");
    make_topic(&broker, &topic)?;
    make_topic(&broker, &bare_topic)?;
    let kafka = Some((broker.clone(), prefix.clone()));
    let gateway = lab.gateway(DATABASE, &Role { roles: "http,publish", kafka })?;
    let (sender, target) = (lab.admin(&gateway)?, Target::of(&gateway)?);
    let churn = |time| {
        target.open_loop(CONNECTIONS, RATE, time, |lane| {
            Churn::new(&sender, lane, CONNECTIONS, lab.usual_phones())
        })
    };
    let time = lab.sample() * 2;
    let template = warm(&broker, &topic, || churn(Duration::from_secs(2)).map(drop))?;
    let bare = Bare::connect(&broker, &bare_topic)?;
    let ours = || {
        let (subscriber, begun) = (Subscriber::of(&broker, &topic, "ce_id")?, wall_seconds());
        let (_, cpu) = lab.metered(Some(&gateway), || churn(time))?;
        std::thread::sleep(REST);
        let (arrivals, _) = subscriber.stop()?;
        let commits = commits_since(lab, begun)?;
        let mut latencies = Vec::new();
        for (id, committed) in &commits {
            latencies.push(arrivals.get(id).ok_or("an event never arrived")? - committed);
        }
        let each = 1e6 / commits.len() as f64;
        let mut figures = figures(latencies);
        figures.extend([("gateway", cpu.gateway * each), ("postgres", cpu.postgres * each)]);
        Ok(figures)
    };
    let peer = || -> Outcome<Figures> {
        let subscriber = Subscriber::of(&broker, &bare_topic, "n")?;
        let meant = send_at_rate(&bare, &template, time)?;
        std::thread::sleep(REST);
        let (arrivals, _) = subscriber.stop()?;
        let mut latencies = Vec::new();
        for (n, at) in meant.iter().enumerate() {
            latencies.push(arrivals.get(&n.to_string()).ok_or("a record never arrived")? - at);
        }
        Ok(figures(latencies))
    };
    let rounds =
        Rounds::run("event-latency", lab.rounds, vec![(OURS, Box::new(ours)), (PEER, Box::new(peer))])?;
    gateway.stop()?;
    drop(bare);
    remove_topics(&broker, &prefix)?;
    lab.server.drop(DATABASE)?;
    let finding = |figure: &'static str| Finding {
        what: format!("from commit to readable at {RATE} a second, {figure}"),
        unit: "ms",
        ours: rounds.median(OURS, figure),
        peer: Some(rounds.median(PEER, figure)),
        ratio: Some(rounds.ratio(OURS, PEER, figure)),
        goal: Some(Goal::AtMost(1.5)),
        notes: Vec::new(),
    };
    let cost = |figure| number(rounds.median(OURS, figure));
    let note = format!(
        "CPU of one login or logout with its event: {} µs in the gateway, {} µs in Postgres",
        cost("gateway"),
        cost("postgres")
    );
    Ok(vec![finding("p50"), finding("p99").note(note)])
}

/// Brings everything into its stride; gives a record of ours for the peer to send.
fn warm(broker: &str, topic: &str, run: impl FnOnce() -> Outcome<()>) -> Outcome<Template> {
    let subscriber = Subscriber::of(broker, topic, "ce_id")?;
    run()?;
    std::thread::sleep(REST);
    let (_, record) = subscriber.stop()?;
    let record = record.ok_or("no event arrived")?;
    Ok(Template {
        value: record.payload().ok_or("an event without a value")?.to_vec(),
        headers: record.headers().ok_or("an event without headers")?.clone(),
    })
}

/// Ids of the events since a moment, each with the second of its commit.
fn commits_since(lab: &Lab, begun: f64) -> Outcome<Vec<(String, f64)>> {
    let statement = format!(
        "SELECT id, extract(epoch FROM pg_xact_commit_timestamp(xmin)) FROM event_log_other WHERE created_at > to_timestamp({begun})"
    );
    let rows = lab.server.sql(DATABASE, &statement)?;
    let row = |line: &str| {
        let (id, second) = line.split_once('\t')?;
        Some((id.to_owned(), second.parse().ok()?))
    };
    Ok(rows.lines().filter_map(row).collect())
}

/// Sends records that come at random moments, all that have gathered in one transaction; gives the moment of each.
fn send_at_rate(bare: &Bare, template: &Template, time: Duration) -> Outcome<Vec<f64>> {
    let (sender, receiver) = mpsc::channel();
    let clock = std::thread::spawn(move || {
        let (begun, mut random, mut after) = (Instant::now(), Random::fresh(), 0.0);
        while after < time.as_secs_f64() {
            after += random.pause(RATE);
            std::thread::sleep(Duration::from_secs_f64(after).saturating_sub(begun.elapsed()));
            if sender.send(wall_seconds()).is_err() {
                return;
            }
        }
    });
    let mut moments: Vec<f64> = Vec::new();
    while let Ok(first) = receiver.recv() {
        let from = moments.len();
        moments.push(first);
        moments.extend(receiver.try_iter());
        bare.send(template, from as u64..moments.len() as u64)?;
    }
    clock.join().map_err(|_| "the clock of the load has panicked")?;
    Ok(moments)
}

fn figures(mut latencies: Vec<f64>) -> Figures {
    latencies.sort_by(f64::total_cmp);
    Figures::from([("p50", quantile(&latencies, 0.5) * 1e3), ("p99", quantile(&latencies, 0.99) * 1e3)])
}
