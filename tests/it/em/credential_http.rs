//! PINs in the hands of administrators over HTTP: the same as `emgate pin`.

use serde_json::{Value, json};

use super::credential_command::{PHONE, gateway, log_in, told};
use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::{TestGateway, basic};

const PASSWORD: &str = "Corr3ct horse";
const RESET: &str = "/operator/v1/pin/reset";
const UNLOCK: &str = "/operator/v1/pin/unlock";
const STATE: &str = "/operator/v1/pin/state";

fn ask(gateway: &TestGateway, method: &str, target: &str, body: &str) -> (u16, Value) {
    let authorization = gateway.authorization();
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let answer = gateway.tls().request(method, target, &headers, body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

fn post(gateway: &TestGateway, path: &str, body: &Value) -> Value {
    let (status, done) = ask(gateway, "POST", path, &body.to_string());
    assert_eq!(status, 200, "{done}");
    done
}

fn log_out(gateway: &TestGateway) {
    gateway.phone().get(&format!("/emapp/EMAppServlet?device={PHONE}&doLogout=true"));
}

#[test]
fn a_locked_pin_is_seen_unlocked_and_reset_by_an_administrator() {
    let gateway = gateway();
    for guess in ["1", "2", "3", "12345"] {
        assert_eq!(log_in(&gateway, guess), "Please try to login again (201)");
    }
    let (status, state) = ask(&gateway, "GET", &format!("{STATE}?user=ADA"), "");
    assert_eq!(
        (status, &state["userId"], &state["locked"], &state["lockedBy"], &state["failedAttempts"]),
        (200, &json!("ada"), &json!(true), &json!("failed-attempts"), &json!(3))
    );

    let asked = json!({"user": "ada", "reason": "forgot it"});
    assert_eq!(post(&gateway, UNLOCK, &asked), json!({"userId": "ada", "unlocked": true}));
    assert_eq!(post(&gateway, UNLOCK, &asked)["unlocked"], false);
    assert_eq!(log_in(&gateway, "12345"), "Login successful");
    log_out(&gateway);

    // given in the body, and not answered
    let given = post(&gateway, RESET, &json!({"user": "ada", "pin": "90210", "reason": "a new badge"}));
    assert_eq!(given, json!({"userId": "ada", "mustChange": false, "locked": false, "pin": null}));
    assert_eq!(log_in(&gateway, "12345"), "Please try to login again (201)");
    assert_eq!(log_in(&gateway, "90210"), "Login successful");
    log_out(&gateway);

    // made, answered once, and good for being changed alone
    let made = post(&gateway, RESET, &json!({"user": "ada", "pin": null, "mustChange": true}));
    assert_eq!(log_in(&gateway, made["pin"].as_str().unwrap()), "Login is unavailable(41)");

    let told = told(&gateway);
    let changes: Vec<(&str, &Value)> =
        told.iter().map(|e| (e["data"]["change"].as_str().unwrap(), &e["data"]["comment"])).collect();
    let comments = [json!("forgot it"), json!("a new badge")];
    let nothing = Value::Null;
    assert_eq!(
        changes,
        [("locked", &nothing), ("unlocked", &comments[0]), ("reset", &comments[1]), ("reset", &nothing)]
    );
    for event in &told[1..] {
        let by = &event["data"]["requestedBy"];
        assert_eq!(
            (&by["kind"], &by["id"], &by["via"], &by["address"], &event["authtype"]),
            (
                &json!("administrator"),
                &json!("admin"),
                &json!("console"),
                &json!("127.0.0.1"),
                &json!("user")
            )
        );
    }
    let everything = format!("{told:?}");
    assert!(!everything.contains("90210") && !everything.contains(made["pin"].as_str().unwrap()));
}

#[test]
fn an_administrators_lock_outlives_a_reset_and_ends_with_an_unlock() {
    let gateway = gateway();
    AxlClient::of(&gateway).uuid("updateUser", "<userid>ada</userid><pinCredentials><pinCredLockedByAdministrator>true</pinCredLockedByAdministrator></pinCredentials>");
    let done = post(&gateway, RESET, &json!({"user": "ada", "pin": "90210"}));
    assert_eq!(done["locked"], true);
    let (_, state) = ask(&gateway, "GET", &format!("{STATE}?user=ada"), "");
    assert_eq!(state["lockedBy"], "administrator");
    assert_eq!(log_in(&gateway, "90210"), "Please try to login again (201)");
    post(&gateway, UNLOCK, &json!({"user": "ada"}));
    assert_eq!(log_in(&gateway, "90210"), "Login successful");
}

#[test]
fn what_cannot_be_meant_is_refused_without_a_word_of_the_pin() {
    let gateway = gateway();
    let full = |more: &str| format!(r#"{{"user": "ada", "pin": "90210"{more}}}"#);
    let (overlong, reason) = ("9".repeat(65), format!(r#", "reason": "{}""#, "x".repeat(257)));
    for (wrong, says) in [
        (String::new(), "give a JSON object"),
        ("[]".into(), "give a JSON object"),
        (r#""90210""#.into(), "give a JSON object"),
        ("{}".into(), "missing field `user`"),
        (r#"{"pin": "90210"}"#.into(), "missing field `user`"),
        (full(r#", "user": "bob""#), "duplicate field `user`"),
        (full(r#", "pin": "90210""#), "duplicate field `pin`"),
        (full(r#", "seq": "90210""#), "unknown field `seq`"),
        (r#"{"user": 5}"#.into(), "user: give a text"),
        (r#"{"user": ""}"#.into(), "user: a user id is 1 to 128"),
        (format!(r#"{{"user": "{}"}}"#, "u".repeat(129)), "user: a user id is 1 to 128"),
        (r#"{"user": "a\u0000da"}"#.into(), "user: a user id is 1 to 128"),
        (r#"{"user": "ada", "pin": 90210}"#.into(), "pin: give a text"),
        (r#"{"user": "ada", "pin": ["90210"]}"#.into(), "pin: give a text"),
        (r#"{"user": null}"#.into(), "user: give a text"),
        (r#"{"user": "ada", "pin": ""}"#.into(), "pin: a pin is 1 to 64 digits"),
        (r#"{"user": "ada", "pin": "90210x"}"#.into(), "pin: a pin is 1 to 64 digits"),
        (r#"{"user": "ada", "pin": "90210\u0007"}"#.into(), "pin: a pin is 1 to 64 digits"),
        (format!(r#"{{"user": "ada", "pin": "{overlong}"}}"#), "pin: a pin is 1 to 64 digits"),
        (full(r#", "mustChange": "90210""#), "mustChange: give true or false"),
        (full(r#", "reason": 90210"#), "reason: give a text"),
        (full(r#", "reason": " ""#), "reason: give 1 to 256"),
        (full(r#", "reason": "a\nb""#), "the body cannot be read"),
        (full(r#", "reason": "a\u001bb""#), "reason: give 1 to 256"),
        (full(&reason), "reason: give 1 to 256"),
    ] {
        let (status, why) = ask(&gateway, "POST", RESET, &wrong);
        let why = why["error"].as_str().unwrap();
        assert!(status == 400 && why.contains(says) && !why.contains("90210"), "{wrong}: {why}");
    }
    for (query, says) in [
        ("", "missing field `user`"),
        ("?user=", "a user id is 1 to 128"),
        ("?user=a%00b", "a user id is 1 to 128"),
        ("?user=ada&user=ada", "duplicate field `user`"),
        ("?user=ada&pin=1", "unknown field `pin`"),
    ] {
        let (status, why) = ask(&gateway, "GET", &format!("{STATE}{query}"), "");
        assert!(status == 400 && why["error"].as_str().unwrap().contains(says), "{query}: {why}");
    }
    let nobody = json!({"error": "nobody has the user id \"bob\""});
    for (method, target) in [("POST", RESET), ("POST", UNLOCK), ("GET", &format!("{STATE}?user=bob"))] {
        assert_eq!(ask(&gateway, method, target, r#"{"user": "bob"}"#), (404, nobody.clone()));
    }
    assert_eq!(told(&gateway), Vec::<Value>::new());
    assert_eq!(log_in(&gateway, "12345"), "Login successful");
}

#[test]
fn only_administrators_get_at_pins_and_only_over_tls() {
    let gateway = gateway();
    let axl = AxlClient::of(&gateway);
    for (name, group) in [
        ("scripts", "Standard AXL API Access"),
        ("desk", "Standard EM Authentication Proxy Rights"),
        ("boss", "Standard CCM Admin Users"),
    ] {
        axl.uuid("addAppUser", &format!("<appUser><userid>{name}</userid><password>{PASSWORD}</password><associatedGroups><userGroup><name>{group}</name></userGroup></associatedGroups></appUser>"));
    }
    let body = r#"{"user": "ada", "pin": "90210"}"#;
    let state = format!("{STATE}?user=ada");
    for (method, target) in [("GET", state.as_str()), ("POST", RESET), ("POST", UNLOCK)] {
        for name in ["scripts", "desk"] {
            let authorization = basic(name, PASSWORD);
            let refused = gateway.tls().request(method, target, &[("Authorization", &authorization)], body);
            assert_eq!(refused.status, 403, "{name} {target}");
            assert_eq!(refused.body, r#"{"error":"the account has no role that allows this"}"#);
        }
        assert_eq!(gateway.tls().request(method, target, &[], body).status, 401);
        assert_eq!(gateway.phone().request(method, target, &[], body).status, 404);
        assert_eq!(gateway.admin().request(method, target, &[], body).status, 404);
        let authorization = gateway.authorization();
        let other = if method == "GET" { "POST" } else { "GET" };
        let wrong_verb = gateway.tls().request(other, target, &[("Authorization", &authorization)], "");
        assert_eq!((wrong_verb.status, wrong_verb.header("allow")), (405, Some(method)));
    }
    assert_eq!(told(&gateway), Vec::<Value>::new());
    let boss = basic("boss", PASSWORD);
    let done = gateway.tls().request("POST", UNLOCK, &[("Authorization", &boss)], r#"{"user": "ada"}"#);
    assert_eq!((done.status, done.body.as_str()), (200, r#"{"userId":"ada","unlocked":false}"#));
}
