//! getPhone by name, all elements, against one SELECT of the same object: its row, typed core, lines, references, session and default
//! profile.

use crate::frame::Outcome;
use crate::frame::gateway::Role;
use crate::frame::lab::Lab;
use crate::frame::load::Target;
use crate::frame::pgbench::Script;
use crate::frame::requests::{Random, Repeat};
use crate::frame::rounds::{Figures, Rounds, quantile};
use crate::frame::table::{Finding, Goal, number};

const CONNECTIONS: usize = 16;
const DATABASE: &str = "bench_get";

const OURS: &str = "emgate";
const PEER: &str = "pgbench";

const SCRIPT: &str = r"\set n random(0, :phones - 1)
SELECT o.pk, o.name, o.description, o.uuid, o.carried, o.revision, o.changed_at, p.model, p.protocol, p.em_enabled,
    lp.name, lp.uuid, m.has_services, d.name, d.carried, l.lines, r.names, s.*
FROM objects o JOIN phones p ON p.pk = o.pk
LEFT JOIN objects lp ON lp.pk = p.logout_profile_pk
LEFT JOIN phone_models m ON m.model = p.model
LEFT JOIN default_profiles dp ON dp.model = p.model AND dp.protocol = p.protocol
LEFT JOIN objects d ON d.pk = dp.pk
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(la.index, la.uuid, la.settings, ln.pattern, lo.uuid, pt.name, pt.uuid) ORDER BY la.index) AS lines
    FROM line_appearances la JOIN lines ln ON ln.pk = la.line_pk JOIN objects lo ON lo.pk = ln.pk
    LEFT JOIN objects pt ON pt.pk = ln.partition_pk WHERE la.owner_pk = o.pk) l ON true
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(x.tag, jsonb_build_array(t.name, t.uuid)) AS names
    FROM object_references x JOIN objects t ON t.pk = x.target_pk WHERE x.owner_pk = o.pk) r ON true
LEFT JOIN LATERAL (
    SELECT su.name AS user_id, se.started_at, se.max_login_seconds, sp.name AS profile, sp.carried AS profile_carried
    FROM sessions se JOIN objects su ON su.pk = se.user_pk JOIN objects sp ON sp.pk = se.profile_pk WHERE se.phone_pk = o.pk) s ON true
WHERE o.type = 'Phone' AND o.name_key = 'sep0a1b2c' || lpad(:n::text, 6, '0');
";

/// Runs the bench.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    let phones = lab.usual_phones();
    lab.copy(DATABASE, phones)?;
    let gateway = lab.gateway(DATABASE, &Role { roles: "http", ..Role::default() })?;
    let (sender, target) = (lab.admin(&gateway)?, Target::of(&gateway)?);
    let request = sender.call("getPhone", "<name>SEP0A1B2C000000</name>");
    let get = |time| {
        target.closed_loop(CONNECTIONS, time, |_| {
            let mut random = Random::fresh();
            Repeat::new(request.clone(), move || random.below(phones))
        })
    };
    let ours = || {
        let (load, cpu) = lab.metered_warm(&gateway, lab.sample(), get)?;
        let each = 1e6 / load.latencies.len() as f64;
        Ok(Figures::from([
            ("rate", load.rate()),
            ("client", cpu.gateway * each),
            ("postgres", cpu.postgres * each),
            ("load", cpu.load * each),
            ("p50", quantile(&load.latencies, 0.5) * 1e3),
            ("p99", quantile(&load.latencies, 0.99) * 1e3),
        ]))
    };
    let variables = vec![("phones", phones.to_string())];
    let script = Script {
        server: &lab.server,
        database: DATABASE,
        folder: &lab.folder,
        text: SCRIPT.to_owned(),
        variables,
        warm_up: lab.warm_up(),
    };
    let peer = || Ok(script.run(CONNECTIONS, lab.sample())?.figures());
    let rounds = Rounds::run("get-phone", lab.rounds, vec![(OURS, Box::new(ours)), (PEER, Box::new(peer))])?;
    gateway.stop()?;
    lab.server.drop(DATABASE)?;
    let cost = |side, figure| number(rounds.median(side, figure));
    Ok(vec![Finding {
        what: format!("getPhone, {CONNECTIONS} connections, TLS"),
        unit: "/s",
        ours: rounds.median(OURS, "rate"),
        peer: Some(rounds.median(PEER, "rate")),
        ratio: Some(rounds.ratio(OURS, PEER, "rate")),
        goal: Some(Goal::AtLeast(0.55)),
        notes: vec![format!(
            "CPU of one: {} µs in the gateway and {} µs in Postgres (load generator {} µs), pgbench {} µs and {} µs; p50 {} ms, p99 {} ms",
            cost(OURS, "client"),
            cost(OURS, "postgres"),
            cost(OURS, "load"),
            cost(PEER, "client"),
            cost(PEER, "postgres"),
            cost(OURS, "p50"),
            cost(OURS, "p99"),
        )],
    }])
}
