//! Values that fit their type and mean harm: SQL, patterns, names that look alike, numbers out of range, very much of anything.

use emgate::soap::shape::sample;
use emgate::soap::shape::{Kind, Schema};
use emgate::soap::tree::Element;

use super::fields::written;
use super::target::{Expect, PHONE, Target, envelope};

const HARM: [&str; 14] = [
    "'; DROP TABLE objects; --",
    "\" OR \"\"=\"",
    "\\",
    "%",
    "_",
    "$1",
    "$$",
    "{\"ref\": 1}",
    "@uuid",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "a\tb\nc",
    "\u{202E}\u{200B}x",
    "-1",
];

/// The add of one object, its element, and what must be in it.
const ADDS: [(&str, &str, &str); 9] = [
    (
        "addPhone",
        "phone",
        "<product>Cisco 8851</product><class>Phone</class><protocol>SIP</protocol><protocolSide>User</protocolSide><name>SEP0000000000BB</name>",
    ),
    (
        "addDeviceProfile",
        "deviceProfile",
        "<product>Cisco 8851</product><class>Device Profile</class><protocol>SIP</protocol><protocolSide>User</protocolSide><name>new</name>",
    ),
    ("addUser", "user", "<lastName>x</lastName><userid>new</userid>"),
    ("addAppUser", "appUser", "<userid>new</userid>"),
    ("addLine", "line", "<pattern>7002</pattern>"),
    (
        "addIpPhoneServices",
        "ipPhoneServices",
        "<serviceName>new</serviceName><asciiServiceName>new</asciiServiceName><serviceUrl>http://h/e</serviceUrl>",
    ),
    ("addRoutePartition", "routePartition", "<name>new</name>"),
    ("addCss", "css", "<name>new</name>"),
    ("addUserProfileProvision", "userProfileProvision", "<name>new</name>"),
];

/// Texts that a field takes by its type: harm cut to its length, and the longest of the widest.
fn values(kind: &Kind) -> Vec<String> {
    let rule = match kind {
        Kind::Text(rule) => *rule,
        Kind::Reference => {
            return vec![HARM.concat(), "\u{FDFA}".repeat(255)];
        }
        Kind::TextWithAttributes(_) | Kind::Group(_) | Kind::Any => return Vec::new(),
    };
    let most = rule.max_length.unwrap_or(4000);
    let cut = |text: &str| text.chars().take(most).collect::<String>();
    let widest = ["\u{FDFA}", "\""].map(|c| c.repeat(most));
    let texts = [cut(&HARM.concat())].into_iter().chain(widest).chain(sample::at_bound(&rule).pop());
    texts.filter(|text| rule.canonical(text.trim()).is_ok()).collect()
}

#[test]
fn no_value_of_any_field_of_an_add_is_an_error_of_ours() {
    let mut target = Target::start();
    for (operation, wrapper, needed) in ADDS {
        let schema = Schema::get().operation(operation).unwrap();
        let group = schema.object_field().unwrap().group().unwrap();
        for field in &group.fields {
            for value in values(&field.kind) {
                let child = written(&Element::with_text(&field.name, &value));
                let start = needed.find(&format!("<{}>", field.name));
                let rest = match start {
                    None => needed.to_owned(),
                    Some(at) => {
                        let end = format!("</{}>", field.name);
                        let after = needed.find(&end).unwrap() + end.len();
                        format!("{}{}", &needed[..at], &needed[after..])
                    }
                };
                let what = format!("{operation} {} {value}", field.name);
                let answer =
                    target.post(envelope(operation, &format!("<{wrapper}>{rest}{child}</{wrapper}>")));
                target.judge(&what, &answer, Expect::Anything);
                if answer.status == 200 {
                    let uuid = answer.body.split("<return>").nth(1).unwrap().split('<').next().unwrap();
                    let remove = operation.replacen("add", "remove", 1);
                    target.throw(&what, envelope(&remove, &format!("<uuid>{uuid}</uuid>")), Expect::Answer);
                }
            }
        }
    }
    target.unchanged(|_| ());
}

