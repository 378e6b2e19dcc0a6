//! A phone before web servers that are not ours: what it sends, where it goes, and what it shows when something is wrong.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use emgate::handset::model::MODELS;
use emgate::handset::object::ExecuteItem;
use emgate::handset::{Client, Display, Done, Handset, Identity, Model, Trust};

/// Whatever a page answers to its request line.
type Pages = fn(&str) -> String;

/// A web server that answers as it is told and keeps what it was asked; it ends with the process.
pub(super) struct Web {
    address: SocketAddr,
    asked: Receiver<String>,
}

impl Web {
    pub(super) fn start(pages: Pages) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, (tell, asked)) = (listener.local_addr().unwrap(), mpsc::channel());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let target = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
                let answer = pages(target);
                // whoever asks may have gone
                let _ = stream.write_all(answer.as_bytes());
                if tell.send(head.join("\n")).is_err() {
                    break;
                }
            }
        });
        Self { address, asked }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The request lines and fields since the last time.
    fn asked(&self) -> Vec<String> {
        self.asked.try_iter().collect()
    }

    /// The targets that were asked for since the last time.
    fn targets(&self) -> Vec<String> {
        self.asked().iter().map(|head| head.split(' ').nth(1).unwrap().to_owned()).collect()
    }
}

pub(super) fn ok(more: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(super) fn text(text: &str) -> String {
    ok("", &format!("<CiscoIPPhoneText><Text>{text}</Text></CiscoIPPhoneText>"))
}

pub(super) fn phone(model: &'static Model) -> Handset {
    let device = "SEP0000000000A1".to_owned();
    Handset::new(
        Identity { device, model, language: "en_US".to_owned() },
        Client::new(&Trust::System).unwrap(),
    )
}

fn shown(phone: &Handset) -> String {
    match phone.display() {
        Display::Services => "services".to_owned(),
        Display::Trouble(trouble) => trouble.shown.clone(),
        Display::Object(object) => match &object.content {
            emgate::handset::object::Content::Text { text } => text.clone(),
            other => format!("{other:?}"),
        },
    }
}

#[test]
fn a_phone_says_what_it_is_and_keeps_cookies() {
    let web = Web::start(|_| {
        ok("Set-Cookie: JSESSIONID=a1; Path=/; HttpOnly\r\n", "<CiscoIPPhoneText><Text/></CiscoIPPhoneText>")
    });
    for model in &MODELS {
        let mut phone = phone(model);
        phone.open(&web.url("/s?device=#DEVICENAME#&EMCC=#EMCC#"));
        phone.open(&web.url("/t"));
        let asked = web.asked();
        let emcc = if model.name == "8851" { "true" } else { "" };
        assert!(
            asked[0].starts_with(&format!("GET /s?device=SEP0000000000A1&EMCC={emcc} HTTP/1.1\n")),
            "{asked:?}"
        );
        for field in [
            "Accept: x-CiscoIPPhone/",
            "Accept-Language: en_US",
            "Accept-Charset: ",
            "x-CiscoIPPhoneModelName: CP-",
            "x-CiscoIPPhoneDisplay: ",
            "x-CiscoIPPhoneSDKVersion: ",
        ] {
            assert!(asked[0].lines().any(|line| line.starts_with(field)), "{field}: {}", asked[0]);
        }
        assert!(asked[0].contains(&format!("CP-{}", model.name)) && !asked[0].contains("Cookie: "));
        assert!(asked[1].contains("\nCookie: JSESSIONID=a1"), "{}", asked[1]);
    }
}

#[test]
fn trouble_is_shown_in_the_words_of_phones() {
    let web = Web::start(|target| match target {
        "/404" => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into(),
        "/503" => "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno".into(),
        "/nothing" => String::new(),
        "/empty" => ok("", ""),
        "/cut" => "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<CiscoIPPhoneText>".into(),
        "/html" => ok("", "<html><body>Hello</body></html>"),
        "/ampersand" => text("a & b"),
        "/round" => "HTTP/1.1 302 Found\r\nLocation: /round\r\nContent-Length: 0\r\n\r\n".into(),
        _ => ok("", &format!("<CiscoIPPhoneExecute><ExecuteItem URL=\"{target}\"/></CiscoIPPhoneExecute>")),
    });
    let mut phone = phone(&MODELS[0]);
    for (path, words) in [
        ("/404", "HTTP Error (404)"),
        ("/503", "HTTP Error (503)"),
        ("/nothing", "HTTP Error [8]"),
        ("/empty", "HTTP Error [10]"),
        ("/cut", "HTTP Error [8]"),
        ("/html", "XML Error [4]"),
        ("/ampersand", "XML Error [4]"),
        ("/round", "HTTP Error [8]"),
    ] {
        phone.open(&web.url(path));
        assert_eq!(shown(&phone), words, "{path}");
    }
    phone.open("http://no-such-host.invalid/");
    assert_eq!(shown(&phone), "Host Not Found");
    phone.open("http://127.0.0.1:1/");
    assert_eq!(shown(&phone), "HTTP Error [8]");
    phone.open(&web.url("/404"));
    let Display::Trouble(trouble) = phone.display() else { panic!() };
    assert_eq!(trouble.detail, "/404 is answered with status 404");
}

#[test]
fn menus_forms_and_keys_lead_where_they_say() {
    let web = Web::start(|target| {
        match target.split('?').next().unwrap() {
        "/menu" => ok("", "<CiscoIPPhoneMenu><SoftKeyItem><Name>Delete</Name><Position>1</Position><URL>QueryStringParam:do=a%26b</URL></SoftKeyItem><SoftKeyItem><Name>Pick</Name><Position>2</Position><URL>SoftKey:Select</URL></SoftKeyItem><MenuItem><Name>one</Name><URL>/text?n=1</URL></MenuItem><MenuItem><Name>two</Name><URL>/text</URL></MenuItem></CiscoIPPhoneMenu>"),
        "/form" => ok("", "<CiscoIPPhoneInput><URL>/text</URL><InputItem><QueryStringParam>a</QueryStringParam><InputFlags>A</InputFlags><DefaultValue>x</DefaultValue></InputItem><InputItem><QueryStringParam>b</QueryStringParam><InputFlags>AP</InputFlags></InputItem></CiscoIPPhoneInput>"),
        "/here" => "HTTP/1.1 302 Found\r\nLocation: /text?moved\r\nContent-Length: 0\r\n\r\n".into(),
        "/again" => ok("Refresh: 3; url=/text?fresh\r\n", "<CiscoIPPhoneText><Text>wait</Text></CiscoIPPhoneText>"),
        "/chunks" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n<CiscoIPPhoneText><\r\n21\r\nText>hi</Text></CiscoIPPhoneText>\r\n0\r\n\r\n".into(),
        _ => text("done"),
    }
    });
    let mut phone = phone(&MODELS[1]);
    let go = |phone: &mut Handset, path: &str| {
        phone.open(&web.url(path));
        web.targets();
    };
    go(&mut phone, "/menu");
    assert!(phone.choose(0) && !phone.choose(0));
    go(&mut phone, "/menu");
    assert!(phone.press_named("Delete") && !phone.press(7));
    go(&mut phone, "/menu");
    phone.press(2);
    go(&mut phone, "/form");
    assert_eq!(phone.keys().iter().map(|k| k.name.as_str()).collect::<Vec<_>>(), ["Submit", "<<", "Exit"]);
    assert!(phone.fill(1, "ü &") && !phone.fill(2, ""));
    phone.press_named("Submit");
    assert_eq!(shown(&phone), "done");
    phone.open(&web.url("/here"));
    assert_eq!(web.targets(), ["/text?a=x&b=%C3%BC+%26", "/here", "/text?moved"]);
    phone.open(&web.url("/again"));
    assert_eq!(phone.refresh().unwrap().after, Duration::from_secs(3));
    phone.press_named("Update");
    assert_eq!(web.targets(), ["/again", "/text?fresh"]);
    phone.press_named("Update");
    assert_eq!((web.targets(), shown(&phone)), (vec!["/text?fresh".to_owned()], "done".to_owned()));
    phone.open(&web.url("/chunks"));
    assert_eq!(shown(&phone), "hi");
    phone.press_named("Exit");
    assert_eq!(shown(&phone), "services");
}

#[test]
fn an_execute_is_done_at_once_or_when_the_phone_is_idle() {
    let web = Web::start(|_| text("fetched"));
    let mut phone = phone(&MODELS[0]);
    let item = |url: &str, priority| ExecuteItem { url: url.to_owned(), priority };
    phone.call_log.push("2001".into());
    let items = [item("Init:CallHistory", 0), item("Key:Services", 0), item("SoftKey:Exit", 0)];
    assert_eq!(phone.execute(&items), [Done::Success, Done::Success, Done::Invalid]);
    assert!(phone.call_log.is_empty());
    let page = web.url("/page");
    assert_eq!(phone.execute(&[item(&page, 2)]), [Done::Success]);
    assert_eq!((shown(&phone), web.targets().len()), ("fetched".to_owned(), 1), "it was idle");
    phone.execute(&[item(&web.url("/later"), 1), item(&web.url("/never"), 2)]);
    assert!(web.targets().is_empty());
    phone.press_named("Exit");
    assert_eq!(web.targets(), ["/later"]);
    assert_eq!(phone.execute(&[item("http://127.0.0.1:1/", 0)]), [Done::Failed]);
    assert_eq!(phone.execute(&[item("Play:Rings.raw", 0)]), [Done::Invalid]);
}
