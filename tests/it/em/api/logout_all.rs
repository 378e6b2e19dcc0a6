//! The end of all sessions: in parts, ordered by phone, each an operation of its own (events.md 8).

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use emgate::store::schema::event_log;
use serde_json::Value;

use super::*;
use crate::support::waiting::in_time;

/// Logs so many people in, each on a phone of their own, without asking anybody.
fn crowd(site: &Site, many: usize) {
    let rows = format!(
            "INSERT INTO objects (type, name, name_key, uuid, changed_at)
                SELECT t, n, lower(n), gen_random_uuid(), now() FROM generate_series(1, {many}) AS g,
                LATERAL (VALUES ('Phone', 'SEPC' || upper(lpad(to_hex(g), 11, '0'))), ('User', 'crowd' || g), ('DeviceProfile', 'CROWD' || g)) AS v (t, n);
             INSERT INTO phones (pk, model, protocol, em_enabled) SELECT pk, 'Cisco 8851', 'SIP', true FROM objects WHERE name LIKE 'SEPC%';
             INSERT INTO users (pk, last_name) SELECT pk, 'x' FROM objects WHERE type = 'User' AND name LIKE 'crowd%';
             INSERT INTO device_profiles (pk, model, protocol) SELECT pk, 'Cisco 8851', 'SIP' FROM objects WHERE name LIKE 'CROWD%';
             INSERT INTO sessions (phone_pk, user_pk, profile_pk, session_id, started_at, login_method, exclusive)
                SELECT p.pk, u.pk, d.pk, gen_random_uuid(), '2026-03-02T07:00:00Z', 'API', true
                FROM (SELECT pk, row_number() OVER (ORDER BY pk) AS n FROM objects WHERE name LIKE 'SEPC%') p
                JOIN (SELECT pk, row_number() OVER (ORDER BY pk) AS n FROM objects WHERE type = 'User' AND name LIKE 'crowd%') u USING (n)
                JOIN (SELECT pk, row_number() OVER (ORDER BY pk) AS n FROM objects WHERE name LIKE 'CROWD%') d USING (n)"
        );
    site.write(|tx| Ok(tx.connection().batch_execute(&rows)?));
}

/// The place of every event: identity of its operation, place in it, how many it has, and its phone.
fn places(site: &Site) -> Vec<(String, u64, u64, String)> {
    let rows: Vec<Value> = site.write(|tx| {
        Ok(event_log::table.order(event_log::seq).select(event_log::envelope).load(tx.connection())?)
    });
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let place = |row: Value| {
        let number = |name: &str| row[name].as_u64().unwrap();
        let phone = text(&row["data"]["device"]["name"]);
        (text(&row["correlationid"]), number("emopindex"), number("emopcount"), phone)
    };
    rows.into_iter().map(place).collect()
}

#[tokio::test]
async fn a_few_sessions_end_in_one_operation_sorted_by_phone() {
    let site = site();
    assert_eq!(request(&site, "<logoutAll/>").await, SUCCESS, "nobody is logged in");
    assert!(site.events().is_empty());
    request(&site, &login(A2, "ada", "")).await;
    request(&site, &login(A1, "bob", "")).await;
    assert_eq!(request(&site, "<logoutAll></logoutAll>").await, SUCCESS);
    assert_eq!(
        site.story()[2..],
        ["logout SEP0000000000A1 bob logout-all", "logout SEP0000000000A2 ada logout-all"]
    );
    assert_eq!(site.sessions(), []);
    let places = &places(&site)[2..];
    assert_eq!((places[0].1, places[0].2, places[1].1), (1, 2, 2));
    assert!(places[0].0 == places[1].0 && !places[0].0.contains('.'), "{places:?}");
    assert_eq!(site.events()[2].1["requestedBy"]["via"], "api");
}

#[tokio::test]
async fn many_sessions_end_in_parts_of_five_hundred() {
    let site = site();
    crowd(&site, 1001);
    assert_eq!(request(&site, "<logoutAll/>").await, SUCCESS);
    assert_eq!(site.sessions(), []);
    let places = places(&site);
    let phones: Vec<&String> = places.iter().map(|place| &place.3).collect();
    assert!(phones.len() == 1001 && phones.is_sorted());
    let whole = places[0].0.strip_suffix(".1").expect("a part of many").to_owned();
    for (part, events) in (1..).zip(places.chunks(500)) {
        for (index, event) in (1..).zip(events) {
            assert_eq!((&event.0, event.1), (&format!("{whole}.{part}"), index));
            assert_eq!(event.2, events.len() as u64);
        }
    }
    assert_eq!(site.woken.load(std::sync::atomic::Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_part_that_fails_costs_none_of_the_others_and_is_made_up_for_later() {
    let site = site();
    crowd(&site, 1001);
    let sql = |text: &str| site.write(|tx| Ok(tx.connection().batch_execute(text)?));
    // the session of the 700th phone, in the second part, cannot end
    sql("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF (SELECT name FROM objects WHERE pk = OLD.phone_pk) = 'SEPC000000002BC' THEN RAISE EXCEPTION 'no'; END IF; RETURN OLD; END $$;
         CREATE TRIGGER refuse BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION refuse()");
    assert_eq!(request(&site, "<logoutAll/>").await, failure(6, "Database Error"));
    assert_eq!((site.sessions().len(), site.events().len()), (500, 501));
    sql("DROP TRIGGER refuse ON sessions");
    assert_eq!(request(&site, "<logoutAll/>").await, SUCCESS);
    assert_eq!((site.sessions().len(), site.events().len()), (0, 1001));
}

#[tokio::test]
async fn the_work_goes_on_when_its_caller_has_gone() {
    use std::time::Duration;
    let site = site();
    crowd(&site, 1001);
    let work = site.em.log_out_all(site.cause(emgate::domain::event::Via::Api));
    let gave_up = tokio::time::timeout(Duration::from_millis(1), work).await;
    assert!(gave_up.is_err() && !site.sessions().is_empty(), "it was given up before its end");
    in_time(async {
        while !site.sessions().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(site.events().len(), 1001);
}
