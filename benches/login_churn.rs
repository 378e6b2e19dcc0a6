//! Logins and logouts in turn over AXL from many connections, against `pgbench` doing the same change as one prepared statement each.

use crate::frame::Outcome;
use crate::frame::gateway::Role;
use crate::frame::lab::Lab;
use crate::frame::rounds::Rounds;
use crate::frame::table::{Finding, Goal};
use crate::logins::{OUR_DATABASE, Site, finding};

/// Connections of the gateway and clients of the peer.
const CONNECTIONS: usize = 64;

const OURS: &str = "emgate";
const NUMBERED: &str = "emgate, numbering beside it";
const PEER: &str = "pgbench";
const BEST_PEER: &str = "pgbench at its best";

/// Runs the bench.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    let site = Site::make(lab)?;
    let best = site.best_client_count()?;
    let gateway = lab.gateway(OUR_DATABASE, &Role { roles: "http", ..Role::default() })?;
    let sender = lab.admin(&gateway)?;
    let rounds = Rounds::run(
        "login-churn",
        lab.rounds,
        vec![
            (OURS, Box::new(|| site.ours(&gateway, &sender, CONNECTIONS))),
            (PEER, Box::new(|| site.peer(CONNECTIONS))),
            (BEST_PEER, Box::new(|| site.peer(best))),
        ],
    )?;
    gateway.stop()?;
    let numbering = lab.gateway(OUR_DATABASE, &Role { roles: "http,publish", ..Role::default() })?;
    let beside = Rounds::run(
        "login-churn",
        lab.rounds.min(3),
        vec![
            (NUMBERED, Box::new(|| site.ours(&numbering, &sender, CONNECTIONS))),
            (PEER, Box::new(|| site.peer(CONNECTIONS))),
        ],
    )?;
    numbering.stop()?;
    Ok(vec![
        finding(&rounds, OURS, PEER, "logins and logouts, 64 connections, TLS").held_to(Goal::AtLeast(2.5)),
        finding(
            &rounds,
            OURS,
            BEST_PEER,
            &format!("the same, against pgbench with the {best} clients that suit it best"),
        ),
        finding(&beside, NUMBERED, PEER, "the same, with events numbered beside it"),
    ])
}
