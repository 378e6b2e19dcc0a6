//! Each code with what causes it, and which of two comes first (extension-mobility.md 22).

use serde_json::json;

use super::*;

const BUSY: (u16, &str) = (26, "Busy Please Try Again");

#[tokio::test]
async fn each_refusal_has_its_code_and_its_text() {
    let site = site();
    site.phone_with("SEP0000000000A3", "Cisco 8851", &json!({}), false);
    site.user("none", &[]);
    let (one, two) = (site.profile("UDP_1"), site.profile("UDP_2"));
    site.user("many", &[one, two]);
    let named = |name: &str| format!("<deviceProfile>{name}</deviceProfile>");
    let hoteling = policy(22, "Device does not allow hoteling");
    let occupied = policy(18, "Phone currently has user logged in");
    let elsewhere = policy(25, "Not allowed to log into multiple devices");
    let (no_phone, no_user) = (failure(11, "Device Does Not Exist"), failure(23, "User Not Found"));
    let no_profile = failure(12, "Dev Profile Not Found");
    for (inside, answer) in [
        (login("SEP0000000000FF", "nobody", ""), no_phone.clone()),
        (login("", "ada", ""), no_phone.clone()),
        (login("SEP 1", "ada", ""), no_phone.clone()),
        (login(&"x".repeat(3000), "ada", ""), no_phone.clone()),
        (logout("SEP0000000000FF"), no_phone.clone()),
        (logout(""), no_phone),
        (login("SEP0000000000A3", "nobody", &named("nothing")), hoteling),
        (logout("SEP0000000000A3"), failure(5, "Dev Logon Disabled")),
        (login(A1, "nobody", &named("nothing")), no_user.clone()),
        (login(A1, "", ""), no_user.clone()),
        (login(A1, &"x".repeat(200), ""), no_user.clone()),
        (login(A1, "a\u{200B}da", ""), no_user),
        (login(A1, "none", ""), no_profile.clone()),
        (login(A1, "many", ""), no_profile.clone()),
        (login(A1, "ada", &named("nothing")), no_profile.clone()),
        (logout(A1), failure(19, "No User Logged In")),
        (login(A1, "ada", ""), SUCCESS.to_owned()),
        (login(A1, "bob", ""), occupied.clone()),
        (login(A1, "bob", &named("nothing")), occupied.clone()),
        (login(A1, "ada", &named("UDP_bob")), occupied.clone()),
        (login(A1, "ada", &named("nothing")), occupied),
        (login(A2, "ada", &named("nothing")), elsewhere),
        (login(A2, "many", &named("UDP_2")), SUCCESS.to_owned()),
    ] {
        assert_eq!(request(&site, &inside).await, answer, "{inside}");
    }
    assert_eq!(site.story(), ["login SEP0000000000A1 ada", "login SEP0000000000A2 many"]);
}

#[tokio::test]
async fn a_query_that_asks_nothing_is_code_8_whoever_asks() {
    let site = site();
    let unknown = query_failure(8, "Query Type Undetermined");
    for inside in
        ["", "<somethingQuery/>", "<login/>", "<DeviceUserQuery><deviceName>x</deviceName></DeviceUserQuery>"]
    {
        assert_eq!(query(&site, inside).await, unknown, "{inside}");
        assert_eq!(query_by(&site, "nobody", inside).await, unknown, "{inside}");
    }
    let unreadable = query_failure(1, "Error on Parsing");
    let many = "<userID>x</userID>".repeat(501);
    for inside in [
        "<deviceUserQuery/>",
        "<userDevicesQuery><deviceName>x</deviceName></userDevicesQuery>",
        "<checkUser><userID>x</userID></checkUser><checkUser><userID>x</userID></checkUser>",
        &format!("<checkUser>{many}</checkUser>"),
    ] {
        assert_eq!(query(&site, inside).await, unreadable, "{inside}");
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_code_6() {
    let site = site();
    assert_eq!(request(&site, &login(A1, "ada", "")).await, SUCCESS, "the password is remembered");
    let rename = |from: &str, to: &str| {
        site.write(|tx| {
            use diesel::connection::SimpleConnection;
            tx.connection().batch_execute(&format!("ALTER TABLE {from} RENAME TO {to}"))?;
            Ok(())
        });
    };
    rename("sessions", "gone");
    assert_eq!(request(&site, &login(A1, "bob", "")).await, failure(6, "Database Error"));
    assert_eq!(request(&site, &logout(A1)).await, failure(6, "Database Error"));
    assert_eq!(request(&site, "<logoutAll/>").await, failure(6, "Database Error"));
    let ask = "<userDevicesQuery><userID>ada</userID></userDevicesQuery>";
    assert_eq!(query(&site, ask).await, query_failure(6, "Database Error"));
    rename("gone", "sessions");
    assert_eq!(request(&site, &logout(A1)).await, SUCCESS);
}

#[tokio::test]
async fn a_request_too_many_is_busy_and_a_query_never_is() {
    let site = site();
    site.parameter("MaximumConcurrentRequests", "1");
    let conditions = site.em.conditions(None).await.unwrap();
    let held = site.em.permit(&conditions).await.unwrap();
    for inside in [login(A1, "ada", ""), logout(A1), "<logoutAll/>".to_owned()] {
        assert_eq!(request(&site, &inside).await, failure(BUSY.0, BUSY.1), "{inside}");
    }
    assert!(
        query(&site, "<checkUser><userID>ada</userID></checkUser>").await.contains("<exists>ada</exists>")
    );
    drop(held);
    assert_eq!(request(&site, &login(A1, "ada", "")).await, SUCCESS);
    assert_eq!(site.em.requests_in_progress(), 0);
}

#[tokio::test]
async fn who_fails_too_often_is_busy_for_a_while() {
    let site = site();
    for n in 0..10 {
        assert_eq!(request_by(&site, &format!("nobody{n}"), "<logoutAll/>").await, stranger());
    }
    assert_eq!(request(&site, &login(A1, "ada", "")).await, failure(BUSY.0, BUSY.1));
    assert_eq!(request_by(&site, "\u{200B}", "<logoutAll/>").await, failure(BUSY.0, BUSY.1));
    let elsewhere = format!("xml=<request>{}{}</request>", app("seats", PASSWORD), login(A1, "ada", ""));
    let sent = Sent { peer: "10.20.4.18", body: elsewhere.into_bytes(), ..Sent::default() };
    assert_eq!(sent.answer(&site).await, SUCCESS);
}

#[tokio::test]
async fn a_service_that_is_switched_off_says_so() {
    let site = site();
    site.parameter("ExtensionMobilityActivated", "F");
    let off = "EM Service Connection Error";
    assert_eq!(request(&site, &login(A1, "ada", "")).await, failure(208, off));
    assert_eq!(query(&site, "<checkUser><userID>ada</userID></checkUser>").await, query_failure(208, off));
}
