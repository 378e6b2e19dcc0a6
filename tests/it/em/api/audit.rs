//! What is told of refusals at the application API (events.md 6.9), and what nobody can be told of.

use serde_json::{Value, json};

use super::*;
use crate::support::site::write_audit;

#[tokio::test]
async fn each_refused_login_and_logout_is_told_with_its_code() {
    let site = site();
    site.app_user("weak", PASSWORD);
    site.phone_with("SEP0000000000A3", "Cisco 8851", &json!({}), false);
    site.user("em@cisco.com", &[]);
    for (who, inside, told) in [
        ("seats", login("sep0000000000ff", "ada", ""), "rejected login - - 11 x1"),
        ("seats", login("SEP0000000000A3", "12345", ""), "rejected login SEP0000000000A3 - 22 x1"),
        ("seats", login(A1, "em%2540cisco.com", ""), "rejected login SEP0000000000A1 em@cisco.com 12 x1"),
        ("seats", logout(A1), "rejected logout SEP0000000000A1 - 19 x1"),
        ("weak", login(A1, "ada", ""), "rejected login SEP0000000000A1 ada 10 x1"),
        ("weak", "<logoutAll/>".to_owned(), "rejected logout - - 10 x1"),
        ("nobody", login(A1, "ada", ""), "rejected login SEP0000000000A1 ada 3 x1"),
    ] {
        let before = site.story().len();
        request_by(&site, who, &inside).await;
        write_audit(&site.em).await;
        assert_eq!(site.story()[before..], [told], "{who} {inside}");
    }
    let asked: Vec<Value> = site.events().into_iter().map(|(_, data)| data["requestedBy"].clone()).collect();
    assert_eq!(asked[4], json!({"kind": "application", "id": "weak", "address": PEER, "via": "api"}));
    assert_eq!(asked[6], json!({"kind": "application", "id": null, "address": PEER, "via": "api"}));
}

#[tokio::test]
async fn queries_and_documents_that_cannot_be_read_are_no_attempts() {
    let site = site();
    request(&site, "<login/>").await;
    query_by(&site, "nobody", "<checkUser><userID>ada</userID></checkUser>").await;
    write_audit(&site.em).await;
    assert_eq!(site.story(), Vec::<String>::new());
}
