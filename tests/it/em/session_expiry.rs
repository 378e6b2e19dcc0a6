//! Before an automatic logout: one warning for each end, a session that is extended at the phone, and what a phone says whose user has
//! logged in elsewhere.

use std::sync::{Arc, mpsc};

use diesel::prelude::*;
use emgate::em::{session_expiry, sweep};
use emgate::store::StoreError;
use emgate::store::schema::{objects, phones};
use serde_json::{Value, json};

use super::phone_page::{get, prompt, site};
use crate::support::site::{Site, service, write_audit};

const PHONE: &str = "?device=SEP0000000000A1";

/// Ada is logged in for an hour, which may be extended by a quarter twice.
async fn hour() -> Site {
    let site = site();
    for (name, value) in [
        ("IntraClusterMaxLoginTime", "1:00"),
        ("AutomaticLogoutExtendMinutes", "15"),
        ("AutomaticLogoutExtendTimes", "2"),
    ] {
        site.parameter(name, value);
    }
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    site
}

fn minutes(site: &Site, minutes: i64) {
    site.clock.advance_seconds(minutes * 60);
}

/// The address behind a key of a screen.
fn key(screen: &str, name: &str) -> Option<String> {
    let (_, rest) = screen.split_once(&format!("<Name>{name}</Name>"))?;
    let (_, rest) = rest.split_once("<URL>")?;
    let url = rest.split_once("</URL>")?.0.replace("&amp;", "&");
    Some(url.split_once("/emapp/EMAppServlet").unwrap_or_else(|| panic!("{url}")).1.to_owned())
}

fn text(screen: &str) -> &str {
    screen.split_once("<Text>").and_then(|(_, rest)| rest.split_once("</Text>")).unwrap().0
}

fn picked(event: &(String, Value), fields: &[&str]) -> Value {
    fields.iter().map(|field| event.1[field].clone()).collect()
}

#[tokio::test]
async fn a_phone_is_warned_once_of_each_end_whichever_node_looks() {
    let site = hour().await;
    let other = service(&site.db, "other", Arc::new(|| {}));
    site.clock.advance_seconds(55 * 60 - 1);
    assert_eq!(session_expiry::warn(&site.em).await, Ok(0));
    site.clock.advance_seconds(1);
    let (one, two) = tokio::join!(session_expiry::warn(&site.em), session_expiry::warn(&other));
    assert_eq!(one.unwrap() + two.unwrap(), 1);
    assert_eq!(session_expiry::warn(&site.em).await, Ok(0));
    let events = site.events();
    let (login, warning) = (&events[0], &events[1]);
    assert_eq!((events.len(), warning.0.as_str()), (2, "em.session.expiring.v1"));
    let same = ["sessionId", "device", "user", "profile", "loginTime", "expiresAt"];
    assert_eq!(picked(warning, &same), picked(login, &same));
    assert_eq!(
        picked(warning, &["extendableSeconds", "requestedBy"]),
        json!([900, {"kind": "system", "id": null, "address": null, "via": "timer"}])
    );
    minutes(&site, 5);
    assert_eq!((sweep::step(&site.em).await, session_expiry::warn(&site.em).await), (Ok(1), Ok(0)));
}

#[tokio::test]
async fn an_end_that_was_just_set_has_no_warning_and_neither_has_one_while_warnings_are_off() {
    let site = site();
    site.parameter("IntraClusterMaxLoginTime", "0:05");
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    minutes(&site, 4);
    assert_eq!(session_expiry::warn(&site.em).await, Ok(0));
    assert_eq!(text(&get(&site, PHONE).await), "ada is logged in on this phone.");
    site.parameter("AutomaticLogoutWarning", "0");
    assert_eq!(session_expiry::warn(&site.em).await, Ok(0));
    site.parameter("AutomaticLogoutWarning", "4");
    assert_eq!(
        session_expiry::warn(&site.em).await,
        Ok(1),
        "the parameter counts at once, also for who was looked at before"
    );
    assert_eq!(
        text(&get(&site, PHONE).await),
        "ada is logged in on this phone. You are logged out in 1 min."
    );
}

