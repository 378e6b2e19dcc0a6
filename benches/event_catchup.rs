//! How fast numbered events that wait are published, as after an outage of Kafka, against a bare transactional producer that sends
//! records of the same size in transactions of the same number; read by the same subscriber.

use std::time::Duration;

use rdkafka::message::{Header, OwnedHeaders};

use crate::frame::Outcome;
use crate::frame::gateway::Role;
use crate::frame::kafka::{Bare, Template, make_topic, remove_topics, time_to_read};
use crate::frame::lab::Lab;
use crate::frame::load::Target;
use crate::frame::requests::Churn;
use crate::frame::rounds::{Figures, Rounds};
use crate::frame::table::{Finding, Goal, number};

const DATABASE: &str = "bench_catchup";
const OURS: &str = "emgate";
const PEER: &str = "bare producer";

/// Records of one transaction of the peer; as many as ours has.
const BATCH: u64 = 2000;

/// Multiplies one login event; `:n` is how many there are to be.
const MULTIPLY: &str = r"
SET synchronous_commit = off;
CREATE TEMP TABLE one AS SELECT * FROM event_log WHERE type = 'em.device.login.v1' LIMIT 1;
TRUNCATE event_log, event_pending, event_position;
INSERT INTO event_log (created_at, seq, id, type, topic, key, envelope)
    SELECT o.created_at, n, gen_random_uuid(), o.type, o.topic, 'SEP0A1B2C' || lpad((n % 100000)::text, 6, '0'), o.envelope
    FROM one o, generate_series(1, :n) AS n;
INSERT INTO event_position (pos, seq, created_at, emstream, recorded_at, hash)
    SELECT n, n, o.created_at, s.emstream, o.created_at, sha256(n::text::bytea) FROM one o, event_stream s, generate_series(1, :n) AS n;
UPDATE event_stream SET last_pos = :n, confirmed_pos = 0;
SELECT setval('event_log_seq', :n);
VACUUM (ANALYZE) event_log, event_position;
";

/// Runs the bench; nothing without Apache Kafka.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    let Some((broker, prefix)) = lab.kafka("catchup") else { return Ok(Vec::new()) };
    let events = lab.events;
    let template = fill(lab, events)?;
    let mut round = 0;
    let ours = || {
        round += 1;
        publish(lab, &broker, &format!("{prefix}-{round}"), events)
    };
    let mut bare_round = 0;
    let peer = || {
        bare_round += 1;
        send(&broker, &format!("{prefix}-bare-{bare_round}"), &template, events)
    };
    // a round takes a minute and more
    let few = lab.rounds.min(3);
    let rounds = Rounds::run("event-catchup", few, vec![(OURS, Box::new(ours)), (PEER, Box::new(peer))])?;
    lab.server.drop(DATABASE)?;
    let cost = |figure| number(rounds.median(OURS, figure));
    let note =
        format!("CPU of one: {} µs in the gateway and {} µs in Postgres", cost("gateway"), cost("postgres"));
    Ok(vec![Finding {
        what: format!("publishing {events} numbered events that wait"),
        unit: "/s",
        ours: rounds.median(OURS, "rate"),
        peer: Some(rounds.median(PEER, "rate")),
        ratio: Some(rounds.ratio(OURS, PEER, "rate")),
        goal: Some(Goal::AtLeast(0.5)),
        notes: vec![note],
    }])
}

/// Fills the log; gives a record of the size that ours will have.
fn fill(lab: &Lab, events: usize) -> Outcome<Template> {
    lab.copy(DATABASE, 10_000)?;
    let gateway = lab.gateway(DATABASE, &Role { roles: "http", ..Role::default() })?;
    let sender = lab.admin(&gateway)?;
    Target::of(&gateway)?.closed_loop(1, Duration::from_millis(100), |_| Churn::new(&sender, 0, 1, 100))?;
    gateway.stop()?;
    lab.server.sql(DATABASE, &format!("\\set n {events}\n{MULTIPLY}"))?;
    let envelope = lab.server.sql(DATABASE, "SELECT envelope FROM event_log LIMIT 1")?;
    // number, stream and time of numbering are added when an event is sent, and its attributes are repeated as headers
    let value = format!("{envelope}{}", " ".repeat(120)).into_bytes();
    let headers = (0..14).fold(OwnedHeaders::new(), |all, n| {
        all.insert(Header {
            key: &format!("ce_attribute{n}"),
            value: Some("value of thirty-two characters!!"),
        })
    });
    Ok(Template { value, headers })
}

/// Publishes everything to topics of its own, and reads it.
fn publish(lab: &Lab, broker: &str, prefix: &str, events: usize) -> Outcome<Figures> {
    lab.server.sql(DATABASE, "UPDATE event_stream SET confirmed_pos = 0")?;
    let topic = format!("{prefix}.session.v1");
    make_topic(broker, &topic)?;
    let reader = {
        let (broker, topic) = (broker.to_owned(), topic.clone());
        std::thread::spawn(move || time_to_read(&broker, &topic, events))
    };
    let kafka = Some((broker.to_owned(), prefix.to_owned()));
    let (seconds, cpu) = {
        lab.server.settle()?;
        let gateway = lab.gateway(DATABASE, &Role { roles: "http,publish", kafka })?;
        let measured =
            lab.metered(Some(&gateway), || reader.join().map_err(|_| "a subscriber has panicked")?)?;
        gateway.stop()?;
        measured
    };
    remove_topics(broker, prefix)?;
    let each = 1e6 / events as f64;
    Ok(Figures::from([
        ("rate", events as f64 / seconds),
        ("gateway", cpu.gateway * each),
        ("postgres", cpu.postgres * each),
    ]))
}

fn send(broker: &str, topic: &str, template: &Template, events: usize) -> Outcome<Figures> {
    make_topic(broker, topic)?;
    let bare = Bare::connect(broker, topic)?;
    let reader = {
        let (broker, topic) = (broker.to_owned(), topic.to_owned());
        std::thread::spawn(move || time_to_read(&broker, &topic, events))
    };
    let (mut from, all) = (0, events as u64);
    while from < all {
        let to = (from + BATCH).min(all);
        bare.send(template, from..to)?;
        from = to;
    }
    let seconds = reader.join().map_err(|_| "a subscriber has panicked")??;
    drop(bare);
    remove_topics(broker, topic)?;
    Ok(Figures::from([("rate", events as f64 / seconds)]))
}
