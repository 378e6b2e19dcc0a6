//! listPhone of ten thousand rows with three tags: the time to its last byte against COPY of the same columns, and how much more memory
//! the gateway holds meanwhile.

use std::time::Instant;

use crate::frame::Outcome;
use crate::frame::cpu::{memory_mib, reset_peak};
use crate::frame::gateway::Role;
use crate::frame::lab::Lab;
use crate::frame::load::{Connection, Target, on_one_thread};
use crate::frame::requests::Request;
use crate::frame::rounds::{Figures, Rounds, median};
use crate::frame::table::{Finding, Goal};

const PHONES: usize = 10_000;
const DATABASE: &str = "bench_list";
const OURS: &str = "emgate";
const PEER: &str = "COPY";

const LIST: &str = "<searchCriteria><name>%</name></searchCriteria><returnedTags><name/><description/><product/></returnedTags>";

const COPY: &str = "COPY (SELECT o.name, o.description, p.model FROM objects o JOIN phones p ON p.pk = o.pk
    WHERE o.type = 'Phone' ORDER BY o.name_key) TO STDOUT;";

/// Lists of one round.
const LISTS: usize = 5;

/// Runs the bench.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    lab.copy(DATABASE, PHONES)?;
    let gateway = lab.gateway(DATABASE, &Role { roles: "http", ..Role::default() })?;
    let request = lab.admin(&gateway)?.call("listPhone", LIST);
    let target = Target::of(&gateway)?;
    // the first list brings memory that is kept: the schema, buffers, a statement of each connection
    lists(&target, &request)?;
    let ours = || {
        let before = memory_mib(gateway.pid(), "VmRSS")?;
        reset_peak(gateway.pid())?;
        let ms = lists(&target, &request)?;
        Ok(Figures::from([("ms", ms), ("more", memory_mib(gateway.pid(), "VmHWM")? - before)]))
    };
    let rounds = Rounds::run(
        "list-phone",
        lab.rounds,
        vec![(OURS, Box::new(ours)), (PEER, Box::new(|| Ok(Figures::from([("ms", copies(lab)?)]))))],
    )?;
    gateway.stop()?;
    lab.server.drop(DATABASE)?;
    Ok(vec![
        Finding {
            what: "listPhone of 10 000 rows, three tags, to its last byte".into(),
            unit: "ms",
            ours: rounds.median(OURS, "ms"),
            peer: Some(rounds.median(PEER, "ms")),
            ratio: Some(rounds.ratio(OURS, PEER, "ms")),
            goal: Some(Goal::AtMost(3.0)),
            notes: Vec::new(),
        },
        Finding::alone("resident memory beyond what was there before", "MiB", rounds.median(OURS, "more"))
            .held_to(Goal::AtMost(16.0)),
    ])
}

/// The median time of one list, in ms.
fn lists(target: &Target, request: &Request) -> Outcome<f64> {
    on_one_thread(async {
        let mut connection = target.open().await?;
        let mut times = Vec::new();
        for _ in 0..LISTS {
            times.push(list(&mut connection, &mut request.clone()).await?);
        }
        Ok(median(times.into_iter()))
    })
}

async fn list(connection: &mut Connection, request: &mut Request) -> Outcome<f64> {
    let begun = Instant::now();
    let answer = connection.call(request.numbered(0)).await?;
    let ms = begun.elapsed().as_secs_f64() * 1e3;
    let rows = String::from_utf8_lossy(answer).matches("</phone>").count();
    if rows == PHONES { Ok(ms) } else { Err(format!("a list holds {rows} rows").into()) }
}

/// The median time of the copy as `psql` takes it, in ms.
fn copies(lab: &Lab) -> Outcome<f64> {
    let statements = format!("\\o /dev/null\n\\timing on\n{}", format!("{COPY}\n").repeat(LISTS + 1));
    let printed = lab.server.sql(DATABASE, &statements)?;
    let times: Vec<f64> =
        printed.lines().filter_map(|l| l.strip_prefix("Time: ")?.split(' ').next()?.parse().ok()).collect();
    if times.len() != LISTS + 1 {
        return Err(format!("psql prints no times: {printed}").into());
    }
    Ok(median(times.into_iter().skip(1)))
}
