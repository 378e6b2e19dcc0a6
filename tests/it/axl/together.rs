//! Gets of the same moment are read together; each is answered for itself all the same.

use std::sync::Barrier;

use crate::support::axl::{AxlClient, Caller, envelope};
use crate::support::outside::Outside;

/// A phone with a line and somebody on it, a phone without anything, and what else can be read.
fn site() -> Outside {
    let site = Outside::new();
    let line = "<lines><line><index>1</index><label>Ada</label><dirn><pattern>2001</pattern><routePartitionName>Desks</routePartitionName></dirn></line></lines>";
    for (operation, inner) in [
        ("addRoutePartition", "<routePartition><name>Desks</name></routePartition>".to_owned()),
        ("addCss", "<css><members><member><routePartitionName>Desks</routePartitionName><index>1</index></member></members><name>Calls</name></css>".to_owned()),
        ("addPhone", phone("SEP0000000000A1", &format!("<callingSearchSpaceName>Calls</callingSearchSpaceName>{line}<enableExtensionMobility>true</enableExtensionMobility>"))),
        ("addPhone", phone("SEP0000000000A2", "")),
        ("addDeviceProfile", format!("<deviceProfile><name>Ada</name><product>Cisco 8851</product><class>Device Profile</class><protocol>SIP</protocol><protocolSide>User</protocolSide><softkeyTemplateName>Standard User</softkeyTemplateName>{line}</deviceProfile>")),
        ("addUser", "<user><lastName>L</lastName><userid>ada</userid><phoneProfiles><profileName>Ada</profileName></phoneProfiles><presenceGroupName>Standard Presence group</presenceGroupName></user>".to_owned()),
        ("doDeviceLogin", "<deviceName>SEP0000000000A1</deviceName><loginDuration>0</loginDuration><profileName>Ada</profileName><userId>ada</userId>".to_owned()),
    ] {
        site.ok(operation, &inner);
    }
    site
}

fn phone(name: &str, rest: &str) -> String {
    format!(
        "<phone><name>{name}</name><product>Cisco 8851</product><class>Phone</class><protocol>SIP</protocol><protocolSide>User</protocolSide><devicePoolName>Default</devicePoolName>{rest}</phone>"
    )
}

const GETS: [(&str, &str); 10] = [
    ("getPhone", "<name>SEP0000000000A1</name>"),
    ("getPhone", "<name>SEP0000000000A1</name><returnedTags><currentConfig/><loginUserId/></returnedTags>"),
    ("getPhone", "<name>SEP0000000000A2</name>"),
    ("getPhone", "<name>SEP0000000000A3</name>"),
    ("getDeviceProfile", "<name>ada</name>"),
    ("getUser", "<userid>ada</userid>"),
    ("getCss", "<name>Calls</name>"),
    ("getRoutePartition", "<name>Desks</name><returnedTags><name/></returnedTags>"),
    ("getLine", "<pattern>2001</pattern><routePartitionName>Desks</routePartitionName>"),
    ("getLine", "<pattern>2001</pattern>"),
];

fn ask(axl: &AxlClient, (operation, inner): (&str, &str)) -> (u16, String) {
    let headers = [("Content-Type", "text/xml; charset=utf-8")];
    let answer = axl.send(&headers, &envelope("15.0", operation, inner));
    (answer.status, answer.body)
}

#[test]
fn what_is_read_together_is_answered_as_if_it_were_read_alone() {
    let site = site();
    let alone = GETS.map(|get| ask(&site.axl, get));
    let shown = alone.each_ref().map(|(status, _)| *status);
    assert_eq!(shown, [200, 200, 200, 500, 200, 200, 200, 200, 200, 500]);
    assert!(alone[0].1.contains("<loginUserId>ada</loginUserId>"), "{}", alone[0].1);
    assert!(alone[1].1.contains(">Standard User</softkeyTemplateName>"), "{}", alone[1].1);
    let begin = Barrier::new(GETS.len());
    std::thread::scope(|scope| {
        for first in 0..GETS.len() {
            let (axl, alone, begin) = (site.axl.clone(), &alone, &begin);
            scope.spawn(move || {
                for round in 0..20 {
                    begin.wait();
                    let at = (first + round) % GETS.len();
                    assert_eq!(ask(&axl, GETS[at]), alone[at]);
                }
            });
        }
    });
}
