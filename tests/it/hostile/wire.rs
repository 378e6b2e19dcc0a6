//! Header fields and framing of SOAP requests that clients get wrong or attackers get right; and what it all leaves in memory.

use super::target::{Expect, PHONE, Target, body, envelope};
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
fn what_was_thrown_does_not_stay_in_memory() {
    let mut target = Target::start();
    let full = |one: &str| body(&format!("<x>{}</x>", one.repeat(1_040_000 / one.len())));
    let kinds = ["<x/>", "<x>", "x", "<x a='1'/>", "&#65;", "<!-- -->", "<![CDATA[x]]>"].map(full);
    for _ in 0..3 {
        target.client_fault("warm", &kinds[0]);
        target.canary("warming");
    }
    let warm = target.process.resident_kib();
    let mut peak = warm;
    for round in 0..8 {
        for (input, n) in kinds.iter().zip(0..) {
            target.client_fault(&format!("round {round}, input {n}"), input);
            peak = peak.max(target.process.resident_kib());
        }
    }
    target.canary("the corpus");
    let after = target.process.resident_kib();
    println!("resident: warm {warm} KiB, highest seen {peak} KiB, after {after} KiB");
    assert!(after < warm + (64 << 10), "warm {warm} KiB, after {after} KiB");
    assert_eq!(target.panics(), "0");
}