#[test]
fn patterns_and_pages_of_lists_are_bounded() {
    let mut target = Target::start();
    let list = |criterion: &str, page: &str| {
        envelope(
            "listPhone",
            &format!(
                "<searchCriteria><name>{criterion}</name></searchCriteria><returnedTags><name/></returnedTags>{page}"
            ),
        )
    };
    let refused = ["%".repeat(9), "a".repeat(129), format!("%{}%", "_".repeat(127))];
    let fine = [
        "'; DROP TABLE phones; --%",
        "\\",
        "\\%",
        "%\\",
        "_",
        "\u{FDFA}",
        "[a-z]*",
        "SEP%' OR '1'='1",
        "%%%%%%%%",
    ];
    target.unchanged(|target| {
        for pattern in refused {
            target.throw(&pattern, list(&pattern, ""), Expect::Refusal);
        }
        for pattern in fine {
            target.throw(pattern, list(pattern, ""), Expect::Answer);
        }
        for page in [
            "<first>99999999999999999999</first>",
            "<first>-1</first>",
            "<skip>-1</skip><first>1</first>",
            "<first>x</first>",
            "<first>1e3</first>",
            "<first>18446744073709551615</first><skip>18446744073709551615</skip>",
        ] {
            target.throw(page, list("%", page), Expect::Anything);
        }
        for page in [
            "<first>0</first>",
            "<skip>2147483648</skip><first>9</first>",
            "<first>9223372036854775807</first><skip>9223372036854775807</skip>",
        ] {
            target.throw(page, list("%", page), Expect::Anything);
        }
        target.throw(
            "no criterion",
            envelope("listPhone", "<searchCriteria/><returnedTags><name/></returnedTags>"),
            Expect::Refusal,
        );
    });
}

#[test]
fn numbers_out_of_range_and_missing_targets_are_refused() {
    let mut target = Target::start();
    let login = |more: &str| envelope("doDeviceLogin", &format!("<deviceName>{PHONE}</deviceName>{more}"));
    let line = |index: &str| {
        envelope(
            "updatePhone",
            &format!(
                "<name>{PHONE}</name><lines><line><index>{index}</index><dirn><pattern>1</pattern></dirn></line></lines>"
            ),
        )
    };
    let twice = "<line><index>1</index><dirn><pattern>1</pattern></dirn></line>".repeat(2);
    let inputs = [
        login("<loginDuration>x</loginDuration><profileName>Ada at work</profileName><userId>ada</userId>"),
        login(
            "<loginDuration>99999999999999999999</loginDuration><profileName>Ada at work</profileName><userId>ada</userId>",
        ),
        login("<loginDuration>1.5</loginDuration><userId>ada</userId>"),
        login("<loginDuration>0</loginDuration><userId>nobody</userId>"),
        login("<loginDuration>0</loginDuration><userId>ada\u{200B}</userId>"),
        login("<profileName>none</profileName><userId>ada</userId>"),
        login(""),
        line("0"),
        line("-1"),
        line("999999999999"),
        line("x"),
        line(""),
        envelope("updatePhone", &format!("<name>{PHONE}</name><lines>{twice}</lines>")),
        envelope(
            "updatePhone",
            &format!("<name>{PHONE}</name><newName>robert'); drop table phones;--</newName>"),
        ),
        envelope("updatePhone", &format!("<name>{PHONE}</name><newName>SEP0</newName>")),
        envelope(
            "updatePhone",
            &format!("<name>{PHONE}</name><devicePoolName>No'such\"pool</devicePoolName>"),
        ),
        envelope(
            "updatePhone",
            "<uuid>{00000000-0000-0000-0000-000000000000}</uuid><description>x</description>",
        ),
        envelope("updatePhone", "<description>x</description>"),
        envelope("removePhone", "<name>SEP0000000000FF</name>"),
        envelope("addUser", "<user><lastName>x</lastName><userid>p1</userid><pin>abc</pin></user>"),
        envelope(
            "addUser",
            &format!("<user><lastName>x</lastName><userid>p2</userid><pin>{}</pin></user>", "1".repeat(65)),
        ),
        envelope(
            "addUser",
            &format!(
                "<user><lastName>x</lastName><userid>p3</userid><password>{}</password></user>",
                "x".repeat(10_000)
            ),
        ),
        envelope("addUser", "<user><lastName>x</lastName><userid>p4</userid><pin>１２３４５</pin></user>"),
        envelope("addUser", "<user><lastName>x</lastName><userid>ada</userid></user>"),
        envelope("addUser", "<user><lastName>x</lastName><userid>ＡＤＡ</userid></user>"),
        envelope("addUser", "<user><lastName>x</lastName><userid>ad\u{200D}a</userid></user>"),
        envelope("addUser", "<user><lastName>x</lastName><userid>ada\u{E0001}</userid></user>"),
        envelope("addUser", "<user><lastName>x</lastName><userid>\u{202E}ada</userid></user>"),
        envelope("addUser", "<user><lastName>x</lastName><userid>ada\u{061C}</userid></user>"),
        envelope("addUser", "<user><lastName>x</lastName><userid>ada\u{180E}</userid></user>"),
        envelope("addUser", "<user><lastName>x</lastName><userid>ada\u{E007F}</userid></user>"),
    ];
    target.unchanged(|target| {
        for input in inputs {
            target.throw(&input.clone(), input, Expect::Refusal);
        }
        for sequence in ["", "?", "-1", "99999999999999999999", "1 2", "'; --"] {
            let input = envelope("getPhone", &format!("<name>{PHONE}</name>")).replacen(
                "<n:getPhone ",
                &format!("<n:getPhone sequence=\"{sequence}\" "),
                1,
            );
            let answer = target.post(&input);
            target.judge(sequence, &answer, Expect::Answer);
            assert!(!answer.body.contains("sequence"), "{sequence}");
        }
    });
    target.throw(
        "a huge duration",
        login("<loginDuration>9223372036854775807</loginDuration><userId>ada</userId>"),
        Expect::Anything,
    );
    target.throw(
        "a negative duration",
        login("<loginDuration>-9</loginDuration><userId>ada</userId>"),
        Expect::Anything,
    );
}

