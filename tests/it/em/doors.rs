//! The same rules at every door, from outside: page, application API, SOAP, operators; and what each login and logout tells.

use serde_json::{Value, json};

use super::floor::{Floor, OTHER, PASSWORD, PHONE, between};
use crate::support::axl::Caller;
use crate::support::gateway::StateDir;
use crate::support::process::emgate;

const DONE: &str = "<?xml version=\"1.0\"?>\n<response>\n<success/>\n</response>\n";

fn login(phone: &str, user: &str) -> String {
    format!("<login><deviceName>{phone}</deviceName><userID>{user}</userID></login>")
}

fn logout(phone: &str) -> String {
    format!("<logout><deviceName>{phone}</deviceName></logout>")
}

/// Reason and who asked.
fn asked(event: &Value) -> (String, String, Value, String) {
    let data = &event["data"];
    let by = &data["requestedBy"];
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    (text(&data["reason"]), text(&by["kind"]), by["id"].clone(), text(&by["via"]))
}

#[test]
fn each_door_logs_people_out_and_tells_by_whom() {
    let floor = Floor::new();
    floor.program("seats", true);
    let state = StateDir::new();
    let doors: [(&str, &dyn Fn()); 5] = [
        ("page", &|| drop(floor.log_out(PHONE))),
        ("program", &|| assert_eq!(floor.api("seats", "request", &logout(PHONE)), DONE)),
        ("soap", &|| drop(floor.axl.ok("doDeviceLogout", &format!("<deviceName>{PHONE}</deviceName>")))),
        ("operator", &|| {
            floor.operator(
                "POST",
                "/operator/v1/logout",
                &json!({"phones": [PHONE], "reason": "fire drill"}).to_string(),
            );
        }),
        ("command", &|| {
            let arguments = ["logout", PHONE, "--reason", "goes to repair"];
            let output = emgate(&arguments, &floor.gateway.database.url, &state).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }),
    ];
    for (door, log_out) in &doors {
        assert_eq!(floor.log_in(PHONE, "ada"), "Login successful", "{door}");
        assert_eq!(floor.shown("getPhone", &format!("<name>{PHONE}</name>"), "loginUserId"), "ada");
        log_out();
        assert_eq!(floor.shown("getPhone", &format!("<name>{PHONE}</name>"), "loginUserId"), "", "{door}");
    }
    let told = floor.events("em.device.logout.v1");
    let mut asked: Vec<_> = told.iter().map(asked).collect();
    // whoever runs a command is an account of this machine
    let of_system = std::mem::replace(&mut asked[4].2, Value::Null);
    assert!(of_system.is_string(), "{of_system}");
    let by = |reason: &str, kind: &str, id: Value, via: &str| {
        (reason.to_owned(), kind.to_owned(), id, via.to_owned())
    };
    assert_eq!(
        asked,
        [
            by("user", "user", Value::Null, "phone"),
            by("administrator", "application", json!("seats"), "api"),
            by("administrator", "administrator", json!("admin"), "soap"),
            by("administrator", "administrator", json!("admin"), "console"),
            by("administrator", "administrator", Value::Null, "cli"),
        ]
    );
    assert_eq!(
        (&told[3]["data"]["comment"], &told[4]["data"]["comment"]),
        (&json!("fire drill"), &json!("goes to repair"))
    );
    // what a PBX needs to end call-backs of the user (EM-127)
    for event in &told {
        let data = &event["data"];
        assert_eq!((&data["user"]["userId"], &data["device"]["name"]), (&json!("ada"), &json!(PHONE)));
        assert!(data["callBacksCancelled"].is_u64() && data["profile"]["name"] == "UDP_ada", "{event}");
    }
}

