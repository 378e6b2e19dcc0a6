//! What operators do by hand, on the command line and over HTTP.

use std::time::Duration;

use emgate::domain::event::{Cause, Via};
use emgate::domain::logout::LogoutOrigin;
use emgate::em::operator::{self, Ended, Meant};
use emgate::event::Origin;
use serde_json::{Value, json};

use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::{StateDir, TestGateway, basic};
use crate::support::http::Answer;
use crate::support::many::people_logged_in;
use crate::support::process::emgate;
use crate::support::site::{sessions, story};
use crate::support::waiting::await_some;

/// The trace of what administrators ask here.
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A gateway with three people at three phones.
struct Floor {
    gateway: TestGateway,
    axl: AxlClient,
}

impl Floor {
    fn empty() -> Self {
        let gateway = TestGateway::start();
        let axl = AxlClient::of(&gateway);
        Self { gateway, axl }
    }

    fn new() -> Self {
        let Self { gateway, axl } = Self::empty();
        gateway.sql("INSERT INTO objects (type, name, name_key, uuid, changed_at) VALUES ('DevicePool', 'Lobby', 'lobby', gen_random_uuid(), now())");
        for (n, pool) in [(1, "Lobby"), (2, "Lobby"), (3, "Default")] {
            let (phone, user) = (format!("SEP00000000000{n}"), format!("user{n}"));
            axl.uuid("addPhone", &format!("<phone><name>{phone}</name><product>Cisco 8851</product><protocol>SIP</protocol><devicePoolName>{pool}</devicePoolName><enableExtensionMobility>true</enableExtensionMobility></phone>"));
            axl.uuid("addDeviceProfile", &format!("<deviceProfile><name>UDP_{n}</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>"));
            axl.uuid("addUser", &format!("<user><lastName>Test</lastName><userid>{user}</userid><phoneProfiles><profileName>UDP_{n}</profileName></phoneProfiles></user>"));
            axl.ok("doDeviceLogin", &format!("<deviceName>{phone}</deviceName><userId>{user}</userId>"));
        }
        Self { gateway, axl }
    }

    fn on(&self) -> Vec<String> {
        sessions(&self.gateway.database.open_real()).into_iter().map(|(_, user)| user).collect()
    }

    /// Runs the program on this database: exit status, what it printed, what it said of itself.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let state = StateDir::new();
        let output = emgate(arguments, &self.gateway.database.url, &state).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let authorization = self.gateway.authorization();
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
            ("traceparent", TRACE),
        ];
        self.gateway.tls().request(method, path, &headers, body)
    }

    fn last_logout(&self) -> Value {
        use diesel::prelude::*;
        use emgate::store::schema::event_log;
        self.gateway
            .database
            .open_real()
            .write_blocking(|tx| {
                let ends = event_log::table.filter(event_log::type_.eq("em.device.logout.v1"));
                Ok::<_, emgate::store::StoreError>(
                    ends.order(event_log::seq.desc()).select(event_log::envelope).first(tx.connection())?,
                )
            })
            .unwrap()
    }
}

