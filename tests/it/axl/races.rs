//! Provisioning at once: each call succeeds or is refused for what it asked, never for what its neighbours did.

use std::sync::Barrier;

use crate::support::axl::{AxlClient, Caller, Soap};
use crate::support::gateway::TestGateway;

fn site() -> (TestGateway, AxlClient) {
    let gateway = TestGateway::start();
    let axl = AxlClient::of(&gateway);
    axl.uuid("addDeviceProfile", "<deviceProfile><name>UDP</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>");
    axl.uuid("addPhone", &phone(0, ""));
    (gateway, axl)
}

fn phone(n: usize, more: &str) -> String {
    format!(
        "<phone><name>SEP00000000000{n}</name><product>Cisco 8851</product><protocol>SIP</protocol><enableExtensionMobility>true</enableExtensionMobility>{more}</phone>"
    )
}

/// Calls made at the same moment, each by a client of its own.
fn at_once(axl: &AxlClient, calls: Vec<(&str, String)>) -> Vec<Soap> {
    let start = Barrier::new(calls.len());
    std::thread::scope(|scope| {
        let start = &start;
        let all: Vec<_> = calls
            .into_iter()
            .map(|(operation, inner)| {
                scope.spawn(move || {
                    start.wait();
                    axl.call(operation, &inner)
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn all_ok(answers: &[Soap]) {
    assert!(answers.iter().all(|a| a.status == 200), "{answers:#?}");
}

#[test]
fn of_eight_same_additions_one_succeeds() {
    let (_gateway, axl) = site();
    let add = || {
        (
            "addPhone",
            phone(1, "<lines><line><index>1</index><dirn><pattern>2001</pattern></dirn></line></lines>"),
        )
    };
    let answers = at_once(&axl, (0..8).map(|_| add()).collect());
    assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 1);
    for refused in answers.iter().filter(|a| a.status != 200) {
        assert_eq!(refused.fault().code, -239, "{}", refused.body);
    }
}

#[test]
fn eight_phones_added_with_one_new_number_share_it() {
    let (_gateway, axl) = site();
    let line = "<lines><line><index>1</index><dirn><pattern>2001</pattern></dirn></line></lines>";
    all_ok(&at_once(&axl, (1..9).map(|n| ("addPhone", phone(n, line))).collect()));
    let line = axl.ok("getLine", "<pattern>2001</pattern><returnedTags><associatedDevices/></returnedTags>");
    assert_eq!(line.matches("<device>").count(), 8, "{line}");
}

#[test]
fn updates_of_different_fields_and_collections_are_all_kept() {
    let (_gateway, axl) = site();
    let update = |inner: String| ("updatePhone", format!("<name>SEP000000000000</name>{inner}"));
    let mut calls: Vec<_> = (1..7)
        .map(|n| {
            update(format!(
                "<addLines><line><index>{n}</index><dirn><pattern>200{n}</pattern></dirn></line></addLines>"
            ))
        })
        .collect();
    calls.push(update("<description>Bell</description>".into()));
    calls.push(update("<defaultProfileName>UDP</defaultProfileName>".into()));
    all_ok(&at_once(&axl, calls));
    let found = axl.ok("getPhone", "<name>SEP000000000000</name>");
    assert!(
        found.contains("<description>Bell</description>") && found.contains(">UDP</defaultProfileName>"),
        "{found}"
    );
    assert_eq!(found.matches("<pattern>200").count(), 6, "{found}");
}

#[test]
fn a_partition_is_removed_or_in_use_and_never_lost_under_its_lines() {
    let (_gateway, axl) = site();
    for round in 0..5 {
        axl.uuid("addRoutePartition", "<routePartition><name>Desks</name></routePartition>");
        let mut calls: Vec<_> = (0..7)
            .map(|n| ("addLine", format!("<line><pattern>3{round}{n}</pattern><routePartitionName>Desks</routePartitionName></line>")))
            .collect();
        calls.insert(3, ("removeRoutePartition", "<name>Desks</name>".into()));
        let mut answers = at_once(&axl, calls);
        let removal = answers.remove(3);
        for refused in answers.iter().filter(|a| a.status != 200) {
            assert_eq!((refused.fault().code, removal.status), (5003, 200), "{}", refused.body);
        }
        if removal.status != 200 {
            assert_eq!(removal.fault().code, -692, "{}", removal.body);
            for n in 0..7 {
                axl.uuid(
                    "removeLine",
                    &format!("<pattern>3{round}{n}</pattern><routePartitionName>Desks</routePartitionName>"),
                );
            }
            axl.uuid("removeRoutePartition", "<name>Desks</name>");
        }
    }
}

#[test]
fn logins_beside_removals_and_new_pins_end_in_one_order() {
    let (_gateway, axl) = site();
    for _ in 0..5 {
        axl.uuid("addUser", "<user><lastName>Ada</lastName><userid>ada</userid><pin>12345</pin><phoneProfiles><profileName>UDP</profileName></phoneProfiles></user>");
        let answers = at_once(
            &axl,
            vec![
                ("doDeviceLogin", "<deviceName>SEP000000000000</deviceName><userId>ada</userId>".into()),
                ("updateUser", "<userid>ada</userid><pin>67890</pin>".into()),
                ("removeDeviceProfile", "<name>UDP</name>".into()),
                ("removePhone", "<name>SEP000000000000</name>".into()),
            ],
        );
        for refused in answers.iter().filter(|a| a.status != 200) {
            assert!([5003, 5007, -692].contains(&refused.fault().code), "{}", refused.body);
        }
        assert_eq!((answers[1].status, answers[3].status), (200, 200), "{answers:#?}");
        axl.uuid("addPhone", &phone(0, ""));
        let shown =
            axl.ok("getPhone", "<name>SEP000000000000</name><returnedTags><loginUserId/></returnedTags>");
        assert!(shown.contains("<loginUserId/>"), "{shown}");
        axl.uuid("removeUser", "<userid>ada</userid>");
        if answers[2].status == 200 {
            axl.uuid("addDeviceProfile", "<deviceProfile><name>UDP</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>");
        }
    }
}
