//! A floor of phones for tests through listeners: what phones, programs and administrators ask there, and what came of it.

use std::time::Duration;

use serde_json::Value;

use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::TestGateway;
use crate::support::http::{Answer, Client};
use crate::support::site::{envelopes, sessions, told};
use crate::support::waiting::look_for;

pub(super) const PHONE: &str = "SEP0000000000A1";
pub(super) const OTHER: &str = "SEP0000000000A2";

/// The password of every program and person who has one.
pub(super) const PASSWORD: &str = "Corr3ct horse";

/// A gateway with two phones and some people, provisioned over SOAP.
pub(super) struct Floor {
    pub(super) gateway: TestGateway,
    pub(super) axl: AxlClient,
}

impl Floor {
    pub(super) fn new() -> Self {
        Self::of(TestGateway::start())
    }

    /// The floor of a gateway that has none yet.
    pub(super) fn of(gateway: TestGateway) -> Self {
        let axl = AxlClient::of(&gateway);
        let floor = Self { gateway, axl };
        for phone in [PHONE, OTHER] {
            floor.phone(phone);
        }
        floor.user("ada", &["UDP_ada"], "<selfService>5501</selfService>");
        floor
    }

    /// A phone on which people may log in.
    pub(super) fn phone(&self, name: &str) {
        self.axl.uuid("addPhone", &format!("<phone><name>{name}</name><product>Cisco 8851</product><protocol>SIP</protocol><enableExtensionMobility>true</enableExtensionMobility></phone>"));
    }

    /// A person with a PIN of 12345 and profiles of its own.
    pub(super) fn user(&self, id: &str, profiles: &[&str], more: &str) {
        let add = |name: &&str| {
            self.axl.uuid("addDeviceProfile", &format!("<deviceProfile><name>{name}</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>"));
            format!("<profileName>{name}</profileName>")
        };
        let profiles: String = profiles.iter().map(add).collect();
        self.axl.uuid("addUser", &format!("<user><lastName>Test</lastName><userid>{id}</userid><pin>12345</pin>{more}<phoneProfiles>{profiles}</phoneProfiles></user>"));
    }

    pub(super) fn set(&self, name: &str, value: &str) {
        self.set_on("EnterpriseWideData", name, value);
    }

    pub(super) fn set_on(&self, node: &str, name: &str, value: &str) {
        let named = format!(
            "<processNodeName>{node}</processNodeName><name>{name}</name><service>Cisco Extension Mobility</service>"
        );
        self.axl.uuid("updateServiceParameter", &format!("{named}<value>{value}</value>"));
    }

    pub(super) fn get(&self, query: &str) -> String {
        page(&self.gateway.phone(), query, &[]).body
    }

    pub(super) fn prompt(&self, query: &str) -> String {
        between(&self.get(query), "Prompt")
    }

    pub(super) fn log_in(&self, phone: &str, user: &str) -> String {
        self.prompt(&format!("?device={phone}&userid={user}&seq=12345"))
    }

    pub(super) fn log_out(&self, phone: &str) -> String {
        self.prompt(&format!("?device={phone}&doLogout=true"))
    }

    /// A program that may act for others, or not.
    pub(super) fn program(&self, name: &str, is_proxy: bool) {
        let group = "<associatedGroups><userGroup><name>Standard EM Authentication Proxy Rights</name></userGroup></associatedGroups>";
        let group = if is_proxy { group } else { "" };
        self.axl.uuid(
            "addAppUser",
            &format!("<appUser><userid>{name}</userid><password>{PASSWORD}</password>{group}</appUser>"),
        );
    }

    /// What the application API answers to somebody's request or query.
    pub(super) fn api(&self, who: &str, root: &str, inside: &str) -> String {
        let app =
            format!("<appInfo><appID>{who}</appID><appCertificate>{PASSWORD}</appCertificate></appInfo>");
        let document = format!("xml=<{root}>{app}{inside}</{root}>");
        let answer = self.gateway.phone().request("POST", "/emservice/EMServiceServlet", &[], &document);
        assert_eq!(answer.status, 200);
        answer.body
    }

