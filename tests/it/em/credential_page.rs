//! The page on which people change their PIN, as a phone walks through it.

use std::sync::Arc;

use actix_web::{App, test};
use emgate::em::credential::{expiry, page};
use emgate::em::phone_app;
use emgate::em::texts::Texts;
use emgate::em::visit::PhonePage;
use insta::assert_snapshot;
use serde_json::json;

use crate::support::http::assert_can_be_shown;
use crate::support::site::Site;

const PHONE: &str = "SEP0000000000A1";

/// What the phone gets from one of the two pages.
async fn get(site: &Site, page: &str, query: &str) -> String {
    let texts = Arc::new(Texts::built_in().unwrap());
    let served = PhonePage { em: site.em.clone(), default_authority: "gate.example:8080".into(), texts };
    let app = test::init_service(App::new().configure(|config| {
        phone_app::routes(config, served);
        page::routes(config);
    }))
    .await;
    let request = test::TestRequest::get()
        .uri(&format!("{page}?{query}"))
        .insert_header(("host", "gate.example:8080"))
        .peer_addr("10.20.4.17:50000".parse().unwrap())
        .to_request();
    let response = test::call_service(&app, request).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers().get("content-type").unwrap(), "text/xml; charset=utf-8");
    assert_eq!(response.headers().get("expires").unwrap(), "Sat, 01 Jan 2000 00:00:00 GMT");
    let screen = String::from_utf8(test::read_body(response).await.to_vec()).unwrap();
    assert_can_be_shown(Some("text/xml; charset=utf-8"), &screen);
    screen
}

fn prompt_of(xml: &str) -> String {
    let (_, rest) = xml.split_once("<Prompt>").expect(xml);
    rest.split_once("</Prompt>").unwrap().0.to_owned()
}

/// The prompt after a change that is asked for.
async fn change(site: &Site, user: &str, old: &str, new: &str) -> String {
    let query =
        format!("changePin=true&device={PHONE}&userid={user}&oldpin={old}&newpin={new}&confirmnewpin={new}");
    prompt_of(&get(site, page::PATH, &query).await)
}

/// The prompt after a login.
async fn log_in(site: &Site, user: &str, pin: &str) -> String {
    let query = format!("device={PHONE}&userid={user}&seq={pin}");
    prompt_of(&get(site, phone_app::PATH, &query).await)
}

fn site() -> Site {
    let site = Site::new();
    site.phone(PHONE);
    let profile = site.profile("UDP_ada");
    site.user("ada", &[profile]);
    site
}

#[tokio::test]
async fn user_ids_are_typed_as_numbers_where_they_are_numbers() {
    let site = site();
    site.parameter("AlphanumericUserID", "F");
    let form = get(&site, page::PATH, "device=SEP0000000000A1").await;
    assert!(form.contains("<QueryStringParam>userid</QueryStringParam><InputFlags>N</InputFlags>"), "{form}");
}

