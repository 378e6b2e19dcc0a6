//! What the log says of requests, and how that is changed while a node runs.

use serde_json::{Value, json};

use crate::support::axl::envelope;
use crate::support::database::TestDatabase;
use crate::support::gateway::{StateDir, TestGateway, basic};
use crate::support::http::{Answer, Client};
use crate::support::process::Process;

const A: &str = "SEP0000000000A1";
const B: &str = "SEP0000000000A2";

fn read(answer: &Answer) -> (u16, Value) {
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

fn put(admin: &Client, query: &str) -> (u16, Value) {
    read(&admin.request("PUT", &format!("/log-level?{query}"), &[], ""))
}

/// Asks a page and gives the identity of the request.
fn ask(phones: &Client, query: &str) -> String {
    let answer = phones.get(&format!("/emapp/EMAppServlet?{query}"));
    assert_eq!(answer.status, 200);
    answer.header("x-request-id").unwrap().to_owned()
}

/// The lines of a request.
fn lines_of<'l>(log: &'l [Value], id: &str) -> Vec<&'l Value> {
    log.iter().filter(|line| line["request.id"] == *id).collect()
}

fn levels(lines: &[&Value]) -> Vec<String> {
    let mut levels: Vec<String> = lines.iter().map(|l| l["level"].as_str().unwrap().to_owned()).collect();
    levels.sort_unstable();
    levels.dedup();
    levels
}

#[test]
fn a_watched_phone_or_user_is_followed_into_every_line_and_the_node_as_a_whole() {
    let (database, state) = (TestDatabase::new(), StateDir::new());
    let gateway = Process::start(&["serve", "--log", "info"], &database.url, &state);
    let (phones, admin) = (gateway.client("phones"), gateway.client("health, metrics"));
    let before = ask(&phones, &format!("device={A}&userid=ada&seq=1"));
    assert_eq!(read(&admin.get("/log-level")), (200, json!({"filter": "info", "watched": []})));
    let (status, now) = put(&admin, &format!("phone={}&minutes=2", A.to_lowercase()));
    let left = now["watched"][0]["seconds"].as_u64().unwrap();
    assert_eq!((status, &now["watched"][0]["phone"], left > 100), (200, &json!(A.to_lowercase()), true));
    let watched = ask(&phones, &format!("device={A}&userid=ada&seq=1"));
    let other = ask(&phones, &format!("device={B}&userid=ada&seq=1"));
    put(&admin, &format!("phone={}&minutes=0", A.to_lowercase()));
    put(&admin, "user=Ada");
    let by_user = ask(&phones, &format!("device={B}&userid=ada&seq=1"));
    assert_eq!(put(&admin, "user=Ada&minutes=0").1["watched"], json!([]));
    assert_eq!(put(&admin, "filter=emgate::em=debug,emgate=warn").0, 200);
    let of_node = ask(&phones, &format!("device={A}&userid=ada&seq=1"));
    assert_eq!(put(&admin, "filter=").1["filter"], "info");
    let after = ask(&phones, &format!("device={A}&userid=ada&seq=1"));
    let log: Vec<Value> = gateway.end().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (id, expected) in [
        (before, vec!["info"]),
        (watched, vec!["debug", "info"]),
        (other, vec!["info"]),
        (by_user, vec!["debug", "info"]),
        (of_node, vec!["debug", "info"]),
        (after, vec!["info"]),
    ] {
        let lines = lines_of(&log, &id);
        assert_eq!(levels(&lines), expected, "{lines:?}");
        let refusal: Vec<_> = lines.iter().filter(|line| line["em.code"] == 11).collect();
        let [refusal] = refusal.as_slice() else { panic!("one line says the code: {lines:?}") };
        let phone = refusal["phone.name"].as_str().unwrap();
        assert!([A, B].contains(&phone) && refusal["em.code_name"] == "phone-absent", "{refusal}");
    }
}

