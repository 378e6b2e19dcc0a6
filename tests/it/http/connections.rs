//! How many connections there may be, and what becomes of them at the end.

use std::time::Duration;

use crate::support::gateway::TestGateway;
use crate::support::http::{Connection, request};

fn is_served(connection: &mut Connection) -> bool {
    connection.send(request("GET", "/nothing", &[], ""));
    connection.answer().is_some()
}

#[test]
fn an_address_has_its_number_of_connections_and_no_more() {
    let gateway = TestGateway::start_with(|c| c.limits.connections_per_address = 4);
    let mut open: Vec<_> =
        (0..4).map(|n| if n % 2 == 0 { gateway.phone() } else { gateway.tls() }.open()).collect();
    assert!(open.iter_mut().all(is_served));
    assert!(!is_served(&mut gateway.phone().open()));
    assert!(!is_served(&mut gateway.tls().open()));
    open.pop();
    let until = std::time::Instant::now() + Duration::from_secs(5);
    while !is_served(&mut gateway.phone().open()) {
        assert!(std::time::Instant::now() < until, "the place is given back");
    }
}

#[test]
fn an_exempt_address_is_held_by_the_total_alone() {
    let gateway = TestGateway::start_with(|c| {
        c.limits.connections_per_address = 1;
        c.limits.connections = 3;
        c.limits.exempt_addresses = vec!["127.0.0.1".parse().unwrap()];
    });
    let mut open: Vec<_> = (0..3).map(|_| gateway.phone().open()).collect();
    assert!(open.iter_mut().all(is_served));
    assert!(!is_served(&mut gateway.tls().open()));
}

#[test]
fn a_stopping_gateway_closes_idle_connections_and_accepts_none() {
    let mut gateway = TestGateway::start();
    let mut idle = gateway.phone().open();
    assert!(is_served(&mut idle));
    let address = gateway.addresses.phone.unwrap();
    gateway.stop();
    assert!(idle.is_closed());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn something_that_is_no_tls_hello_is_dropped() {
    let gateway = TestGateway::start();
    let client = crate::support::http::Client::plain(gateway.addresses.tls.unwrap());
    assert!(client.raw("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").is_none());
    assert_eq!(gateway.tls().get("/axl/").status, 401);
}

#[test]
fn a_later_head_that_does_not_end_is_given_up_too() {
    let gateway = TestGateway::start_with(|c| {
        c.limits.head_seconds = 1;
        c.limits.keep_alive_seconds = 1;
    });
    for client in [gateway.phone(), gateway.tls()] {
        let mut connection = client.open();
        assert!(is_served(&mut connection));
        let start = std::time::Instant::now();
        connection.send("GET /nothing HTTP/1.1\r\nHost: loc");
        assert!(connection.is_closed());
        assert!(start.elapsed() < Duration::from_secs(6));
    }
}
