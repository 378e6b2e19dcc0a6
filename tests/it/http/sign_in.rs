//! The cookie of API clients: who gets one, what it is good for, when it is dead.

use actix_web::cookie::Cookie;
use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue};
use emgate::auth::Source;
use emgate::auth::proof::Refused;
use emgate::auth::sign_in::{self, SignIns};
use emgate::store::{StoreError, Tx};

use crate::support::axl::{AxlClient, Caller, envelope};
use crate::support::database::TestDatabase;
use crate::support::gateway::{StateDir, TestGateway, basic};
use crate::support::http::{Answer, Client};
use crate::support::process::Process;
use crate::support::site::Site;

const WRITERS: &str =
    "<associatedGroups><userGroup><name>Standard AXL API Access</name></userGroup></associatedGroups>";

fn banner(client: &Client, headers: &[(&str, &str)]) -> Answer {
    client.request("GET", "/axl/", headers, "")
}

/// The cookie that an answer sets, as a client sends it back.
fn cookie(answer: &Answer) -> Option<String> {
    let (pair, attributes) = answer.header("set-cookie")?.split_once(';').unwrap();
    assert_eq!(attributes, " HttpOnly; SameSite=Strict; Secure; Path=/");
    let value = pair.strip_prefix("JSESSIONIDSSO=").unwrap();
    assert!(value.len() < 128 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
    Some(pair.to_owned())
}

/// Adds a program that may write.
fn add_program(gateway: &TestGateway, name: &str) -> String {
    let inner =
        format!("<appUser><userid>{name}</userid><password>{name}-Pa55-word</password>{WRITERS}</appUser>");
    AxlClient::of(gateway).uuid("addAppUser", &inner);
    basic(name, &format!("{name}-Pa55-word"))
}

#[test]
fn the_first_answer_sets_a_cookie_and_the_following_do_not() {
    let gateway = TestGateway::start();
    let (tls, own) = (gateway.tls(), gateway.authorization());
    assert_eq!(cookie(&banner(&tls, &[])), None);
    assert_eq!(cookie(&banner(&tls, &[("Authorization", &basic("admin", "x"))])), None);
    assert_eq!(cookie(&tls.get("/axl/?wsdl")), None);
    let first = banner(&tls, &[("Authorization", &own)]);
    let sent = cookie(&first).expect("a cookie");
    assert!(!first.body.contains(&sent));
    for headers in [&[("Authorization", own.as_str()), ("Cookie", &sent)][..], &[("Cookie", &sent)]] {
        let next = banner(&tls, headers);
        assert_eq!((next.status, cookie(&next)), (200, None), "{headers:?}");
    }
    let refused =
        tls.request("POST", "/axl/", &[("Authorization", &own)], &envelope("15.0", "addNothing", ""));
    assert_eq!(refused.status, 500);
    assert!(cookie(&refused).is_some(), "whoever is known gets one, whatever the answer");
}

#[test]
fn a_cookie_alone_acts_as_its_account() {
    let gateway = TestGateway::start();
    let (tls, robot) = (gateway.tls(), add_program(&gateway, "robot"));
    let sent = cookie(&banner(&tls, &[("Authorization", &robot)])).unwrap();
    let add =
        envelope("15.0", "addRoutePartition", "<routePartition><name>by cookie</name></routePartition>");
    assert_eq!(tls.request("POST", "/axl/", &[("Cookie", &sent)], &add).status, 200);
    let last = last_event(&gateway);
    assert_eq!(
        (&last["data"]["objectName"], &last["authid"]),
        (&"by cookie".into(), &"robot".into()),
        "{last}"
    );
}

fn last_event(gateway: &TestGateway) -> serde_json::Value {
    use diesel::prelude::*;
    use emgate::store::schema::event_log;
    let newest = event_log::table.order(event_log::seq.desc()).select(event_log::envelope);
    let read = |tx: &mut Tx<'_>| -> Result<_, StoreError> { Ok(newest.first(tx.connection())?) };
    gateway.database.open_real().write_blocking(read).unwrap()
}

#[test]
fn what_is_no_cookie_of_ours_is_refused_alone_and_ignored_beside_a_password() {
    let gateway = TestGateway::start();
    let (tls, own) = (gateway.tls(), gateway.authorization());
    let good = cookie(&banner(&tls, &[("Authorization", &own)])).unwrap();
    let changed = (14..good.len()).step_by(7).map(|at| {
        let other = if good.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &good[..at], &good[at + 1..])
    });
    let others = ["JSESSIONIDSSO=", "JSESSIONIDSSO=4F3A9C", "x=y"].map(str::to_owned);
    let spoiled = [format!("{good}A"), good[..good.len() - 2].to_owned(), format!("{good}; {good}")];
    for bad in changed.chain(others).chain(spoiled) {
        let alone = banner(&tls, &[("Cookie", &bad)]);
        assert_eq!(alone.status, 401, "{bad}");
        assert!(alone.header("www-authenticate").is_some() && alone.body.contains("HTTP Status 401"));
        let both = banner(&tls, &[("Cookie", &bad), ("Authorization", &own)]);
        assert!(both.status == 200 && cookie(&both).is_some(), "{bad}");
    }
    for bad in [&basic("admin", "wrong"), &basic("nobody", "x"), "Bearer x"] {
        assert_eq!(banner(&tls, &[("Cookie", &good), ("Authorization", bad)]).status, 401, "{bad}");
    }
    assert_eq!(banner(&tls, &[("Cookie", &good)]).status, 200);
}

