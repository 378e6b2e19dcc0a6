//! addPhone over eight connections: names never repeat, each phone has a line. There is no peer that does the same work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::frame::Outcome;
use crate::frame::gateway::Role;
use crate::frame::lab::Lab;
use crate::frame::load::Target;
use crate::frame::requests::Repeat;
use crate::frame::rounds::{Figures, Rounds, quantile};
use crate::frame::site::FIRST;
use crate::frame::table::{Finding, number};

const CONNECTIONS: usize = 8;
const DATABASE: &str = "bench_add";
const OURS: &str = "emgate";

/// Runs the bench.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    lab.copy(DATABASE, lab.usual_phones())?;
    let gateway = lab.gateway(DATABASE, &Role { roles: "http", ..Role::default() })?;
    let (sender, target) = (lab.admin(&gateway)?, Target::of(&gateway)?);
    let (_, message) = FIRST.iter().find(|(operation, _)| *operation == "addPhone").ok_or("no addPhone")?;
    // names of their own on the line of the first phone: a digit as a reference is not one of those that change
    let message = message.replace("8000000", "8&#48;00000").replace("SEP0A1B2C", "SEP0A1B2D");
    let request = sender.call("addPhone", &message);
    let next = Arc::new(AtomicUsize::new(0));
    let add = |time| {
        target.closed_loop(CONNECTIONS, time, |_| {
            let next = Arc::clone(&next);
            Repeat::new(request.clone(), move || next.fetch_add(1, Ordering::Relaxed))
        })
    };
    let ours = || {
        add(Duration::from_millis(200))?;
        let (load, cpu) = lab.metered(Some(&gateway), || add(lab.sample()))?;
        let each = 1e6 / load.latencies.len() as f64;
        Ok(Figures::from([
            ("rate", load.rate()),
            ("gateway", cpu.gateway * each),
            ("postgres", cpu.postgres * each),
            ("p50", quantile(&load.latencies, 0.5) * 1e3),
            ("p99", quantile(&load.latencies, 0.99) * 1e3),
        ]))
    };
    let rounds = Rounds::run("add-phone", lab.rounds, vec![(OURS, Box::new(ours))])?;
    gateway.stop()?;
    lab.server.drop(DATABASE)?;
    let median = |figure| number(rounds.median(OURS, figure));
    let note = format!(
        "CPU of one: {} µs in the gateway and {} µs in Postgres; p50 {} ms, p99 {} ms",
        median("gateway"),
        median("postgres"),
        median("p50"),
        median("p99"),
    );
    Ok(vec![
        Finding::alone("addPhone with a line, 8 connections, TLS", "/s", rounds.median(OURS, "rate"))
            .note(note),
    ])
}
