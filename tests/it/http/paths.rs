//! Paths and methods: the table of routes, walked from outside (LIM-8, AUTHZ-1).

use emgate::http::routes::{Access, Path, ROUTES};
use emgate::telemetry::Surface;

use crate::support::gateway::{TestGateway, basic};
use crate::support::http::Client;

const METHODS: [&str; 9] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PROPFIND"];

fn example(path: &Path) -> String {
    match path {
        Path::Exact(path) => (*path).to_owned(),
        Path::Query(path, name) => format!("{path}?{name}"),
        Path::Under(start, end) => format!("{start}x{end}"),
    }
}

fn doors(gateway: &TestGateway, surface: Surface) -> Vec<Client> {
    match surface {
        Surface::Phone => vec![gateway.phone(), gateway.tls()],
        Surface::Soap | Surface::Operator => vec![gateway.tls()],
        Surface::Admin => vec![gateway.admin()],
        Surface::Unknown => vec![],
    }
}

#[test]
fn every_route_asks_for_its_credentials() {
    let gateway = TestGateway::start();
    for route in ROUTES {
        for client in doors(&gateway, route.surface) {
            for method in route.methods {
                let target = example(&route.path);
                let asked = |headers: &[(&str, &str)]| client.request(method, &target, headers, "").status;
                let refused = route.access == Access::Account;
                assert_eq!(asked(&[]) == 401, refused, "{method} {target}");
                assert_eq!(asked(&[("Authorization", "Basic !")]) == 401, refused, "{method} {target}");
                assert_eq!(
                    asked(&[("Authorization", &basic("admin", "wrong"))]) == 401,
                    refused,
                    "{method} {target}"
                );
            }
        }
    }
}

#[test]
fn other_methods_are_refused_with_the_list() {
    let gateway = TestGateway::start();
    for route in ROUTES {
        let Path::Exact(path) = route.path else { continue };
        for client in doors(&gateway, route.surface) {
            for method in METHODS.iter().filter(|m| !route.methods.contains(m)) {
                let answer = client.request(method, path, &[], "");
                assert_eq!(answer.status, 405, "{method} {path}");
                assert_eq!(
                    answer.header("allow"),
                    Some(route.methods.join(", ").as_str()),
                    "{method} {path}"
                );
            }
        }
    }
}

#[test]
fn nobody_is_connected_to_anywhere() {
    let gateway = TestGateway::start();
    let answer = gateway.phone().raw("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(answer.is_some_and(|a| matches!(a.status, 404 | 405)));
}

#[test]
fn an_unknown_path_is_not_repeated() {
    let gateway = TestGateway::start();
    for (client, path) in [
        (gateway.phone(), "/nothing-here"),
        (gateway.phone(), "/axl/"),
        (gateway.phone(), "/metrics"),
        (gateway.phone(), "/emapp/EMAppServlet/"),
        (gateway.phone(), "///emapp/EMAppServlet"),
        (gateway.tls(), "//axl/"),
        (gateway.phone(), "/emapp/../emapp/EMAppServlet"),
        (gateway.tls(), "/axl"),
        (gateway.tls(), "/axl/nothing.wsdl"),
        (gateway.tls(), "/axl/..%2f..%2fetc%2fpasswd.xsd"),
        (gateway.tls(), "/health/live"),
        (gateway.admin(), "/emapp/EMAppServlet"),
    ] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.body.as_str()), (404, "not found\n"), "{path}");
    }
}

#[test]
fn a_path_in_other_letters_is_told_the_right_ones() {
    let gateway = TestGateway::start();
    let answer = gateway.phone().get("/EMApp/emappservlet");
    assert_eq!(answer.status, 404);
    assert_eq!(answer.body, "not found; paths are case-sensitive: /emapp/EMAppServlet\n");
}

#[test]
fn every_answer_carries_our_headers_and_none_of_a_server() {
    let gateway = TestGateway::start();
    let authorization = gateway.authorization();
    let answers = [
        gateway.phone().get("/emapp/EMAppServlet"),
        gateway.phone().get("/nothing"),
        gateway.phone().request("PUT", "/emapp/EMAppServlet", &[], ""),
        gateway.phone().request("GET", "/emapp/EMAppServlet", &[("Origin", "null")], ""),
        gateway.tls().get("/axl/"),
        gateway.tls().get("/axl/?wsdl"),
        gateway.tls().request("GET", "/axl/", &[("Authorization", &authorization)], ""),
        gateway.tls().request("POST", "/axl/", &[("Authorization", &authorization)], &"x".repeat(1_100_000)),
        gateway.admin().get("/health/ready"),
        gateway.admin().get("/metrics"),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for answer in &answers {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
        assert_eq!(answer.header("server"), None, "{answer:?}");
        let id = answer.header("x-request-id").expect("a request id").to_owned();
        assert!(seen.insert(id), "{answer:?}");
    }
}

#[test]
fn a_request_id_of_the_client_is_not_sent_back() {
    let gateway = TestGateway::start();
    let answer = gateway.phone().request("GET", "/nothing", &[("X-Request-Id", "mine")], "");
    assert_ne!(answer.header("x-request-id"), Some("mine"));
}
