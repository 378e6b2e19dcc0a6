//! Two copies of one site, one for the gateway and one for `pgbench`, and logins and logouts on both.
//!
//! The peer locks user and phone, opens or ends the session and writes the event, of the same size as ours, with its pending row. It
//! checks no credentials, speaks no HTTP and decides nothing.

use std::time::Duration;

use crate::frame::Outcome;
use crate::frame::cpu::CpuTime;
use crate::frame::gateway::{Gateway, Role};
use crate::frame::lab::Lab;
use crate::frame::load::{Load, Target};
use crate::frame::pgbench::Script;
use crate::frame::requests::{Churn, Sender};
use crate::frame::rounds::{Figures, Rounds, quantile};
use crate::frame::table::{Finding, number, progress};

/// What the peer runs: every other transaction a login, then the logout of the same phone.
const SCRIPT: &str = r"\if :on
\set on 0
WITH u AS (SELECT x.pk FROM objects o JOIN users x ON x.pk = o.pk
    WHERE o.type = 'User' AND o.name_key = 'user' || lpad(:n::text, 6, '0') FOR NO KEY UPDATE OF x),
p AS (SELECT x.pk FROM objects o JOIN phones x ON x.pk = o.pk
    WHERE o.type = 'Phone' AND o.name_key = 'sep0a1b2c' || lpad(:n::text, 6, '0') FOR NO KEY UPDATE OF x),
s AS (DELETE FROM sessions s USING u, p WHERE s.phone_pk = p.pk AND s.user_pk = u.pk RETURNING s.session_id),
e AS (INSERT INTO event_log (created_at, id, type, topic, key, envelope)
    SELECT now(), gen_random_uuid(), 'em.device.logout.v1', 'em.device.logout.v1', 'SEP0A1B2C' || lpad(:n::text, 6, '0'), :logout::json
    FROM s RETURNING seq, created_at)
INSERT INTO event_pending (seq, created_at) SELECT seq, created_at FROM e;
\else
\set on 1
\set n :client_id + :clients * random(0, :phones / :clients - 1)
WITH u AS (SELECT x.pk, x.default_profile_pk FROM objects o JOIN users x ON x.pk = o.pk
    WHERE o.type = 'User' AND o.name_key = 'user' || lpad(:n::text, 6, '0') FOR NO KEY UPDATE OF x),
p AS (SELECT x.pk FROM objects o JOIN phones x ON x.pk = o.pk
    WHERE o.type = 'Phone' AND o.name_key = 'sep0a1b2c' || lpad(:n::text, 6, '0') AND x.em_enabled FOR NO KEY UPDATE OF x),
s AS (INSERT INTO sessions (phone_pk, user_pk, profile_pk, session_id, started_at, login_method, exclusive)
    SELECT p.pk, u.pk, u.default_profile_pk, gen_random_uuid(), now(), 'API', true FROM u, p RETURNING session_id),
e AS (INSERT INTO event_log (created_at, id, type, topic, key, envelope)
    SELECT now(), gen_random_uuid(), 'em.device.login.v1', 'em.device.login.v1', 'SEP0A1B2C' || lpad(:n::text, 6, '0'), :login::json
    FROM s RETURNING seq, created_at)
INSERT INTO event_pending (seq, created_at) SELECT seq, created_at FROM e;
\endif
";

/// The two databases and what the peer needs.
pub(crate) struct Site<'l> {
    lab: &'l Lab,
    /// How many phones there are.
    pub(crate) phones: usize,
    events: Vec<(&'static str, String)>,
}

/// Databases of the two sides.
pub(crate) const OUR_DATABASE: &str = "bench_ours";
pub(crate) const PEER_DATABASE: &str = "bench_peer";

impl<'l> Site<'l> {
    /// Makes the databases, and events for the peer out of a real login and logout.
    pub(crate) fn make(lab: &'l Lab) -> Outcome<Self> {
        let phones = lab.usual_phones();
        lab.copy(OUR_DATABASE, phones)?;
        lab.copy(PEER_DATABASE, phones)?;
        let gateway = lab.gateway(OUR_DATABASE, &Role { roles: "http", ..Role::default() })?;
        let sender = lab.admin(&gateway)?;
        Target::of(&gateway)?.closed_loop(1, Duration::ZERO, |_| Churn::new(&sender, 0, 1, 1))?;
        Target::of(&gateway)?
            .closed_loop(1, Duration::from_millis(200), |_| Churn::new(&sender, 0, 1, 100))?;
        gateway.stop()?;
        let envelope = |type_: &str| {
            lab.server
                .sql(OUR_DATABASE, &format!("SELECT envelope FROM event_log WHERE type = '{type_}' LIMIT 1"))
        };
        let events =
            vec![("login", envelope("em.device.login.v1")?), ("logout", envelope("em.device.logout.v1")?)];
        if events.iter().any(|(_, text)| text.is_empty()) {
            return Err("a login has written no event".into());
        }
        Ok(Self { lab, phones, events })
    }

    /// Measures the gateway once.
    pub(crate) fn ours(&self, gateway: &Gateway, sender: &Sender, connections: usize) -> Outcome<Figures> {
        self.churn(gateway, connections, |lane| Churn::new(sender, lane, connections, self.phones))
    }

    /// The same over the application API.
    pub(crate) fn over_api(
        &self,
        gateway: &Gateway,
        sender: &Sender,
        connections: usize,
    ) -> Outcome<Figures> {
        self.churn(gateway, connections, |lane| Churn::over_api(sender, lane, connections, self.phones))
    }

