//! Versions: which are answered, and what an older one is spared (axl.md 3).

use crate::support::axl::{AxlClient, Caller, envelope};
use crate::support::gateway::TestGateway;

fn site() -> (TestGateway, AxlClient) {
    let gateway = TestGateway::start();
    let axl = AxlClient::of(&gateway);
    (gateway, axl)
}

#[test]
fn one_version_below_the_oldest_and_above_the_newest_are_told_the_list_and_store_nothing() {
    let (_gateway, axl) = site();
    let add = |version: &str, name: &str| {
        let inner = format!("<routePartition><name>{name}</name></routePartition>");
        axl.send(
            &[("SOAPAction", "\"CUCM:DB ver=12.5 addRoutePartition\"")],
            &envelope(version, "addRoutePartition", &inner),
        )
    };
    for version in ["11.0", "15.1", "16.0", "12.50", ""] {
        let answer = add(version, "Desks");
        assert_eq!(answer.status, 599, "{version}");
        assert!(
            answer.body.contains("Supported axl versions are 11.5, 12.0, 12.5, 14.0 and 15.0"),
            "{}",
            answer.body
        );
    }
    assert_eq!(axl.fault("getRoutePartition", "<name>Desks</name>").code, 5007);
    assert_eq!((add("11.5", "Oldest").status, add("15.0", "Newest").status), (200, 200));
}

#[test]
fn what_is_newer_than_the_version_asked_is_kept_and_shown_to_newer_ones_only() {
    let (_gateway, axl) = site();
    let user = "<user><lastName>Ada</lastName><userid>ada</userid><emMaxLoginTime>60</emMaxLoginTime></user>";
    assert_eq!(axl.call_in("11.5", "addUser", user).status, 200);
    for (version, shown) in [("11.5", false), ("12.0", false), ("12.5", true), ("15.0", true)] {
        for tags in ["", "<returnedTags><lastName/><emMaxLoginTime/></returnedTags>"] {
            let answer = axl.call_in(version, "getUser", &format!("<userid>ada</userid>{tags}"));
            let content = answer.content("getUser");
            assert_eq!(
                content.contains("<emMaxLoginTime>60</emMaxLoginTime>"),
                shown,
                "{version}: {content}"
            );
            assert_eq!(content.contains("emMaxLoginTime"), shown, "{version}: {content}");
            assert!(content.contains("<lastName>Ada</lastName>"), "{content}");
        }
    }
}
