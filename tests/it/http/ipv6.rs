//! Phones that speak IPv6 get the same pages.

use serde_json::json;

use crate::support::gateway::TestGateway;
use crate::support::site::envelopes;

#[test]
fn pages_and_the_audit_know_phones_by_their_ipv6_address() {
    let mut gateway = TestGateway::start_with(|config| config.http.address = vec!["::1".parse().unwrap()]);
    let address = gateway.addresses.phone.unwrap();
    assert!(address.is_ipv6());
    let host = format!("[::1]:{}", address.port());
    let query = "/emapp/EMAppServlet?device=SEP0000000000FF";
    let page =
        gateway.phone().raw(format!("GET {query} HTTP/1.1\r\nHost: {host}\r\n\r\n")).expect("an answer");
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("(11)") && page.body.contains(&format!("http://{host}/emapp/")),
        "{}",
        page.body
    );
    gateway.stop();
    let refused = envelopes(&gateway.database.open_real());
    let refused = refused.iter().find(|event| event["type"] == "em.login.rejected.v1").unwrap();
    assert_eq!(refused["data"]["requestedBy"]["address"], json!("::1"));
}
