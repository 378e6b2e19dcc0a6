//! Logins and logouts at the phones themselves, with PINs that the gateway has checked a moment before: against the same ones over AXL,
//! and how long they take at a rate, with the permits of a site that has set nothing, with and without a check of where they come from
//! (EM-075, EM-094), and with few and many phones (EM-103).
//!
//! The first refusal ends the bench: what it reports went without one, busy (26) included.

use crate::frame::Outcome;
use crate::frame::gateway::Role;
use crate::frame::lab::Lab;
use crate::frame::requests::Churn;
use crate::frame::rounds::Rounds;
use crate::frame::table::{Finding, Goal, number};
use crate::logins::{OUR_DATABASE, Site, finding};

const CONNECTIONS: usize = 64;
/// So few people that a gateway remembers all of them.
pub(crate) const PEOPLE: usize = 512;
/// Logins and logouts a second where their latency is measured: half of them logins, fifteen thousand a minute.
const RATE: f64 = 500.0;

const PAGE: &str = "phone page";
const AXL: &str = "AXL";
const UNCHECKED: &str = "phone page, addresses not validated";
const CHECKED: &str = "phone page, addresses validated";
const FEW: &str = "application API, few phones";
const MANY: &str = "application API, all phones";

/// Runs the bench.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    let site = Site::make(lab)?;
    site.place_phones()?;
    let gateway = lab.gateway(OUR_DATABASE, &Role { roles: "http", ..Role::default() })?;
    let sender = lab.admin(&gateway)?;
    let at_phones = |lane| Churn::at_phones(lane, CONNECTIONS, PEOPLE);
    let over_axl = |lane| Churn::new(&sender, lane, CONNECTIONS, PEOPLE);
    let against = Rounds::run(
        "login-page",
        lab.rounds,
        vec![
            (PAGE, Box::new(|| site.churn(&gateway, CONNECTIONS, at_phones))),
            (AXL, Box::new(|| site.churn(&gateway, CONNECTIONS, over_axl))),
        ],
    )?;
    let what =
        "logins and logouts at the phones' page, against AXL, 64 connections, TLS, the same 512 people";
    let mut findings = vec![finding(&against, PAGE, AXL, what)];

    site.set(&gateway, "MaximumConcurrentRequests", "5")?;
    let validated = |value: &str, work: &dyn Fn(usize) -> Churn| {
        site.set(&gateway, "ValidateIPAddress", value)?;
        site.at_rate(&gateway, (CONNECTIONS, RATE), work)
    };
    let over_api = |phones: usize| {
        let sender = sender.clone();
        move |lane: usize| Churn::over_api(&sender, lane, CONNECTIONS, phones)
    };
    let (few, many) = (over_api(1000), over_api(site.phones));
    let timed = Rounds::run(
        "login-page",
        lab.rounds,
        vec![
            (UNCHECKED, Box::new(|| validated("F", &at_phones))),
            (CHECKED, Box::new(|| validated("T", &at_phones))),
            (FEW, Box::new(|| validated("T", &few))),
            (MANY, Box::new(|| validated("T", &many))),
        ],
    )?;
    gateway.stop()?;
    findings.extend(timed_findings(&timed, site.phones));
    Ok(findings)
}

fn timed_findings(rounds: &Rounds, phones: usize) -> Vec<Finding> {
    let compared = |what: String, unit, (ours, peer), figure, most| Finding {
        what,
        unit,
        ours: rounds.median(ours, figure),
        peer: Some(rounds.median(peer, figure)),
        ratio: Some(rounds.ratio(ours, peer, figure)),
        goal: Some(Goal::AtMost(most)),
        notes: Vec::new(),
    };
    let with_permits = Finding {
        what: format!(
            "logins and logouts at the phones' page, {RATE} a second with 5 permits, none busy, p99"
        ),
        unit: "ms",
        ours: rounds.median(UNCHECKED, "p99"),
        peer: None,
        ratio: None,
        goal: None,
        notes: vec![distribution(rounds, UNCHECKED)],
    };
    let checked = (CHECKED, UNCHECKED);
    vec![
        with_permits,
        compared("the same, addresses validated against not, p99".to_owned(), "ms", checked, "p99", 1.2)
            .note(distribution(rounds, CHECKED)),
        compared("the same, CPU of one".to_owned(), "µs", checked, "cpu", 1.05),
        compared(
            format!(
                "the same over the application API, addresses validated, {phones} phones against 1000, p99"
            ),
            "ms",
            (MANY, FEW),
            "p99",
            1.5,
        )
        .note(distribution(rounds, MANY))
        .note(distribution(rounds, FEW)),
    ]
}

fn distribution(rounds: &Rounds, side: &str) -> String {
    let [p50, p90, p99, p999, greatest] =
        ["p50", "p90", "p99", "p99.9", "greatest"].map(|figure| number(rounds.median(side, figure)));
    format!("{side}: half within {p50} ms, 90 % {p90}, 99 % {p99}, 99.9 % {p999}, all {greatest}")
}
