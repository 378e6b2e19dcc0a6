//! Secrets leave no trace: not in what the program prints or logs at its loudest, not in its tables, events, metrics, answers (SEC-1).

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::support::gateway::{StateDir, basic};
use crate::support::process::emgate;
use crate::support::waiting::await_some;

use super::target::{Expect, PHONE, Target, envelope};

const EM_API: &str = "/emservice/EMServiceServlet";
const PINS: [&str; 5] = ["918273645", "817263540", "736455281", "645518273", "554637281"];
const PASSWORDS: [&str; 3] = ["Qx9-password-one", "Qx9-password-two", "Qx9-password-three"];

fn provoke(target: &mut Target) -> Vec<String> {
    let mut said = Vec::new();
    let user = |more: &str| format!("<user><lastName>x</lastName><userid>eve</userid>{more}</user>");
    let (first, second) = (PINS[0], PINS[1]);
    let (word, other) = (PASSWORDS[0], PASSWORDS[1]);
    for (operation, inside) in [
        ("addUser", user(&format!("<pin>{first}</pin><password>{word}</password><phoneProfiles><profileName>Ada at work</profileName></phoneProfiles>"))),
        ("addUser", user(&format!("<pin>{first}</pin><password>{word}</password>"))),
        ("addUser", user(&format!("<pin>{first}</pin><pin>{second}</pin>"))),
        ("addUser", user(&format!("<pin>{first}x</pin>"))),
        ("addUser", user(&format!("<pin><x>{first}</x></pin>"))),
        ("addUser", user(&format!("<pinn>{first}</pinn><description>{}", "<"))),
        ("addUser", format!("<pin>{first}</pin>")),
        ("updateUser", format!("<userid>eve</userid><pin>{second}</pin><password>{other}</password>")),
        ("updateUser", format!("<userid>eve</userid><password>{}{other}</password>", "x".repeat(200))),
        ("updateUser", format!("<userid>none</userid><pin>{second}</pin>")),
        ("updateAppUser", format!("<userid>robot</userid><password>{}</password>", PASSWORDS[2])),
        ("getUser", "<userid>eve</userid>".to_owned()),
        ("listUser", "<searchCriteria><userid>%</userid></searchCriteria><returnedTags><userid/><pin/><password/></returnedTags>".to_owned()),
    ] {
        said.push(target.post(envelope(operation, &inside)).body);
    }
    for (user, pin) in [("eve", PINS[2]), ("nobody", PINS[3]), (PINS[4], "1"), ("eve", second)] {
        said.push(
            target.phone.get(&format!("/emapp/EMAppServlet?device={PHONE}&userid={user}&seq={pin}")).body,
        );
    }
    said.push(
        target
            .phone
            .get(&format!("/emapp/EMAppServlet?device={PHONE}&userid=eve&seq={second}&seq={first}"))
            .body,
    );
    said.push(target.phone.get(&format!("/emapp/EMAppServlet?device={PHONE}&doLogout=true")).body);
    let apps =
        [("eve", other), ("eve", word), (word, other), ("eve", &*"x".repeat(200)), ("robot", PASSWORDS[2])];
    for (n, (app, certificate)) in (1..).zip(apps) {
        // failures add up by address
        let client = target.phone.clone().at(Ipv4Addr::new(127, 0, 3, n).into());
        for (tag, end) in [("appCertificate", ">"), ("appEncryptedCertificate", ">"), ("appCertificate", "")]
        {
            let document = format!(
                "<request><appInfo><appID>{app}</appID><{tag}>{certificate}</{tag}></appInfo>\
                 <login><deviceName>{PHONE}</deviceName><userID>eve</userID></login></request{end}"
            );
            said.push(client.request("POST", EM_API, &[], &format!("xml={document}")).body);
            let query = document.replace('<', "%3C").replace('>', "%3E");
            said.push(client.get(&format!("{EM_API}?xml={query}&password={other}")).body);
        }
    }
    for (old, new, again) in [
        (PINS[3], PINS[2], PINS[2]),
        (second, PINS[2], PINS[4]),
        (second, PINS[2], "x"),
        (second, "1", "1"),
        (second, PINS[2], PINS[2]),
        (PINS[2], second, second),
    ] {
        let query = format!(
            "/changecredential/ChangeCredentialServlet?changePin=true&device={PHONE}&userid=eve&oldpin={old}&newpin={new}&confirmnewpin={again}"
        );
        said.push(target.phone.get(&query).body);
        said.push(target.phone.get(&format!("{query}&newpin={new}")).body);
    }
    said.extend(operate(target));
    let wrong = basic("eve", PASSWORDS[2]);
    said.push(target.tls.request("POST", "/axl/", &[("Authorization", &wrong)], "x").body);
    said
}

