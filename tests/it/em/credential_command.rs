//! `emgate pin`, as an operator runs it beside a gateway.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::{StateDir, TestGateway};
use crate::support::process::emgate;

pub(super) const PHONE: &str = "SEP0000000000A1";

/// Runs the command; gives its exit status and what it printed.
fn pin(gateway: &TestGateway, arguments: &[&str], input: &str) -> (i32, String, String) {
    let arguments: Vec<&str> = ["pin"].iter().chain(arguments).copied().collect();
    let mut child = emgate(&arguments, &gateway.database.url, &gateway.state)
        .env("EMGATE_CLUSTER_ID", "lab")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (ended.status.code().unwrap(), text(ended.stdout), text(ended.stderr))
}

fn json(gateway: &TestGateway, arguments: &[&str], input: &str) -> Value {
    let arguments: Vec<&str> = arguments.iter().chain(&["--json"]).copied().collect();
    let (status, printed, said) = pin(gateway, &arguments, input);
    assert_eq!(status, 0, "{said}");
    serde_json::from_str(&printed).unwrap()
}

/// The prompt after a login.
pub(super) fn log_in(gateway: &TestGateway, pin: &str) -> String {
    let query = format!("/emapp/EMAppServlet?device={PHONE}&userid=ada&seq={pin}");
    let body = gateway.phone().get(&query).body;
    let (_, rest) = body.split_once("<Prompt>").unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

/// A gateway with one person at one phone.
pub(super) fn gateway() -> TestGateway {
    let gateway = TestGateway::start();
    let axl = AxlClient::of(&gateway);
    axl.uuid("addPhone", &format!("<phone><name>{PHONE}</name><product>Cisco 8851</product><protocol>SIP</protocol><enableExtensionMobility>true</enableExtensionMobility></phone>"));
    axl.uuid("addDeviceProfile", "<deviceProfile><name>UDP</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>");
    axl.uuid("addUser", "<user><lastName>Ada</lastName><userid>ada</userid><pin>12345</pin><phoneProfiles><profileName>UDP</profileName></phoneProfiles></user>");
    gateway
}

/// The events of the PIN so far: what happened, by whom and why.
pub(super) fn told(gateway: &TestGateway) -> Vec<Value> {
    use diesel::prelude::*;
    use emgate::store::{StoreError, schema::event_log};
    let read = gateway.database.open_real().write_blocking(|tx| -> Result<Vec<Value>, StoreError> {
        let credentials = event_log::table.filter(event_log::type_.eq("em.credential.changed.v1"));
        Ok(credentials.order(event_log::seq).select(event_log::envelope).load(tx.connection())?)
    });
    read.unwrap()
}

#[test]
fn a_locked_pin_is_seen_unlocked_and_reset_by_an_operator() {
    let gateway = gateway();
    for guess in ["1", "2", "3", "12345"] {
        assert_eq!(log_in(&gateway, guess), "Please try to login again (201)");
    }
    let state = json(&gateway, &["show-state", "--user", "ADA"], "");
    assert_eq!(
        (&state["set"], &state["locked"], &state["lockedBy"]),
        (&true.into(), &true.into(), &"failed-attempts".into())
    );
    assert_eq!((&state["failedAttempts"], &state["ageDays"]), (&3.into(), &0.into()));
    let (status, lines, _) = pin(&gateway, &["show-state", "--user", "ada"], "");
    assert_eq!(status, 0);
    assert!(
        lines.contains("failed attempts  3\n")
            && lines.contains("\nlocked           failed attempts, until "),
        "{lines}"
    );

    let unlocked = json(&gateway, &["unlock", "--user", "ada", "--reason", "forgot it"], "");
    assert_eq!(unlocked["unlocked"], true);
    assert_eq!(json(&gateway, &["unlock", "--user", "ada"], "")["unlocked"], false);
    assert_eq!(log_in(&gateway, "12345"), "Login successful");
    gateway.phone().get(&format!("/emapp/EMAppServlet?device={PHONE}&doLogout=true"));

    // given by the standard input, and not shown
    let (status, printed, said) = pin(&gateway, &["reset", "--user", "ada", "--stdin"], "90210\n");
    assert_eq!((status, printed.contains("90210"), said.as_str()), (0, false, ""), "{printed}");
    assert_eq!(log_in(&gateway, "12345"), "Please try to login again (201)");
    assert_eq!(log_in(&gateway, "90210"), "Login successful");
    gateway.phone().get(&format!("/emapp/EMAppServlet?device={PHONE}&doLogout=true"));

    // made, and good for being changed alone
    let made = json(&gateway, &["reset", "--user", "ada", "--must-change"], "");
    assert_eq!(log_in(&gateway, made["pin"].as_str().unwrap()), "Login is unavailable(41)");

    let told = told(&gateway);
    let changes: Vec<&str> = told.iter().map(|e| e["data"]["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["locked", "unlocked", "reset", "reset"]);
    let unlocked = &told[1];
    assert_eq!(unlocked["data"]["comment"], "forgot it");
    assert!(unlocked["data"]["requestedBy"]["id"].is_string() && told[2]["data"].get("comment").is_none());
    assert_eq!(
        (&unlocked["data"]["requestedBy"]["via"], &unlocked["authtype"]),
        (&"cli".into(), &"user".into())
    );
}

#[test]
fn what_cannot_be_done_has_a_status_of_its_own() {
    let gateway = gateway();
    let (status, printed, said) = pin(&gateway, &["show-state", "--user", "nobody"], "");
    assert_eq!(
        (status, printed.as_str(), said.as_str()),
        (1, "", "emgate: nobody has the user id \"nobody\"\n")
    );
    for arguments in [&["reset", "--user", "nobody"][..], &["unlock", "--user", "nobody"]] {
        assert_eq!(pin(&gateway, arguments, "").0, 1);
    }
    let (status, _, said) = pin(&gateway, &["reset", "--user", "ada", "--stdin"], "12x45\n");
    assert_eq!((status, said.as_str()), (2, "emgate: standard input: a pin is 1 to 64 digits\n"));
    let (status, _, said) = pin(&gateway, &["unlock", "--user", "a\u{200B}da"], "");
    assert!(status == 2 && said.starts_with("emgate: user: a user id is 1 to 128"), "{said}");
    let (status, _, said) = pin(&gateway, &["unlock", "--user", "ada", "--reason", "two\nlines"], "");
    assert!(status == 2 && said.contains("give 1 to 256 characters"), "{said}");
    // another machine without the pepper of the cluster
    let elsewhere = StateDir::new();
    let mut command = emgate(&["pin", "reset", "--user", "ada"], &gateway.database.url, &elsewhere);
    let ended = command.output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert!(String::from_utf8(ended.stderr).unwrap().contains("pepper file"));
    assert_eq!(told(&gateway), Vec::<Value>::new());
}
