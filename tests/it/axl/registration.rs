//! Registrations as AXL shows them: what the feed reports of phones, and what phones show by logging in.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::TestGateway;
use crate::support::many::people_logged_in;

const PHONE: &str = "SEP000000000001";

struct Floor {
    gateway: TestGateway,
    axl: AxlClient,
}

impl Floor {
    fn new() -> Self {
        let gateway = TestGateway::start();
        let axl = AxlClient::of(&gateway);
        for n in 1..=3 {
            axl.uuid("addPhone", &format!("<phone><name>SEP00000000000{n}</name><product>Cisco 8851</product><protocol>SIP</protocol></phone>"));
        }
        Self { gateway, axl }
    }

    fn feed(&self, method: &str, body: &str) -> Value {
        let authorization = self.gateway.authorization();
        let headers = [("Authorization", authorization.as_str())];
        let answer = self.gateway.tls().request(method, "/operator/v1/registrations", &headers, body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    fn report(&self, phone: &Value) {
        self.feed("POST", &json!({ "phones": [phone] }).to_string());
    }

    /// The elements of a phone that are not empty, but for when it was last seen.
    fn known(&self, version: &str, selector: &str) -> Vec<(String, String)> {
        let row =
            self.axl.call_in(version, "getRegistrationDynamic", selector).tree("getRegistrationDynamic");
        let fields = row.children[0].children.iter().filter(|field| !field.text.is_empty());
        let fields = fields.map(|field| (field.name.clone(), field.text.clone()));
        fields.filter(|(name, _)| name != "lastSeen").collect()
    }

    fn listed(&self, criterion: &str, page: &str) -> Vec<String> {
        let inner = format!(
            "<searchCriteria><device>{criterion}</device></searchCriteria><returnedTags><device/></returnedTags>{page}"
        );
        let rows = self.axl.tree("listRegistrationDynamic", &inner);
        rows.children.iter().map(|row| row.children[0].text.clone()).collect()
    }
}

fn expected(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_phone_that_is_reported_moves_and_goes_is_shown_so() {
    let floor = Floor::new();
    let by_name = format!("<device>{}</device>", PHONE.to_lowercase());
    let missing = (5007, "Item not valid: The specified RegistrationDynamic was not found".to_owned());
    assert_eq!(floor.axl.refusal("getRegistrationDynamic", &by_name), missing, "nobody told of it");
    floor.report(&json!({"name": PHONE, "status": "registered", "address": "10.20.4.17", "protocol": "SIP"}));
    let at = |address| {
        expected(&[("device", PHONE), ("lastKnownIpAddress", address), ("risStatus", "Registered")])
    };
    assert_eq!(floor.known("15.0", &by_name), at("10.20.4.17"));
    floor.report(&json!({"name": PHONE, "status": "registered", "address": "2001:db8::17"}));
    assert_eq!(floor.known("14.0", &by_name), at("2001:db8::17"), "moved");
    assert_eq!(floor.known("12.5", &by_name), at("2001:db8::17")[..2], "the status came with 14");

    let row = floor.axl.tree("getRegistrationDynamic", &by_name);
    let device = row.children[0].child("device").unwrap().attribute("uuid").unwrap().to_owned();
    assert_eq!(floor.known("14.0", &format!("<device uuid=\"{device}\"/>")), at("2001:db8::17"));
    let uuid = row.children[0].attribute("uuid").unwrap();
    assert_eq!(floor.known("14.0", &format!("<uuid>{uuid}</uuid>")), at("2001:db8::17"));
    let seen: i64 = row.children[0].text_of("lastSeen").unwrap().parse().unwrap();
    let told = floor.feed("GET", "").as_array().unwrap()[0]["reportedAt"].as_str().unwrap().to_owned();
    assert_eq!(chrono::DateTime::parse_from_rfc3339(&told).unwrap().timestamp(), seen);

    floor.report(&json!({"name": PHONE, "status": "unregistered"}));
    let gone = expected(&[("device", PHONE), ("risStatus", "Unregistered")]);
    assert_eq!(floor.known("15.0", &by_name), gone);
    floor.axl.uuid("removePhone", &format!("<name>{PHONE}</name>"));
    assert_eq!(floor.axl.refusal("getRegistrationDynamic", &by_name), missing);
    assert_eq!(floor.listed("%", ""), [""; 0]);
    let (code, says) = floor.axl.refusal("getRegistrationDynamic", "<device/>");
    assert!(code == 5000 && says.contains("device"), "{says}");
}

#[test]
fn lists_hold_the_phones_of_which_something_is_known_by_name() {
    let floor = Floor::new();
    for n in [3, 1] {
        floor.report(&json!({"name": format!("SEP00000000000{n}"), "status": "registered"}));
    }
    let (first, last) = ("SEP000000000001", "SEP000000000003");
    assert_eq!(floor.listed("%", ""), [first, last]);
    assert_eq!(floor.listed("sep%3", ""), [last]);
    assert_eq!(floor.listed("SEP00000000000_", "<skip>1</skip><first>5</first>"), [last]);
    assert_eq!(floor.listed("%", "<first>1</first>"), [first]);
    assert_eq!(floor.listed("", ""), [""; 0]);
    assert_eq!(floor.listed("SEP000000000002", ""), [""; 0]);
    let add = "<registrationDynamic><device>SEP000000000002</device></registrationDynamic>";
    assert_eq!(floor.axl.fault("addRegistrationDynamic", add).code, 5002, "the API has no such operation");
}

#[test]
fn ten_thousand_are_listed_at_once_and_more_in_pages() {
    let floor = Floor::new();
    floor.axl.uuid("removePhone", "<name>SEP000000000001</name>");
    floor.axl.uuid("removePhone", "<name>SEP000000000002</name>");
    floor.axl.uuid("removePhone", "<name>SEP000000000003</name>");
    people_logged_in(&mut floor.gateway.database.open_real().connect().unwrap(), 30_000, "NULL::timestamptz");
    floor.gateway.sql("INSERT INTO registrations (phone_pk, status, address, reported_by, reported_at) SELECT pk, 'registered', '10.0.0.1', 'pbx', now() FROM phones; ANALYZE");
    let began = Instant::now();
    let rows = floor.axl.ok("listRegistrationDynamic", "<searchCriteria><device>%</device></searchCriteria><returnedTags><device/><lastKnownIpAddress/></returnedTags><skip>10000</skip><first>10000</first>");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(rows.matches("<lastKnownIpAddress>10.0.0.1</lastKnownIpAddress>").count(), 10_000);
    assert!(rows.contains(">SEP000000020000</device>"));
    let all = "<searchCriteria><device>%</device></searchCriteria><returnedTags/>";
    let (_, says) = floor.axl.refusal("listRegistrationDynamic", all);
    assert!(says.contains("30000"), "{says}");
}
