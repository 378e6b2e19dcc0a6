//! Who may call what: read-only, without a role, unknown, wrong, locked; what is refused leaves nothing behind (axl.md 17).

use crate::support::axl::{AxlClient, Caller, envelope};
use crate::support::gateway::TestGateway;

const PARTITION: &str = "<routePartition><name>Desks</name></routePartition>";

fn with_account(groups: &str) -> (TestGateway, AxlClient, AxlClient) {
    let gateway = TestGateway::start();
    let admin = AxlClient::of(&gateway);
    let groups = if groups.is_empty() {
        String::new()
    } else {
        format!("<associatedGroups><userGroup><name>{groups}</name></userGroup></associatedGroups>")
    };
    admin.uuid(
        "addAppUser",
        &format!("<appUser><userid>caller</userid><password>Right-1234</password>{groups}</appUser>"),
    );
    let caller = admin.as_user("caller", "Right-1234");
    (gateway, admin, caller)
}

/// Calls of every kind, writes first.
const CALLS: [(&str, &str); 9] = [
    ("addRoutePartition", PARTITION),
    ("updateUser", "<userid>ada</userid><lastName>Changed</lastName>"),
    ("removeUser", "<userid>ada</userid>"),
    (
        "updateServiceParameter",
        "<processNodeName>EnterpriseWideData</processNodeName><name>ClearCallLogs</name><service>Cisco Extension Mobility</service><value>T</value>",
    ),
    ("doDeviceLogin", "<deviceName>SEP0011AABBCC01</deviceName><userId>ada</userId>"),
    ("doDeviceLogout", "<deviceName>SEP0011AABBCC01</deviceName>"),
    ("getUser", "<userid>ada</userid>"),
    ("listUser", "<searchCriteria><userid>%</userid></searchCriteria><returnedTags><userid/></returnedTags>"),
    ("getCCMVersion", ""),
];

fn statuses(caller: &AxlClient) -> Vec<u16> {
    CALLS
        .iter()
        .map(|(operation, inner)| caller.send(&[], &envelope("15.0", operation, inner)).status)
        .collect()
}

fn nothing_changed(admin: &AxlClient) {
    assert_eq!(admin.fault("getRoutePartition", "<name>Desks</name>").code, 5007);
    let user = admin.ok("getUser", "<userid>ada</userid><returnedTags><lastName/></returnedTags>");
    assert!(user.contains("<lastName>Ada</lastName>"), "{user}");
    let logs = admin.ok("getServiceParameter", "<processNodeName>EnterpriseWideData</processNodeName><name>ClearCallLogs</name><service>Cisco Extension Mobility</service>");
    assert!(logs.contains("<value>F</value>"), "{logs}");
}

#[test]
fn every_kind_of_account_may_do_what_its_groups_say_and_leaves_nothing_else() {
    for (groups, expected) in [
        ("Standard AXL Read Only API Access", [403, 403, 403, 403, 403, 403, 200, 200, 200]),
        ("Standard CCM End Users", [403; 9]),
        ("", [403; 9]),
    ] {
        let (_gateway, admin, caller) = with_account(groups);
        admin.uuid("addUser", "<user><lastName>Ada</lastName><userid>ada</userid></user>");
        assert_eq!(statuses(&caller), expected, "{groups}");
        let refused = caller.send(&[], &envelope("15.0", "addRoutePartition", PARTITION));
        assert!(refused.body.contains("HTTP Status 403"), "{}", refused.body);
        nothing_changed(&admin);
        for (user, password) in [("caller", "Wrong-1234"), ("nobody", "Right-1234")] {
            let answer =
                admin.as_user(user, password).send(&[], &envelope("15.0", "addRoutePartition", PARTITION));
            assert_eq!((answer.status, answer.header("www-authenticate").is_some()), (401, true));
            assert!(answer.body.contains("HTTP Status 401"), "{}", answer.body);
        }
        nothing_changed(&admin);
    }
}

#[test]
fn a_locked_account_looks_like_a_wrong_password() {
    let (_gateway, admin, caller) = with_account("Standard AXL API Access");
    let body = envelope("15.0", "addRoutePartition", PARTITION);
    let wrong = admin.as_user("caller", "Wrong-1234");
    let refused: Vec<_> = (0..3).map(|_| wrong.send(&[], &body)).collect();
    let locked = caller.send(&[], &body);
    assert_eq!((locked.status, &locked.body), (401, &refused[0].body));
    assert_eq!(admin.fault("getRoutePartition", "<name>Desks</name>").code, 5007);
}
