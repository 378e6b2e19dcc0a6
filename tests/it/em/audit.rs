//! What is told of refused logins and logouts (events.md 6.9), at the page of the phone and by programs.

use std::time::{Duration, Instant};

use actix_web::{App, test as web};
use diesel::connection::SimpleConnection;
use emgate::domain::event::Via;
use emgate::domain::logout::LogoutOrigin;
use emgate::em::audit::{self, Attempt};
use emgate::em::error::{Doing, EmCode};
use emgate::em::phone_app::routes;
use emgate::em::service::LoginAttempt;
use emgate::store::objects::Selector;
use serde_json::{Value, json};

use super::phone_page::get;
use crate::support::axl::{AxlSite, Caller};
use crate::support::database::await_lock_waiters;
use crate::support::gateway::TestGateway;
use crate::support::site::{Site, story, write_audit};
use crate::support::waiting::in_time;

const SOMEBODY: &str = r#"{"kind":"user","id":null,"address":"10.20.4.17","via":"phone"}"#;

/// Has the page of the phone asked.
async fn ask(site: &Site, query: &str) {
    let page = site.phone_page("gate.example:8080");
    let app = web::init_service(App::new().configure(|config| routes(config, page))).await;
    let request = web::TestRequest::get()
        .uri(&format!("/emapp/EMAppServlet{query}"))
        .peer_addr("10.20.4.17:50000".parse().unwrap())
        .to_request();
    assert_eq!(web::call_service(&app, request).await.status(), 200);
}

/// Two phones, two people.
fn site() -> Site {
    let site = Site::new();
    site.phone("SEP0000000000A1");
    site.phone("SEP0000000000A2");
    for user in ["ada", "bob"] {
        let profile = site.profile(&format!("UDP_{user}"));
        site.user(user, &[profile]);
    }
    site
}

fn attempt(site: &Site, phone: &str, user: &str) -> Attempt {
    let phone = Some(Selector::name(phone));
    Attempt { doing: Doing::Login, phone, user: Some(user.into()), cause: site.cause(Via::Phone) }
}

#[tokio::test]
async fn every_refusal_of_the_page_is_told_with_its_code() {
    let site = site();
    site.phone_with("SEP0000000000A3", "Cisco 8851", &json!({}), false);
    site.user("none", &[]);
    for (query, told) in [
        ("", "rejected login - - 207 x1"),
        ("?device=SEP0000000000A1&device=SEP0000000000A2", "rejected login SEP0000000000A1 - 1 x1"),
        ("?device=SEP0000000000A1&loginType=XX", "rejected login SEP0000000000A1 - 215 x1"),
        ("?device=SEP0000000000A1&logintype=DN", "rejected login SEP0000000000A1 - 215 x1"),
        ("?device=SEP0000000000A1&x=1&x=2&doLogout=true", "rejected logout SEP0000000000A1 - 1 x1"),
        ("?device=SEP0000000000A1&userid=ada%00&seq=1", "rejected login SEP0000000000A1 - 201 x1"),
        (
            "?device=SEP0000000000A1&loginType=SP&userid=ada%00&seq=1",
            "rejected login SEP0000000000A1 - 201 x1",
        ),
        ("?device=SEP0000000000A1&loginType=DN&userid=7%00&seq=1", "rejected login SEP0000000000A1 - 201 x1"),
        ("?device=no%20phone&userid=ada&seq=1", "rejected login - - 11 x1"),
        ("?device=sep0000000000a1&userid=ada&seq=", "rejected login SEP0000000000A1 ada 202 x1"),
        ("?device=SEP0000000000FF&userid=ADA&seq=1", "rejected login - - 11 x1"),
        ("?device=SEP0000000000A3", "rejected login SEP0000000000A3 - 22 x1"),
        ("?device=SEP0000000000A1&userid=ada&seq=1", "rejected login SEP0000000000A1 ada 201 x1"),
        ("?device=SEP0000000000A1&userid=12345&seq=1", "rejected login SEP0000000000A1 - 201 x1"),
        ("?device=SEP0000000000A1&userid=none&seq=12345", "rejected login SEP0000000000A1 none 205 x1"),
        ("?device=SEP0000000000FF&doLogout=true", "rejected logout - - 11 x1"),
    ] {
        let before = site.story().len();
        ask(&site, query).await;
        write_audit(&site.em).await;
        assert_eq!(site.story()[before..], [told], "{query}");
    }
}

