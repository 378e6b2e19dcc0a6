//! For each lexical type, texts that are none of it, or that no rule can take: each is a fault that changes nothing (axl.md 5, XML-6).

use super::input::Input;
use super::target::{Expect, MARK, PHONE, envelope};

/// Where a value of a type goes: an operation, and what is in it, with `@` for the value.
const PLACES: [(&str, &str, &[&str]); 12] = [
    (
        "updatePhone",
        "<name>SEP0000000000AA</name><enableExtensionMobility>@</enableExtensionMobility>",
        BOOLEANS,
    ),
    (
        "updatePhone",
        "<name>SEP0000000000AA</name><lines><line><index>@</index><dirn><pattern>1</pattern></dirn></line></lines>",
        INTEGERS,
    ),
    (
        "updatePhone",
        "<name>SEP0000000000AA</name><lines><line><index>1</index><dirn><pattern>1</pattern></dirn><maxNumCalls>@</maxNumCalls></line></lines>",
        INTEGERS,
    ),
    (
        "doDeviceLogin",
        "<deviceName>SEP0000000000AA</deviceName><loginDuration>@</loginDuration><profileName>Ada at work</profileName><userId>ada</userId>",
        INTEGERS,
    ),
    ("getPhone", "<uuid>@</uuid>", UUIDS),
    (
        "addPhone",
        "<phone><product>Cisco 8851</product><class>Phone</class><protocol>SIP</protocol><protocolSide>User</protocolSide><name>@</name></phone>",
        PHONE_NAMES,
    ),
    ("addUser", "<user><lastName>x</lastName><userid>new</userid><pin>@</pin></user>", PINS),
    ("addUser", "<user><lastName>x</lastName><userid>@</userid></user>", USER_IDS),
    ("updatePhone", "<name>SEP0000000000AA</name><devicePoolName>@</devicePoolName>", NAMES),
    ("updatePhone", "<name>SEP0000000000AA</name><locationName>@</locationName>", NAMES),
    (
        "updateServiceParameter",
        "<processNodeName>EnterpriseWideData</processNodeName><name>IntraClusterMaxLoginTime</name><service>Cisco Extension Mobility</service><value>@</value>",
        DURATIONS,
    ),
    (
        "updateServiceParameter",
        "<processNodeName>EnterpriseWideData</processNodeName><name>MaximumConcurrentRequests</name><service>Cisco Extension Mobility</service><value>@</value>",
        BOUNDED,
    ),
];

const BOOLEANS: &[&str] = &[
    "yes",
    "2",
    "-1",
    "tr ue",
    "truefalse",
    "T&#65;",
    "\u{FF34}",
    "\u{661}",
    "0x1",
    "null",
    "[]",
    "true;drop",
];
const INTEGERS: &[&str] = &[
    "x",
    "1.5",
    "1e3",
    "0x10",
    "--1",
    "1 2",
    "\u{661}\u{662}",
    "\u{FF11}",
    "99999999999999999999",
    "-99999999999999999999",
    "1,0",
    "+-1",
    "Infinity",
    "NaN",
];
const UUIDS: &[&str] = &[
    "x",
    "{}",
    "{00000000-0000-0000-0000-00000000000}",
    "{00000000-0000-0000-0000-0000000000000}",
    "00000000-0000-0000-0000-00000000000g",
    "{{00000000-0000-0000-0000-000000000000}}",
    "' OR 1=1 --",
    "{00000000-0000-0000-0000-000000000000}",
];
const PHONE_NAMES: &[&str] = &[
    "SEP",
    "SEP0",
    "SEP00000000000",
    "SEP00000000000000",
    "SEP00000000000G",
    "SEP 00000000000",
    "SEP0000000000\u{411}\u{410}",
    "SEP\u{FF10}00000000000",
    "../SEP000000000",
    "SEP0000000000'",
];
const PINS: &[&str] = &[
    "abc",
    "1 2",
    "-1",
    "1.0",
    "\u{661}\u{662}\u{663}",
    "\u{FF11}\u{FF12}",
    "12345\u{200B}",
    "1234a",
    "11111111111111111111111111111111111111111111111111111111111111111",
];
const USER_IDS: &[&str] = &[
    "ada",
    "ADA",
    "\u{FF21}da",
    "ad\u{AD}a",
    "a\u{200B}b",
    "a\u{202E}b",
    "a\u{2066}b",
    "a\u{FEFF}b",
    "a\u{E0001}b",
    "a\tb",
    "a\nb",
];
const NAMES: &[&str] = &[
    "No'such",
    "\"",
    "%",
    "_",
    "Default%",
    "$1",
    "{\"ref\":1}",
    "\\",
    "../../etc/passwd",
    "\u{1F600}",
    "x;--",
    "\u{202E}tluafeD",
];
const DURATIONS: &[&str] =
    &["x", "1", "1:60", "-1:00", "169:00", "999:00", "1:0:0", "1:5", "\u{661}:00", "0:-1", ":"];
const BOUNDED: &[&str] =
    &["0", "-1", "1001", "x", "1.0", "1e2", "99999999999999999999", "0x10", "\u{665}", "1 0"];

pub(super) fn corpus() -> Vec<Input> {
    let mut inputs = Vec::new();
    for (operation, inside, values) in PLACES {
        for value in values {
            let body = envelope(
                operation,
                &inside.replace('@', &value.replace('\t', "&#9;").replace('\n', "&#10;")),
            );
            inputs.push(Input::soap("values", body, Expect::Refusal));
        }
        let tag = inside.split('@').next().unwrap().rsplit('<').next().unwrap().trim_end_matches('>');
        for value in [
            format!("<{MARK}/>"),
            format!("<![CDATA[{}]]>", "\u{FDFA}".repeat(5000)),
            format!("x</{tag}><{tag}>y"),
        ] {
            let body = envelope(operation, &inside.replace('@', &value));
            inputs.push(Input::soap("values", body, Expect::Refusal));
        }
    }
    inputs.push(Input::soap(
        "values",
        envelope("getPhone", &format!("<uuid>x</uuid><name>{PHONE}</name>")),
        Expect::Refusal,
    ));
    inputs
}