#[tokio::test]
async fn a_new_end_that_is_near_is_announced_too() {
    let site = hour().await;
    site.parameter("AutomaticLogoutExtendMinutes", "2");
    minutes(&site, 57);
    assert_eq!(session_expiry::warn(&site.em).await, Ok(1));
    let extend = key(&get(&site, PHONE).await, "Extend").unwrap();
    assert_eq!(text(&get(&site, &extend).await), "You are logged out in 5 min.");
    assert_eq!((session_expiry::warn(&site.em).await, session_expiry::warn(&site.em).await), (Ok(1), Ok(0)));
    let ends: Vec<_> = site.events().iter().map(|event| event.1["expiresAt"].clone()).collect();
    assert_eq!((&ends[0], &ends[2]), (&ends[1], &ends[3]));
    assert_ne!(ends[1], ends[3]);
}

#[tokio::test]
async fn a_phone_that_somebody_holds_keeps_no_other_from_its_warning() {
    let site = hour().await;
    site.log_in("SEP0000000000A2", "bob").await.unwrap();
    minutes(&site, 56);
    let (db, (holds, is_held), (release, released)) =
        (site.db.clone(), mpsc::channel(), mpsc::channel::<()>());
    let held = std::thread::spawn(move || {
        db.write_blocking(|tx| -> Result<_, StoreError> {
            let phone = phones::table.inner_join(objects::table.on(objects::pk.eq(phones::pk)));
            let phone = phone.filter(objects::name.eq("SEP0000000000A1")).select(phones::pk);
            phone.for_no_key_update().load::<i64>(tx.connection())?;
            holds.send(()).unwrap();
            let _dropped = released.recv();
            Ok(())
        })
    });
    is_held.recv().unwrap();
    assert_eq!(session_expiry::warn(&site.em).await, Ok(1));
    assert_eq!(site.events().pop().unwrap().1["user"]["userId"], "bob");
    drop(release);
    held.join().unwrap().unwrap();
    assert_eq!(session_expiry::warn(&site.em).await, Ok(1));
}

#[tokio::test]
async fn a_session_is_extended_at_the_phone_as_often_as_the_policy_says() {
    let site = hour().await;
    minutes(&site, 54);
    let early = get(&site, PHONE).await;
    assert_eq!((text(&early), key(&early, "Extend")), ("ada is logged in on this phone.", None));
    minutes(&site, 2);
    for (turn, left) in [(1, 4 + 15), (2, 4 + 15)] {
        assert_eq!(session_expiry::warn(&site.em).await, Ok(1), "each end has its warning");
        let near = get(&site, PHONE).await;
        assert_eq!(text(&near), "ada is logged in on this phone. You are logged out in 4 min.");
        let extend = key(&near, "Extend").unwrap();
        let done = get(&site, &extend).await;
        assert_eq!(text(&done), format!("You are logged out in {left} min."));
        // who presses twice, or presses again what an old screen shows, changes nothing
        assert_eq!(prompt(&site, &extend).await, "Log out?");
        assert_eq!(session_expiry::warn(&site.em).await, Ok(0));
        let last = site.events().pop().unwrap();
        assert_eq!((last.0.as_str(), &last.1["timesExtended"]), ("em.session.extended.v1", &json!(turn)));
        minutes(&site, 15);
    }
    assert_eq!(session_expiry::warn(&site.em).await, Ok(1));
    let often_enough = get(&site, PHONE).await;
    assert_eq!(text(&often_enough), "ada is logged in on this phone. You are logged out in 4 min.");
    assert_eq!(key(&often_enough, "Extend"), None);
    let events = site.events();
    let extended: Vec<_> = events.iter().filter(|event| event.0 == "em.session.extended.v1").collect();
    assert_eq!(
        picked(extended[0], &["previousExpiresAt", "expiresAt"]),
        json!([events[0].1["expiresAt"], extended[1].1["previousExpiresAt"]])
    );
    assert_eq!(
        extended[0].1["requestedBy"],
        json!({"kind": "user", "id": null, "address": "10.20.4.17", "via": "phone"})
    );
    assert_eq!(events.last().unwrap().1["extendableSeconds"], Value::Null);
    minutes(&site, 4);
    assert_eq!(sweep::step(&site.em).await, Ok(1));
    let end = site.events().pop().unwrap();
    assert_eq!(
        picked(&end, &["reason", "dueAt", "durationSeconds"]),
        json!(["timeout", extended[1].1["expiresAt"], 90 * 60])
    );
}

