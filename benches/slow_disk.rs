//! Logins and logouts over a disk whose flushes take 2 ms longer, as a network volume's do: what batches are for.

use std::path::PathBuf;
use std::process::Command;

use crate::frame::Outcome;
use crate::frame::gateway::Role;
use crate::frame::lab::Lab;
use crate::frame::rounds::Rounds;
use crate::frame::table::{Finding, Goal};
use crate::logins::{OUR_DATABASE, Site, finding};

const SHIM: &str = include_str!("slow_disk.c");

/// Runs the bench; the server has its own disk again after it.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    let site = Site::make(lab)?;
    let shim = build_shim(lab)?;
    lab.server.restart(Some(&shim))?;
    let findings = measure(lab, &site);
    lab.server.restart(None)?;
    findings
}

fn measure(lab: &Lab, site: &Site<'_>) -> Outcome<Vec<Finding>> {
    let gateway = lab.gateway(OUR_DATABASE, &Role { roles: "http", ..Role::default() })?;
    let sender = lab.admin(&gateway)?;
    let rounds = Rounds::run(
        "login-slow-disk",
        lab.rounds,
        vec![
            ("emgate, 64", Box::new(|| site.ours(&gateway, &sender, 64))),
            ("pgbench, 64", Box::new(|| site.peer(64))),
            ("emgate, 256", Box::new(|| site.ours(&gateway, &sender, 256))),
            ("pgbench, 256", Box::new(|| site.peer(256))),
        ],
    )?;
    gateway.stop()?;
    Ok(vec![
        finding(&rounds, "emgate, 64", "pgbench, 64", "logins and logouts, 64 connections, 2 ms flushes")
            .held_to(Goal::AtLeast(2.5)),
        finding(&rounds, "emgate, 256", "pgbench, 256", "the same, 256 connections")
            .held_to(Goal::AtLeast(5.0)),
    ])
}

/// The server's account must be able to read the library, which it cannot below a closed home.
fn build_shim(lab: &Lab) -> Outcome<PathBuf> {
    let source = lab.folder.join("slow_disk.c");
    std::fs::write(&source, SHIM)?;
    let library = std::env::temp_dir().join(format!("emgate-slow-disk-{}.so", std::process::id()));
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(&library)
        .arg(&source)
        .arg("-ldl")
        .status()?;
    if built.success() { Ok(library) } else { Err("cc did not build the slow disk".into()) }
}
