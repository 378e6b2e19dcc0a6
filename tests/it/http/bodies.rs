//! Bodies of requests: size, speed, and credentials before either.

use std::time::{Duration, Instant};

use emgate::config::Config;

use crate::support::gateway::TestGateway;
use crate::support::http::request;

/// Times short enough to be waited for.
fn hasty(config: &mut Config) {
    config.limits.body_seconds = 3;
    config.limits.head_seconds = 1;
    config.limits.drain_seconds = 1;
}

fn post(gateway: &TestGateway, length: usize) -> String {
    let authorization = gateway.authorization();
    let length = length.to_string();
    let fields = [("Authorization", authorization.as_str()), ("Content-Length", &length)];
    request("POST", "/axl/", &fields, "")
}

#[test]
fn a_soap_body_may_have_a_mebibyte_and_not_a_byte_more() {
    let gateway = TestGateway::start();
    let body = |n: usize| {
        let mut connection = gateway.tls().open();
        connection.send(post(&gateway, n));
        connection.send(vec![b'x'; n]);
        let answer = connection.answer().expect("an answer");
        (answer.status, answer.header("connection") == Some("close"))
    };
    assert_ne!(body(1 << 20).0, 413);
    assert_eq!(body((1 << 20) + 1), (413, true));
}

#[test]
fn a_chunked_body_is_measured_as_it_comes() {
    let gateway = TestGateway::start();
    let authorization = gateway.authorization();
    let fields = [("Authorization", authorization.as_str()), ("Transfer-Encoding", "chunked")];
    let mut connection = gateway.tls().open();
    connection.send(request("POST", "/axl/", &fields, ""));
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(65_536));
    for _ in 0..17 {
        connection.send(&chunk);
    }
    assert_eq!(connection.answer().expect("an answer").status, 413);
    assert!(connection.is_closed());
}

#[test]
fn a_body_that_stalls_or_crawls_is_given_up() {
    let gateway = TestGateway::start_with(hasty);
    for (head_start, least) in [(0, 900), (2000, 2800)] {
        let start = Instant::now();
        let mut connection = gateway.tls().open();
        connection.send(post(&gateway, 100_000));
        connection.send(vec![b'x'; head_start]);
        let answer = connection.answer().expect("an answer");
        let took = start.elapsed();
        assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
        assert!(connection.is_closed());
        assert!(took > Duration::from_millis(least) && took < Duration::from_secs(5), "{took:?}");
    }
}

#[test]
fn a_body_that_comes_fast_enough_is_still_over_in_time() {
    let gateway = TestGateway::start_with(hasty);
    let mut connection = gateway.tls().open();
    connection.send(post(&gateway, 1_000_000));
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(3500) {
        connection.send([b'x'; 2000]);
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(connection.answer().expect("an answer").status, 408);
}

#[test]
fn a_head_that_does_not_end_is_given_up() {
    let gateway = TestGateway::start_with(hasty);
    let start = Instant::now();
    let mut connection = gateway.phone().open();
    connection.send("GET /emapp/EMAppServlet HTTP/1.1\r\nHost: localhost\r\n");
    assert_eq!(connection.answer().map(|a| a.status), Some(408));
    assert!(connection.is_closed());
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn credentials_are_checked_before_the_body_is_read() {
    let gateway = TestGateway::start_with(hasty);
    let refused = |length: usize, sent: usize| {
        let mut connection = gateway.tls().open();
        connection.send(request("POST", "/axl/", &[("Content-Length", &length.to_string())], ""));
        connection.send(vec![b'x'; sent]);
        let answer = connection.answer().expect("an answer");
        assert_eq!(answer.status, 401);
        answer.header("connection") == Some("close")
    };
    // a body that is there is read away and the connection goes on
    assert!(!refused(60_000, 60_000));
    // one that does not come, or that nobody would read, ends it
    assert!(refused(60_000, 10));
    assert!(refused(900_000, 0));
}

#[test]
fn a_connection_is_good_for_another_request_after_a_refusal() {
    let gateway = TestGateway::start();
    let mut connection = gateway.tls().open();
    for _ in 0..3 {
        connection.send(request("POST", "/axl/", &[], &"x".repeat(5000)));
        assert_eq!(connection.answer().expect("an answer").status, 401);
    }
}