#[test]
fn sessions_are_listed_by_what_is_known_of_them() {
    let floor = Floor::new();
    let users = |arguments: &[&str]| {
        let (status, out, error) = floor.run(&[&["sessions", "--json"][..], arguments].concat());
        assert_eq!((status, error.as_str()), (0, ""));
        let found: Vec<Value> = serde_json::from_str(&out).unwrap();
        found.iter().map(|s| s["user"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(users(&[]), ["user1", "user2", "user3"]);
    assert_eq!(users(&["--site", "lobby"]), ["user1", "user2"]);
    assert_eq!(users(&["--phone", "SEP*2"]), ["user2"]);
    assert_eq!(users(&["--user", "USER3", "--profile", "udp_*"]), ["user3"]);
    assert_eq!(users(&["--longer-than", "0:01"]), [""; 0]);
    assert_eq!(users(&["--user", "user_"]), [""; 0], "only a star stands for others");
    let (status, out, _) = floor.run(&["sessions"]);
    assert!(status == 0 && out.lines().count() == 3 && out.contains("no end"), "{out}");
    let (status, _, error) = floor.run(&["sessions", "--longer-than", "8h"]);
    assert_eq!((status, error.as_str()), (2, "emgate: longer-than: give hours:minutes, such as 8:00\n"));
}

#[test]
fn one_phone_is_logged_out_with_actor_and_reason_in_its_event() {
    let floor = Floor::new();
    let (status, out, error) =
        floor.run(&["logout", "sep000000000001", "--reason", "goes to repair", "--json"]);
    assert_eq!((status, error.as_str()), (0, ""));
    let results: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(results, json!([{"phone": "sep000000000001", "user": "user1", "result": "logged-out"}]));
    let event = floor.last_logout();
    let data = &event["data"];
    assert_eq!((&data["reason"], &data["comment"]), (&json!("administrator"), &json!("goes to repair")));
    assert_eq!(
        (&data["requestedBy"]["kind"], &data["requestedBy"]["via"]),
        (&json!("administrator"), &json!("cli"))
    );
    assert_eq!(event["authtype"], "user");
    let named = ["logout", "SEP000000000001", "SEP000000000002", "SEP0000000000FF"];
    let (status, out, _) = floor.run(&[&named[..], &["--dry-run"]].concat());
    let foreseen: Vec<_> = out.lines().map(|line| line.split_whitespace().nth(2).unwrap()).collect();
    assert_eq!((status, &foreseen[..]), (1, &["nobody-logged-in", "would-log-out", "refused"][..]), "{out}");
    let (status, out, _) = floor.run(&["logout", "SEP000000000001", "SEP0000000000FF"]);
    assert_eq!(status, 1);
    assert!(out.contains("nobody-logged-in") && out.contains("refused (11): "), "{out}");
    assert_eq!(floor.on(), ["user2", "user3"]);
}

#[test]
fn a_filter_shows_what_it_means_until_it_is_told_yes() {
    let floor = Floor::new();
    let (status, out, error) = floor.run(&["logout", "--site", "Lobby"]);
    assert_eq!((status, error.as_str()), (0, "2 sessions; with --yes they are logged out\n"));
    assert_eq!(out.lines().count(), 2);
    assert_eq!(floor.run(&["logout", "--all", "--dry-run", "--yes"]).1.lines().count(), 3);
    assert_eq!(floor.on().len(), 3);
    let (status, _, error) = floor.run(&["logout"]);
    assert_eq!(status, 2);
    assert!(error.contains("name phones, or a filter"), "{error}");
    assert_eq!(floor.run(&["logout", "SEP000000000001", "--all"]).0, 2);
    let (status, out, _) = floor.run(&["logout", "--site", "Lobby", "--yes", "--rate", "0"]);
    assert_eq!((status, out.lines().filter(|l| l.ends_with("logged-out")).count()), (0, 2));
    assert_eq!(floor.last_logout()["data"]["reason"], "administrator", "some, by where they are");
    assert_eq!(floor.on(), ["user3"]);
    assert_eq!(floor.run(&["logout", "--user", "user3", "--yes"]).0, 0);
    assert_eq!(floor.last_logout()["data"]["reason"], "logout-all");
}

#[test]
fn whoever_came_after_the_list_was_read_stays() {
    let floor = Floor::new();
    let db = floor.gateway.database.open_real();
    let cause = || Cause::by_system(db.ids().next(), Via::Cli);
    let origin = Origin { node: "cli".into(), cluster: "test".into() };
    let end = |user: &str| {
        let meant = Meant { phone: "SEP000000000002".into(), user: Some(user.into()) };
        operator::log_out(&db, &origin, &meant, LogoutOrigin::All, &cause()).result
    };
    for other in ["user1", "nobody"] {
        assert_eq!(end(other), Ended::NobodyLoggedIn, "{other}");
    }
    assert_eq!(floor.on().len(), 3);
    assert_eq!(end("USER2"), Ended::LoggedOut);
    assert_eq!(floor.on(), ["user1", "user3"]);
}

#[test]
fn a_rate_keeps_logouts_apart() {
    let floor = Floor::new();
    let began = std::time::Instant::now();
    assert_eq!(floor.run(&["logout", "--all", "--yes", "--rate", "2"]).0, 0);
    assert!(began.elapsed() > Duration::from_millis(1000), "two pauses of half a second");
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_field_and_what_to_change() {
    let floor = Floor::new();
    let long = format!(r#"{{"phones": ["x"], "reason": "{}"}}"#, "x".repeat(257));
    for (wrong, says) in [
        ("", "give a JSON object"),
        ("[]", "give a JSON object"),
        ("{", "the body cannot be read: EOF"),
        ("{}", "give phones or filter"),
        (r#"{"phones": ["x"], "filter": {}}"#, "give phones or filter"),
        (r#"{"phones": ["x"], "phones": []}"#, "duplicate field `phones`"),
        (r#"{"phones": "x"}"#, "read: phones: invalid type"),
        (r#"{"phone": "x"}"#, "unknown field `phone`"),
        (r#"{"filter": {}}"#, "filter: it means all"),
        (r#"{"filter": {"phone": "*", "user": "**"}}"#, "filter: it means all"),
        (r#"{"filter": {"longerThan": "0:00"}}"#, "filter: it means all"),
        (r#"{"filter": {"site": 5}}"#, "read: filter: invalid type"),
        (r#"{"filter": {"longerThan": "x"}}"#, "longerThan: give hours:minutes"),
        (r#"{"phones": ["SEP\u0000"]}"#, "U+0000"),
        (r#"{"phones": ["x"], "reason": "\\u0000\u0007"}"#, "reason: give 1 to 256"),
        (r#"{"phones": ["x"], "dryRun": "yes"}"#, "read: dryRun: give true or false"),
        (r#"{"phones": ["x"], "reason": ""}"#, "reason: give 1 to 256"),
        (r#"{"phones": ["x"], "reason": "a\u0007b"}"#, "reason: give 1 to 256"),
        (&long, "reason: give 1 to 256"),
    ] {
        let answer = floor.ask("POST", "/operator/v1/logout", wrong);
        let why: Value = serde_json::from_str(&answer.body).unwrap();
        assert!(answer.status == 400 && why["error"].as_str().unwrap().contains(says), "{wrong}: {why}");
    }
    for (wrong, says) in [
        ("x=1", "unknown field `x`"),
        ("user=a&user=b", "duplicate field `user`"),
        ("longerThan=8", "longerThan: give"),
    ] {
        let answer = floor.ask("GET", &format!("/operator/v1/sessions?{wrong}"), "");
        assert!(answer.status == 400 && answer.body.contains(says), "{wrong}: {}", answer.body);
    }
    for arguments in [["--reason", ""], ["--reason", "a\u{7}b"], ["--reason", &"x".repeat(257)]] {
        let (status, _, error) = floor.run(&[&["logout", "SEP000000000001"], &arguments[..]].concat());
        assert!(status == 2 && error.contains("give 1 to 256 characters"), "{error}");
    }
    assert_eq!(floor.ask("PUT", "/operator/v1/logout", "{}").status, 405);
    assert_eq!(floor.on().len(), 3);
}

#[test]
fn a_call_that_means_more_than_it_can_end_says_how_many_are_left() {
    let floor = Floor::empty();
    people_logged_in(&mut floor.gateway.database.open_real().connect().unwrap(), 10_200, "NULL::timestamptz");
    let done = |body: &str| {
        let answer = floor.ask("POST", "/operator/v1/logout", body);
        let done: Value = serde_json::from_str(&answer.body).unwrap();
        (done["results"].as_array().unwrap().len(), done["remaining"].as_u64().unwrap())
    };
    assert_eq!(done(r#"{"filter": {"user": "u*"}, "dryRun": true}"#), (10_000, 200));
    assert_eq!(done(r#"{"filter": {"user": "u10*", "longerThan": "0:00"}, "dryRun": true}"#), (312, 0));
    assert_eq!(done(r#"{"filter": {"user": "u10*"}}"#), (200, 112));
    assert_eq!(floor.on().len(), 10_000);
}

#[test]
fn administrators_do_the_same_over_http_and_others_do_not() {
    let floor = Floor::new();
    let found: Value =
        serde_json::from_str(&floor.ask("GET", "/operator/v1/sessions?site=Lobby", "").body).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 2);
    let done = |body: &str| {
        let answer = floor.ask("POST", "/operator/v1/logout", body);
        (answer.status, serde_json::from_str::<Value>(&answer.body).unwrap())
    };
    let (status, dry) = done(r#"{"filter": {"user": "user*"}, "dryRun": true}"#);
    assert_eq!((status, dry["results"].as_array().unwrap().len()), (200, 3));
    assert_eq!(floor.on().len(), 3);
    let (status, one) = done(r#"{"phones": ["SEP000000000002"], "reason": "fire drill"}"#);
    assert_eq!(
        (status, &one["results"][0]["result"], &one["remaining"]),
        (200, &json!("logged-out"), &json!(0))
    );
    let data = floor.last_logout()["data"].clone();
    assert_eq!(data["comment"], "fire drill");
    assert_eq!(
        (&data["requestedBy"]["id"], &data["requestedBy"]["via"]),
        (&json!("admin"), &json!("console"))
    );
    assert_eq!(done(r#"{"filter": {}, "dryRun": true}"#).1["results"].as_array().unwrap().len(), 2);
    floor.axl.uuid("addAppUser", "<appUser><userid>reader</userid><password>Corr3ct horse</password><associatedGroups><userGroup><name>Standard AXL API Access</name></userGroup></associatedGroups></appUser>");
    let reader = basic("reader", "Corr3ct horse");
    for (method, path) in [("GET", "/operator/v1/sessions"), ("POST", "/operator/v1/logout")] {
        let refused = floor.gateway.tls().request(method, path, &[("Authorization", &reader)], "");
        assert_eq!(refused.status, 403, "{path}");
        assert_eq!(floor.gateway.tls().request(method, path, &[], "").status, 401, "{path}");
        assert_eq!(floor.gateway.phone().request(method, path, &[], "").status, 404, "{path}");
    }
    assert_eq!(floor.on(), ["user1", "user3"]);
    let reason = || floor.last_logout()["data"]["reason"].clone();
    assert_eq!(reason(), "administrator");
    assert_eq!(done(r#"{"filter": {"user": "user1"}}"#).1["results"].as_array().unwrap().len(), 1);
    assert_eq!(reason(), "logout-all", "all sessions of one user");
    assert_eq!(done(r#"{"filter": {}, "all": true}"#).1["results"].as_array().unwrap().len(), 1);
    assert_eq!(reason(), "logout-all");
    assert_eq!(floor.last_logout()["traceparent"], TRACE);
    assert!(floor.on().is_empty());
}

#[test]
fn logouts_over_http_are_counted_and_their_refusals_audited() {
    let floor = Floor::new();
    let answer =
        floor.ask("POST", "/operator/v1/logout", r#"{"phones": ["SEP000000000001", "SEP0000000000FF"]}"#);
    let done: Value = serde_json::from_str(&answer.body).unwrap();
    let results: Vec<_> = (0..2).map(|n| done["results"][n]["result"].clone()).collect();
    assert_eq!(
        (results, &done["results"][1]["code"]),
        (vec![json!("logged-out"), json!("refused")], &json!(11))
    );
    let metrics = floor.gateway.admin().get("/metrics").body;
    let counts = |line: &str| assert!(metrics.lines().any(|l| l == line), "{line} in {metrics}");
    counts(r#"em_logouts_total{perfmon="LogoutsSuccessful",surface="console"} 1"#);
    let db = floor.gateway.database.open_real();
    let rejected = await_some(Duration::from_secs(30), || {
        let told = story(&db).into_iter().find(|line| line.starts_with("rejected"));
        told.ok_or("no event of the refusal")
    });
    assert_eq!(rejected, "rejected logout - - 11 x1");
}
