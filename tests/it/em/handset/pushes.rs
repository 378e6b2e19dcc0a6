//! A phone that is told what to do: who may, what it answers, and what comes of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use emgate::handset::model::MODELS;
use emgate::handset::push::{Door, PushServer};
use emgate::handset::{Client, Display, Handset, Trust};
use form_urlencoded::byte_serialize;

use super::web::{Web, phone, text};
use crate::support::gateway::basic;
use crate::support::http;

const CLEAR: &str =
    "<CiscoIPPhoneExecute><ExecuteItem Priority=\"0\" URL=\"Init:CallHistory\"/></CiscoIPPhoneExecute>";

struct Pushed {
    phone: Arc<Mutex<Handset>>,
    times: Arc<AtomicUsize>,
    server: PushServer,
}

impl Pushed {
    fn start(authentication: Option<String>) -> Self {
        let mut handset = phone(&MODELS[0]);
        handset.call_log.push("2001".into());
        let (phone, times) = (Arc::new(Mutex::new(handset)), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&times);
        let door = Door {
            handset: Arc::clone(&phone),
            client: Client::new(&Trust::System).unwrap(),
            authentication: authentication.map(|url| url.parse().unwrap()),
            pushed: Arc::new(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
            }),
        };
        let server = PushServer::start("127.0.0.1:0".parse().unwrap(), door).unwrap();
        Self { phone, times, server }
    }

    fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let answer = http::Client::plain(self.server.address()).request("POST", path, headers, body);
        (answer.status, answer.body)
    }

    fn push(&self, xml: &str) -> (u16, String) {
        let body = format!("XML={}", byte_serialize(xml.as_bytes()).collect::<String>());
        self.post("/CGI/Execute", &[("Content-Type", "application/x-www-form-urlencoded")], &body)
    }
}

fn answered(inside: &str) -> (u16, String) {
    (200, inside.to_owned())
}

#[test]
fn a_push_is_carried_out_and_answered_item_by_item() {
    let web = Web::start(|_| text("fetched"));
    let pushed = Pushed::start(None);
    assert_eq!(
        pushed.push(CLEAR),
        answered(
            "<CiscoIPPhoneResponse><ResponseItem Status=\"0\" Data=\"Success\" URL=\"Init:CallHistory\"/></CiscoIPPhoneResponse>"
        )
    );
    assert!(pushed.phone.lock().unwrap().call_log.is_empty());
    let page = web.url("/p?a=1");
    let mixed = format!(
        "<CiscoIPPhoneExecute><ExecuteItem URL=\"{page}\"/><ExecuteItem URL=\"Play:x\"/></CiscoIPPhoneExecute>"
    );
    assert_eq!(
        pushed.push(&mixed),
        answered(&format!(
            "<CiscoIPPhoneResponse><ResponseItem Status=\"0\" Data=\"Success\" URL=\"{page}\"/><ResponseItem Status=\"1\" Data=\"Invalid URI\" URL=\"Play:x\"/></CiscoIPPhoneResponse>"
        ))
    );
    pushed
        .push("<CiscoIPPhoneText><Prompt>Logged out</Prompt><Text>in five minutes</Text></CiscoIPPhoneText>");
    assert_eq!(pushed.phone.lock().unwrap().object().unwrap().prompt, "Logged out");
    assert_eq!(pushed.times.load(Ordering::SeqCst), 3);
}

#[test]
fn what_cannot_be_read_is_error_1_and_changes_nothing() {
    let pushed = Pushed::start(None);
    let refused = answered("<CiscoIPPhoneError Number=\"1\"/>");
    let four = format!(
        "<CiscoIPPhoneExecute>{}</CiscoIPPhoneExecute>",
        "<ExecuteItem URL=\"Key:Services\"/>".repeat(4)
    );
    for xml in ["", "<CiscoIPPhoneExecute>", "<html/>", &four, &format!("{CLEAR}{}", " ".repeat(41_000))] {
        assert_eq!(pushed.push(xml), refused, "{xml}");
    }
    let lower = format!("xml={}", byte_serialize(CLEAR.as_bytes()).collect::<String>());
    assert_eq!(pushed.post("/CGI/Execute", &[], &lower), refused, "the field is XML");
    assert_eq!(pushed.post("/cgi/execute", &[], &lower).0, 404, "the path is case sensitive");
    assert_eq!(pushed.phone.lock().unwrap().call_log, ["2001"]);
    assert_eq!(pushed.times.load(Ordering::SeqCst), 0);
}

#[test]
fn who_pushes_is_judged_at_the_authentication_url() {
    let web = Web::start(|target| {
        let is_right = target == "/auth?UserID=em&Password=s%26t&devicename=SEP0000000000A1";
        let body = if is_right { "AUTHORIZED" } else { "UN-AUTHORIZED" };
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    });
    let pushed = Pushed::start(Some(web.url("/auth")));
    let body = format!("XML={}", byte_serialize(CLEAR.as_bytes()).collect::<String>());
    let push = |headers: &[(&str, &str)]| pushed.post("/CGI/Execute", headers, &body);
    assert_eq!(push(&[]).0, 401);
    let refused = answered("<CiscoIPPhoneError Number=\"4\"/>");
    assert_eq!(push(&[("Authorization", &basic("em", "wrong"))]), refused);
    assert_eq!(pushed.phone.lock().unwrap().call_log, ["2001"]);
    assert!(push(&[("Authorization", &basic("em", "s&t"))]).1.contains("Status=\"0\""));
    assert!(pushed.phone.lock().unwrap().call_log.is_empty());
    assert_eq!(*pushed.phone.lock().unwrap().display(), Display::Services);
}
