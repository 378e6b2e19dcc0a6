//! How long people stay logged in, from outside: the parameters, who may have a time of their own, and what ends when (EM-063 to EM-073).

use std::time::Duration;

use serde_json::json;

use super::floor::{Floor, OTHER, PHONE};
use crate::support::axl::{AxlClient, Caller};
use crate::support::database::TestDatabase;
use crate::support::gateway::{StateDir, basic};
use crate::support::http::Client;
use crate::support::process::Process;
use crate::support::site::envelopes;
use crate::support::waiting::await_some;

const MAXIMUM: &str = "IntraClusterMaxLoginTime";
const ENFORCE: &str = "EnforceIntraClusterMaxLoginTime";

/// A user profile that lets a time of one's own count, or not.
fn user_profile(floor: &Floor, name: &str, allows: &str) {
    let inner =
        format!("<name>{name}</name><allowProvisionEMMaxLoginTime>{allows}</allowProvisionEMMaxLoginTime>");
    floor
        .axl
        .uuid("addUserProfileProvision", &format!("<userProfileProvision>{inner}</userProfileProvision>"));
}

#[test]
fn by_default_nobody_is_logged_out_however_long_they_stay() {
    let floor = Floor::new();
    assert_eq!((floor.value(ENFORCE), floor.value(MAXIMUM)), ("F".to_owned(), "0:00".to_owned()));
    assert_eq!(floor.log_in(PHONE, "ada"), "Login successful");
    floor.pass("200 hours");
    floor.sweep();
    assert_eq!(floor.sessions(), [(PHONE.to_owned(), "ada".to_owned())]);
}

#[test]
fn a_limit_ends_sessions_of_every_door_when_it_is_over_and_not_before() {
    let floor = Floor::new();
    floor.program("seats", true);
    for user in ["bob", "eve"] {
        floor.user(user, &[&format!("UDP_{user}")], "");
    }
    floor.phone("SEP0000000000A3");
    floor.set(ENFORCE, "T");
    floor.set(MAXIMUM, ":30");
    assert_eq!(floor.log_in(PHONE, "ada"), "Login successful");
    let api = format!("<login><deviceName>{OTHER}</deviceName><userID>bob</userID></login>");
    assert!(floor.api("seats", "request", &api).contains("<success/>"));
    floor.axl.ok("doDeviceLogin", "<deviceName>SEP0000000000A3</deviceName><userId>eve</userId>");
    floor.pass("29 minutes");
    floor.sweep();
    assert_eq!(floor.sessions().len(), 3, "a minute is left");
    floor.pass("1 minute");
    floor.until("all are logged out", || floor.sessions().is_empty());
    let ends = floor.events("em.device.logout.v1");
    for user in ["ada", "bob", "eve"] {
        let end = ends.iter().find(|end| end["data"]["user"]["userId"] == user).unwrap();
        let data = &end["data"];
        assert_eq!((&data["reason"], &data["manual"]), (&json!("timeout"), &json!(false)), "{end}");
        assert!((1800..1860).contains(&data["durationSeconds"].as_i64().unwrap()), "{end}");
        assert!(data["dueAt"].as_str() <= data["logoutTime"].as_str(), "{end}");
        assert_eq!(
            data["requestedBy"],
            json!({"kind": "system", "id": null, "address": null, "via": "timer"})
        );
    }
    assert_eq!(floor.shown("getPhone", &format!("<name>{PHONE}</name>"), "loginUserId"), "");
}

#[test]
fn the_switch_and_the_time_follow_each_other_and_read_back() {
    let floor = Floor::new();
    for (sent, kept) in [("8:00", "8:00"), (":30", "0:30"), ("168:00", "168:00"), ("0:01", "0:01")] {
        floor.set(ENFORCE, "F");
        assert_eq!(floor.value(MAXIMUM), "0:00");
        floor.set(MAXIMUM, sent);
        assert_eq!((floor.value(MAXIMUM), floor.value(ENFORCE)), (kept.to_owned(), "T".to_owned()), "{sent}");
    }
    for wrong in ["8h", "8:60", "168:01", "-1:00", "8:0", "eight"] {
        let named = format!(
            "<processNodeName>EnterpriseWideData</processNodeName><name>{MAXIMUM}</name><service>Cisco Extension Mobility</service><value>{wrong}</value>"
        );
        let refusal = floor.axl.refusal("updateServiceParameter", &named);
        assert!(refusal.0 == 5003 && refusal.1.contains(MAXIMUM), "{wrong}: {refusal:?}");
        assert_eq!(floor.value(MAXIMUM), "0:01", "{wrong}");
    }
    floor.set(ENFORCE, "F");
    assert_eq!(floor.log_in(PHONE, "ada"), "Login successful");
    assert_eq!(floor.shown("getPhone", &format!("<name>{PHONE}</name>"), "loginDuration"), "0");
    floor.pass("10 hours");
    floor.sweep();
    assert_eq!(floor.sessions().len(), 1, "nothing ends while the switch is off");
}

