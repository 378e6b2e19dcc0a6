//! Bad documents at the application API: each is the code of the table in a fixed text, before anybody is known (XML-1 to XML-6).

use super::input::{Door, Input};
use super::target::{Expect, MARK, PHONE};

const API: &str = "/emservice/EMServiceServlet";
const BAD: Expect = Expect::Code(1);

/// A POST with these fields and this body.
fn post(fields: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("POST {API} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{fields}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn form(document: &[u8]) -> Vec<u8> {
    let encoded: String = document.iter().map(|byte| format!("%{byte:02x}")).collect();
    post("", format!("xml={encoded}").as_bytes())
}

fn app(id: &str) -> String {
    format!("<appInfo><appID>{id}</appID><appCertificate>{MARK}</appCertificate></appInfo>")
}

/// A login by a program that is not known.
fn login(inside: &str) -> String {
    format!(
        "<request>{}<login><deviceName>{PHONE}</deviceName><userID>ada</userID>{inside}</login></request>",
        app("x")
    )
}

/// Documents that are no XML as we let it in, and those in which something stands twice.
fn unreadable() -> Vec<Vec<u8>> {
    let good = login("");
    let texts = [
        String::new(),
        " ".into(),
        MARK.into(),
        "<".into(),
        "<request".into(),
        format!("{good}{good}"),
        format!("{good}{MARK}"),
        format!("<!DOCTYPE request [<!ENTITY x '{MARK}'>]>{good}"),
        format!("<!DOCTYPE request SYSTEM 'file:///etc/passwd'>{good}"),
        good.replace("ada", "&x;"),
        good.replace("ada", "&#0;"),
        good.replace("ada", "&#xFFFE;"),
        good.replace("ada", "a\0da"),
        good.replace("ada", "a\u{1}da"),
        good.replace("ada", "a\u{FFFF}da"),
        good.replace("ada", "]]>"),
        good.replace("ada", "<![CDATA[ada"),
        format!("<?xml version='1.1'?>{good}"),
        format!("<?xml version='1.0' encoding='ISO-8859-1'?>{good}"),
        format!("<?xml version='1.0' encoding='UTF-16'?>{good}"),
        format!("<?xml-stylesheet href='http://127.0.0.1:1/x'?>{good}"),
        format!("<!-- -- -->{good}"),
        good.replace("<request>", "<x:request>"),
        good.replace("<request>", "<request a='1' a='2'>"),
        good.replace("<request>", "<request a=1>"),
        login(&"<x>".repeat(40)),
        login(&format!("{}{}", "<x>".repeat(40), "</x>".repeat(40))),
        login(&format!("<x a='{}'/>", "y".repeat(5000))),
        login(&format!("<{}/>", "y".repeat(200))),
        login(&format!("<x {}/>", (0..40).map(|n| format!("a{n}='1' ")).collect::<String>())),
        login(&(0..70).map(|n| format!("<x xmlns:a{n}='u'/>")).collect::<String>()),
        good.replace("<appID>x</appID>", "<appID>x</appID><appID>y</appID>"),
        good.replace("</appInfo>", &format!("<appCertificate>{MARK}</appCertificate></appInfo>")),
        good.replace("</appInfo>", &format!("</appInfo>{}", app("y"))),
        good.replace("</userID>", "</userID><userID>bob</userID>"),
        good.replace("</deviceName>", "</deviceName><deviceName>x</deviceName>"),
        good.replace("</login>", "</login><logoutAll/>"),
        good.replace("login", "logon"),
        good.replace("request", "envelope"),
        login("<exclusiveDuration><time>1</time><time>2</time></exclusiveDuration>"),
        login(&format!("<exclusiveDuration><time>{MARK}</time></exclusiveDuration>")),
        login(&format!("<exclusiveDuration><time>{}</time></exclusiveDuration>", "9".repeat(400))),
        login("<exclusiveDuration><time>\u{661}</time></exclusiveDuration>"),
        login(&format!("<isViaHeaderSet>{MARK}</isViaHeaderSet>")),
        good.replace("request", "query")
            .replace("login", "deviceUserQuery")
            .replace("</deviceUserQuery>", "</deviceUserQuery><checkUser/>"),
        format!("<query>{}<checkUser>{}</checkUser></query>", app("x"), "<userID/>".repeat(600)),
        format!("<query>{}<checkUser/></query>", app("x")),
    ];
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin1 = good.replace("ada", "\u{1}").into_bytes();
    let latin1: Vec<u8> = latin1.into_iter().map(|byte| if byte == 1 { 0xE4 } else { byte }).collect();
    texts.into_iter().map(String::into_bytes).chain([utf16, latin1]).collect()
}

/// Forms in which the document cannot be found.
fn no_forms() -> Vec<Vec<u8>> {
    let good = login("");
    [
        String::new(),
        good.clone(),
        format!("XML={good}"),
        format!("xml%3D{good}"),
        format!("x=1&y={good}").replace("y=", "xm="),
        "&".repeat(60_000),
        "%".repeat(60_000),
        format!("xml={}", "%3Cx".repeat(15_000)),
        format!("xml={}", "<x/>".repeat(15_000)),
        format!("xml={}", "&lt;".repeat(15_000)),
        "xml=%3Ca/%3E&".repeat(4_000),
        "xml=<a>&".repeat(8_000),
    ]
    .into_iter()
    .map(|form| post("", form.as_bytes()))
    .collect()
}

pub(super) fn corpus() -> Vec<Input> {
    let raw = |bytes: Vec<u8>, expect| {
        let text = String::from_utf8_lossy(&bytes);
        let what = text.split("\r\n\r\n").nth(1).unwrap_or_default().chars().take(250).collect();
        Input { what, ..Input::raw("application API", Door::Phone, &bytes, expect) }
    };
    let xxe =
        form(format!("<!DOCTYPE r [<!ENTITY % x SYSTEM 'http://127.0.0.1:1/'>%x;]>{}", login("")).as_bytes());
    let documents = unreadable().into_iter().map(|document| raw(form(&document), BAD));
    let forms = no_forms().into_iter().map(|form| raw(form, BAD));
    let query = format!("<query>{}<{MARK}/></query>", app("x"));
    let nobody = format!("<query>{}<checkUser><userID>ada</userID></checkUser></query>", app("\u{200B}"));
    let long = post("", &[b'x'; 65_537]);
    let answered = [
        raw(xxe, BAD),
        raw(form(query.as_bytes()), Expect::Code(8)),
        // a name that means nobody; what is asked is no login, which would be told of
        raw(form(nobody.as_bytes()), Expect::Code(3)),
        raw(
            post(
                "Content-Type: application/x-www-form-urlencoded; charset=utf-16\r\n",
                format!("xml={}", login("")).as_bytes(),
            ),
            BAD,
        ),
        raw(long, Expect::HangUp(413)),
        raw(post("Content-Encoding: gzip\r\n", b"xml=x"), Expect::Status(415)),
        raw(post("Origin: https://evil.example\r\n", b"xml=x"), Expect::Status(403)),
        raw(post("Sec-Fetch-Site: cross-site\r\n", b"xml=x"), Expect::Status(403)),
        raw(
            format!("GET {API}?xml={} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(8_190)).into_bytes(),
            Expect::Status(414),
        ),
    ];
    documents.chain(forms).chain(answered).collect()
}