#[tokio::test]
async fn a_person_opens_the_form_changes_the_pin_and_needs_the_new_one() {
    let site = site();
    assert_snapshot!(get(&site, page::PATH, "device=sep0000000000a1").await, @r#"<?xml version="1.0" encoding="utf-8"?><CiscoIPPhoneInput><Title>Change Credential</Title><Prompt>Enter current and new PIN</Prompt><SoftKeyItem><Name>Change</Name><Position>1</Position><URL>SoftKey:Submit</URL></SoftKeyItem><SoftKeyItem><Name>Exit</Name><Position>3</Position><URL>SoftKey:Exit</URL></SoftKeyItem><URL>http://gate.example:8080/changecredential/ChangeCredentialServlet?changePin=true&amp;device=SEP0000000000A1</URL><InputItem><DisplayName>User ID</DisplayName><QueryStringParam>userid</QueryStringParam><InputFlags>L</InputFlags><DefaultValue></DefaultValue></InputItem><InputItem><DisplayName>Current PIN</DisplayName><QueryStringParam>oldpin</QueryStringParam><InputFlags>NP</InputFlags><DefaultValue></DefaultValue></InputItem><InputItem><DisplayName>New PIN</DisplayName><QueryStringParam>newpin</QueryStringParam><InputFlags>NP</InputFlags><DefaultValue></DefaultValue></InputItem><InputItem><DisplayName>Confirm PIN</DisplayName><QueryStringParam>confirmnewpin</QueryStringParam><InputFlags>NP</InputFlags><DefaultValue></DefaultValue></InputItem></CiscoIPPhoneInput>"#);
    let query =
        "changePin=true&device=SEP0000000000A1&userid=ADA&oldpin=12345&newpin=70531&confirmnewpin=70531";
    assert_snapshot!(get(&site, page::PATH, query).await, @r#"<?xml version="1.0" encoding="utf-8"?><CiscoIPPhoneText><Title>Change Credential</Title><Prompt>PIN change is complete</Prompt><SoftKeyItem><Name>Exit</Name><Position>3</Position><URL>SoftKey:Exit</URL></SoftKeyItem><Text>PIN Change Successful</Text></CiscoIPPhoneText>"#);
    assert_eq!(log_in(&site, "ada", "12345").await, "Please try to login again (201)");
    assert_eq!(log_in(&site, "ada", "70531").await, "Login successful");
    let (type_, event) = site.events().remove(0);
    assert_eq!(type_, "em.credential.changed.v1");
    assert_eq!(event["credential"], "pin");
    assert_eq!(event["change"], "changed");
    assert_eq!(event["holder"]["userId"], "ada");
    let device = &event["device"];
    assert_eq!((&device["name"], &device["protocol"]), (&json!(PHONE), &json!("SIP")));
    let by = json!({"kind": "user", "id": "ada", "address": "10.20.4.17", "via": "phone"});
    assert_eq!(event["requestedBy"], by);
}

#[tokio::test]
async fn who_comes_from_the_page_of_a_session_is_not_asked_for_the_user_id() {
    let site = site();
    assert_snapshot!(get(&site, page::PATH, "device=SEP0000000000A1&userid=j%C3%B6rg%26co").await, @r#"<?xml version="1.0" encoding="utf-8"?><CiscoIPPhoneInput><Title>Change Credential</Title><Prompt>Enter current and new PIN</Prompt><SoftKeyItem><Name>Change</Name><Position>1</Position><URL>SoftKey:Submit</URL></SoftKeyItem><SoftKeyItem><Name>Exit</Name><Position>3</Position><URL>SoftKey:Exit</URL></SoftKeyItem><URL>http://gate.example:8080/changecredential/ChangeCredentialServlet?changePin=true&amp;device=SEP0000000000A1&amp;userid=j%C3%B6rg%26co</URL><InputItem><DisplayName>Current PIN</DisplayName><QueryStringParam>oldpin</QueryStringParam><InputFlags>NP</InputFlags><DefaultValue></DefaultValue></InputItem><InputItem><DisplayName>New PIN</DisplayName><QueryStringParam>newpin</QueryStringParam><InputFlags>NP</InputFlags><DefaultValue></DefaultValue></InputItem><InputItem><DisplayName>Confirm PIN</DisplayName><QueryStringParam>confirmnewpin</QueryStringParam><InputFlags>NP</InputFlags><DefaultValue></DefaultValue></InputItem></CiscoIPPhoneInput>"#);
    // an address that phones would not take is not made
    let long = format!("device={PHONE}&userid={}", "%C3%B6".repeat(120));
    let form = get(&site, page::PATH, &long).await;
    assert!(
        form.contains("<QueryStringParam>userid</QueryStringParam>") && !form.contains("userid="),
        "{form}"
    );
}

/// Sets columns of a PIN, for what no request brings about in time.
fn set_pin(site: &Site, assignments: &str) {
    use diesel::connection::SimpleConnection;
    let statement = format!("UPDATE credentials SET {assignments} WHERE kind = 'pin'");
    site.write(|tx| Ok(tx.connection().batch_execute(&statement)?));
}

const WRONG: &str = "User ID or current PIN is wrong";
const LOCKED: &str = "Contact system administrator";

#[tokio::test]
async fn each_refusal_says_why_in_one_prompt() {
    let site = site();
    site.phone_with("SEP0000000000A2", "Cisco 8851", &json!({}), false);
    let all = |phone: &str, user: &str, old: &str, new: &str, again: &str| {
        format!("changePin=true&device={phone}&userid={user}&oldpin={old}&newpin={new}&confirmnewpin={again}")
    };
    for (query, text) in [
        (String::new(), "PIN change is unavailable(207)"),
        (format!("device={PHONE}&device={PHONE}"), "PIN change is unavailable(1)"),
        (format!("device={PHONE}&oldpin=1&oldpin=2"), "PIN change is unavailable(1)"),
        ("device=SEP0000000000FF".into(), "PIN change is unavailable(11)"),
        ("device=SEP0000000000A2".into(), "PIN change is unavailable(22)"),
        (all("SEP0000000000FF", "ada", "12345", "70531", "70531"), "PIN change is unavailable(11)"),
        (all("SEP0000000000A2", "ada", "00000", "70531", "70531"), "PIN change is unavailable(22)"),
        (all(PHONE, "ada", "", "70531", "70531"), "Fill in all fields"),
        (all(PHONE, "ada", "12345", "70531", "70532"), "New PIN and Confirm PIN differ"),
        (all(PHONE, "ada", "12345", "7053x", "7053x"), "A PIN is 1 to 64 digits"),
        (all(PHONE, "ada", "00000", "70531", "70531"), WRONG),
        (all(PHONE, "nobody", "12345", "70531", "70531"), WRONG),
        (all(PHONE, "a%00da", "12345", "70531", "70531"), WRONG),
        (all(PHONE, "ada", "12x45", "70531", "70531"), WRONG),
        // nothing of the new one is said to who does not have the old one
        (all(PHONE, "ada", "00000", "1", "1"), WRONG),
        (all(PHONE, "ada", "12345", "7053", "7053"), "New PIN: at least 5 digits"),
        (all(PHONE, "ada", "12345", "54321", "54321"), "New PIN is too easy to guess"),
        (all(PHONE, "ada", "12345", "83788", "83788"), "New PIN is too easy to guess"),
        (all(PHONE, "ada", "12345", "70531", "70531"), "PIN change is complete"),
        (all(PHONE, "ada", "70531", "70531", "70531"), "New PIN was used before"),
    ] {
        assert_eq!(prompt_of(&get(&site, page::PATH, &query).await), text, "{query}");
    }
    assert_eq!(site.events().len(), 1);
}

#[tokio::test]
async fn the_policy_is_the_administrators_and_holds_at_once() {
    let site = site();
    site.parameter("PinMinimumLength", "7");
    assert_eq!(change(&site, "ada", "12345", "705316").await, "New PIN: at least 7 digits");
    site.parameter("PinMinimumLength", "1");
    site.parameter("PinTrivialCheck", "F");
    assert_eq!(change(&site, "ada", "12345", "1").await, "PIN change is complete");
    site.parameter("PinMinimumAgeMinutes", "10");
    assert_eq!(change(&site, "ada", "1", "2").await, "PIN was changed too recently");
    site.clock.advance_seconds(600);
    assert_eq!(change(&site, "ada", "1", "2").await, "PIN change is complete");
    site.parameter("PinMinimumAgeMinutes", "0");
    // the one before, the one before that, and then it is forgotten
    site.parameter("PinHistory", "1");
    assert_eq!(change(&site, "ada", "2", "1").await, "New PIN was used before");
    assert_eq!(change(&site, "ada", "2", "12345").await, "PIN change is complete");
    site.parameter("PinHistory", "0");
    assert_eq!(change(&site, "ada", "12345", "2").await, "PIN change is complete");
    set_pin(&site, "cant_change = true");
    assert_eq!(change(&site, "ada", "2", "3").await, "This PIN may not be changed");
    site.parameter("PinFailedAttemptsBeforeLock", "1");
    assert_eq!(log_in(&site, "ada", "4").await, "Please try to login again (201)");
    assert_eq!(change(&site, "ada", "2", "3").await, LOCKED);
}

#[tokio::test]
async fn a_locked_name_says_so_whatever_pin_comes_and_whether_somebody_has_it() {
    let site = site();
    site.user("bob", &[]);
    for user in ["ada", "nobody"] {
        let mut said = Vec::new();
        for pin in ["00001", "00002", "00003", "12345"] {
            said.push(change(&site, user, pin, "70531").await);
        }
        assert_eq!(said, [WRONG, WRONG, LOCKED, LOCKED], "{user}");
        assert_eq!(log_in(&site, user, "12345").await, "Please try to login again (201)");
    }
    // ten failures by now: the source is refused before anybody is asked about
    assert_eq!(change(&site, "ada", "12345", "70531").await, "PIN change is unavailable(26)");
}

#[tokio::test]
async fn a_pin_that_must_be_changed_or_has_expired_leads_to_the_page_and_only_the_right_one_does() {
    let site = site();
    site.parameter("PinHistory", "0");
    site.parameter("PinTrivialCheck", "F");
    for (assignments, prompt) in [
        ("must_change = true", "Login is unavailable(41)"),
        ("changed_at = changed_at - interval '180 days'", "Login is unavailable(27)"),
    ] {
        set_pin(&site, assignments);
        assert_eq!(log_in(&site, "ada", "00000").await, "Please try to login again (201)");
        let query = format!("device={PHONE}&userid=ada&seq=12345");
        let told = get(&site, phone_app::PATH, &query).await;
        assert_eq!(prompt_of(&told), prompt);
        let leads_to = "http://gate.example:8080/changecredential/ChangeCredentialServlet?device=SEP0000000000A1&amp;userid=ada";
        assert!(
            told.contains(&format!("<Name>ChangePIN</Name><Position>1</Position><URL>{leads_to}</URL>")),
            "{told}"
        );
        // remembered as right, and still good for nothing else
        assert_eq!(log_in(&site, "ada", "12345").await, prompt);
        assert_eq!(change(&site, "ada", "12345", "70531").await, "PIN change is complete");
        assert_eq!(log_in(&site, "ada", "70531").await, "Login successful");
        assert_eq!(
            prompt_of(&get(&site, phone_app::PATH, &format!("device={PHONE}&doLogout=true")).await),
            "Logout successful"
        );
        assert_eq!(change(&site, "ada", "70531", "12345").await, "PIN change is complete");
    }
    // for ever, by the parameter or by the credential
    set_pin(&site, "changed_at = changed_at - interval '400 days'");
    site.parameter("PinExpiresAfterDays", "0");
    assert_eq!(log_in(&site, "ada", "12345").await, "Login successful");
    site.parameter("PinExpiresAfterDays", "30");
    assert_eq!(log_in(&site, "ada", "12345").await, "Login is unavailable(27)");
    set_pin(&site, "never_expires = true");
    assert_eq!(log_in(&site, "ada", "12345").await, "Login successful");
}

#[tokio::test]
async fn a_pin_that_was_not_used_for_too_long_is_locked() {
    let site = site();
    site.parameter("PinInactiveDays", "30");
    assert_eq!(log_in(&site, "ada", "12345").await, "Login successful");
    set_pin(&site, "changed_at = changed_at - interval '31 days', used_at = used_at - interval '31 days'");
    // the same PIN, but no longer remembered
    set_pin(&site, "version = version + 1");
    assert_eq!(log_in(&site, "ada", "12345").await, "Please try to login again (201)");
    assert_eq!(change(&site, "ada", "12345", "70531").await, LOCKED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_changes_at_once_exactly_one_wins() {
    let site = site();
    // who comes too late has the wrong PIN, and none of them is to lock it
    site.parameter("PinFailedAttemptsBeforeLock", "100");
    let changes = (0..8).map(|n| change_owned(&site, format!("7053{n}")));
    let said = futures_util::future::join_all(changes).await;
    let complete = said.iter().filter(|(_, prompt)| prompt == "PIN change is complete").count();
    assert_eq!(complete, 1, "{said:?}");
    assert!(said.iter().all(|(_, p)| p == "PIN change is complete" || p == WRONG), "{said:?}");
    let (winner, _) = said.iter().find(|(_, prompt)| prompt == "PIN change is complete").unwrap();
    assert_eq!(log_in(&site, "ada", winner).await, "Login successful");
    let changed: Vec<_> = site.events().into_iter().filter(|(_, data)| data["change"] == "changed").collect();
    assert_eq!(changed.len(), 1);
}

async fn change_owned(site: &Site, new: String) -> (String, String) {
    let prompt = change(site, "ada", "12345", &new).await;
    (new, prompt)
}

#[tokio::test]
async fn the_end_of_a_pin_is_told_once_and_not_before() {
    let site = site();
    site.user("bob", &[]);
    assert_eq!(expiry::tell(&site.em).await.unwrap(), 0);
    site.clock.advance_seconds(180 * 86_400 - 1);
    assert_eq!(expiry::tell(&site.em).await.unwrap(), 0);
    site.clock.advance_seconds(1);
    site.parameter("PinExpiresAfterDays", "0");
    assert_eq!(expiry::tell(&site.em).await.unwrap(), 0);
    site.parameter("PinExpiresAfterDays", "180");
    assert_eq!(expiry::tell(&site.em).await.unwrap(), 2);
    assert_eq!(expiry::tell(&site.em).await.unwrap(), 0);
    let told: Vec<_> = site
        .events()
        .into_iter()
        .map(|(_, e)| (e["change"].clone(), e["holder"]["userId"].clone()))
        .collect();
    assert_eq!(told, [(json!("expired"), json!("ada")), (json!("expired"), json!("bob"))]);
    // a new one has a time of its own
    assert_eq!(change(&site, "ada", "12345", "70531").await, "PIN change is complete");
    site.clock.advance_seconds(180 * 86_400);
    assert_eq!(expiry::tell(&site.em).await.unwrap(), 1);
}

#[tokio::test]
async fn the_next_end_of_a_pin_that_holds_again_is_told_as_well() {
    let site = site();
    site.clock.advance_seconds(180 * 86_400);
    assert_eq!(expiry::tell(&site.em).await.unwrap(), 1);
    // a shorter time makes it no other end
    site.parameter("PinExpiresAfterDays", "90");
    assert_eq!(expiry::tell(&site.em).await.unwrap(), 0);
    site.parameter("PinExpiresAfterDays", "200");
    assert_eq!(expiry::tell(&site.em).await.unwrap(), 0);
    site.clock.advance_seconds(20 * 86_400 - 1);
    assert_eq!(expiry::tell(&site.em).await.unwrap(), 0);
    site.clock.advance_seconds(1);
    assert_eq!(expiry::tell(&site.em).await.unwrap(), 1);
    set_pin(&site, "never_expires = true");
    assert_eq!(expiry::tell(&site.em).await.unwrap(), 0);
    set_pin(&site, "never_expires = false");
    assert_eq!(expiry::tell(&site.em).await.unwrap(), 1);
    assert_eq!(expiry::tell(&site.em).await.unwrap(), 0);
    // and where PINs hold for ever for a while, however many they are
    site.write(|tx| {
        use diesel::connection::SimpleConnection;
        let many = "INSERT INTO objects (type, name, name_key, uuid, changed_at) SELECT 'User', 'many' || n, 'many' || n, gen_random_uuid(), now() \
            FROM generate_series(1, 250) n; INSERT INTO users (pk, last_name) SELECT pk, 'x' FROM objects WHERE name LIKE 'many%'; \
            INSERT INTO credentials (holder_pk, kind, hash, pepper_id, changed_at) SELECT o.pk, 'pin', c.hash, c.pepper_id, c.changed_at \
            FROM objects o, credentials c WHERE o.name LIKE 'many%' AND c.kind = 'pin'";
        Ok(tx.connection().batch_execute(many)?)
    });
    for (days, told) in [("200", 250), ("0", 0), ("200", 251)] {
        site.parameter("PinExpiresAfterDays", days);
        let mut all = 0;
        for _ in 0..4 {
            all += expiry::tell(&site.em).await.unwrap();
        }
        assert_eq!(all, told, "{days}");
    }
}

#[tokio::test]
async fn who_has_a_pin_that_ends_soon_is_told_at_login() {
    let site = site();
    site.parameter("PinExpiryWarningDays", "7");
    let query = format!("device={PHONE}&userid=ada&seq=12345");
    assert!(get(&site, phone_app::PATH, &query).await.contains("<Text>The phone restarts.</Text>"));
    set_pin(&site, "changed_at = changed_at - interval '175 days'");
    let told = "<Text>The phone restarts. Days until your PIN expires: 5.</Text>";
    assert!(get(&site, phone_app::PATH, &query).await.contains(told));
}
