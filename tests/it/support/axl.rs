//! AXL clients of tests: through the listener of a gateway, or straight into the service with seeded ids and a clock that stands.
//!
//! Every SOAP answer is kept under `target/answers`, where `make test` has all of them judged against the schema.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};

use emgate::auth::{self, Principal, Roles, SUPER_USERS};
use emgate::axl::error::AxlError;
use emgate::axl::{Axl, Trace, execute, operation, version};
use emgate::domain::credential::HolderKind;
use emgate::domain::ids::ObjectPk;
use emgate::soap::envelope::read_call;
use emgate::soap::tree::Element;
use emgate::soap::write::Writer;
use serde_json::Value;
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::gateway::{TestGateway, basic};
use super::http::{Answer, Client};
use super::site::{Site, service};

/// The answer to one call.
#[derive(Debug, Clone)]
pub(crate) struct Soap {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// A fault as clients take it apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: i32,
    pub(crate) message: String,
    pub(crate) faultcode: String,
    pub(crate) request: String,
}

/// Whoever can be asked.
pub(crate) trait Caller {
    /// Sends an envelope.
    fn post(&self, envelope: &str) -> Soap;

    /// Calls an operation of version 15.0.
    fn call(&self, operation: &str, inner: &str) -> Soap {
        self.call_in("15.0", operation, inner)
    }

    /// Calls an operation of a version.
    fn call_in(&self, version: &str, operation: &str, inner: &str) -> Soap {
        self.post(&envelope(version, operation, inner))
    }

    /// Calls an operation that succeeds and gives what stands in its response element.
    fn ok(&self, operation: &str, inner: &str) -> String {
        self.call(operation, inner).content(operation)
    }

    /// Adds, changes or removes something and gives the uuid that is answered.
    fn uuid(&self, operation: &str, inner: &str) -> String {
        let content = self.ok(operation, inner);
        let uuid = content.strip_prefix("<return>").and_then(|c| c.strip_suffix("</return>"));
        uuid.unwrap_or_else(|| panic!("{content}")).to_owned()
    }

    /// Reads one object or a page and gives what stands in `return`, as elements.
    fn tree(&self, operation: &str, inner: &str) -> Element {
        self.call(operation, inner).tree(operation)
    }

    /// Calls an operation that is refused.
    fn fault(&self, operation: &str, inner: &str) -> Fault {
        self.call(operation, inner).fault()
    }

    /// Calls an operation that is refused, and gives code and text.
    fn refusal(&self, operation: &str, inner: &str) -> (i32, String) {
        let fault = self.fault(operation, inner);
        assert_eq!(fault.request, operation);
        (fault.code, fault.message)
    }
}

/// A request in the style of the reference document.
pub(crate) fn envelope(version: &str, operation: &str, inner: &str) -> String {
    format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:ns=\"http://www.cisco.com/AXL/API/{version}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Header/><soapenv:Body><ns:{operation}>{inner}</ns:{operation}></soapenv:Body></soapenv:Envelope>"
    )
}

/// An element as text.
pub(crate) fn to_xml(element: &Element) -> String {
    fn write(writer: &mut Writer, element: &Element) {
        writer.start(&element.name);
        for (name, value) in &element.attributes {
            writer.attribute(name, value);
        }
        if element.nil {
            writer.attribute("xsi:nil", "true");
        }
        writer.text(&element.text);
        element.children.iter().for_each(|child| write(writer, child));
        writer.end();
    }
    let mut writer = Writer::new();
    write(&mut writer, element);
    String::from_utf8(writer.finish()).unwrap()
}

/// The content of an element as text.
pub(crate) fn inner_xml(element: &Element) -> String {
    element.children.iter().map(to_xml).collect()
}

