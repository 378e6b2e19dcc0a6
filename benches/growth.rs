//! What a login, a logout and a get cost in CPU time with ten thousand and with a million phones.

use std::time::Duration;

use crate::frame::Outcome;
use crate::frame::gateway::{Gateway, Role};
use crate::frame::lab::Lab;
use crate::frame::load::{Load, Target};
use crate::frame::requests::{Churn, Random, Repeat};
use crate::frame::rounds::{Figures, Rounds};
use crate::frame::table::{Finding, Goal, number};

const FEW: usize = 10_000;
const MANY: usize = 1_000_000;
/// Instead of a million, to try it out.
const QUICK_MANY: usize = 100_000;

const CONNECTIONS: usize = 16;

/// Runs the bench.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    let many = if lab.quick { QUICK_MANY } else { MANY };
    lab.copy("bench_few", FEW)?;
    // nobody else asks for a site of this size: it is used as it is, which saves a copy of some gigabytes
    let large = if many == MANY {
        lab.template(many)?
    } else {
        lab.copy("bench_many", many).map(|()| "bench_many".to_owned())?
    };
    let rounds = Rounds::run(
        "growth",
        lab.rounds,
        vec![
            ("few", Box::new(|| measure(lab, "bench_few", FEW))),
            ("many", Box::new(|| measure(lab, &large, many))),
        ],
    )?;
    lab.server.drop("bench_few")?;
    lab.forget(&large)?;
    let finding = |what: &str, figure: &'static str, parts: [&'static str; 2]| {
        let [gateway, postgres] = parts;
        let cost = |side, figure| number(rounds.median(side, figure));
        Finding {
            what: format!("CPU of {what} with {many} phones, against {FEW}"),
            unit: "µs",
            ours: rounds.median("many", figure),
            peer: Some(rounds.median("few", figure)),
            ratio: Some(rounds.ratio("many", "few", figure)),
            goal: Some(Goal::AtMost(1.6)),
            notes: vec![format!(
                "gateway and Postgres {} and {} µs, against {} and {} µs",
                cost("many", gateway),
                cost("many", postgres),
                cost("few", gateway),
                cost("few", postgres),
            )],
        }
    };
    Ok(vec![
        finding("a login or logout", "login", ["login in the gateway", "login in Postgres"]),
        finding("a getPhone", "get", ["get in the gateway", "get in Postgres"]),
    ])
}

fn measure(lab: &Lab, database: &str, phones: usize) -> Outcome<Figures> {
    let gateway = lab.gateway(database, &Role { roles: "http", ..Role::default() })?;
    let (sender, target) = (lab.admin(&gateway)?, Target::of(&gateway)?);
    let churn =
        |time| target.closed_loop(CONNECTIONS, time, |lane| Churn::new(&sender, lane, CONNECTIONS, phones));
    let request = sender.call("getPhone", "<name>SEP0A1B2C000000</name>");
    let get = |time| {
        target.closed_loop(CONNECTIONS, time, |_| {
            let mut random = Random::fresh();
            Repeat::new(request.clone(), move || random.below(phones))
        })
    };
    let mut figures = Figures::new();
    let names = ["login", "login in the gateway", "login in Postgres"];
    figures.extend(cost(lab, &gateway, names, &churn)?);
    figures.extend(cost(lab, &gateway, ["get", "get in the gateway", "get in Postgres"], &get)?);
    gateway.stop()?;
    Ok(figures)
}

/// CPU time of one operation in µs: all, of the gateway, of Postgres.
fn cost(
    lab: &Lab,
    gateway: &Gateway,
    [all, of_gateway, of_postgres]: [&'static str; 3],
    run: &dyn Fn(Duration) -> Outcome<Load>,
) -> Outcome<Figures> {
    run(Duration::from_millis(500))?;
    let (load, cpu) = lab.metered(Some(gateway), || run(lab.sample()))?;
    let each = 1e6 / load.latencies.len() as f64;
    Ok(Figures::from([
        (all, (cpu.gateway + cpu.postgres) * each),
        (of_gateway, cpu.gateway * each),
        (of_postgres, cpu.postgres * each),
    ]))
}
