//! The page behind the phone's button, as a phone walks through it.

use actix_web::{App, test};
use emgate::em::phone_app::routes;
use insta::assert_snapshot;
use serde_json::json;

use crate::support::http::assert_can_be_shown;
use crate::support::site::Site;

/// The trace that every request here belongs to.
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// What the phone gets for a query.
pub(super) async fn get(site: &Site, query: &str) -> String {
    let page = site.phone_page("gate.example:8080");
    let app = test::init_service(App::new().configure(|config| routes(config, page))).await;
    let request = test::TestRequest::get()
        .uri(&format!("/emapp/EMAppServlet{query}"))
        .insert_header(("host", "gate.example:8080"))
        .insert_header(("traceparent", TRACE))
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

/// The prompt of a text screen.
pub(super) async fn prompt(site: &Site, query: &str) -> String {
    let xml = get(site, query).await;
    let (_, rest) = xml.split_once("<Prompt>").expect(&xml);
    rest.split_once("</Prompt>").unwrap().0.to_owned()
}

pub(super) fn site() -> Site {
    let site = Site::new();
    site.phone("SEP0000000000A1");
    site.phone("SEP0000000000A2");
    for user in ["ada", "bob"] {
        let profile = site.profile(&format!("UDP_{user}"));
        site.user(user, &[profile]);
    }
    site
}

#[tokio::test]
async fn a_phone_gets_the_form_logs_in_asks_and_logs_out() {
    let site = site();
    assert_snapshot!(get(&site, "?device=SEP0000000000A1&EMCC=%23EMCC%23").await, @r#"<?xml version="1.0" encoding="utf-8"?><CiscoIPPhoneInput><Title>Extension Mobility</Title><Prompt>Enter user ID and PIN</Prompt><SoftKeyItem><Name>Submit</Name><Position>1</Position><URL>SoftKey:Submit</URL></SoftKeyItem><SoftKeyItem><Name>&lt;&lt;</Name><Position>2</Position><URL>SoftKey:&lt;&lt;</URL></SoftKeyItem><SoftKeyItem><Name>Exit</Name><Position>3</Position><URL>SoftKey:Exit</URL></SoftKeyItem><URL>http://gate.example:8080/emapp/EMAppServlet?device=SEP0000000000A1</URL><InputItem><DisplayName>User ID</DisplayName><QueryStringParam>userid</QueryStringParam><InputFlags>L</InputFlags><DefaultValue></DefaultValue></InputItem><InputItem><DisplayName>PIN</DisplayName><QueryStringParam>seq</QueryStringParam><InputFlags>NP</InputFlags><DefaultValue></DefaultValue></InputItem></CiscoIPPhoneInput>"#);
    assert_eq!(prompt(&site, "?device=sep0000000000a1&userid=ada&seq=12345").await, "Login successful");
    assert_snapshot!(get(&site, "?device=SEP0000000000A1").await, @r#"<?xml version="1.0" encoding="utf-8"?><CiscoIPPhoneText><Title>Extension Mobility</Title><Prompt>Log out?</Prompt><SoftKeyItem><Name>Yes</Name><Position>1</Position><URL>http://gate.example:8080/emapp/EMAppServlet?device=SEP0000000000A1&amp;doLogout=true</URL></SoftKeyItem><SoftKeyItem><Name>No</Name><Position>2</Position><URL>SoftKey:Exit</URL></SoftKeyItem><SoftKeyItem><Name>ChangePIN</Name><Position>3</Position><URL>http://gate.example:8080/changecredential/ChangeCredentialServlet?device=SEP0000000000A1&amp;userid=ada</URL></SoftKeyItem><Text>ada is logged in on this phone.</Text></CiscoIPPhoneText>"#);
    assert_eq!(prompt(&site, "?device=SEP0000000000A1&doLogout=true").await, "Logout successful");
    assert_eq!(prompt(&site, "?device=SEP0000000000A1&doLogout=true").await, "Logout successful");
    assert_eq!(site.story(), ["login SEP0000000000A1 ada", "logout SEP0000000000A1 ada user"]);
    let events = site.events();
    assert_eq!(
        (&events[0].1["loginMethod"], &events[0].1["requestedBy"]),
        (&json!("UID"), &json!({"kind": "user", "id": "ada", "address": "10.20.4.17", "via": "phone"}))
    );
    assert_eq!(
        events[1].1["requestedBy"],
        json!({"kind": "user", "id": null, "address": "10.20.4.17", "via": "phone"})
    );
}

#[tokio::test]
async fn a_cleared_call_log_is_an_execute() {
    let site = site();
    site.parameter("ClearCallLogs", "T");
    assert_snapshot!(get(&site, "?device=SEP0000000000A1&userid=ada&seq=12345").await, @r#"<?xml version="1.0" encoding="utf-8"?><CiscoIPPhoneExecute><ExecuteItem Priority="0" URL="Init:CallHistory"/><ExecuteItem Priority="0" URL="Init:Services"/></CiscoIPPhoneExecute>"#);
    assert!(get(&site, "?device=SEP0000000000A1&doLogout=true").await.contains("Init:CallHistory"));
}

#[tokio::test]
async fn each_refusal_shows_the_text_of_its_code() {
    let site = site();
    site.phone_with("SEP0000000000A3", "Cisco 8851", &json!({}), false);
    site.user("none", &[]);
    let (one, two) = (site.profile("UDP_1"), site.profile("UDP_2"));
    site.user("many", &[one, two]);
    for (query, text) in [
        ("", "Login is unavailable(207)"),
        ("?device=&userid=&seq=", "Login is unavailable(207)"),
        ("?doLogout=true", "Logout is unavailable(207)"),
        ("?device=SEP0000000000A1&device=SEP0000000000A2", "Login is unavailable(1)"),
        ("?device=SEP0000000000A1&loginType=XX", "LoginType invalid(215)"),
        ("?device=SEP0000000000FF&userid=ada&seq=", "Please try to login again (202)"),
        ("?device=SEP0000000000FF&userid=ada&seq=12345", "Login is unavailable(11)"),
        ("?device=SEP0000000000A3&userid=ada&seq=00000", "Login is unavailable(22)"),
        ("?device=SEP0000000000A3", "Login is unavailable(22)"),
        ("?device=SEP0000000000A1&userid=ada&seq=00000", "Please try to login again (201)"),
        ("?device=SEP0000000000A1&userid=nobody&seq=12345", "Please try to login again (201)"),
        ("?device=SEP0000000000A1&userid=ada&seq=12x45", "Please try to login again (201)"),
        ("?device=SEP0000000000A1&userid=none&seq=12345", "Login is unavailable (205)"),
        ("?device=SEP0000000000A1&userid=many&seq=12345", "Select a device profile"),
        ("?device=SEP0000000000A1&userid=ada&seq=12345", "Login successful"),
        ("?device=SEP0000000000A1&userid=bob&seq=00000", "Please try to login again (201)"),
        ("?device=SEP0000000000A1&userid=bob&seq=12345", "Login is unavailable(18)"),
        ("?device=SEP0000000000A2&userid=ada&seq=12345", "Multi-Login Not Allowed (25)"),
        ("?device=SEP0000000000FF&doLogout=true", "Logout is unavailable(11)"),
    ] {
        assert_eq!(prompt(&site, query).await, text, "{query}");
    }
    assert_eq!(site.story(), ["login SEP0000000000A1 ada"]);
    assert_eq!(site.envelopes()[0]["traceparent"], TRACE);
}

#[tokio::test]
async fn too_many_wrong_pins_from_one_source_are_answered_busy() {
    let site = site();
    for n in 0..10 {
        let query = format!("?device=SEP0000000000A1&userid=nobody{n}&seq=12345");
        assert_eq!(prompt(&site, &query).await, "Please try to login again (201)");
    }
    assert_eq!(
        prompt(&site, "?device=SEP0000000000A1&userid=ada&seq=12345").await,
        "Login is unavailable(26)"
    );
    assert_eq!(prompt(&site, "?device=SEP0000000000A1&userid=ada&seq=x").await, "Login is unavailable(26)");
}

#[tokio::test]
async fn a_choice_of_profiles_is_open_for_two_minutes() {
    let site = site();
    let (one, two) = (site.profile("UDP_1"), site.profile("UDP_2"));
    site.user("many", &[one, two]);
    let menu = get(&site, "?device=SEP0000000000A1&userid=many&seq=12345").await;
    let (_, first) = menu.split_once("<MenuItem>").unwrap();
    let (_, url) = first.split_once("<URL>").unwrap();
    let url = url.split_once("</URL>").unwrap().0.replace("&amp;", "&");
    let query = &url[url.find('?').unwrap()..];
    site.clock.advance_seconds(100);
    let (more, _) = query.split_once("&p=").unwrap();
    let again = get(&site, &format!("{more}&n=0")).await;
    let (_, again) = again.split_once("&amp;t=").unwrap();
    let renewed =
        format!("?device=SEP0000000000A1&t={}", again.split_once("</URL>").unwrap().0.replace("&amp;", "&"));
    site.clock.advance_seconds(21);
    for late in [query, &renewed] {
        assert_eq!(prompt(&site, late).await, "Please try to login again (201)", "{late}");
    }
    site.clock.advance_seconds(-1);
    assert_eq!(prompt(&site, query).await, "Login successful");
}

#[tokio::test]
async fn a_database_that_is_away_is_code_6() {
    let site = site();
    site.write(|tx| {
        use diesel::connection::SimpleConnection;
        tx.connection().batch_execute("ALTER TABLE sessions RENAME TO gone")?;
        Ok(())
    });
    assert_eq!(prompt(&site, "?device=SEP0000000000A1").await, "Login is unavailable(6)");
}
