//! Automatic logouts: times of day, calls that are waited for, and many due at once while nodes are killed (EM-064 to EM-073, EM-134).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use emgate::em::sweep;
use emgate::store::schema::{object_references, registrations};
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::gateway::StateDir;
use crate::support::many::people_logged_in;
use crate::support::process::Process;
use crate::support::site::Site;

/// Two phones, the first of which stands in the lobby, and two people.
fn site() -> Site {
    let site = Site::new();
    let lobby = site.object("DevicePool", "Lobby", &json!({}));
    let phone = site.phone("SEP0000000000A1");
    site.phone("SEP0000000000A2");
    for user in ["ada", "bob"] {
        let profile = site.profile(&format!("UDP_{user}"));
        site.user(user, &[profile]);
    }
    site.write(|tx| {
        let tag = object_references::tag.eq("devicePoolName");
        let pool = (object_references::owner_pk.eq(phone.0), tag, object_references::target_pk.eq(lobby.0));
        diesel::insert_into(object_references::table).values(pool).execute(tx.connection())?;
        Ok(())
    });
    site
}

fn limits(event: &(String, Value)) -> Value {
    json!([event.1["expiresAt"], event.1["maxLoginSeconds"], event.1["maxLoginSource"]])
}

#[tokio::test]
async fn a_time_of_day_ends_sessions_where_it_comes_before_the_limit() {
    let site = site();
    site.parameter("AutomaticLogoutAt", "site lobby = 18:00 Europe/Berlin; user bob = never");
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    site.log_in("SEP0000000000A2", "bob").await.unwrap();
    let events = site.events();
    assert_eq!(limits(&events[0]), json!(["2026-03-02T17:00:00.000Z", 32_400, "schedule"]));
    assert_eq!(limits(&events[1]), json!([null, null, null]));
    site.clock.advance_seconds(32_399);
    assert_eq!(sweep::step(&site.em).await, Ok(0));
    site.clock.advance_seconds(1);
    assert_eq!(sweep::step(&site.em).await, Ok(1));
    let end = site.events()[2].1.clone();
    assert_eq!((&end["reason"], &end["dueAt"]), (&json!("schedule"), &json!("2026-03-02T17:00:00.000Z")));
    site.parameter("IntraClusterMaxLoginTime", "8:00");
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    assert_eq!(limits(&site.events()[3]), json!(["2026-03-03T01:00:00.000Z", 28_800, "service-parameter"]));
}

#[tokio::test]
async fn an_automatic_logout_waits_for_the_end_of_a_call_and_not_for_ever() {
    let site = site();
    site.parameter("IntraClusterMaxLoginTime", "0:01");
    let phone = site.em.conditions(Some("SEP0000000000A1")).await.unwrap().phone.unwrap().pk;
    let in_call = |busy: bool| {
        site.write(|tx| {
            let now = tx.now()?;
            let state = (registrations::is_busy.eq(busy), registrations::reported_at.eq(now));
            diesel::insert_into(registrations::table)
                .values((registrations::phone_pk.eq(phone.0), registrations::status.eq("registered"), state))
                .on_conflict(registrations::phone_pk)
                .do_update()
                .set(state)
                .execute(tx.connection())?;
            Ok(())
        });
    };
    for (wait, then_idle, ended) in [("0", false, 1), ("10", false, 0), ("10", true, 1)] {
        site.parameter("AutomaticLogoutWaitsForIdle", wait);
        site.log_in("SEP0000000000A1", "ada").await.unwrap();
        in_call(true);
        site.clock.advance_seconds(61);
        if then_idle {
            in_call(false);
        }
        assert_eq!(sweep::step(&site.em).await, Ok(ended), "{wait} {then_idle}");
    }
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    in_call(true);
    site.clock.advance_seconds(60 + 599);
    assert_eq!(sweep::step(&site.em).await, Ok(0));
    site.clock.advance_seconds(1);
    assert_eq!(sweep::step(&site.em).await, Ok(1), "ten minutes after it was due");
}

/// Sessions of the long test.
const MANY: u32 = 10_000;

