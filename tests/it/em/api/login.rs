//! Login and logout.

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn a_program_logs_people_in_and_out() {
    let site = site();
    assert_eq!(request(&site, &login("sep0000000000a1", "ADA", "")).await, SUCCESS);
    assert_eq!(
        request(&site, &login(A1, "ada", "<deviceProfile>udp_ada</deviceProfile>")).await,
        SUCCESS,
        "again"
    );
    assert_eq!(request(&site, &logout("sep0000000000a1")).await, SUCCESS);
    assert_eq!(request(&site, &logout(A1)).await, failure(19, "No User Logged In"));
    assert_eq!(site.story(), ["login SEP0000000000A1 ada", "logout SEP0000000000A1 ada administrator"]);
    let events = site.events();
    let asked = json!({"kind": "application", "id": "seats", "address": PEER, "via": "api"});
    assert_eq!((&events[0].1["loginMethod"], &events[0].1["requestedBy"]), (&json!("API"), &asked));
    assert_eq!(events[1].1["requestedBy"], asked);
}

#[tokio::test]
async fn the_trace_of_a_request_goes_on_in_its_events() {
    let site = site();
    let form = format!("xml=<request>{}{}</request>", app("seats", PASSWORD), login(A1, "ada", ""));
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = vec![("traceparent", parent), ("tracestate", "booking=7")];
    assert_eq!(Sent { headers, body: form.into_bytes(), ..Sent::default() }.answer(&site).await, SUCCESS);
    let event = &site.envelopes()[0];
    assert_eq!((&event["traceparent"], &event["tracestate"]), (&json!(parent), &json!("booking=7")));
}

/// What the last login event says of the limit.
fn limit(site: &Site) -> (Value, Value) {
    let data = site.events().pop().unwrap().1;
    (data["maxLoginSeconds"].clone(), data["maxLoginSource"].clone())
}

#[tokio::test]
async fn minutes_count_as_long_as_no_shorter_limit_is_in_force() {
    let site = site();
    for (duration, seconds) in [
        ("", json!(null)),
        ("<exclusiveDuration><time>480</time></exclusiveDuration>", json!(28_800)),
        ("<exclusiveDuration><time> 60 </time></exclusiveDuration>", json!(3_600)),
        ("<exclusiveDuration><time>0</time></exclusiveDuration>", json!(null)),
        ("<exclusiveDuration><time>4294967295</time></exclusiveDuration>", json!(null)),
        ("<exclusiveDuration><indefinite/></exclusiveDuration>", json!(null)),
        ("<exclusiveDuration><indefinite></indefinite></exclusiveDuration>", json!(null)),
        ("<exclusiveDuration/>", json!(null)),
    ] {
        assert_eq!(request(&site, &login(A1, "ada", duration)).await, SUCCESS, "{duration}");
        assert_eq!(limit(&site).0, seconds, "{duration}");
        assert_eq!(request(&site, &logout(A1)).await, SUCCESS);
    }
    site.parameter("IntraClusterMaxLoginTime", "8:00");
    for (minutes, seconds, source) in [
        ("60", 3_600, "request"),
        ("480", 28_800, "service-parameter"),
        ("6000", 28_800, "service-parameter"),
        ("0", 28_800, "service-parameter"),
    ] {
        let duration = format!("<exclusiveDuration><time>{minutes}</time></exclusiveDuration>");
        assert_eq!(request(&site, &login(A1, "ada", &duration)).await, SUCCESS, "{minutes}");
        assert_eq!(limit(&site), (json!(seconds), json!(source)), "{minutes}");
        assert_eq!(request(&site, &logout(A1)).await, SUCCESS);
    }
}

#[tokio::test]
async fn a_login_by_the_api_ends_at_its_limit() {
    let site = site();
    request(&site, &login(A1, "ada", "<exclusiveDuration><time>1</time></exclusiveDuration>")).await;
    site.clock.advance_seconds(59);
    assert_eq!(emgate::em::sweep::step(&site.em).await, Ok(0));
    site.clock.advance_seconds(2);
    assert_eq!(emgate::em::sweep::step(&site.em).await, Ok(1));
    assert_eq!(site.story()[1..], ["logout SEP0000000000A1 ada timeout"]);
}

#[tokio::test]
async fn multiple_logins_go_by_the_parameter() {
    let site = site();
    let elsewhere = policy(25, "Not allowed to log into multiple devices");
    assert_eq!(request(&site, &login(A1, "ada", "")).await, SUCCESS);
    assert_eq!(request(&site, &login(A2, "ada", "")).await, elsewhere);
    assert_eq!(request(&site, &logout(A1)).await, SUCCESS);
    assert_eq!(request(&site, &login(A2, "ada", "")).await, SUCCESS);
    site.parameter("MultipleLoginBehavior", "Auto Logout");
    assert_eq!(request(&site, &login(A1, "ada", "")).await, SUCCESS);
    assert_eq!(site.story()[3..], ["logout SEP0000000000A2 ada multiple-login", "login SEP0000000000A1 ada"]);
    site.parameter("MultipleLoginBehavior", "Multiple Logins Allowed");
    assert_eq!(request(&site, &login(A2, "ada", "")).await, SUCCESS);
    assert_eq!(
        query(&site, "<userDevicesQuery><userID>ada</userID></userDevicesQuery>").await,
        "<response>\n<userDevicesResults>\n<user id=\"ada\">\n<deviceName>SEP0000000000A1</deviceName>\n\
         <deviceName>SEP0000000000A2</deviceName>\n</user>\n</userDevicesResults>\n</response>\n"
    );
}

#[tokio::test]
async fn a_program_may_name_any_profile_and_clears_no_call_log() {
    let site = site();
    site.parameter("ClearCallLogs", "T");
    assert_eq!(request(&site, &login(A1, "ada", "<deviceProfile>UDP_bob</deviceProfile>")).await, SUCCESS);
    assert_eq!(site.events()[0].1["profile"]["name"], "UDP_bob");
    assert_eq!(request(&site, &logout(A1)).await, SUCCESS);
    assert_eq!(site.story(), ["login SEP0000000000A1 ada", "logout SEP0000000000A1 ada administrator"]);
}

#[tokio::test]
async fn a_user_id_is_tried_as_it_stands_and_then_decoded() {
    let site = site();
    for user in ["r.kumar@example.net", "50%25", "50%", "jörg"] {
        let profile = site.profile(&format!("UDP_{user}"));
        site.user(user, &[profile]);
    }
    for (sent, who) in [
        ("r.kumar@example.net", "r.kumar@example.net"),
        ("r.kumar%2540example.net", "r.kumar@example.net"),
        ("50%2525", "50%25"),
        ("50%252525", "50%25"),
        ("J%C3%96RG", "jörg"),
        ("j%25C3%25B6rg", "jörg"),
    ] {
        assert_eq!(request(&site, &login(A1, sent, "")).await, SUCCESS, "{sent}");
        assert_eq!(site.sessions(), [(A1.to_owned(), who.to_owned())], "{sent}");
        assert_eq!(request(&site, &logout(A1)).await, SUCCESS);
    }
}