impl Soap {
    fn kept(status: u16, body: String) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        if body.contains("<soapenv:Envelope") {
            let n = NEXT.fetch_add(1, Ordering::SeqCst);
            let test = std::thread::current().name().unwrap_or("thread").replace("::", "-");
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/target/answers");
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(format!("{folder}/{test}-{n}.xml"), &body).unwrap();
        }
        Self { status, body }
    }

    /// What stands in the response element.
    pub(crate) fn content(&self, operation: &str) -> String {
        assert_eq!(self.status, 200, "{operation}: {}", self.body);
        let head = "<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>";
        let rest = self.body.strip_prefix(head).unwrap_or_else(|| panic!("{}", self.body));
        let rest =
            rest.strip_prefix(&format!("<ns:{operation}Response xmlns:ns=\"http://www.cisco.com/AXL/API/"));
        let (_, rest) = rest.unwrap_or_else(|| panic!("{}", self.body)).split_once('>').unwrap();
        let tail = format!("</ns:{operation}Response></soapenv:Body></soapenv:Envelope>");
        rest.strip_suffix(&tail).unwrap_or_else(|| panic!("{}", self.body)).to_owned()
    }

    /// What stands in `return`, as elements.
    pub(crate) fn tree(&self, operation: &str) -> Element {
        self.content(operation);
        let call = read_call(self.body.as_bytes()).unwrap();
        call.body.child("return").unwrap_or_else(|| panic!("{}", self.body)).clone()
    }

    /// The fault, after its form was checked.
    pub(crate) fn fault(&self) -> Fault {
        assert_eq!(self.status, 500, "{}", self.body);
        let part = |tag: &str| {
            let (_, rest) = self.body.split_once(&format!("<{tag}>")).unwrap_or_else(|| {
                assert!(self.body.contains(&format!("<{tag}/>")), "{}", self.body);
                ("", "</")
            });
            rest.split("</").next().unwrap().to_owned()
        };
        let (message, faultcode) = (part("axlmessage"), part("faultcode"));
        let (code, request) = (part("axlcode"), part("request"));
        let request_element = if request.is_empty() {
            "<request/>".to_owned()
        } else {
            format!("<request>{request}</request>")
        };
        let expected = format!(
            "<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body><soapenv:Fault><faultcode>{faultcode}</faultcode><faultstring>{message}</faultstring><detail><axlError><axlcode>{code}</axlcode><axlmessage>{message}</axlmessage>{request_element}</axlError></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
        );
        assert_eq!(self.body, expected);
        let message = message.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        Fault { code: code.parse().unwrap(), message, faultcode, request }
    }
}

/// A client of a gateway's AXL listener.
#[derive(Clone)]
pub(crate) struct AxlClient {
    client: Client,
    authorization: String,
}

impl AxlClient {
    /// As the first administrator.
    pub(crate) fn of(gateway: &TestGateway) -> Self {
        Self { client: gateway.tls(), authorization: gateway.authorization() }
    }

    /// Of any listener, with the value of its `Authorization` header.
    pub(crate) fn at(client: Client, authorization: String) -> Self {
        Self { client, authorization }
    }

    /// As somebody else.
    pub(crate) fn as_user(&self, user: &str, password: &str) -> Self {
        Self { client: self.client.clone(), authorization: basic(user, password) }
    }

    /// Posts bytes with headers of the test's choice besides the credentials.
    pub(crate) fn send(&self, headers: &[(&str, &str)], envelope: &str) -> Answer {
        let mut all = vec![("Authorization", self.authorization.as_str())];
        all.extend_from_slice(headers);
        self.client.request("POST", "/axl/", &all, envelope)
    }

    /// The value of its `Authorization` header.
    pub(crate) fn authorization(&self) -> &str {
        &self.authorization
    }
}

impl Caller for AxlClient {
    fn post(&self, envelope: &str) -> Soap {
        let answer = self.send(&[("Content-Type", "text/xml; charset=utf-8")], envelope);
        Soap::kept(answer.status, answer.body)
    }
}

/// The service without a gateway around it: ids are counted, time stands at 2026-03-02 08:00 UTC.
pub(crate) struct AxlSite {
    pub(crate) site: Site,
    axl: Axl,
    actor: auth::Caller,
    pub(crate) runtime: Runtime,
}

