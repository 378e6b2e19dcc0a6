//! Secrets leave no trace: not in what the program prints or logs at its loudest, not in its tables, events, metrics, answers (SEC-1).

use super::target::{Expect, PHONE, Target, envelope};

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
    let wrong = crate::support::gateway::basic("eve", PASSWORDS[2]);
    said.push(target.tls.request("POST", "/axl/", &[("Authorization", &wrong)], "x").body);
    said
}

#[test]
fn no_secret_is_found_anywhere_afterwards() {
    let mut target = Target::start_with(&["--log", "trace"]);
    target.provision();
    let own = target.password.clone();
    let said = provoke(&mut target);
    assert!(said.iter().any(|s| s.contains("Init:") || s.contains("Login successful")), "a login worked");
    let stored = target.stored();
    let metrics = target.process.client("health, metrics").get("/metrics").body;
    target.throw("still there", envelope("getUser", "<userid>eve</userid>"), Expect::Answer);
    let (printed, log) = target.end();
    assert!(log.lines().count() > 20, "{log}");
    let printed = printed.replacen(&own, "", 1);
    for secret in PINS.iter().chain(&PASSWORDS).copied().chain(["24680", "Pa55-word!", own.as_str()]) {
        for (place, text) in [("print", &printed), ("log", &log), ("tables", &stored), ("metrics", &metrics)]
        {
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