#[test]
fn a_time_of_ones_own_counts_only_where_the_user_profile_allows_it() {
    let floor = Floor::new();
    for allows in ["true", "false"] {
        user_profile(&floor, &format!("Own time {allows}"), allows);
    }
    let own = |allows: &str| {
        format!("<userProfile>Own time {allows}</userProfile><emMaxLoginTime>30</emMaxLoginTime>")
    };
    floor.user("may", &["UDP_may"], &own("true"));
    floor.user("not", &["UDP_not"], &own("false"));
    floor.set(MAXIMUM, "8:00");
    assert_eq!((floor.log_in(PHONE, "may"), floor.log_in(OTHER, "not")).1, "Login successful");
    let duration = |phone: &str| floor.shown("getPhone", &format!("<name>{phone}</name>"), "loginDuration");
    assert_eq!((duration(PHONE), duration(OTHER)), ("1800".to_owned(), "28800".to_owned()));
    floor.pass("30 minutes");
    floor.until("the own time is over", || floor.sessions().len() == 1);
    assert_eq!(floor.sessions(), [(OTHER.to_owned(), "not".to_owned())]);
    floor.pass("7 hours 29 minutes");
    floor.sweep();
    assert_eq!(floor.sessions().len(), 1, "the time of the cluster rules");
    floor.pass("1 minute");
    floor.until("that is over", || floor.sessions().is_empty());
}

#[test]
fn a_changed_user_profile_counts_from_the_next_login_on() {
    let floor = Floor::new();
    let profile = "<userProfile>Standard (Factory Default) User Profile</userProfile>";
    floor.user("eve", &["UDP_eve"], &format!("{profile}<emMaxLoginTime>30</emMaxLoginTime>"));
    floor.set(MAXIMUM, "8:00");
    let duration = || floor.shown("getPhone", &format!("<name>{PHONE}</name>"), "loginDuration");
    for (allows, own) in [("false", "28800"), ("true", "1800"), ("false", "28800")] {
        assert_eq!(floor.log_in(PHONE, "eve"), "Login successful");
        let held = duration();
        floor.axl.uuid("updateUserProfileProvision", &format!("<name>Standard (Factory Default) User Profile</name><allowProvisionEMMaxLoginTime>{allows}</allowProvisionEMMaxLoginTime>"));
        assert_eq!(duration(), held, "who is logged in stays as long as was said");
        floor.log_out(PHONE);
        assert_eq!(floor.log_in(PHONE, "eve"), "Login successful");
        assert_eq!(duration(), own, "{allows}");
        floor.log_out(PHONE);
    }
}

#[test]
fn a_time_of_day_ends_a_session_and_says_so() {
    let floor = Floor::new();
    floor.set("AutomaticLogoutAt", "everybody = 18:00 Europe/Berlin");
    assert_eq!(floor.log_in(PHONE, "ada"), "Login successful");
    let login = &floor.events("em.device.login.v1")[0]["data"];
    assert_eq!(login["maxLoginSource"], "schedule");
    let due: chrono::DateTime<chrono::Utc> = login["expiresAt"].as_str().unwrap().parse().unwrap();
    let there = due.with_timezone(&chrono_tz::Europe::Berlin);
    assert_eq!(there.format("%H:%M:%S").to_string(), "18:00:00", "whatever the season");
    floor.pass("24 hours 1 second");
    floor.until("the time of day has come", || floor.sessions().is_empty());
    let end = &floor.events("em.device.logout.v1")[0]["data"];
    assert_eq!(end["reason"], "schedule");
    assert!(end["dueAt"].as_str() <= end["logoutTime"].as_str(), "{end}");
}

#[test]
fn what_runs_out_while_every_node_is_dead_ends_soon_after_a_start() {
    let (database, state) = (TestDatabase::new(), StateDir::new());
    let start = || Process::start(&["serve", "--node-name=only"], &database.url, &state);
    let node = start();
    let printed = node.printed.lines().find_map(|line| line.trim().strip_prefix("password"));
    let tls = Client::tls(node.address("everything, TLS"), &state.0.join("tls-certificate.pem"));
    let axl = AxlClient::at(tls, basic("admin", printed.expect("a first start").trim()));
    let model = "<product>Cisco 8851</product><protocol>SIP</protocol>";
    axl.uuid("addPhone", &format!("<phone><name>{PHONE}</name>{model}<enableExtensionMobility>true</enableExtensionMobility></phone>"));
    axl.uuid("addDeviceProfile", &format!("<deviceProfile><name>UDP</name>{model}</deviceProfile>"));
    axl.uuid("addUser", "<user><lastName>Test</lastName><userid>ada</userid><phoneProfiles><profileName>UDP</profileName></phoneProfiles></user>");
    let login =
        format!("<deviceName>{PHONE}</deviceName><loginDuration>3</loginDuration><userId>ada</userId>");
    axl.ok("doDeviceLogin", &login);
    node.signal("KILL");
    drop(node);
    std::thread::sleep(Duration::from_secs(4));
    let db = database.open_real();
    let ends = || envelopes(&db).into_iter().find(|event| event["type"] == "em.device.logout.v1");
    assert_eq!(ends(), None, "nobody is there to end it");
    let node = start();
    let end = await_some(Duration::from_secs(10), || ends().ok_or("no end, seconds after the start"));
    let moment =
        |name: &str| end["data"][name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(end["data"]["reason"], "timeout");
    assert!(moment("logoutTime") - moment("dueAt") >= chrono::TimeDelta::milliseconds(900), "{end}");
    assert_eq!((moment("dueAt") - moment("loginTime")).num_seconds(), 3, "{end}");
    node.end();
}