impl AxlSite {
    /// An empty site; the caller is a super user.
    pub(crate) fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let site = {
            let _inside = runtime.enter();
            Site::new()
        };
        let axl = Axl::new(site.em.clone(), std::sync::Arc::new(|| ()));
        let principal = Principal {
            pk: ObjectPk(1),
            uuid: Uuid::nil(),
            name: "admin".parse().unwrap(),
            kind: HolderKind::AppUser,
            is_super: true,
            roles: Roles::of_groups([SUPER_USERS]),
        };
        let source = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Self { site, axl, actor: auth::Caller { principal, source, request_id: Uuid::nil() }, runtime }
    }

    /// The process ends and another one takes its place.
    pub(crate) fn restart(&mut self) {
        let _inside = self.runtime.enter();
        self.site.em = service(&self.site.db, "gw-1", std::sync::Arc::new(|| ()));
        self.axl = Axl::new(self.site.em.clone(), std::sync::Arc::new(|| ()));
    }

    /// Calls an operation whose answer is not kept.
    pub(crate) fn ask(&self, operation: &str, inner: &str) -> Soap {
        let (status, body) = self.answer(&envelope("15.0", operation, inner));
        Soap { status, body }
    }

    /// The data of the events that a closure leads to, by type.
    pub(crate) fn events_of(&self, f: impl FnOnce(&Self)) -> Vec<(String, Value)> {
        let before = self.site.events().len();
        f(self);
        self.site.events().split_off(before)
    }

    /// The events that a closure leads to, one line each: type, action, object, changed fields.
    pub(crate) fn story_of(&self, f: impl FnOnce(&Self)) -> Vec<String> {
        let before = self.site.events().len();
        f(self);
        let lines = self.site.story().split_off(before);
        let events = self.site.events().split_off(before);
        lines.into_iter().zip(events).map(|(line, (type_, data))| told(&line, &type_, &data)).collect()
    }
}

/// One event in a line with what provisioning says; `line` is how other events are told.
pub(crate) fn told(line: &str, type_: &str, data: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    match type_ {
        "em.provisioning.changed.v1" => {
            let changed: Vec<String> = data["changed"]
                .as_array()
                .unwrap()
                .iter()
                .map(|c| format!(" {}={}", text(&c["name"]), text(&c["value"])))
                .collect();
            format!(
                "{} {} {}{}",
                text(&data["action"]),
                text(&data["objectType"]),
                text(&data["objectName"]),
                changed.concat()
            )
        }
        "em.credential.changed.v1" => {
            format!(
                "credential {} {} {}",
                text(&data["holder"]["userId"]),
                text(&data["credential"]),
                text(&data["change"])
            )
        }
        "em.serviceparameter.changed.v1" => format!(
            "parameter {} {} {} -> {}{}",
            text(&data["name"]),
            text(&data["node"]),
            text(&data["previousValue"]),
            text(&data["value"]),
            if data["implied"] == Value::Bool(true) { " implied" } else { "" }
        ),
        _ => line.to_owned(),
    }
}

impl Caller for AxlSite {
    fn post(&self, envelope: &str) -> Soap {
        let (status, body) = self.answer(envelope);
        Soap::kept(status, body)
    }
}

impl AxlSite {
    fn answer(&self, envelope: &str) -> (u16, String) {
        let call = read_call(envelope.as_bytes()).unwrap();
        let version::Asked::Served(text, number) = version::asked(call.namespace.as_deref()) else {
            panic!("a version that is not served: {:?}", call.namespace)
        };
        let name = operation::named_in_faults(&call.operation).to_owned();
        let answer =
            self.runtime.block_on(execute(&self.axl, call, (text, number), &self.actor, Trace::default()));
        let (status, bytes) = match answer {
            Ok(bytes) => (200, bytes),
            Err(AxlError::Forbidden) => (403, Vec::new()),
            Err(error) => {
                if let AxlError::Internal(cause) = &error {
                    eprintln!("{name}: internal error: {cause}");
                }
                (500, error.fault(&name))
            }
        };
        (status, String::from_utf8(bytes).unwrap())
    }
}
