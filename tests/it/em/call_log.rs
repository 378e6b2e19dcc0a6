//! When the call log of a phone is cleared, whoever ends the session (EM-088, EM-090).

use super::floor::{Floor, OTHER, PHONE};
use crate::support::axl::Caller;

/// Ends a session in each way that is not by hand at the phone; gives what is told of the phone's call log and whether the logouts say so.
fn cleared(floor: &Floor) -> (Vec<String>, Vec<bool>) {
    let login = |more: &str| {
        let device = format!("<deviceName>{PHONE}</deviceName>{more}");
        floor.axl.ok("doDeviceLogin", &format!("{device}<userId>ada</userId>"));
    };
    let before = (floor.story().len(), floor.events("em.device.logout.v1").len());
    login("<loginDuration>1</loginDuration>");
    floor.until("the time is over", || floor.sessions().is_empty());
    login("");
    floor.axl.ok("doDeviceLogout", &format!("<deviceName>{PHONE}</deviceName>"));
    login("");
    floor.api("seats", "request", "<logoutAll/>");
    login("");
    floor.operator("POST", "/operator/v1/logout", &format!("{{\"phones\": [\"{PHONE}\"]}}"));
    login("");
    floor.get(&format!("?device={OTHER}&userid=ada&seq=12345"));
    floor.axl.uuid(
        "updatePhone",
        &format!("<name>{OTHER}</name><enableExtensionMobility>false</enableExtensionMobility>"),
    );
    floor.axl.uuid(
        "updatePhone",
        &format!("<name>{OTHER}</name><enableExtensionMobility>true</enableExtensionMobility>"),
    );
    let logouts = floor.events("em.device.logout.v1").split_off(before.1);
    let reasons: Vec<&str> = logouts.iter().map(|e| e["data"]["reason"].as_str().unwrap()).collect();
    assert_eq!(
        reasons,
        ["timeout", "administrator", "logout-all", "administrator", "multiple-login", "device-disabled"]
    );
    let story = floor.story().split_off(before.0);
    let told = story.into_iter().filter(|line| line.starts_with("call-log ")).collect();
    (told, logouts.iter().map(|e| e["data"]["callLogCleared"].as_bool().unwrap()).collect())
}

#[test]
fn every_logout_clears_the_call_log_where_that_is_switched_on() {
    let floor = Floor::new();
    floor.program("seats", true);
    floor.set("MultipleLoginBehavior", "Auto Logout");
    assert_eq!(cleared(&floor), (Vec::new(), vec![false; 6]));
    floor.set("ClearCallLogsAtEveryLogout", "T");
    let of = |phone: &str, trigger: &str| format!("call-log {phone} {trigger}");
    let told = [PHONE, PHONE, PHONE, PHONE, PHONE, OTHER].map(|phone| of(phone, "logout"));
    assert_eq!(cleared(&floor), (told.to_vec(), vec![true; 6]));
    // by hand it is said to be by hand, and the phone gets it with the page
    floor.log_in(PHONE, "ada");
    let page = floor.get(&format!("?device={PHONE}&doLogout=true"));
    assert!(page.contains("Init:CallHistory"), "{page}");
    assert_eq!(floor.story().pop(), Some(of(PHONE, "manual-logout")));
    // those by hand alone
    floor.set("ClearCallLogsAtEveryLogout", "F");
    floor.set("ClearCallLogs", "T");
    let (told, is_cleared) = cleared(&floor);
    assert_eq!((told, is_cleared), (vec![of(OTHER, "manual-login")], vec![false; 6]));
}
