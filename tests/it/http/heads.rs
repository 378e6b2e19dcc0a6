//! Heads of requests: sizes, host, origin, encoding, framing.

use crate::support::gateway::TestGateway;
use crate::support::http::{Client, request};

const PAGE: &str = "/emapp/EMAppServlet";

fn status(client: &Client, bytes: &str) -> Option<u16> {
    client.raw(bytes).map(|a| a.status)
}

/// An admitted request: whatever the page says to it, the gate had nothing against it.
fn admitted(client: &Client, headers: &[(&str, &str)]) -> bool {
    !matches!(client.request("GET", PAGE, headers, "").status, 400 | 403 | 413..=415 | 421 | 431)
}

#[test]
fn only_configured_hosts_are_answered() {
    let gateway = TestGateway::start_with(|c| c.http.hosts = vec!["gate.example".into(), "::1".into()]);
    let phone = gateway.phone();
    let host = |host: &str| status(&phone, &format!("GET {PAGE} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    for ours in ["gate.example", "GATE.EXAMPLE:8080", "[::1]:8080"] {
        assert_ne!(host(ours), Some(421), "{ours}");
    }
    for theirs in ["localhost", "gate.example.evil", "10.0.0.1"] {
        assert_eq!(host(theirs), Some(421), "{theirs}");
    }
    assert_ne!(status(&phone, &format!("GET {PAGE} HTTP/1.0\r\n\r\n")), Some(421));
    let absolute = format!("GET http://evil.example{PAGE} HTTP/1.1\r\nHost: gate.example\r\n\r\n");
    assert_eq!(status(&phone, &absolute), Some(421));
}

#[test]
fn a_page_of_another_site_cannot_reach_any_door() {
    let gateway = TestGateway::start_with(|c| c.http.allowed_origins = vec!["https://seats.example".into()]);
    let (phone, tls) = (gateway.phone(), gateway.tls());
    for client in [&phone, &tls] {
        for foreign in
            [("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")]
        {
            assert!(!admitted(client, &[foreign]), "{foreign:?}");
        }
        assert!(admitted(client, &[("Origin", "https://seats.example"), ("Sec-Fetch-Site", "cross-site")]));
        assert!(admitted(client, &[("Sec-Fetch-Site", "same-origin")]));
    }
    assert!(admitted(&tls, &[("Origin", "https://localhost")]));
    assert!(!admitted(&tls, &[("Origin", "http://localhost")]));
    let authorization = gateway.authorization();
    let headers = [("Authorization", authorization.as_str()), ("Origin", "https://evil.example")];
    assert_eq!(tls.request("POST", "/axl/", &headers, "<a/>").status, 403);
}

#[test]
fn targets_and_fields_are_taken_up_to_their_limits() {
    let gateway = TestGateway::start();
    let phone = gateway.phone();
    let long = |n: usize| "a".repeat(n);
    let target = |n: usize| status(&phone, &request("GET", &format!("/{}", long(n - 1)), &[], ""));
    assert_eq!(target(8192), Some(404));
    assert_eq!(target(8193), Some(414));
    let query = |n: usize| phone.get(&format!("{PAGE}?{}", long(n))).status;
    assert_ne!(query(4096), 414);
    assert_eq!(query(4097), 414);
    let field = |n: usize| phone.request("GET", PAGE, &[("X-Long", &long(n))], "").status;
    assert_ne!(field(8192), 431);
    assert_eq!(field(8193), 431);
    let value = long(8000);
    let head = |n: usize| {
        let last = long(n);
        let fields = [("A", value.as_str()), ("B", &value), ("C", &value), ("D", &last)];
        phone.request("GET", PAGE, &fields, "").status
    };
    assert_ne!(head(8000), 431);
    // 32 KiB is past four values of 8,000 characters
    let five = [("A", value.as_str()), ("B", &value), ("C", &value), ("D", &value), ("E", &value)];
    assert_eq!(phone.request("GET", PAGE, &five, "").status, 431);
}

#[test]
fn an_encoded_body_is_refused() {
    let gateway = TestGateway::start();
    let authorization = gateway.authorization();
    let encoded = [("Authorization", authorization.as_str()), ("Content-Encoding", "gzip")];
    assert_eq!(gateway.tls().request("POST", "/axl/", &encoded, "x").status, 415);
}

#[test]
fn ambiguous_framing_is_refused_and_the_connection_closed() {
    let gateway = TestGateway::start();
    let phone = gateway.phone();
    let head = format!("GET {PAGE} HTTP/1.1\r\nHost: localhost\r\n");
    for fields in [
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: +1\r\n",
        "Content-Length: 1,1\r\n",
        "Content-Length: 0x1\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "X-A: a\r\n folded\r\n",
        "X-A : a\r\n",
        "X-A: a\rb\r\n",
        "X-A: a\0b\r\n",
        "Host: localhost\r\n",
    ] {
        let mut connection = phone.open();
        connection.send(format!("{head}{fields}\r\n"));
        assert_eq!(connection.answer().map(|a| a.status), Some(400), "{fields:?}");
        assert!(connection.is_closed(), "{fields:?}");
    }
}

#[test]
fn a_monstrous_header_name_costs_its_connection_only() {
    let gateway = TestGateway::start();
    let phone = gateway.phone();
    let answer =
        phone.raw(format!("GET {PAGE} HTTP/1.1\r\nHost: localhost\r\n{}: x\r\n\r\n", "a".repeat(65_536)));
    assert!(answer.is_none_or(|a| a.status >= 400));
    assert_eq!(gateway.admin().get("/health/live").status, 200);
    assert_eq!(phone.get("/nothing").status, 404);
}