/// Sets PINs by hand, as they can and as they cannot be.
fn operate(target: &Target) -> Vec<String> {
    let admin = basic("admin", &target.password);
    let (path, [first, second, third, ..]) = ("/operator/v1/pin/reset", PINS);
    let bodies = [
        format!(r#"{{"user": "eve", "pin": "{first}", "reason": "a new badge"}}"#),
        format!(r#"{{"user": "nobody", "pin": "{second}"}}"#),
        format!(r#"{{"user": "eve", "pin": {second}}}"#),
        format!(r#"{{"user": "eve", "pin": ["{second}"]}}"#),
        format!(r#"{{"user": "eve", "pin": "{second}x"}}"#),
        format!(r#"{{"user": "eve", "pin": "{second}", "pin": "{third}"}}"#),
        format!(r#"{{"user": "eve", "seq": "{second}"}}"#),
        format!(r#"{{"user": "eve", "pin": "{second}", "mustChange": "{third}"#),
        format!(r#""{second}""#),
    ];
    let query = format!("{path}?pin={third}");
    let asked = bodies.iter().flat_map(|body| [path, query.as_str()].map(|target| (target, body)));
    let ask = |(to, body): (&str, &String)| {
        let answer = target.tls.request("POST", to, &[("Authorization", &admin)], body);
        assert!([200, 400, 404].contains(&answer.status), "{}", answer.body);
        answer.body
    };
    asked.map(ask).collect()
}

/// Has the gateway make cookies and shows them to it, good and spoiled, alone and beside a password; gives them with what was answered.
fn cookies(target: &Target) -> (Vec<String>, Vec<String>) {
    let own = basic("admin", &target.password);
    let ask = |fields: &[(&str, &str)], body: &str| target.tls.request("POST", "/axl/", fields, body);
    let made = ask(&[("Authorization", &own)], "x");
    let made = made.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let spoiled = made.replace("JSESSIONIDSSO=", "JSESSIONIDSSO=spoiled");
    let mut said = Vec::new();
    for cookie in [&made, &spoiled] {
        for fields in [&[("Cookie", cookie.as_str())][..], &[("Cookie", cookie), ("Authorization", &own)]] {
            for body in ["x", &envelope("addUser", "<user/>"), &envelope("getCCMVersion", "")] {
                said.push(ask(fields, body).body);
            }
        }
    }
    let value = |cookie: &str| cookie.split_once('=').unwrap().1.to_owned();
    (vec![value(&made), value(&spoiled), own.split_once(' ').unwrap().1.to_owned()], said)
}

/// Everything in the topics up to the last change.
#[track_caller]
fn published(servers: &str, prefix: &str) -> String {
    let state = StateDir::new();
    let arguments = [
        "events",
        "tail",
        "--from",
        "beginning",
        "--json",
        "--no-follow",
        "--kafka",
        servers,
        "--topic-prefix",
        prefix,
    ];
    let said = await_some(Duration::from_secs(60), || {
        let said = String::from_utf8(emgate(&arguments, "", &state).output().unwrap().stdout).unwrap();
        if said.contains("\"the last\"") { Ok(said) } else { Err(said) }
    });
    assert!(said.contains("\"eve\"") && said.contains("em.device.login.v1"), "{said}");
    said
}

#[test]
fn no_secret_is_found_anywhere_afterwards() {
    let topics = std::env::var("KAFKA_BOOTSTRAP").ok();
    let prefix = format!("secrets-{}", std::process::id());
    let kafka = topics.iter().flat_map(|servers| ["--kafka", servers, "--topic-prefix", &prefix]);
    let flags: Vec<&str> = ["--log", "trace"].into_iter().chain(kafka).collect();
    let mut target = Target::start_with(&flags);
    target.provision();
    let own = target.password.clone();
    let said = provoke(&mut target);
    let (shown, answers) = cookies(&target);
    let said = [said, answers].concat();
    assert!(said.iter().any(|s| s.contains("Init:") || s.contains("Login successful")), "a login worked");
    assert!(said.iter().any(|s| s.contains("PIN change is complete")), "a PIN was changed");
    assert!(said.iter().any(|s| s.contains("<success/>")), "one over the application API too");
    let stored = target.stored();
    let metrics = target.process.client("health, metrics").get("/metrics").body;
    target.throw("still there", envelope("getUser", "<userid>eve</userid>"), Expect::Answer);
    let last = envelope("addRoutePartition", "<routePartition><name>the last</name></routePartition>");
    target.throw("the last", last, Expect::Answer);
    let topics = topics.map(|servers| published(&servers, &prefix)).unwrap_or_default();
    let (printed, log) = target.end();
    assert!(log.lines().count() > 20, "{log}");
    let printed = printed.replacen(&own, "", 1);
    let given = PINS.iter().chain(&PASSWORDS).copied().chain(["24680", "Pa55-word!", own.as_str()]);
    for secret in given.chain(shown.iter().map(String::as_str)) {
        for (place, text) in [
            ("print", &printed),
            ("log", &log),
            ("tables", &stored),
            ("metrics", &metrics),
            ("topics", &topics),
        ] {
            let at = text.find(secret);
            assert!(
                at.is_none(),
                "{secret} in {place}: {:?}",
                at.map(|at| text[at.saturating_sub(200)..].chars().take(400).collect::<String>())
            );
        }
        assert!(!said.iter().any(|s| s.contains(secret)), "{secret} in an answer");
    }
}
