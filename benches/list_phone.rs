//! listPhone of ten thousand rows with three tags: the time to its last byte against COPY of the same columns, and how much more memory
//! the gateway takes for its first one.

use std::time::{Duration, Instant};

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

/// Lists of one row before the first long one, and the pause after each: the allocator gives back a second later, and only while it works.
const SHORT_LISTS: usize = 15;
const SHORT_PAUSE: Duration = Duration::from_millis(200);

/// Runs the bench.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    lab.copy(DATABASE, PHONES)?;
    let rounds = Rounds::run(
        "list-phone",
        lab.rounds,
        vec![
            (OURS, Box::new(|| measure(lab))),
            (PEER, Box::new(|| Ok(Figures::from([("ms", copies(lab)?)])))),
        ],
    )?;
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
        Finding::alone(
            "resident memory of a first such list beyond that of a list of one row",
            "MiB",
            rounds.median(OURS, "more"),
        )
        .held_to(Goal::AtMost(16.0)),
    ])
}

/// Peak memory of the first long list of a gateway, and the median time of those after it, in ms. Short lists go before it, until what
/// the check of the password has taken is given back: a long list would find that room and seem to need none.
fn measure(lab: &Lab) -> Outcome<Figures> {
    let gateway = lab.gateway(DATABASE, &Role { roles: "http", ..Role::default() })?;
    let (sender, target) = (lab.admin(&gateway)?, Target::of(&gateway)?);
    let mut one = sender.call("listPhone", &LIST.replace('%', "SEP0A1B2C000000"));
    let mut all = sender.call("listPhone", LIST);
    let figures = on_one_thread(async {
        let mut connection = target.open().await?;
        for _ in 0..SHORT_LISTS {
            list(&mut connection, &mut one, 1).await?;
            tokio::time::sleep(SHORT_PAUSE).await;
        }
        let before = memory_mib(gateway.pid(), "VmRSS")?;
        reset_peak(gateway.pid())?;
        list(&mut connection, &mut all, PHONES).await?;
        let more = memory_mib(gateway.pid(), "VmHWM")? - before;
        let mut times = Vec::new();
        for _ in 0..LISTS {
            times.push(list(&mut connection, &mut all, PHONES).await?);
        }
        Ok(Figures::from([("ms", median(times.into_iter())), ("more", more)]))
    })?;
    gateway.stop()?;
    Ok(figures)
}

async fn list(connection: &mut Connection, request: &mut Request, expected: usize) -> Outcome<f64> {
    let begun = Instant::now();
    let answer = connection.call(request.numbered(0)).await?;
    let ms = begun.elapsed().as_secs_f64() * 1e3;
    let rows = String::from_utf8_lossy(answer).matches("</phone>").count();
    if rows == expected { Ok(ms) } else { Err(format!("a list holds {rows} rows").into()) }
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
