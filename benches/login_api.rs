//! Logins and logouts in turn over the application API, against the same ones over AXL at the same gateway.

use crate::frame::Outcome;
use crate::frame::gateway::Role;
use crate::frame::lab::Lab;
use crate::frame::rounds::Rounds;
use crate::frame::table::{Finding, Goal};
use crate::logins::{OUR_DATABASE, Site, finding};

/// Connections of either side.
const CONNECTIONS: usize = 64;

const OURS: &str = "application API";
const PEER: &str = "AXL";

/// Runs the bench.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    let site = Site::make(lab)?;
    let gateway = lab.gateway(OUR_DATABASE, &Role { roles: "http", ..Role::default() })?;
    let sender = lab.admin(&gateway)?;
    let rounds = Rounds::run(
        "login-api",
        lab.rounds,
        vec![
            (OURS, Box::new(|| site.over_api(&gateway, &sender, CONNECTIONS))),
            (PEER, Box::new(|| site.ours(&gateway, &sender, CONNECTIONS))),
        ],
    )?;
    gateway.stop()?;
    let what = "logins and logouts over the application API, against AXL, 64 connections, TLS";
    Ok(vec![finding(&rounds, OURS, PEER, what).held_to(Goal::AtLeast(0.9))])
}