#[tokio::test]
async fn a_refusal_says_who_asked_and_only_what_was_proved() {
    let site = site();
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    ask(&site, "?device=SEP0000000000A2&userid=ada&seq=1").await;
    ask(&site, "?device=SEP0000000000A2&userid=ada&seq=12345").await;
    write_audit(&site.em).await;
    let [(_, login), (_, wrong), (_, elsewhere)] = &site.events()[..] else { panic!("{:?}", site.story()) };
    let somebody: Value = SOMEBODY.parse().unwrap();
    assert_eq!(
        *wrong,
        json!({
            "operation": "login", "deviceName": "SEP0000000000A2", "userId": "ada", "errorCode": 201,
            "errorName": "authentication-error", "retryable": false, "existing": null, "count": 1,
            "requestedBy": somebody,
        })
    );
    assert_eq!(
        *elsewhere,
        json!({
            "operation": "login", "deviceName": "SEP0000000000A2", "userId": "ada", "errorCode": 25,
            "errorName": "user-logged-in-elsewhere", "retryable": false, "count": 1,
            "existing": {
                "sessionId": login["sessionId"], "deviceName": "SEP0000000000A1", "userId": "ada",
                "profileName": "UDP_ada",
            },
            "requestedBy": {"kind": "user", "id": "ada", "address": "10.20.4.17", "via": "phone"},
        })
    );
    let types: Vec<String> =
        site.envelopes().iter().map(|e| format!("{} {}", e["authtype"], e["authid"])).collect();
    assert_eq!(types[1..], [r#""anonymous" null"#, r#""app_user" "ada""#]);
}

#[tokio::test]
async fn who_chose_from_the_menu_is_known_and_what_stood_in_the_way() {
    let site = site();
    let profiles = [site.profile("UDP_1"), site.profile("UDP_2")];
    site.user("many", &profiles);
    let menu = get(&site, "?device=SEP0000000000A1&userid=many&seq=12345").await;
    let (_, first) = menu.split_once("<MenuItem>").unwrap();
    let (_, first) = first.split_once("/EMAppServlet").unwrap();
    let choice = first.split_once("</URL>").unwrap().0.replace("&amp;", "&");
    let elsewhere =
        LoginAttempt { profile: Some(Selector::name("UDP_2")), ..site.attempt("SEP0000000000A2", "many") };
    site.em.login(elsewhere).await.unwrap();
    let before = site.story().len();
    ask(&site, &choice).await;
    write_audit(&site.em).await;
    let told = "rejected login SEP0000000000A1 many 25 x1 behind SEP0000000000A2";
    assert_eq!(site.story()[before..], [told]);
}

#[tokio::test]
async fn a_session_that_ended_meanwhile_is_not_named_as_the_one_in_the_way() {
    let site = site();
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    ask(&site, "?device=SEP0000000000A2&userid=ada&seq=12345").await;
    site.log_out("SEP0000000000A1", LogoutOrigin::Phone).await.unwrap();
    write_audit(&site.em).await;
    let (_, refusal) = site.events().pop().unwrap();
    assert_eq!((&refusal["errorCode"], &refusal["existing"]), (&json!(25), &Value::Null));
}

#[tokio::test]
async fn equal_refusals_are_one_event_and_so_are_guesses_at_names_of_nobody() {
    let site = site();
    for user in ["ada", "Ada", "x1", "x2", "ada", "x3", "bob"] {
        site.em.rejected(attempt(&site, "SEP0000000000A1", user), EmCode::Authentication);
    }
    site.em.rejected(attempt(&site, "SEP0000000000A2", "x4"), EmCode::Authentication);
    write_audit(&site.em).await;
    assert_eq!(
        site.story(),
        [
            "rejected login SEP0000000000A1 ada 201 x3",
            "rejected login SEP0000000000A1 - 201 x3",
            "rejected login SEP0000000000A1 bob 201 x1",
            "rejected login SEP0000000000A2 - 201 x1",
        ]
    );
}

#[tokio::test]
async fn guesses_at_names_of_phones_are_one_event_whatever_they_name() {
    let site = site();
    for n in 0..300 {
        site.em.rejected(attempt(&site, &format!("SEP{n:012}"), ["ada", "bob"][n % 2]), EmCode::PhoneAbsent);
    }
    site.em.rejected(attempt(&site, "SEP0000000000A1", "ada"), EmCode::PhoneAbsent);
    write_audit(&site.em).await;
    assert_eq!(site.story(), ["rejected login - - 11 x300", "rejected login SEP0000000000A1 ada 11 x1"]);
    let first = site.envelopes().remove(0);
    assert_eq!((&first["data"]["deviceName"], &first["partitionkey"]), (&Value::Null, &json!("-")));
}

#[test]
fn programs_are_told_of_by_the_name_of_the_phone() {
    let site = AxlSite::new();
    let phone =
        "<phone><name>SEP0000000000A1</name><product>Cisco 8851</product><protocol>SIP</protocol></phone>";
    let uuid = site.uuid("addPhone", phone);
    for (operation, inside) in [
        ("doDeviceLogin", "<deviceName>SEP0000000000A1</deviceName><userId>nobody</userId>".to_owned()),
        ("doDeviceLogin", "<deviceName>SEP0000000000FF</deviceName><userId>nobody</userId>".to_owned()),
        ("doDeviceLogout", format!("<deviceName uuid=\"{uuid}\"/>")),
        ("doDeviceLogin", "<deviceName>SEP0000000000A1</deviceName><userId/>".to_owned()),
    ] {
        assert_eq!(site.ask(operation, &inside).status, 500, "{operation} {inside}");
    }
    site.runtime.block_on(write_audit(&site.site.em));
    let story = site.site.story();
    assert_eq!(
        story[story.len() - 3..],
        [
            "rejected login SEP0000000000A1 - 22 x1",
            "rejected login - - 11 x1",
            "rejected logout SEP0000000000A1 - 5 x1",
        ]
    );
    let (_, last) = site.site.events().pop().unwrap();
    assert_eq!(
        last["requestedBy"],
        json!({"kind": "administrator", "id": "admin", "address": "127.0.0.1", "via": "soap"})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_wait_for_the_database_and_nobody_waits_for_them() {
    let site = Site::real();
    site.phone("SEP0000000000A1");
    let mut other = site.db.connect().unwrap();
    other.batch_execute("BEGIN; LOCK TABLE event_pending IN ACCESS EXCLUSIVE MODE").unwrap();
    let task = tokio::spawn(audit::run(site.em.clone()));
    let begun = Instant::now();
    ask(&site, "?device=SEP0000000000FF").await;
    let answered = begun.elapsed();
    tokio::task::block_in_place(|| await_lock_waiters(&site.database, 1));
    assert!(answered < Duration::from_secs(1), "{answered:?}");
    // the connection that wants to write is ended while it waits
    other
        .batch_execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND relation = 'event_pending'::regclass",
        )
        .unwrap();
    ask(&site, "?device=SEP0000000000FE").await;
    other.batch_execute("COMMIT").unwrap();
    site.first_event().await;
    site.em.close_audit();
    in_time(task).await.unwrap();
    assert_eq!(site.story(), ["rejected login - - 11 x1", "rejected login - - 11 x1"]);
}

#[test]
fn what_was_refused_last_is_told_before_a_gateway_ends_unless_that_is_switched_off() {
    for (audit, expected) in [(true, 1), (false, 0)] {
        let mut gateway = TestGateway::start_with(|config| config.events.audit = audit);
        let query = "/emapp/EMAppServlet?device=SEP0000000000FF";
        assert_eq!(gateway.phone().get(query).status, 200);
        gateway.stop();
        let story = story(&gateway.database.open_real());
        let refusals = story.iter().filter(|line| *line == "rejected login - - 11 x1");
        assert_eq!(refusals.count(), expected, "{story:?}");
    }
}
