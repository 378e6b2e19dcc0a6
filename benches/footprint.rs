//! What a gateway holds that has nothing to do, and how long one takes from its start to the first accepted connection.

use std::time::Duration;

use crate::frame::Outcome;
use crate::frame::cpu::memory_mib;
use crate::frame::gateway::{Gateway, Role};
use crate::frame::lab::Lab;
use crate::frame::rounds::{Figures, Rounds};
use crate::frame::table::{Finding, Goal, number};

const DATABASE: &str = "bench_footprint";
const OURS: &str = "emgate";

/// How long one is left alone before its memory is read.
const REST: Duration = Duration::from_secs(3);

/// Runs the bench.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    lab.copy(DATABASE, lab.usual_phones())?;
    let everything = Role { kafka: lab.kafka("footprint"), ..Role::default() };
    // the first start on a database makes what later ones find: partitions, topics
    lab.gateway(DATABASE, &everything)?.stop()?;
    let ours = || {
        let (gateway, start) = Gateway::launch(&lab.state(), &lab.server.url(DATABASE), &everything)?;
        std::thread::sleep(REST);
        let (resident, own) = (memory_mib(gateway.pid(), "VmRSS")?, memory_mib(gateway.pid(), "RssAnon")?);
        gateway.stop()?;
        Ok(Figures::from([("start", start.as_secs_f64() * 1e3), ("resident", resident), ("own", own)]))
    };
    let rounds = Rounds::run("footprint", lab.rounds, vec![(OURS, Box::new(ours))])?;
    lab.server.drop(DATABASE)?;
    let resident = Finding::alone(
        "resident memory of a gateway that idles, all roles",
        "MiB",
        rounds.median(OURS, "resident"),
    );
    let start = Finding::alone(
        "from exec to accepting connections, migrated database",
        "ms",
        rounds.median(OURS, "start"),
    );
    Ok(vec![
        resident.held_to(Goal::AtMost(32.0)).note(format!(
            "of it {} MiB are its own, the rest is the program file",
            number(rounds.median(OURS, "own"))
        )),
        start.held_to(Goal::AtMost(100.0)),
    ])
}