#[test]
fn a_password_beside_the_cookie_of_another_account_wins() {
    let gateway = TestGateway::start();
    let (tls, robot) = (gateway.tls(), add_program(&gateway, "robot"));
    let admins = cookie(&banner(&tls, &[("Authorization", &gateway.authorization())])).unwrap();
    let add = envelope("15.0", "addRoutePartition", "<routePartition><name>p</name></routePartition>");
    let answer = tls.request("POST", "/axl/", &[("Cookie", &admins), ("Authorization", &robot)], &add);
    assert_eq!((answer.status, &last_event(&gateway)["authid"]), (200, &"robot".into()));
    assert_ne!(cookie(&answer).expect("one of its own"), admins);
}

/// What ends a cookie of the account of this name.
type End<'e> = &'e dyn Fn(&str);

#[test]
fn a_cookie_is_dead_at_once_with_what_it_stands_for() {
    let gateway = TestGateway::start();
    let (tls, admin) = (gateway.tls(), AxlClient::of(&gateway));
    let groups = |name: &str| {
        format!("<associatedGroups><userGroup><name>{name}</name></userGroup></associatedGroups>")
    };
    let lock = |name: &str| {
        (0..3).for_each(|_| assert_eq!(banner(&tls, &[("Authorization", &basic(name, "x"))]).status, 401));
    };
    let update = |name: &str, inner: &str| {
        admin.uuid("updateAppUser", &format!("<userid>{name}</userid>{inner}"));
    };
    let ends: [(&str, End<'_>); 4] = [
        ("password", &|name| update(name, "<password>another-Pa55-word</password>")),
        ("rights", &|name| update(name, &groups("Standard AXL API Users"))),
        ("account", &|name| drop(admin.uuid("removeAppUser", &format!("<userid>{name}</userid>")))),
        ("lock", &lock),
    ];
    for (name, end) in ends {
        let robot = add_program(&gateway, name);
        let sent = cookie(&banner(&tls, &[("Authorization", &robot)])).unwrap();
        update(name, "<newUserid>renamed</newUserid>");
        assert_eq!(banner(&tls, &[("Cookie", &sent)]).status, 200, "{name}");
        update("renamed", &format!("<newUserid>{name}</newUserid>"));
        end(name);
        assert_eq!(banner(&tls, &[("Cookie", &sent)]).status, 401, "{name}");
        if name == "account" {
            add_program(&gateway, name);
            assert_eq!(banner(&tls, &[("Cookie", &sent)]).status, 401, "one of the same name");
        }
    }
    let sent = cookie(&banner(&tls, &[("Authorization", &gateway.authorization())]));
    assert!(sent.is_some(), "the administrator is not locked out by the guesses at others");
}

#[test]
fn pages_of_other_sites_cannot_use_a_cookie() {
    let gateway = TestGateway::start();
    let tls = gateway.tls();
    let sent = cookie(&banner(&tls, &[("Authorization", &gateway.authorization())])).unwrap();
    let foreign = [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ];
    let call = envelope("15.0", "getCCMVersion", "");
    for (name, value) in foreign {
        let answer = tls.request("POST", "/axl/", &[("Cookie", &sent), (name, value)], &call);
        assert_eq!(answer.status, 403, "{name}: {value}");
    }
    let own = [("Cookie", sent.as_str()), ("Origin", "https://localhost"), ("Sec-Fetch-Site", "same-origin")];
    assert_eq!(tls.request("POST", "/axl/", &own, &call).status, 200);
}

#[test]
fn every_node_knows_the_cookie_of_every_other_also_after_a_restart() {
    let (database, state, other) = (TestDatabase::new(), StateDir::new(), StateDir::new());
    let start = |name, state| Process::start(&["serve", "--node-name", name], &database.url, state);
    let tls = |node: &Process, state: &StateDir| {
        Client::tls(node.address("everything, TLS"), &state.0.join("tls-certificate.pem"))
    };
    let first = start("one", &state);
    let printed = first.printed.lines().find_map(|l| l.trim().strip_prefix("password")).unwrap();
    let own = basic("admin", printed.trim());
    std::fs::copy(state.0.join("pepper"), other.0.join("pepper")).unwrap();
    let second = start("two", &other);
    let sent = cookie(&banner(&tls(&first, &state), &[("Authorization", &own)])).unwrap();
    assert_eq!(banner(&tls(&second, &other), &[("Cookie", &sent)]).status, 200);
    first.end();
    let first = start("one", &state);
    assert_eq!(banner(&tls(&first, &state), &[("Cookie", &sent)]).status, 200);
    let db = database.open_real();
    db.write_blocking(|tx| {
        use diesel::prelude::*;
        use emgate::store::schema::cluster;
        let secret = cluster::sign_in_secret.eq(vec![7_u8; 32]);
        Ok::<_, StoreError>(diesel::update(cluster::table).set(secret).execute(tx.connection())?)
    })
    .unwrap();
    first.end();
    let first = start("one", &state);
    assert_eq!(banner(&tls(&first, &state), &[("Cookie", &sent)]).status, 401);
}

/// What one account is told at a moment of the clock.
struct Visitor<'s> {
    site: &'s Site,
    sign_ins: SignIns,
}

