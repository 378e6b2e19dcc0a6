//! Header fields and framing of SOAP requests that clients get wrong or attackers get right.

use super::target::{Expect, PHONE, Target, envelope};
use crate::support::gateway::basic;

fn good() -> String {
    envelope("getPhone", &format!("<name>{PHONE}</name>"))
}

#[test]
fn header_fields_of_soap_do_not_decide() {
    let mut target = Target::start();
    let actions = [
        "",
        "\"\"",
        "removePhone",
        "\"CUCM:DB ver=9.1 removePhone\"",
        "CUCM:DB ver=",
        "'; drop table phones; --",
        "\u{FF}",
    ];
    let types = [
        "text/xml",
        "text/plain",
        "application/json",
        "x",
        "",
        ";;;",
        "text/xml; charset",
        "text/xml; charset=",
        "TEXT/XML;CHARSET=\"UTF-8\"",
        "text/xml; charset=us-ascii",
        "multipart/related; type=\"text/xml\"; boundary=x",
        "application/xop+xml",
    ];
    target.unchanged(|target| {
        for action in actions {
            let answer = target.post_with(&[("SOAPAction", action)], good());
            target.judge(action, &answer, Expect::Answer);
        }
        for content_type in types {
            let answer = target.post_with(&[("Content-Type", content_type)], good());
            target.judge(content_type, &answer, Expect::Answer);
        }
        let umlaut = envelope("getPhone", "<name>Jörg</name>");
        for charset in ["iso-8859-1", "utf-16", "us-ascii", "nonsense"] {
            let answer =
                target.post_with(&[("Content-Type", &format!("text/xml; charset={charset}"))], &umlaut);
            target.judge(charset, &answer, Expect::Fault("soapenv:Client"));
        }
        for encoding in ["gzip", "deflate", "br", "identity, gzip", "x"] {
            let answer = target.post_with(&[("Content-Encoding", encoding)], good());
            target.judge(encoding, &answer, Expect::Status(415));
        }
        for (accept, name) in [("none", "Accept-Encoding"), ("text/html", "Accept"), ("x", "Accept-Charset")]
        {
            let answer = target.post_with(&[(name, accept)], good());
            target.judge(name, &answer, Expect::Answer);
        }
    });
}

#[test]
fn bodies_come_in_chunks_after_a_hundred_and_by_the_old_protocol() {
    let target = Target::start();
    let head = format!(
        "POST /axl/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n",
        basic("admin", &target.password)
    );
    let status = |bytes: String| target.tls.raw(bytes).map(|a| a.status);
    let good = good();
    let (one, two) = good.split_at(20);
    let chunks = format!("{:x}\r\n{one}\r\n{:X}\r\n{two}\r\n0\r\n\r\n", one.len(), two.len());
    assert_eq!(status(format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}")), Some(200));
    for odd in [
        "-1\r\nx\r\n0\r\n\r\n",
        "zz\r\nx\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\nx\r\n",
        "1\r\nxy\r\n0\r\n\r\n",
        "0x1\r\nx\r\n0\r\n\r\n",
        " 1\r\nx\r\n0\r\n\r\n",
    ] {
        let answer = target.tls.raw(format!("{head}Transfer-Encoding: chunked\r\n\r\n{odd}"));
        assert!(
            answer
                .as_ref()
                .is_none_or(|a| (400..500).contains(&a.status) || a.body.contains("soapenv:Client")),
            "{odd}: {answer:?}"
        );
    }
    let mut connection = target.tls.open();
    connection.send(format!("{head}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", good.len()));
    assert_eq!(connection.answer().map(|a| a.status), Some(100));
    connection.send(&good);
    assert_eq!(connection.answer().map(|a| a.status), Some(200));
    let old = head.replace("HTTP/1.1\r\nHost: localhost\r\n", "HTTP/1.0\r\n");
    assert_eq!(status(format!("{old}Content-Length: {}\r\n\r\n{good}", good.len())), Some(200));
    let absolute = head.replace("POST /axl/", "POST https://localhost/axl/");
    assert_eq!(status(format!("{absolute}Content-Length: {}\r\n\r\n{good}", good.len())), Some(200));
    assert_eq!(target.panics(), "0");
}

#[test]
fn requests_that_come_together_are_answered_in_their_order() {
    let target = Target::start();
    let ask = |name: &str| {
        let body = envelope("getPhone", &format!("<name>{name}</name>"));
        let head = format!(
            "Authorization: {}\r\nContent-Length: {}\r\n",
            basic("admin", &target.password),
            body.len()
        );
        format!("POST /axl/ HTTP/1.1\r\nHost: localhost\r\n{head}\r\n{body}")
    };
    let mut connection = target.tls.open();
    connection.send(
        [ask(PHONE), ask("SEP0000000000FF"), ask(PHONE), "GARBAGE\r\n\r\n".into(), ask(PHONE)].concat(),
    );
    let answered: Vec<u16> = std::iter::from_fn(|| connection.answer()).map(|answer| answer.status).collect();
    assert_eq!(answered, [200, 500, 200, 400], "nothing after what is none");
    // a request in the body of another is none
    let inside = ask("SEP0000000000FF");
    let outside =
        format!("POST /axl/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{inside}", inside.len());
    let mut connection = target.tls.open();
    connection.send(outside + "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let answered: Vec<u16> = std::iter::from_fn(|| connection.answer()).map(|answer| answer.status).collect();
    assert_eq!(answered, [401, 404]);
}