#[test]
fn only_programs_with_the_right_act_for_others_and_people_for_themselves() {
    let floor = Floor::new();
    let group = "<associatedGroups><userGroup><name>Standard EM Authentication Proxy Rights</name></userGroup></associatedGroups>";
    floor.user("bob", &["UDP_bob"], "");
    floor.axl.uuid("updateUser", &format!("<userid>ada</userid><password>{PASSWORD}</password>{group}"));
    floor.program("seats", true);
    floor.program("weak", false);
    let no_right = |answer: String| assert!(answer.contains("<error code=\"10\">"), "{answer}");
    // a person, though in the group
    no_right(floor.api("ada", "request", &login(PHONE, "bob")));
    no_right(floor.api("weak", "request", &login(PHONE, "bob")));
    assert!(floor.sessions().is_empty());
    assert_eq!(floor.api("ada", "request", &login(PHONE, "ada")), DONE);
    assert_eq!(floor.api("seats", "request", &login(OTHER, "bob")), DONE);
    no_right(floor.api("ada", "request", &logout(OTHER)));
    no_right(floor.api("weak", "request", &logout(OTHER)));
    assert_eq!(floor.sessions().len(), 2);
    // a login from afar says who brought it about (EM-131)
    let told = floor.events("em.device.login.v1");
    let by = |n: usize| {
        (told[n]["data"]["requestedBy"]["kind"].clone(), told[n]["data"]["requestedBy"]["id"].clone())
    };
    assert_eq!(by(0), (json!("user"), json!("ada")));
    assert_eq!(by(1), (json!("application"), json!("seats")));
    floor.axl.ok("doDeviceLogout", &format!("<deviceName>{OTHER}</deviceName>"));
    floor.axl.ok("doDeviceLogin", &format!("<deviceName>{OTHER}</deviceName><userId>bob</userId>"));
    let told = floor.events("em.device.login.v1");
    assert_eq!(told[2]["data"]["requestedBy"]["id"], "admin");
}

#[test]
fn a_second_login_waits_for_the_end_of_the_first_unless_several_are_allowed() {
    let floor = Floor::new();
    floor.program("seats", true);
    assert_eq!(floor.value("MultipleLoginBehavior"), "Multiple Logins Not Allowed");
    assert_eq!(floor.log_in(PHONE, "ada"), "Login successful");
    assert_eq!(floor.log_in(OTHER, "ada"), "Multi-Login Not Allowed (25)");
    assert!(floor.api("seats", "request", &login(OTHER, "ada")).contains("<error code=\"25\">"));
    // who looks sees where (EM-161)
    let sessions = floor.operator("GET", "/operator/v1/sessions?user=ada", "");
    assert_eq!((sessions.as_array().unwrap().len(), &sessions[0]["phone"]), (1, &json!(PHONE)));
    // both within a second are one event
    let told = floor.rejections(1);
    assert!(told.iter().all(|event| event["data"]["existing"]["deviceName"] == PHONE), "{told:?}");
    assert_eq!(floor.log_out(PHONE), "Logout successful");
    assert_eq!(floor.log_in(OTHER, "ada"), "Login successful");
    floor.set("MultipleLoginBehavior", "Multiple Logins Allowed");
    assert_eq!(floor.log_in(PHONE, "ada"), "Login successful", "without a restart");
    let both = floor.api("seats", "query", "<userDevicesQuery><userID>ada</userID></userDevicesQuery>");
    let phones: Vec<&str> =
        both.lines().filter_map(|l| l.strip_prefix("<deviceName>")?.strip_suffix("</deviceName>")).collect();
    assert_eq!(phones, [PHONE, OTHER]);
    // who was there last is known when the phone is free again (EM-085)
    floor.log_out(PHONE);
    let query = format!("<deviceUserQuery><deviceName>{PHONE}</deviceName></deviceUserQuery>");
    let phone = floor.api("seats", "query", &query);
    assert!(phone.contains("<none/>"), "{phone}");
    assert!(phone.contains("<lastlogin>ada</lastlogin>"), "{phone}");
}

#[test]
fn the_next_users_login_ends_the_one_before_where_its_caller_says_so() {
    let floor = Floor::new();
    floor.user("bob", &["UDP_bob"], "");
    floor.log_in(PHONE, "ada");
    let said = floor.get(&format!("?device={PHONE}"));
    assert_eq!(between(&said, "Prompt"), "Log out?", "before anybody shows who they are");
    assert_eq!(floor.log_out(PHONE), "Logout successful");
    let end = &floor.events("em.device.logout.v1")[0];
    assert_eq!(asked(end), ("user".into(), "user".into(), Value::Null, "phone".into()));
    assert_eq!((&end["data"]["user"]["userId"], &end["authtype"]), (&json!("ada"), &json!("anonymous")));
}

