//! The application API, as programs talk to it: whole answers, byte for byte.

mod audit;
mod callers;
mod codes;
mod forms;
mod login;
mod logout_all;
mod queries;
mod route;
mod strict;

use actix_web::http::Method;
use actix_web::{App, test};
use emgate::domain::credential::SecretKind;
use emgate::domain::ids::{ObjectPk, UserPk};
use emgate::em::api::{Api, PATH, routes};
use emgate::store::associations::Association;
use emgate::store::credentials;
use emgate::store::objects::{self, Selector};

use crate::support::site::Site;

/// The password of every program and person.
const PASSWORD: &str = "a-Seat-4-all";

/// Where programs are, unless a test says otherwise.
const PEER: &str = "10.20.4.17";

/// The answer to every request that was carried out.
const SUCCESS: &str = "<?xml version=\"1.0\"?>\n<response>\n<success/>\n</response>\n";

/// The phones of the small site.
const A1: &str = "SEP0000000000A1";
const A2: &str = "SEP0000000000A2";

/// Two phones, two people with a profile each, a program that may act for them.
fn site() -> Site {
    let site = Site::new();
    site.phone(A1);
    site.phone(A2);
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
    join(site, program);
}

/// Puts somebody in the group of those with the proxy right.
fn join(site: &Site, who: ObjectPk) {
    let right = Selector::name("Standard EM Authentication Proxy Rights");
    let group = site.write(|tx| objects::find(tx, "UserGroup", &right)).expect("the group is seeded");
    site.associate(who, Association::Group, &[group.pk]);
}

/// Gives a person a password.
fn give_password(site: &Site, user: UserPk) {
    let hash = site.em.verifier().hash_for_storage(SecretKind::Password, PASSWORD).unwrap();
    site.write(|tx| credentials::set(tx, ObjectPk(user.0), SecretKind::Password, &hash));
}

/// One request as it comes to the service.
struct Sent<'s> {
    method: Method,
    query: String,
    headers: Vec<(&'s str, &'s str)>,
    peer: &'s str,
    body: Vec<u8>,
}

impl Default for Sent<'_> {
    fn default() -> Self {
        let headers = vec![("content-type", "application/x-www-form-urlencoded")];
        Self { method: Method::POST, query: String::new(), headers, peer: PEER, body: Vec::new() }
    }
}

impl Sent<'_> {
    /// What comes back.
    async fn answer(self, site: &Site) -> String {
        let api = Api::new(site.em.clone());
        let app = test::init_service(App::new().configure(|config| routes(config, api))).await;
        let request = test::TestRequest::with_uri(&format!("{PATH}{}", self.query))
            .method(self.method)
            .peer_addr(format!("{}:50000", self.peer).parse().unwrap())
            .set_payload(self.body);
        let request = self.headers.into_iter().fold(request, test::TestRequest::insert_header);
        let response = test::call_service(&app, request.to_request()).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers().get("content-type").unwrap(), "text/xml;charset=UTF-8");
        let retry = response.headers().get("retry-after").map(|after| after.to_str().unwrap().to_owned());
        let body = String::from_utf8(test::read_body(response).await.to_vec()).unwrap();
        let is_busy = body.contains("<error code=\"26\">");
        assert_eq!(
            retry.as_deref(),
            is_busy.then_some("1"),
            "whoever is told to try again is told when: {body}"
        );
        body
    }
}

/// What comes back for a form.
async fn post(site: &Site, form: impl Into<Vec<u8>>) -> String {
    Sent { body: form.into(), ..Sent::default() }.answer(site).await
}

/// What the program `seats` gets for a request.
async fn request(site: &Site, inside: &str) -> String {
    request_by(site, "seats", inside).await
}

/// What somebody gets for a request.
async fn request_by(site: &Site, who: &str, inside: &str) -> String {
    post(site, format!("xml=<request>{}{inside}</request>", app(who, PASSWORD))).await
}

/// What the program `seats` gets for a query.
async fn query(site: &Site, inside: &str) -> String {
    query_by(site, "seats", inside).await
}

/// What somebody gets for a query.
async fn query_by(site: &Site, who: &str, inside: &str) -> String {
    post(site, format!("xml=<query>{}{inside}</query>", app(who, PASSWORD))).await
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

/// The answer to a request that was refused.
fn failure(code: u16, text: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n{}", query_failure(code, text))
}

/// The answer to a query that was refused.
fn query_failure(code: u16, text: &str) -> String {
    format!("<response>\n<failure>\n<error code=\"{code}\">{text}</error>\n</failure>\n</response>\n")
}

/// A refusal by a rule.
fn policy(code: u16, detail: &str) -> String {
    failure(code, &format!("Policy Violation: com.cisco.emservice.PolicyValidatorException: {detail}."))
}

/// Who cannot show who they are.
fn stranger() -> String {
    failure(3, "DB Query Error: Application Authentication Error: Could not authenticate")
}