#[tokio::test]
async fn a_session_is_extended_only_where_and_when_that_may_be() {
    let site = hour().await;
    minutes(&site, 56);
    let extend = key(&get(&site, PHONE).await, "Extend").unwrap();
    for wrong in ["extend=", "extend=soon", "extend=-1", "extend=99999999999999999999", "extend=1"] {
        assert_eq!(prompt(&site, &format!("{PHONE}&{wrong}")).await, "Log out?", "{wrong}");
    }
    assert_eq!(prompt(&site, &format!("{extend}&extend=1")).await, "Login is unavailable(1)", "doubled");
    assert_eq!(prompt(&site, &extend.replace("00A1", "00A2")).await, "Enter user ID and PIN");
    assert_eq!(prompt(&site, &extend.replace("00A1", "00FF")).await, "Logout is unavailable(11)");
    site.parameter("ValidateIPAddress", "T");
    assert_eq!(prompt(&site, &extend).await, "Logout is unavailable(28)");
    site.parameter("ValidateIPAddress", "F");
    site.parameter("AutomaticLogoutExtendMinutes", "0");
    assert_eq!(prompt(&site, &extend).await, "Log out?");
    site.parameter("AutomaticLogoutExtendMinutes", "1440");
    site.parameter("ExtensionMobilityActivated", "F");
    assert_eq!(prompt(&site, &extend).await, "Logout is unavailable(208)");
    write_audit(&site.em).await;
    assert_eq!(
        site.story(),
        ["login SEP0000000000A1 ada", "rejected login SEP0000000000A1 - 1 x1"],
        "no login or logout was refused"
    );
    site.parameter("ExtensionMobilityActivated", "T");
    assert_eq!(prompt(&site, &extend).await, "Session extended");
}

#[tokio::test]
async fn a_phone_says_that_its_user_has_logged_in_elsewhere() {
    let site = site();
    site.parameter("MultipleLoginBehavior", "Auto Logout");
    let notice = format!("{PHONE}&notice=true");
    assert_eq!(prompt(&site, &notice).await, "Enter user ID and PIN", "nobody was here");
    assert_eq!(prompt(&site, &format!("{PHONE}&userid=ada&seq=12345")).await, "Login successful");
    assert_eq!(prompt(&site, &notice).await, "Log out?");
    assert_eq!(prompt(&site, "?device=SEP0000000000A2&userid=ada&seq=12345").await, "Login successful");
    let told = get(&site, &notice).await;
    assert_eq!(text(&told), "The user of this phone has logged in at another phone and was logged out here.");
    assert_eq!(prompt(&site, &key(&told, "Login").unwrap()).await, "Enter user ID and PIN");
    minutes(&site, 16);
    assert_eq!(prompt(&site, &notice).await, "Enter user ID and PIN", "that is long ago");
    // a guess beside it is a refused login
    assert_eq!(
        prompt(&site, &format!("{PHONE}&userid=ada&seq=99999&extend=1")).await,
        "Please try to login again (201)"
    );
    write_audit(&site.em).await;
    assert!(site.story().pop().unwrap().starts_with("rejected login"), "{:?}", site.story());
    // what ended in another way is no news
    assert_eq!(prompt(&site, &format!("{PHONE}&userid=bob&seq=12345")).await, "Login successful");
    assert_eq!(prompt(&site, &format!("{PHONE}&doLogout=true")).await, "Logout successful");
    assert_eq!(prompt(&site, &notice).await, "Enter user ID and PIN");
}