#[test]
fn a_login_tells_how_each_line_is_recorded_though_the_recorder_never_named_the_phone() {
    let floor = Floor::new();
    floor.gateway.sql("INSERT INTO objects (type, name, name_key, uuid, changed_at) VALUES ('RecordingProfile', 'Recorder', 'recorder', gen_random_uuid(), now())");
    let recorded = "<recordingProfileName>Recorder</recordingProfileName><recordingFlag>Automatic Call Recording Enabled</recordingFlag><recordingMediaSource>Phone Preferred</recordingMediaSource>";
    let line = |index: u8, pattern: &str, more: &str| {
        format!(
            "<line><index>{index}</index><dirn><pattern>{pattern}</pattern><routePartitionName/></dirn>{more}</line>"
        )
    };
    let lines = format!("<lines>{}{}</lines>", line(1, "2001", recorded), line(2, "2002", ""));
    floor.axl.uuid("updateDeviceProfile", &format!("<name>UDP_ada</name>{lines}"));
    floor.axl.uuid("addAppUser", "<appUser><userid>recorder</userid><ctiControlledDeviceProfiles><deviceProfile>UDP_ada</deviceProfile></ctiControlledDeviceProfiles></appUser>");
    assert_eq!(floor.log_in(PHONE, "ada"), "Login successful");
    let data = &floor.events("em.device.login.v1")[0]["data"];
    let told: Vec<(&Value, &Value)> =
        data["lines"].as_array().unwrap().iter().map(|l| (&l["dn"], &l["recording"])).collect();
    let recording = json!({"flag": "Automatic Call Recording Enabled", "profile": "Recorder", "mediaSource": "Phone Preferred"});
    assert_eq!(told[0], (&json!("2001"), &recording));
    assert_eq!(told[1].0, &json!("2002"));
    assert_ne!(told[1].1["flag"], recording["flag"]);
    assert_eq!(data["cti"], json!(["recorder"]));
    assert_eq!(data["device"]["name"], PHONE);
}

#[test]
fn an_intercom_line_takes_a_default_device_is_given_one_and_loses_it_with_the_phone() {
    let floor = Floor::new();
    floor.axl.uuid(
        "addRoutePartition",
        "<routePartition><name>Whisper</name><partitionUsage>Intercom</partitionUsage></routePartition>",
    );
    let named = |pattern: &str| {
        format!("<pattern>{pattern}</pattern><routePartitionName>Whisper</routePartitionName>")
    };
    let add = |pattern: &str, more: &str| {
        floor
            .axl
            .uuid("addLine", &format!("<line>{}<usage>Device Intercom</usage>{more}</line>", named(pattern)))
    };
    let default = |pattern: &str| floor.shown("getLine", &named(pattern), "defaultActivatedDeviceName");
    let put = |phone: &str, patterns: &[&str]| {
        let line = |(n, pattern): (usize, &&str)| {
            format!("<line><index>{}</index><dirn>{}</dirn></line>", n + 1, named(pattern))
        };
        let lines: String = patterns.iter().enumerate().map(line).collect();
        floor.axl.uuid("updatePhone", &format!("<name>{phone}</name><lines>{lines}</lines>"));
    };
    // without one it takes the phone at hand
    add("7001", "");
    assert_eq!(default("7001"), "");
    put(PHONE, &["7001"]);
    assert_eq!(default("7001"), PHONE);
    // one call puts it there and says which
    add("7002", &format!("<defaultActivatedDeviceName>{OTHER}</defaultActivatedDeviceName>"));
    put(PHONE, &["7001", "7002"]);
    assert_eq!(default("7002"), OTHER, "what was said stays");
    // the phone goes, and so does what was chosen
    floor.axl.uuid("removePhone", &format!("<name>{PHONE}</name>"));
    assert_eq!((default("7001").as_str(), default("7002").as_str()), ("", OTHER));
    floor.axl.uuid("removePhone", &format!("<name>{OTHER}</name>"));
    assert_eq!(default("7002"), "");
    let told: Vec<String> = floor.story().into_iter().filter(|line| line.starts_with("intercom")).collect();
    assert_eq!(
        told,
        [
            format!("intercom 7001 {PHONE} auto-selected"),
            format!("intercom 7002 {OTHER} assigned"),
            "intercom 7001 - cleared-device-removed".to_owned(),
            "intercom 7002 - cleared-device-removed".to_owned(),
        ]
    );
}