#[test]
fn very_much_is_taken_or_refused_and_never_lost() {
    let mut target = Target::start();
    let line = |n: usize| {
        format!(
            "<line><index>{n}</index><label>{}</label><display>{0}</display><dirn><pattern>{}</pattern></dirn></line>",
            "\u{1F600}".repeat(30),
            80_000 + n
        )
    };
    let lines: String = (1..=500).map(line).collect();
    let profile = format!("<name>Ada at work</name><lines>{lines}</lines>");
    target.throw("500 lines", envelope("updateDeviceProfile", &profile), Expect::Fault("soapenv:Server"));
    let login = format!(
        "<deviceName>{PHONE}</deviceName><loginDuration>0</loginDuration><profileName>Ada at work</profileName><userId>ada</userId>"
    );
    target.throw("login after lines that were refused", envelope("doDeviceLogin", &login), Expect::Answer);
    let members: String = (0..10_000).map(|n| format!("<member><index>{n}</index></member>")).collect();
    target.throw(
        "too many elements",
        envelope("updateCss", &format!("<name>Everywhere</name><members>{members}</members>")),
        Expect::Fault("soapenv:Client"),
    );
    let schema = Schema::get().operation("updatePhone").unwrap();
    let wide: String = schema
        .request
        .fields
        .iter()
        .filter(|f| f.branches.is_empty())
        .filter_map(|f| {
            let Kind::Text(rule) = &f.kind else { return None };
            let text = "\u{1F600}".repeat(rule.max_length.unwrap_or(300).min(300));
            rule.canonical(&text).ok().map(|text| written(&Element::with_text(&f.name, &text)))
        })
        .collect();
    let fault = target.throw(
        "a wide update",
        envelope("updatePhone", &format!("<name>{PHONE}</name>{wide}")),
        Expect::Anything,
    );
    println!("a wide update of {} bytes: {fault:?}", wide.len());
    target.unchanged(|_| ());
}
