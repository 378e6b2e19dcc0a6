//! The application API at the front: its paths and listeners, and what is refused before there is a document.

use emgate::em::api::PATH;

use crate::support::gateway::TestGateway;
use crate::support::http::Client;

const UNREADABLE: &str = "<?xml version=\"1.0\"?>\n<response>\n<failure>\n<error code=\"1\">Error on Parsing</error>\n</failure>\n</response>\n";

fn check(gateway: &TestGateway) -> String {
    format!(
        "xml=<query><appInfo><appID>admin</appID><appCertificate>{}</appCertificate></appInfo><checkUser><userID>a</userID></checkUser></query>",
        gateway.password
    )
}

#[test]
fn it_is_served_at_both_listeners_and_under_a_doubled_slash() {
    let gateway = TestGateway::start();
    let nobody = "<response>\n<checkUserResults>\n<user id=\"a\">\n<doesNotExist/>\n</user>\n</checkUserResults>\n</response>\n";
    for client in [gateway.phone(), gateway.tls()] {
        for path in [PATH.to_owned(), format!("/{PATH}"), format!("/{PATH}?a=b")] {
            let answer = client.request("POST", &path, &[], &check(&gateway));
            assert_eq!((answer.status, answer.body.as_str()), (200, nobody), "{path}");
            assert_eq!(answer.header("content-type"), Some("text/xml;charset=UTF-8"));
            assert_eq!(answer.header("content-length"), Some(nobody.len().to_string().as_str()));
            assert_eq!(answer.header("transfer-encoding"), None);
        }
        let encoded: String = check(&gateway)[4..].bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!(client.get(&format!("/{PATH}?xml={encoded}")).body, nobody);
        assert_eq!(client.get(PATH).body, UNREADABLE);
    }
    let phone = gateway.phone().get("//emapp/EMAppServlet?device=SEP1");
    assert!(phone.status == 200 && phone.body.contains("(11)"), "{}", phone.body);
    assert_eq!(
        gateway.phone().get(&PATH.to_uppercase()).body,
        format!("not found; paths are case-sensitive: {PATH}\n")
    );
}

#[test]
fn what_is_no_request_for_it_is_refused_below_its_documents() {
    let gateway = TestGateway::start();
    let client: Client = gateway.phone();
    let status = |headers: &[(&str, &str)], body: &str| client.request("POST", PATH, headers, body).status;
    assert_eq!(status(&[], &"x".repeat(65_536)), 200);
    assert_eq!(status(&[], &"x".repeat(65_537)), 413);
    assert_eq!(status(&[("Content-Encoding", "gzip")], "xml=x"), 415);
    assert_eq!(status(&[("Origin", "https://evil.example")], "xml=x"), 403);
    assert_eq!(status(&[("Sec-Fetch-Site", "cross-site")], "xml=x"), 403);
    assert_eq!(client.request("PUT", PATH, &[], "").header("allow"), Some("GET, POST"));
}
