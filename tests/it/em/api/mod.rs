//! The application API, as programs talk to it: whole answers, byte for byte.

mod login;

use actix_web::{App, test};
use emgate::em::api::{Api, PATH, routes};
use emgate::store::associations::Association;
use emgate::store::objects::{self, Selector};

use crate::support::site::Site;

/// The password of every program and person.
const PASSWORD: &str = "a-Seat-4-all";

/// A success, as every request that changes something has it.
const SUCCESS: &str = "<?xml version=\"1.0\"?>\n<response>\n<success/>\n</response>\n";

/// Two phones, two people, a program that may act for them.
fn site() -> Site {
    let site = Site::new();
    site.phone("SEP0000000000A1");
    site.phone("SEP0000000000A2");
    for user in ["ada", "bob"] {
        let profile = site.profile(&format!("UDP_{user}"));
        site.user(user, &[profile]);
    }
    proxy(&site, "seats");
    site
}

/// A program with the proxy right.
fn proxy(site: &Site, name: &str) {
    let program = site.app_user(name, PASSWORD);
    let group = site.write(|tx| {
        objects::find(tx, "UserGroup", &Selector::name("Standard EM Authentication Proxy Rights"))
    });
    site.associate(program, Association::Group, &[group.expect("the group is seeded").pk]);
}

/// What comes back for a form.
async fn post(site: &Site, form: &str) -> String {
    let app =
        test::init_service(App::new().configure(|config| routes(config, Api::new(site.em.clone())))).await;
    let request = test::TestRequest::post()
        .uri(PATH)
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .peer_addr("10.20.4.17:50000".parse().unwrap())
        .set_payload(form.to_owned())
        .to_request();
    let response = test::call_service(&app, request).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers().get("content-type").unwrap(), "text/xml;charset=UTF-8");
    String::from_utf8(test::read_body(response).await.to_vec()).unwrap()
}

/// What the program `seats` gets for a request.
async fn request(site: &Site, inside: &str) -> String {
    post(site, &format!("xml=<request>{}{inside}</request>", app("seats", PASSWORD))).await
}

fn app(id: &str, password: &str) -> String {
    format!("<appInfo><appID>{id}</appID><appCertificate>{password}</appCertificate></appInfo>")
}

fn login(phone: &str, user: &str, more: &str) -> String {
    format!("<login><deviceName>{phone}</deviceName><userID>{user}</userID>{more}</login>")
}

fn logout(phone: &str) -> String {
    format!("<logout><deviceName>{phone}</deviceName></logout>")
}

/// A failure of a request.
fn failure(code: u16, text: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<response>\n<failure>\n<error code=\"{code}\">{text}</error>\n</failure>\n</response>\n"
    )
}