#[test]
#[ignore = "ten thousand sessions over more than a minute; `make soak` runs it"]
fn ten_thousand_sessions_end_once_each_and_in_time_while_nodes_are_killed() {
    let database = TestDatabase::new();
    let states = [StateDir::new(), StateDir::new()];
    let pepper = states[0].0.join("pepper");
    let start = |n: usize| {
        let (name, pepper) = (format!("--node-name=node-{n}"), pepper.to_str().unwrap().to_owned());
        std::fs::write(
            states[n].0.join("settings.toml"),
            format!("[credentials]\npepper_file = \"{pepper}\"\n"),
        )
        .unwrap();
        let settings = format!("--config={}", states[n].0.join("settings.toml").display());
        Process::start(&["serve", &settings, &name], &database.url, &states[n])
    };
    let mut nodes = [Some(start(0)), Some(start(1))];
    let mut inside = PgConnection::establish(&database.url).unwrap();
    inside
        .transaction(|inside| {
            people_logged_in(inside, MANY, "now() + interval '8 s' + random() * interval '60 s'");
            inside.batch_execute("UPDATE sessions SET started_at = started_at - interval '1 hour'")
        })
        .unwrap();
    let (mut outages, began, mut turn) = (Vec::new(), Instant::now(), 0);
    // kill -9 of one node, of the other, and of both at once, so that for some seconds there is none
    while began.elapsed() < Duration::from_secs(70) {
        std::thread::sleep(Duration::from_secs(7));
        let killed: &[usize] = [&[0][..], &[1], &[0, 1]][turn % 3];
        for n in killed {
            if let Some(node) = nodes[*n].take() {
                node.signal("KILL");
            }
        }
        if killed.len() == 2 {
            std::thread::sleep(Duration::from_secs(5));
        }
        for n in killed {
            nodes[*n] = Some(start(*n));
            if killed.len() == 2 && outages.len() <= turn / 3 {
                outages.push(emgate::clock::wall_clock());
            }
        }
        turn += 1;
    }
    std::thread::sleep(Duration::from_secs(10));
    drop(nodes);
    use emgate::store::schema::{event_log, sessions};
    assert_eq!(sessions::table.count().get_result::<i64>(&mut inside), Ok(0));
    let ends = event_log::table.filter(event_log::type_.eq("em.device.logout.v1"));
    let ends: Vec<Value> = ends.select(event_log::envelope).load(&mut inside).unwrap();
    let of_phones: std::collections::BTreeSet<&str> =
        ends.iter().map(|e| e["data"]["device"]["name"].as_str().unwrap()).collect();
    assert_eq!((ends.len(), of_phones.len()), (10_000, 10_000), "one event each");
    let moment = |v: &Value| v.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let (mut latest, mut after_outage) = (0.0_f64, 0.0_f64);
    for end in &ends {
        let (due, at) = (moment(&end["data"]["dueAt"]), moment(&end["data"]["logoutTime"]));
        assert!(due <= at, "early: {end}");
        assert_eq!(end["data"]["reason"], "timeout");
        let late = (at - due).as_seconds_f64();
        // those that fell due while there was no node count from the start of the next
        match outages.iter().find(|start| due < **start && **start <= at) {
            Some(start) => after_outage = after_outage.max((at - *start).as_seconds_f64()),
            None => latest = latest.max(late),
        }
    }
    assert_warned_once(&mut inside, &ends);
    println!("{} outages; {latest:.1} s late at most, {after_outage:.1} s after a start", outages.len());
    assert!(latest < 10.0 && after_outage < 10.0, "{latest} {after_outage}");
}

/// Phones are warned once at most, of the end that came, and before it; half of them at least, since some were due when the first node looked.
fn assert_warned_once(inside: &mut PgConnection, ends: &[Value]) {
    use emgate::store::schema::event_log;
    let warnings = event_log::table.filter(event_log::type_.eq("em.session.expiring.v1"));
    let warnings: Vec<Value> = warnings.select(event_log::envelope).load(inside).unwrap();
    let mut due: BTreeMap<&str, &Value> =
        ends.iter().map(|end| (end["data"]["sessionId"].as_str().unwrap(), &end["data"]["dueAt"])).collect();
    assert!(warnings.len() > ends.len() / 2, "{}", warnings.len());
    for warning in &warnings {
        let session = warning["data"]["sessionId"].as_str().unwrap();
        assert_eq!(
            due.remove(session),
            Some(&warning["data"]["expiresAt"]),
            "once, and of its end: {warning}"
        );
        assert!(warning["time"].as_str() < warning["data"]["expiresAt"].as_str());
    }
}