    /// What an operator gets.
    pub(super) fn operator(&self, method: &str, path: &str, body: &str) -> Value {
        let authorization = self.gateway.authorization();
        let answer = self.gateway.tls().request(method, path, &[("Authorization", &authorization)], body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// An element of an object as AXL shows it: the text in it.
    pub(super) fn shown(&self, operation: &str, selector: &str, tag: &str) -> String {
        let tags = format!("{selector}<returnedTags><{tag}/></returnedTags>");
        let tree = self.axl.tree(operation, &tags);
        tree.children[0].text_of(tag).unwrap_or_default().to_owned()
    }

    /// The value of a parameter.
    pub(super) fn value(&self, name: &str) -> String {
        let service = "<service>Cisco Extension Mobility</service>";
        let named =
            format!("<processNodeName>EnterpriseWideData</processNodeName><name>{name}</name>{service}");
        self.shown("getServiceParameter", &named, "value")
    }

    /// The events of a type: whole, in order.
    pub(super) fn events(&self, type_: &str) -> Vec<Value> {
        let all = envelopes(&self.gateway.database.open_real());
        all.into_iter().filter(|event| event["type"] == type_).collect()
    }

    /// Logins, logouts, call logs and intercom lines, one line each.
    pub(super) fn story(&self) -> Vec<String> {
        let all = envelopes(&self.gateway.database.open_real());
        let lines = all.iter().map(|event| told(event["type"].as_str().unwrap(), &event["data"]));
        lines.filter(|line| !line.starts_with("em.") && !line.starts_with("rejected")).collect()
    }

    /// Waits for refusals, which are told a moment later.
    #[track_caller]
    pub(super) fn rejections(&self, count: usize) -> Vec<Value> {
        self.until("refusals are told", || self.events("em.login.rejected.v1").len() >= count);
        self.events("em.login.rejected.v1")
    }

    /// The metrics, a line each.
    pub(super) fn metric(&self, line: &str) -> bool {
        self.gateway.admin().get("/metrics").body.lines().any(|l| l == line)
    }

    /// Lets time pass for everybody who is logged in.
    pub(super) fn pass(&self, interval: &str) {
        self.gateway.sql(&format!("UPDATE sessions SET started_at = started_at - interval '{interval}', expires_at = expires_at - interval '{interval}'"));
    }

    /// Waits until something is so.
    #[track_caller]
    pub(super) fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let found = look_for(Duration::from_secs(20), || is_so().then_some(()).ok_or(()));
        assert!(found.is_ok(), "{what}: {:?}", self.story());
    }

    /// Waits until the node has looked for sessions that are due: one of a second is over.
    #[track_caller]
    pub(super) fn sweep(&self) {
        let (phone, user) = ("SEPFFFFFFFFFFFF", "witness");
        if self.axl.call("getPhone", &format!("<name>{phone}</name>")).status != 200 {
            self.phone(phone);
            self.user(user, &["UDP_witness"], "");
        }
        let login = format!(
            "<deviceName>{phone}</deviceName><loginDuration>1</loginDuration><userId>{user}</userId>"
        );
        self.axl.ok("doDeviceLogin", &login);
        self.until("the witness is logged out", || self.sessions().iter().all(|(_, on)| on != user));
    }

    pub(super) fn sessions(&self) -> Vec<(String, String)> {
        sessions(&self.gateway.database.open_real())
    }
}

pub(super) fn page(client: &Client, query: &str, headers: &[(&str, &str)]) -> Answer {
    client.request("GET", &format!("/emapp/EMAppServlet{query}"), headers, "")
}

/// The text of the first such element.
pub(super) fn between(xml: &str, name: &str) -> String {
    let rest = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{xml}")).1;
    rest.split_once(&format!("</{name}>")).unwrap().0.replace("&amp;", "&")
}

/// The query of an address in a screen.
pub(super) fn query(url: &str) -> String {
    url[url.find('?').unwrap()..].to_owned()
}

/// Name and query of each entry of a menu.
pub(super) fn entries(menu: &str) -> Vec<(String, String)> {
    assert!(menu.contains("<CiscoIPPhoneMenu>"), "{menu}");
    menu.split("<MenuItem>")
        .skip(1)
        .map(|item| (between(item, "Name"), query(&between(item, "URL"))))
        .collect()
}
