//! Who may come in at the SOAP door: challenge, banner, roles, public schema.

use crate::support::gateway::{TestGateway, basic};

fn get(gateway: &TestGateway, authorization: &str) -> (u16, String) {
    let answer = gateway.tls().request("GET", "/axl/", &[("Authorization", authorization)], "");
    (answer.status, answer.body)
}

#[test]
fn a_client_without_credentials_is_challenged() {
    let gateway = TestGateway::start();
    let answer = gateway.tls().get("/axl/");
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"AXL API\", charset=\"UTF-8\""));
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(answer.body.contains("HTTP Status 401"), "{}", answer.body);
}

#[test]
fn unknown_users_and_wrong_passwords_look_the_same() {
    let gateway = TestGateway::start();
    let (unknown, wrong) = (get(&gateway, &basic("nobody", "x")), get(&gateway, &basic("admin", "x")));
    assert_eq!(unknown, wrong);
    assert_eq!(unknown.0, 401);
}

#[test]
fn good_credentials_show_the_banner() {
    let gateway = TestGateway::start();
    let (status, body) = get(&gateway, &gateway.authorization());
    assert_eq!(status, 200);
    assert!(body.contains("Cisco CallManager: AXL Web Service"), "{body}");
    let case = basic("ADMIN", &gateway.password);
    assert_eq!(get(&gateway, &case).0, 200);
}

#[test]
fn an_account_without_a_role_is_forbidden() {
    let gateway = TestGateway::start();
    let db = gateway.database.open_real();
    db.write_blocking(|tx| {
        use emgate::store::associations::{self, Association};
        use emgate::store::objects::{self, Selector};
        let account =
            objects::find(tx, "AppUser", &Selector::name("admin"))?.expect("the first administrator");
        associations::associate(tx, account.pk, Association::Group, &[])
    })
    .unwrap();
    let (status, body) = get(&gateway, &gateway.authorization());
    assert_eq!(status, 403);
    assert!(body.contains("HTTP Status 403"), "{body}");
}

#[test]
fn the_schema_is_public_and_complete() {
    let gateway = TestGateway::start();
    let tls = gateway.tls();
    let described = tls.get("/axl/?wsdl");
    assert_eq!((described.status, described.header("content-type")), (200, Some("text/xml; charset=utf-8")));
    assert!(described.body.contains("location=\"https://localhost/axl/\""));
    assert_eq!(tls.get("/axl/AXLAPI.wsdl").body, described.body);
    for place in described.body.split("schemaLocation=\"").skip(1) {
        let file = place.split('"').next().unwrap();
        let answer = tls.get(&format!("/axl/{file}"));
        assert_eq!(answer.status, 200, "{file}");
        assert!(answer.body.contains("http://www.cisco.com/AXL/API/15.0"), "{file}");
    }
    let older = tls.get("/axl/12.5/AXLAPI.wsdl");
    assert!(older.body.contains("http://www.cisco.com/AXL/API/12.5"));
    assert!(!older.body.contains("API/15.0"));
}