impl Visitor<'_> {
    /// The cookie after a request with this one, and with the password where asked: what the answer set, else what was sent.
    async fn visit(&self, sent: Option<&Cookie<'static>>, password: bool) -> Option<Cookie<'static>> {
        let mut headers = HeaderMap::new();
        if let Some(cookie) = sent {
            headers.insert(COOKIE, HeaderValue::from_str(&cookie.stripped().to_string()).unwrap());
        }
        if password {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(&basic("robot", "Pa55-word!")).unwrap());
        }
        let source = Source { address: None, phone: None };
        match self.sign_ins.admit(sign_in::proof(&headers)?, &source).await {
            Ok((who, set)) => {
                assert_eq!(who.name.as_str(), "robot");
                set.or_else(|| sent.cloned())
            }
            Err(Refused::Wrong) => None,
            Err(other) => panic!("{other}"),
        }
    }

    fn wait(&self, seconds: i64) {
        self.site.clock.advance_seconds(seconds);
    }
}

#[tokio::test]
async fn a_cookie_dies_half_an_hour_after_its_last_use_and_eight_hours_after_the_password() {
    let site = Site::new();
    site.app_user("robot", "Pa55-word!");
    let visitor =
        Visitor { site: &site, sign_ins: SignIns::new(site.em.verifier().clone(), b"of all nodes") };
    let first = visitor.visit(None, true).await.unwrap();
    visitor.wait(59);
    assert_eq!(visitor.visit(Some(&first), false).await.as_ref(), Some(&first));
    assert_eq!(visitor.visit(Some(&first), true).await.as_ref(), Some(&first));
    visitor.wait(1);
    let renewed = visitor.visit(Some(&first), false).await.unwrap();
    assert_ne!(renewed, first);
    assert_ne!(visitor.visit(Some(&first), true).await.unwrap(), first);
    visitor.wait(1739);
    assert!(visitor.visit(Some(&first), false).await.is_some());
    visitor.wait(1);
    assert_eq!(visitor.visit(Some(&first), false).await, None);
    assert!(visitor.visit(Some(&first), true).await.is_some_and(|set| set != first));
    let mut held = renewed;
    let mut lived = 1800;
    while let Some(next) = visitor.visit(Some(&held), false).await {
        held = next;
        visitor.wait(1200);
        lived += 1200;
    }
    assert_eq!(lived, 8 * 3600 + 600, "the first request after eight hours");
    let other = SignIns::new(site.em.verifier().clone(), b"of another cluster");
    let foreign = Visitor { site: &site, sign_ins: other };
    let fresh = visitor.visit(None, true).await.unwrap();
    assert_eq!(foreign.visit(Some(&fresh), false).await, None);
}
