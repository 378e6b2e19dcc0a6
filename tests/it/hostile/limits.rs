//! Every limit on messages: at it, one over it, a hundred times over it (XML-3, XML-8).

use super::target::{Expect, MARK, PHONE, Target, envelope};

/// A getPhone that holds something more, which the schema does not know and which is skipped.
fn with(more: &str) -> String {
    envelope("getPhone", &format!("<name>{PHONE}</name>{more}"))
}

fn nested(levels: usize) -> String {
    format!("{}{MARK}{}", "<x>".repeat(levels), "</x>".repeat(levels))
}

type Made = fn(usize) -> String;

/// What is limited, how much is left of it beside the envelope, and a message that takes that much.
const LIMITED: [(&str, usize, Made); 8] = [
    ("nesting", 29, |n| with(&nested(n))),
    ("elements", 19_996, |n| with(&"<x/>".repeat(n))),
    ("attributes", 32, |n| {
        with(&format!("<x{}/>", (0..n).map(|i| format!(" a{i}='{MARK}'")).collect::<String>()))
    }),
    ("namespace declarations", 62, |n| {
        with(&(0..n).map(|i| format!("<x xmlns:p{i}='u'/>")).collect::<String>())
    }),
    ("name length", 128, |n| with(&format!("<{}/>", "x".repeat(n)))),
    ("attribute length", 4096, |n| with(&format!("<x a='{}'/>", "x".repeat(n)))),
    ("text length", 262_144, |n| with(&format!("<x>{}</x>", "x".repeat(n)))),
    ("comments", 65_536, |n| with(&format!("<!--{}-->", "x".repeat(n)))),
];

#[test]
fn every_limit_holds_at_it_one_over_it_and_far_over_it() {
    let mut target = Target::start();
    target.unchanged(|target| {
        for (what, most, made) in LIMITED {
            target.throw(what, made(most), Expect::Answer);
            let fault = target.client_fault(what, made(most + 1));
            assert_eq!(fault.text, format!("the message exceeds the limit on {what}"));
            let far = made(most * 100);
            let expect =
                if far.len() > 1 << 20 { Expect::Status(413) } else { Expect::Fault("soapenv:Client") };
            target.throw(what, far, expect);
        }
    });
}

#[test]
fn limits_cannot_be_walked_around() {
    let mut target = Target::start();
    let many = |n: usize, one: &str| one.repeat(n);
    let split = format!("<x>{}</x>", many(5000, &format!("<![CDATA[{}]]>", "x".repeat(100))));
    let deep_header = format!(
        "<s:Envelope xmlns:s='{}'><s:Header>{}</s:Header><s:Body/></s:Envelope>",
        super::target::SOAP,
        nested(31)
    );
    let inputs = [
        ("text in pieces of CDATA", with(&split)),
        (
            "text in references",
            with(&format!("<x>{}</x>", many(170_000, "&#65;").replacen("&#65;", &"x".repeat(100_000), 1))),
        ),
        ("nesting in the header", deep_header),
        ("comments in pieces", with(&many(700, &format!("<!--{}-->", "x".repeat(100))))),
        ("long attribute name", with(&format!("<x {}='1'/>", "a".repeat(129)))),
        ("long prefix", with(&format!("<{}:x/>", "p".repeat(129)))),
        ("long declaration", with(&format!("<x xmlns:p='{}'/>", "u".repeat(4097)))),
        ("long default declaration", with(&format!("<x xmlns='{}'/>", "u".repeat(4097)))),
        ("deep unknown", with(&nested(100_000))),
        (
            "a declaration a level",
            with(&(0..5000).map(|i| format!("<x xmlns:p{i}='u'>")).collect::<String>()),
        ),
    ];
    target.unchanged(|target| {
        for (what, input) in inputs {
            target.client_fault(what, input);
        }
    });
}

#[test]
fn a_mebibyte_of_anything_is_answered_in_time() {
    let mut target = Target::start();
    let fill = |one: &str| with(&one.repeat(1_040_000 / one.len()));
    target.unchanged(|target| {
        for one in [
            "<x/>",
            "<x>",
            "</x>",
            "<",
            ">",
            "&",
            "<x a='",
            "<!--",
            "<![CDATA[",
            "<?",
            "<!",
            "x ",
            "\"",
            "\u{10FFFF}",
        ] {
            target.client_fault(one, fill(one));
        }
    });
}
