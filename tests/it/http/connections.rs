//! How many connections there may be, and what becomes of them at the end.

use std::time::Duration;

use crate::support::gateway::TestGateway;
use crate::support::http::{Client, Connection, request};
use crate::support::waiting::await_true;

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
    let next_is_served = || is_served(&mut gateway.phone().open());
    await_true(Duration::from_secs(5), "the place is given back", next_is_served);
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

#[test]
fn phones_reach_the_same_page_over_ipv4_and_ipv6_and_on_further_ports() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return; // a machine without IPv6
    }
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (http, https) = (free(), free());
    let gateway = TestGateway::start_with(|config| {
        config.http.address.push("::1".parse().unwrap());
        (config.http.more_http_ports, config.http.more_https_ports) = (vec![http], vec![https]);
    });
    let port = gateway.addresses.phone.unwrap().port();
    let page = |address: std::net::SocketAddr, host: &str| {
        let head = format!("GET /emapp/EMAppServlet?device=SEP000000000001 HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = Client::plain(address).raw(head).unwrap();
        assert_eq!(answer.status, 200);
        answer.body.split_once("<Text>").unwrap().1.split_once(" Reference").unwrap().0.to_owned()
    };
    let there = page(([127, 0, 0, 1], port).into(), "127.0.0.1");
    assert!(there.starts_with("Error 11 "), "{there}");
    for port in [port, http] {
        assert_eq!(page((std::net::Ipv6Addr::LOCALHOST, port).into(), &format!("[::1]:{port}")), there);
        assert_eq!(page(([127, 0, 0, 1], port).into(), &format!("127.0.0.1:{port}")), there);
    }
    let tls = |address| Client::tls(address, &gateway.state.0.join("tls-certificate.pem"));
    assert_eq!(tls(([127, 0, 0, 1], https).into()).get("/axl/").status, 401);
}
