//! Logins with PINs that the gateway has not checked before, each of another person, against what the cores could do at most: one divided by
//! the CPU time of a hash of a PIN and of a login and logout with a PIN that it remembers. What those take depends on how many come at a
//! time, so that both are measured: as many as there can be, and as many as come with PINs not checked before.
//!
//! Each sample has a gateway of its own, which remembers nobody. The load generator shares the cores, so that what it costs counts as part
//! of a login.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::available_parallelism;

use emgate::auth::hash::{HashCosts, HashError, Hasher};
use emgate::auth::pepper::Pepper;
use emgate::domain::credential::SecretKind;

use crate::frame::Outcome;
use crate::frame::gateway::{Gateway, Role};
use crate::frame::lab::Lab;
use crate::frame::requests::Churn;
use crate::frame::rounds::{Figures, Rounds, Side};
use crate::frame::table::{Finding, Goal, number};
use crate::login_page::PEOPLE;
use crate::logins::{OUR_DATABASE, Site};

const CONNECTIONS: usize = 64;

const COLD: &str = "PINs not checked before";
const WARM: &str = "PINs that are remembered";
const WARM_AT_RATE: &str = "PINs that are remembered, at the rate of the former";

/// Runs the bench.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    let site = Site::make(lab)?;
    site.place_phones()?;
    let cores = available_parallelism()?.get();
    let next = Arc::new(AtomicUsize::new(PEOPLE));
    let hash = hash_cost(lab, cores)?;
    let bounded = |measured: Figures| {
        let pair = measured.get("pair").copied().unwrap_or(f64::NAN);
        let bound = ("rate", cores as f64 * 1e6 / (hash + pair));
        measured.into_iter().chain([bound]).collect::<Figures>()
    };
    let rate = Cell::new(0.0);
    let cold = || {
        let work = |_| Churn::at_phones_in_turn(Arc::clone(&next), site.phones);
        let figures = pairs(lab, |gateway| site.churn(gateway, CONNECTIONS, work))?;
        rate.set(figures.get("rate").copied().unwrap_or_default());
        Ok(figures)
    };
    let people = |lane| Churn::at_phones(lane, CONNECTIONS, PEOPLE);
    let warm = || pairs(lab, |gateway| site.churn(gateway, CONNECTIONS, people)).map(bounded);
    let warm_at_rate = || {
        let load = (CONNECTIONS, 2.0 * rate.get());
        pairs(lab, |gateway| site.at_rate(gateway, load, &people)).map(bounded)
    };
    let sides: Vec<Side<'_>> =
        vec![(COLD, Box::new(cold)), (WARM, Box::new(warm)), (WARM_AT_RATE, Box::new(warm_at_rate))];
    let rounds = Rounds::run("login-cold", lab.rounds, sides)?;
    let against = |warm, what: &str| Finding {
        what: format!(
            "logins with PINs not checked before, each with its logout, against {cores} / (hash + {what})"
        ),
        unit: "/s",
        ours: rounds.median(COLD, "rate"),
        peer: Some(rounds.median(warm, "rate")),
        ratio: Some(rounds.ratio(COLD, warm, "rate")),
        goal: None,
        notes: vec![format!("CPU of such a warm one {}", costs(&rounds, warm))],
    };
    let note = format!("CPU of a cold one {}, {} of it for the hash", costs(&rounds, COLD), number(hash));
    Ok(vec![
        against(WARM, "a warm one at its greatest rate").held_to(Goal::AtLeast(0.9)).note(note),
        against(WARM_AT_RATE, "a warm one at the rate of cold ones"),
    ])
}

fn costs(rounds: &Rounds, side: &str) -> String {
    let [pair, gateway, postgres, load] =
        ["pair", "client", "postgres", "load"].map(|figure| number(rounds.median(side, figure)));
    format!("{pair} µs ({gateway} in the gateway, {postgres} in Postgres, {load} of the load generator)")
}

/// Logins each with its logout at a gateway of their own: how many a second, and the CPU time of one in µs.
fn pairs(lab: &Lab, measure: impl FnOnce(&Gateway) -> Outcome<Figures>) -> Outcome<Figures> {
    let gateway = lab.gateway(OUR_DATABASE, &Role { roles: "http", ..Role::default() })?;
    let measured = measure(&gateway)?;
    gateway.stop()?;
    let figure = |name| measured.get(name).copied().unwrap_or(f64::NAN);
    let costs = ["client", "postgres", "load"].map(|part| (part, 2.0 * figure(part)));
    let all = costs.iter().map(|(_, cost)| cost).sum();
    Ok(Figures::from_iter([("rate", figure("rate") / 2.0), ("pair", all)].into_iter().chain(costs)))
}

/// CPU time of comparing a PIN with its hash, in µs, on all cores at the same time.
fn hash_cost(lab: &Lab, cores: usize) -> Outcome<f64> {
    let hasher = Hasher::new(&Pepper::from_bytes(&[7; 32]), HashCosts::default());
    let stored = hasher.hash(SecretKind::Pin, "24680")?;
    let (ended, compared) = (AtomicBool::new(false), AtomicUsize::new(0));
    let compare = || {
        while !ended.load(Ordering::Relaxed) {
            if !hasher.matches(&stored, "24680") {
                return Err(HashError);
            }
            compared.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    let ((), cpu) = lab.metered(None, || {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(compare)).collect();
            std::thread::sleep(lab.warm_up());
            ended.store(true, Ordering::Relaxed);
            threads
                .into_iter()
                .try_for_each(|thread| Ok(thread.join().map_err(|_| "a hashing thread has panicked")??))
        })
    })?;
    Ok(cpu.load * 1e6 / compared.load(Ordering::Relaxed) as f64)
}
