//! Who may come in: at the SOAP door challenge, banner, roles, public schema; at the application API the walk over all that can be asked.

use std::net::Ipv4Addr;

use emgate::em::api::PATH;

use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::{TestGateway, basic};
use crate::support::http::Client;

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

/// All that can be asked of the application API, about `pat`.
const ASKS: [(&str, &str); 8] = [
    ("request", "<login><deviceName>SEP0000000000AA</deviceName><userID>pat</userID></login>"),
    ("request", "<logout><deviceName>SEP0000000000AA</deviceName></logout>"),
    ("request", "<logoutAll/>"),
    ("query", "<deviceUserQuery><deviceName>SEP0000000000AA</deviceName></deviceUserQuery>"),
    ("query", "<userDevicesQuery><userID>pat</userID></userDevicesQuery>"),
    ("query", "<checkUser><userID>pat</userID></checkUser>"),
    ("query", "<deviceProfileQuery><userID>pat</userID></deviceProfileQuery>"),
    ("query", "<userDeviceProfileQuery><userID>pat</userID></userDeviceProfileQuery>"),
];

/// The code in the answer to something that is asked; none: it was carried out.
fn em_code(client: &Client, app: &str, (root, inside): (&str, &str)) -> Option<u16> {
    let answer = client.request("POST", PATH, &[], &format!("xml=<{root}>{app}{inside}</{root}>"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let (_, rest) = answer.body.split_once("<error code=\"")?;
    Some(rest.split_once('"').unwrap().0.parse().unwrap())
}

#[test]
fn the_application_api_does_nothing_for_whom_it_does_not_know_or_trust_with_it() {
    let gateway = TestGateway::start();
    let axl = AxlClient::of(&gateway);
    for (operation, inside) in [
        (
            "addPhone",
            "<phone><name>SEP0000000000AA</name><product>Cisco 8851</product><protocol>SIP</protocol><enableExtensionMobility>true</enableExtensionMobility></phone>",
        ),
        (
            "addDeviceProfile",
            "<deviceProfile><name>P</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>",
        ),
        (
            "addUser",
            "<user><lastName>P</lastName><userid>pat</userid><phoneProfiles><profileName>P</profileName></phoneProfiles></user>",
        ),
        (
            "addUser",
            "<user><lastName>S</lastName><userid>sam</userid><password>Sam-pass-1</password><associatedGroups><userGroup><name>Standard EM Authentication Proxy Rights</name></userGroup></associatedGroups></user>",
        ),
        (
            "addAppUser",
            "<appUser><userid>reader</userid><password>Reader-pass-1</password><associatedGroups><userGroup><name>Standard AXL API Access</name></userGroup></associatedGroups></appUser>",
        ),
        (
            "addAppUser",
            "<appUser><userid>seats</userid><password>Seats-pass-1</password><associatedGroups><userGroup><name>Standard EM Authentication Proxy Rights</name></userGroup></associatedGroups></appUser>",
        ),
    ] {
        axl.uuid(operation, inside);
    }
    let app = |id: &str, password: &str| {
        format!("<appInfo><appID>{id}</appID><appCertificate>{password}</appCertificate></appInfo>")
    };
    for (n, ask) in (1..).zip(ASKS) {
        // failures add up by address
        let client = gateway.phone().at(Ipv4Addr::new(127, 0, 2, n).into());
        for (app, code) in [
            (String::new(), 1),
            (app("seats", "wrong"), 3),
            (app("nobody", "Seats-pass-1"), 3),
            (app("pat", "Seats-pass-1"), 3),
            (app("reader", "Reader-pass-1"), 10),
        ] {
            assert_eq!(em_code(&client, &app, ask), Some(code), "{app} {ask:?}");
            gateway.sql("UPDATE credentials SET failed = 0, locked_until = NULL");
        }
        if ask.1.contains("logout>") {
            continue; // whose session it is, is seen when there is one
        }
        assert_eq!(
            em_code(&client, &app("sam", "Sam-pass-1"), ask),
            Some(10),
            "a person for another: {ask:?}"
        );
    }
    for ask in ASKS {
        assert_eq!(em_code(&gateway.phone(), &app("seats", "Seats-pass-1"), ask), None, "{ask:?}");
    }
}