    /// Measures what the gateway makes of the work of each connection.
    pub(crate) fn churn(
        &self,
        gateway: &Gateway,
        connections: usize,
        work: impl Fn(usize) -> Churn,
    ) -> Outcome<Figures> {
        let target = Target::of(gateway)?;
        let churn = |time| target.closed_loop(connections, time, &work);
        let (load, cpu) = self.lab.metered_warm(gateway, self.lab.sample(), churn)?;
        Ok(figures(&load, cpu))
    }

    /// Measures the same where requests begin by the clock, so many a second, whether what was before is answered or not.
    pub(crate) fn at_rate(
        &self,
        gateway: &Gateway,
        (connections, rate): (usize, f64),
        work: &dyn Fn(usize) -> Churn,
    ) -> Outcome<Figures> {
        let target = Target::of(gateway)?;
        let load = |time| target.open_loop(connections, rate, time, work);
        let (load, cpu) = self.lab.metered_warm(gateway, self.lab.sample() * 2, load)?;
        Ok(figures(&load, cpu))
    }

    /// Every phone has been logged in at before, from where the load comes: nothing is noted of it any more.
    pub(crate) fn place_phones(&self) -> Outcome<()> {
        let place = "INSERT INTO registrations (phone_pk, address, status, reported_at) SELECT pk, '127.0.0.1', 'seen', now() FROM phones; \
            ANALYZE registrations";
        self.lab.server.sql(OUR_DATABASE, place).map(drop)
    }

    /// Sets a service parameter.
    pub(crate) fn set(&self, gateway: &Gateway, name: &str, value: &str) -> Outcome<()> {
        let change = format!(
            "<processNodeName>bench</processNodeName><name>{name}</name><service>Cisco Extension Mobility</service><value>{value}</value>"
        );
        let request = self.lab.admin(gateway)?.call("updateServiceParameter", &change);
        Target::of(gateway)?.once(request.clone().numbered(0)).map(drop)
    }

    /// Measures the peer once.
    pub(crate) fn peer(&self, clients: usize) -> Outcome<Figures> {
        self.clear_peer()?;
        Ok(self.script(clients).run(clients, self.lab.sample())?.figures())
    }

    /// The script of the peer.
    pub(crate) fn script(&self, clients: usize) -> Script<'_> {
        let mut variables = self.events.clone();
        variables.extend([
            ("on", "0".to_owned()),
            ("n", "0".to_owned()),
            ("phones", self.phones.to_string()),
            ("clients", clients.to_string()),
        ]);
        let lab = self.lab;
        Script {
            server: &lab.server,
            database: PEER_DATABASE,
            folder: &lab.folder,
            text: SCRIPT.to_owned(),
            variables,
            warm_up: lab.warm_up(),
        }
    }

    /// A run ends in the middle of pairs: whoever is still logged in leaves, as a logout would have it. The room is freed as ours is: when
    /// the server comes to it.
    pub(crate) fn clear_peer(&self) -> Outcome<()> {
        self.lab.server.sql(PEER_DATABASE, "DELETE FROM sessions").map(drop)
    }

    /// Tries several numbers of clients, briefly.
    pub(crate) fn best_client_count(&self) -> Outcome<usize> {
        let mut best = (0, 0.0);
        for clients in [4, 8, 16, 32, 64] {
            progress(&format!("login-churn: pgbench with {clients} clients"));
            self.clear_peer()?;
            let rate = self.script(clients).run(clients, Duration::from_secs(3))?.rate;
            if rate > best.1 {
                best = (clients, rate);
            }
        }
        Ok(best.0)
    }
}

/// What rounds of logins came to.
pub(crate) fn finding(rounds: &Rounds, ours: &'static str, peer: &'static str, what: &str) -> Finding {
    let cost = |side, figure| number(rounds.median(side, figure));
    Finding {
        what: what.to_owned(),
        unit: "/s",
        ours: rounds.median(ours, "rate"),
        peer: Some(rounds.median(peer, "rate")),
        ratio: Some(rounds.ratio(ours, peer, "rate")),
        goal: None,
        notes: vec![
            format!(
                "CPU of one: ours {} µs in the gateway and {} µs in Postgres (load generator {} µs), the peer {} µs and {} µs",
                cost(ours, "client"),
                cost(ours, "postgres"),
                cost(ours, "load"),
                cost(peer, "client"),
                cost(peer, "postgres"),
            ),
            format!("latency of ours: p50 {} ms, p99 {} ms", cost(ours, "p50"), cost(ours, "p99")),
        ],
    }
}

/// What a load came to, and what one answer of it cost.
fn figures(load: &Load, cpu: CpuTime) -> Figures {
    let each = 1e6 / load.latencies.len() as f64;
    Figures::from([
        ("answers", load.latencies.len() as f64),
        ("cpu", (cpu.gateway + cpu.postgres) * each),
        ("rate", load.rate()),
        ("client", cpu.gateway * each),
        ("postgres", cpu.postgres * each),
        ("load", cpu.load * each),
        ("p50", quantile(&load.latencies, 0.5) * 1e3),
        ("p90", quantile(&load.latencies, 0.9) * 1e3),
        ("p99", quantile(&load.latencies, 0.99) * 1e3),
        ("p99.9", quantile(&load.latencies, 0.999) * 1e3),
        ("greatest", quantile(&load.latencies, 1.0) * 1e3),
    ])
}
