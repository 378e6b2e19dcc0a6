//! The feed of registrations: who may report, what is kept, and what counts on it.

use serde_json::{Value, json};

use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::{TestGateway, basic};
use crate::support::http::Answer;

const PATH: &str = "/operator/v1/registrations";

struct Floor {
    gateway: TestGateway,
    axl: AxlClient,
}

impl Floor {
    fn new() -> Self {
        let gateway = TestGateway::start();
        let axl = AxlClient::of(&gateway);
        for n in 1..=2 {
            axl.uuid("addPhone", &format!("<phone><name>SEP00000000000{n}</name><product>Cisco 8851</product><protocol>SIP</protocol><enableExtensionMobility>true</enableExtensionMobility></phone>"));
        }
        axl.uuid("addDeviceProfile", "<deviceProfile><name>UDP</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>");
        axl.uuid("addUser", "<user><lastName>Test</lastName><userid>ada</userid><pin>12345</pin><phoneProfiles><profileName>UDP</profileName></phoneProfiles></user>");
        axl.uuid("addAppUser", "<appUser><userid>pbx</userid><password>Corr3ct horse</password><associatedGroups><userGroup><name>Standard EM Authentication Proxy Rights</name></userGroup></associatedGroups></appUser>");
        axl.uuid("addAppUser", "<appUser><userid>other</userid><password>Corr3ct horse</password></appUser>");
        Self { gateway, axl }
    }

    fn ask(&self, user: &str, method: &str, path: &str, body: &str) -> Answer {
        let authorization = basic(user, "Corr3ct horse");
        self.gateway.tls().request(method, path, &[("Authorization", &authorization)], body)
    }

