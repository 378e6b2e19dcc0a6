//! How long a login or logout takes when they come at a given rate, whether earlier ones are answered or not, against `pgbench --rate`.

use crate::frame::Outcome;
use crate::frame::gateway::Role;
use crate::frame::lab::Lab;
use crate::frame::load::Target;
use crate::frame::requests::Churn;
use crate::frame::rounds::{Figures, Rounds, quantile};
use crate::frame::table::{Finding, Goal, number};
use crate::logins::{OUR_DATABASE, Site};

const CONNECTIONS: usize = 64;
/// Logins and logouts a second.
const RATE: f64 = 2000.0;

const OURS: &str = "emgate";
const PEER: &str = "pgbench";

/// Runs the bench.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    let site = Site::make(lab)?;
    let gateway = lab.gateway(OUR_DATABASE, &Role { roles: "http", ..Role::default() })?;
    let (sender, target) = (lab.admin(&gateway)?, Target::of(&gateway)?);
    let time = lab.sample() * 2;
    let churn = |time| {
        target.open_loop(CONNECTIONS, RATE, time, |lane| Churn::new(&sender, lane, CONNECTIONS, site.phones))
    };
    let ours = || {
        let (load, cpu) = lab.metered_warm(&gateway, time, churn)?;
        let each = 1e6 / load.latencies.len() as f64;
        let mut figures = figures(&load.latencies, load.rate());
        figures.extend([
            ("gateway", cpu.gateway * each),
            ("postgres", cpu.postgres * each),
            ("load", cpu.load * each),
        ]);
        Ok(figures)
    };
    let peer = || {
        site.clear_peer()?;
        let run = site.script(CONNECTIONS).run_at(RATE, CONNECTIONS, time)?;
        let mut figures = figures(&run.latencies, run.rate);
        figures.extend([
            ("gateway", run.cpu.gateway * 1e6 / run.transactions),
            ("postgres", run.cpu.postgres * 1e6 / run.transactions),
        ]);
        Ok(figures)
    };
    let rounds =
        Rounds::run("login-latency", lab.rounds, vec![(OURS, Box::new(ours)), (PEER, Box::new(peer))])?;
    gateway.stop()?;
    let finding = |what: &str, figure: &'static str| Finding {
        what: format!("logins and logouts at {RATE} a second, {what}"),
        unit: "ms",
        ours: rounds.median(OURS, figure),
        peer: Some(rounds.median(PEER, figure)),
        ratio: Some(rounds.ratio(OURS, PEER, figure)),
        goal: None,
        notes: Vec::new(),
    };
    let cost = |side, figure| number(rounds.median(side, figure));
    let note = format!(
        "answered {} a second (pgbench {}); CPU of one: {} µs in the gateway and {} µs in Postgres, pgbench {} µs and {} µs",
        cost(OURS, "rate"),
        cost(PEER, "rate"),
        cost(OURS, "gateway"),
        cost(OURS, "postgres"),
        cost(PEER, "gateway"),
        cost(PEER, "postgres"),
    );
    Ok(vec![
        finding("p50", "p50"),
        finding("p99", "p99").held_to(Goal::AtMost(2.0)).note(note),
        finding("p99.9", "p99.9"),
    ])
}

fn figures(latencies: &[f64], rate: f64) -> Figures {
    Figures::from([
        ("p50", quantile(latencies, 0.5) * 1e3),
        ("p99", quantile(latencies, 0.99) * 1e3),
        ("p99.9", quantile(latencies, 0.999) * 1e3),
        ("rate", rate),
    ])
}