#[test]
fn a_refusal_names_the_user_in_the_log_only_where_it_is_proved_who_that_is() {
    let (database, state) = (TestDatabase::new(), StateDir::new());
    let secret = state.0.join("secret");
    let flags = ["serve", "--first-secret-file", secret.to_str().unwrap()];
    let gateway = Process::start(&flags, &database.url, &state);
    let tls = Client::tls(gateway.address("everything, TLS"), &state.0.join("tls-certificate.pem"));
    let password = std::fs::read_to_string(&secret).unwrap();
    let authorization = basic("admin", password.trim());
    for (operation, inside) in [
        (
            "addPhone",
            format!(
                "<phone><name>{A}</name><product>Cisco 8851</product><protocol>SIP</protocol><enableExtensionMobility>true</enableExtensionMobility></phone>"
            ),
        ),
        ("addUser", "<user><lastName>A</lastName><userid>ada</userid><pin>12345</pin></user>".to_owned()),
    ] {
        let headers =
            [("Authorization", authorization.as_str()), ("Content-Type", "text/xml; charset=utf-8")];
        let answer = tls.request("POST", "/axl/", &headers, &envelope("15.0", operation, &inside));
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let phones = gateway.client("phones");
    let wrong = ask(&phones, &format!("device={A}&userid=ada&seq=1"));
    let without_profile = ask(&phones, &format!("device={A}&userid=ada&seq=12345"));
    let log: Vec<Value> = gateway.end().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refusal = |id: &str| {
        let line = lines_of(&log, id).into_iter().find(|line| !line["em.code"].is_null()).unwrap();
        (line["em.code"].clone(), line["phone.name"].clone(), line["user.id"].clone())
    };
    assert_eq!(refusal(&wrong), (json!(201), json!(A), Value::Null));
    assert_eq!(refusal(&without_profile), (json!(205), json!(A), json!("ada")));
}

#[test]
fn whatever_is_refused_at_the_application_api_is_one_line() {
    let (database, state) = (TestDatabase::new(), StateDir::new());
    let gateway = Process::start(&["serve"], &database.url, &state);
    let phones = gateway.client("phones");
    let app = "<appInfo><appID>seats</appID><appCertificate>wrong</appCertificate></appInfo>";
    let login =
        format!("<request>{app}<login><deviceName>{A}</deviceName><userID>ada</userID></login></request>");
    let query =
        format!("<query>{app}<deviceUserQuery><deviceName>{A}</deviceName></deviceUserQuery></query>");
    let ids = [login.as_str(), &query, "<request/>", "none"].map(|document| {
        let form: String =
            form_urlencoded::Serializer::new(String::new()).append_pair("xml", document).finish();
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = phones.request("POST", "/emservice/EMServiceServlet", &headers, &form);
        (document, answer.header("x-request-id").unwrap().to_owned())
    });
    let log: Vec<Value> = gateway.end().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for ((document, id), code) in ids.iter().zip([3, 3, 1, 1]) {
        let codes: Vec<_> = lines_of(&log, id).into_iter().map(|line| &line["em.code"]).collect();
        let codes: Vec<_> = codes.into_iter().filter(|code| !code.is_null()).collect();
        assert_eq!(codes, [&json!(code)], "{document}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_and_only_the_loopback_listener_has_it() {
    let (database, state) = (TestDatabase::new(), StateDir::new());
    let gateway = Process::start(&["serve"], &database.url, &state);
    let admin = gateway.client("health, metrics");
    for (query, why) in [
        ("", "give filter"),
        ("minutes=5", "give filter"),
        ("colour=red", "give filter"),
        ("phone=A&minutes=-1", "give filter"),
        ("phone=A&minutes=1441", "minutes: "),
        ("filter=emgate=loud", "filter: "),
    ] {
        let (status, answer) = put(&admin, query);
        assert!(status == 400 && answer["error"].as_str().unwrap().starts_with(why), "{query}: {answer}");
    }
    assert_eq!(read(&admin.get("/log-level")).1["watched"], json!([]));
    assert_eq!(gateway.client("phones").get("/log-level").status, 404);
    let in_process = TestGateway::start();
    assert_eq!(in_process.admin().get("/log-level").status, 400, "its log is that of the tests");
}