    fn report(&self, body: &Value) -> (u16, Value) {
        let answer = self.ask("pbx", "POST", PATH, &body.to_string());
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    fn known(&self) -> Vec<Value> {
        let mut known: Vec<Value> = serde_json::from_str(&self.ask("pbx", "GET", PATH, "").body).unwrap();
        for one in &mut known {
            assert!(one.as_object_mut().unwrap().remove("reportedAt").unwrap().is_string());
        }
        known
    }

    fn prompt(&self, last: u8, query: &str) -> String {
        let client = self.gateway.phone().at([127, 0, 0, last].into());
        let body = client.get(&format!("/emapp/EMAppServlet{query}")).body;
        body.split_once("<Prompt>").unwrap().1.split_once("</Prompt>").unwrap().0.to_owned()
    }
}

#[test]
fn what_is_reported_is_kept_and_what_is_not_said_stays() {
    let floor = Floor::new();
    let full = json!({"phones": [
        {"name": "sep000000000001", "status": "registered", "address": "::ffff:10.0.0.1", "protocol": "SIP", "activeLoad": "sip88xx.14-1", "busy": true},
        {"name": "SEP0000000000FF", "status": "registered"},
    ]});
    let taken = json!([{"name": "sep000000000001", "result": "taken"}, {"name": "SEP0000000000FF", "result": "unknown-phone"}]);
    assert_eq!(floor.report(&full), (200, taken));
    let mut expected = json!({"name": "SEP000000000001", "status": "registered", "address": "10.0.0.1", "protocol": "SIP",
        "activeLoad": "sip88xx.14-1", "busy": true, "reportedBy": "pbx"});
    assert_eq!(floor.known(), [expected.clone()]);
    floor.report(
        &json!({"phones": [{"name": "SEP000000000001", "status": "registered", "address": "2001:db8::1"}]}),
    );
    expected["address"] = json!("2001:db8::1");
    assert_eq!(floor.known(), [expected.clone()], "moved, and nothing else");
    floor.report(&json!({"phones": [{"name": "SEP000000000001", "status": "unregistered"}]}));
    (expected["status"], expected["address"], expected["busy"]) =
        (json!("unregistered"), json!(null), json!(false));
    assert_eq!(floor.known(), [expected]);
    floor.axl.uuid("removePhone", "<name>SEP000000000001</name>");
    assert!(floor.known().is_empty());
}

#[test]
fn addresses_that_are_reported_are_those_that_are_validated() {
    let floor = Floor::new();
    floor.axl.uuid("updateServiceParameter", "<processNodeName>EnterpriseWideData</processNodeName><name>ValidateIPAddress</name><service>Cisco Extension Mobility</service><value>T</value>");
    let (login, logout) =
        ("?device=SEP000000000001&userid=ada&seq=12345", "?device=SEP000000000001&doLogout=true");
    let at = |address: &str| {
        let report =
            json!({"phones": [{"name": "SEP000000000001", "status": "registered", "address": address}]});
        assert_eq!(floor.report(&report).0, 200);
    };
    assert_eq!(floor.prompt(5, login), "Login is unavailable(28)");
    at("127.0.0.5");
    assert_eq!(floor.prompt(5, login), "Login successful");
    at("127.0.0.6");
    assert_eq!(floor.prompt(5, logout), "Logout is unavailable(28)", "it has moved");
    assert_eq!(floor.prompt(6, logout), "Logout successful");
    floor.report(&json!({"phones": [{"name": "SEP000000000001", "status": "unregistered"}]}));
    assert_eq!(floor.prompt(6, login), "Login is unavailable(28)", "it has gone");
}

#[test]
fn what_was_only_seen_is_forgotten_with_the_first_report() {
    let floor = Floor::new();
    assert_eq!(floor.prompt(5, "?device=SEP000000000001&userid=ada&seq=12345"), "Login successful");
    assert_eq!(
        (&floor.known()[0]["status"], &floor.known()[0]["address"]),
        (&json!("seen"), &json!("127.0.0.5"))
    );
    let shown = floor.axl.ok("getRegistrationDynamic", "<device>SEP000000000001</device>");
    assert!(shown.contains("<risStatus>Unknown</risStatus>") && shown.contains(">127.0.0.5<"), "{shown}");
    floor.report(&json!({"phones": [{"name": "SEP000000000001", "status": "registered", "busy": true}]}));
    assert_eq!(floor.known()[0]["address"], json!(null));
}

#[test]
fn only_programs_that_act_for_users_and_administrators_report() {
    let floor = Floor::new();
    let body = json!({"phones": [{"name": "SEP000000000001", "status": "registered"}]}).to_string();
    assert_eq!(floor.ask("other", "POST", PATH, &body).status, 403);
    assert_eq!(floor.ask("other", "GET", PATH, "").status, 403);
    assert_eq!(floor.gateway.tls().request("POST", PATH, &[], &body).status, 401);
    assert_eq!(floor.gateway.phone().request("POST", PATH, &[], &body).status, 404);
    let admin = floor.gateway.authorization();
    assert_eq!(floor.gateway.tls().request("POST", PATH, &[("Authorization", &admin)], &body).status, 200);
}

#[test]
fn a_report_that_cannot_be_is_refused_as_a_whole() {
    let floor = Floor::new();
    let one = |more: Value| {
        let mut phone = json!({"name": "SEP000000000001", "status": "registered"});
        phone.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"phones": [{"name": "SEP000000000002", "status": "registered"}, phone]})
    };
    let many: Vec<Value> =
        (0..301).map(|n| json!({"name": format!("X{n}"), "status": "registered"})).collect();
    for (wrong, says) in [
        (one(json!({"status": "gone"})), "unknown variant"),
        (one(json!({"address": "nowhere"})), "phones: address: invalid IP address"),
        (one(json!({"adress": "10.0.0.1"})), "unknown field"),
        (one(json!({"name": "a b"})), "a device name is"),
        (one(json!({"name": "sep000000000002"})), "is in the report twice"),
        (one(json!({"activeLoad": "x".repeat(65)})), "activeLoad: give 1 to 64"),
        (one(json!({"activeLoad": ""})), "activeLoad: give 1 to 64"),
        (one(json!({"busy": "yes"})), "phones: busy: invalid type"),
        (json!({"phones": []}), "1 to 300"),
        (json!({"phones": many}), "1 to 300"),
        (json!([]), "give a JSON object"),
    ] {
        let (status, why) = floor.report(&wrong);
        assert!(status == 400 && why["error"].as_str().unwrap().contains(says), "{wrong}: {why}");
    }
    assert!(floor.known().is_empty());
}
