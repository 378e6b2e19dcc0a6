//! From where requests may come while addresses are validated: codes 30 and 28.

use super::*;

const UNTRUSTED: (u16, &str) = (28, "Untrusted IP Error");
const PROXIED: (u16, &str) = (30, "Proxy Not Allowed");

fn from(address: &str, is_via_header_set: &str) -> String {
    format!("<remoteIPAddr>{address}</remoteIPAddr><isViaHeaderSet>{is_via_header_set}</isViaHeaderSet>")
}

#[tokio::test]
async fn a_program_that_may_act_for_anybody_says_where_the_phone_is() {
    let site = site();
    let untrusted = &*failure(UNTRUSTED.0, UNTRUSTED.1);
    let proxied = &*failure(PROXIED.0, PROXIED.1);
    assert_eq!(
        request(&site, &login(A1, "ada", &from("nowhere", "true"))).await,
        SUCCESS,
        "nothing is validated"
    );
    site.parameter("ValidateIPAddress", "T");
    for (list, more, answer) in [
        ("", "", untrusted),
        (PEER, "", SUCCESS),
        ("10.20.0.0/16", "", SUCCESS),
        (PEER, &from("192.0.2.7", "false"), untrusted),
        ("192.0.2.7", &from("192.0.2.7", "false"), SUCCESS),
        ("192.0.2.7", &from("192.0.2.7", "TRUE"), proxied),
        ("192.0.2.7", &from("nowhere", "false"), untrusted),
        ("2001:db8::7", &from("2001:DB8::7", "false"), SUCCESS),
        (PEER, "<isViaHeaderSet>true</isViaHeaderSet>", proxied),
        (PEER, "<remoteIPAddr/><isViaHeaderSet/>", SUCCESS),
    ] {
        site.parameter("TrustedListOfIPs", list);
        assert_eq!(request(&site, &login(A1, "ada", more)).await, answer, "{list} {more}");
    }
    site.parameter("TrustedListOfIPs", "");
    let logout_from =
        |address: &str| logout(A1).replace("</logout>", &format!("{}</logout>", from(address, "false")));
    assert_eq!(request(&site, &logout_from("192.0.2.7")).await, untrusted);
    assert_eq!(request(&site, "<logoutAll/>").await, untrusted);
    assert_eq!(request(&site, &login("SEP0000000000FF", "ada", "")).await, untrusted, "before 11");
    site.parameter("TrustedListOfIPs", "192.0.2.7");
    assert_eq!(request(&site, &logout_from("192.0.2.7")).await, SUCCESS);
    site.parameter("AllowProxy", "T");
    assert_eq!(request(&site, &login(A1, "ada", &from("192.0.2.7", "true"))).await, SUCCESS);
    assert!(
        query(&site, "<checkUser><userID>ada</userID></checkUser>").await.contains("<exists>"),
        "a query asks anywhere"
    );
}

#[tokio::test]
async fn what_a_person_says_about_the_way_counts_for_nothing() {
    let site = site();
    let ada =
        site.em.db().read(|tx| objects::find(tx, "User", &Selector::name("ada"))).await.unwrap().unwrap();
    give_password(&site, UserPk(ada.pk.0));
    site.parameter("ValidateIPAddress", "T");
    site.parameter("TrustedListOfIPs", "192.0.2.7");
    let ask = login(A1, "ada", &from("192.0.2.7", "false"));
    assert_eq!(request_by(&site, "ada", &ask).await, failure(UNTRUSTED.0, UNTRUSTED.1));
    let form = format!("xml=<request>{}{ask}</request>", app("ada", PASSWORD)).into_bytes();
    let sent = Sent {
        peer: "192.0.2.7",
        headers: vec![("via", "1.1 proxy")],
        body: form.clone(),
        ..Sent::default()
    };
    assert_eq!(sent.answer(&site).await, failure(PROXIED.0, PROXIED.1));
    let sent = Sent { peer: "192.0.2.7", body: form.clone(), ..Sent::default() };
    assert_eq!(sent.answer(&site).await, SUCCESS);
    let said = String::from_utf8(form).unwrap().replace(">false<", ">true<");
    let sent = Sent { peer: "192.0.2.7", body: said.into_bytes(), ..Sent::default() };
    assert_eq!(sent.answer(&site).await, failure(PROXIED.0, PROXIED.1), "but for a proxy");
}

#[tokio::test]
async fn a_proxy_before_the_program_is_one_whatever_the_program_says() {
    let site = site();
    site.parameter("ValidateIPAddress", "T");
    site.parameter("TrustedListOfIPs", "192.0.2.7");
    let body = format!(
        "xml=<request>{}{}</request>",
        app("seats", PASSWORD),
        login(A1, "ada", &from("192.0.2.7", "false"))
    );
    let sent = Sent { headers: vec![("via", "1.1 proxy")], body: body.into_bytes(), ..Sent::default() };
    assert_eq!(sent.answer(&site).await, failure(PROXIED.0, PROXIED.1));
    assert_eq!(site.em.last_proxy(), PEER.parse().ok(), "not the phone that the program names");
}
