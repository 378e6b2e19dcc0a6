//! Tests of the front door: spellings that are the same message, and everything that is refused.

use std::time::Duration;

use super::EnvelopeError::{Body, MustUnderstand, Version};
use super::scan::SOAP11;
use super::*;
use crate::soap::write::is_xml_char;

const AXL: &str = "http://www.cisco.com/AXL/API/12.5";

fn envelope(inner: &str) -> String {
    format!(r#"<s:Envelope xmlns:s="{SOAP11}" xmlns:n="{AXL}"><s:Body>{inner}</s:Body></s:Envelope>"#)
}

fn body_of(inner: &str) -> Element {
    read_call(envelope(&format!("<n:op>{inner}</n:op>")).as_bytes()).unwrap().body
}

fn refusal(text: &str) -> EnvelopeError {
    read_call(text.as_bytes()).unwrap_err()
}

#[test]
fn four_spellings_of_one_message_give_the_same_call() {
    let content = r#"<name>SEP1</name><pool xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" uuid=""/>"#;
    let spellings = [
        format!(
            r#"<soapenv:Envelope xmlns:soapenv="{SOAP11}" xmlns:ns="{AXL}"><soapenv:Header/><soapenv:Body><ns:getPhone sequence="7">{content}</ns:getPhone></soapenv:Body></soapenv:Envelope>"#
        ),
        format!(
            r#"<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP11}" xmlns:ns1="{SOAP11}" xmlns:ns0="{AXL}"><SOAP-ENV:Header/><ns1:Body><ns0:getPhone sequence="7">{content}</ns0:getPhone></ns1:Body></SOAP-ENV:Envelope>"#
        ),
        format!(
            r#"<Envelope xmlns="{SOAP11}"><Body><getPhone xmlns="{AXL}" sequence="7">{content}</getPhone></Body></Envelope>"#
        ),
        format!(
            "\u{FEFF}<?xml version='1.0' encoding=\"utf-8\" standalone=\"yes\"?>\n<!-- c --><S:Envelope xmlns:S=\"{SOAP11}\">\n <S:Body>\n  <q:getPhone xmlns:q=\"{AXL}\" sequence=\"7\"><q:name><![CDATA[SEP]]>&#49;</q:name>{}</q:getPhone>\n </S:Body>\n</S:Envelope>\n",
            &content[17..]
        ),
    ];
    let mut pool = Element::new("pool");
    pool.nil = true;
    pool.attributes.push(("uuid".to_owned(), String::new()));
    let mut body = Element::with_children("getPhone", vec![Element::with_text("name", "SEP1"), pool]);
    body.attributes.push(("sequence".to_owned(), "7".to_owned()));
    let call = |size| Call {
        operation: "getPhone".to_owned(),
        namespace: Some(AXL.to_owned()),
        sequence: Some(7),
        body: body.clone(),
        size,
    };
    for spelling in spellings {
        assert_eq!(read_call(spelling.as_bytes()), Ok(call(spelling.len())), "{spelling}");
    }
}

#[test]
fn text_keeps_blanks_references_and_cdata() {
    assert_eq!(
        body_of("<sql> a &lt; b &amp;&#x41;<![CDATA[ <x> ]]></sql>").text_of("sql"),
        Some(" a < b &A <x> ")
    );
    assert_eq!(body_of("<a>x\r\ny</a>").text_of("a"), Some("x\ny"));
}

#[test]
fn a_sequence_that_is_no_number_is_not_kept() {
    for sequence in ["?", "", "-1"] {
        let text = envelope(&format!(r#"<n:op sequence="{sequence}"/>"#));
        assert_eq!(read_call(text.as_bytes()).unwrap().sequence, None);
    }
}

#[test]
fn every_limit_is_a_refusal() {
    let deep = format!("{}{}", "<a>".repeat(30), "</a>".repeat(30));
    let attributes: String = (0..33).map(|i| format!(" a{i}=\"\"")).collect();
    let bindings: String = (0..70).map(|i| format!(" xmlns:p{i}=\"u{i}\"")).collect();
    let cases = [
        (format!("<n:op>{deep}</n:op>"), "nesting"),
        (format!("<n:op>{}</n:op>", "<a/>".repeat(20_000)), "elements"),
        (format!("<n:op{attributes}/>"), "attributes"),
        (format!("<n:op{bindings}/>"), "namespace declarations"),
        (format!("<n:op><{}/></n:op>", "a".repeat(129)), "name length"),
        (format!("<n:op {}=\"\"/>", "a".repeat(129)), "name length"),
        (format!("<n:op a=\"{}\"/>", "x".repeat(4097)), "attribute length"),
        (format!("<n:op>{}</n:op>", "x".repeat((256 << 10) + 1)), "text length"),
        (format!("<n:op><!--{}--></n:op>", "x".repeat((64 << 10) + 1)), "comments"),
    ];
    for (inner, limit) in cases {
        assert_eq!(refusal(&envelope(&inner)), Limit(limit));
    }
    let fits = format!("<n:op>{}{}</n:op>", "<a>".repeat(29), "</a>".repeat(29));
    assert!(read_call(envelope(&fits).as_bytes()).is_ok());
}

#[test]
fn what_is_not_a_plain_envelope_is_refused() {
    let ok = envelope("<n:op/>");
    let soap12 = ok.replace(SOAP11, "http://www.w3.org/2003/05/soap-envelope");
    let header = |attributes: &str| {
        ok.replace("<s:Body>", &format!("<s:Header><h xmlns=\"u\" {attributes}>t</h></s:Header><s:Body>"))
    };
    assert_eq!(refusal(&format!("<!DOCTYPE x>{ok}")), Dtd);
    assert_eq!(refusal(&format!("<!DOCTYPE x [<!ENTITY e \"1\">]>{ok}")), Dtd);
    assert_eq!(refusal(&format!("<?php x?>{ok}")), ProcessingInstruction);
    assert_eq!(refusal(&format!("{ok}<?xml-stylesheet x?>")), ProcessingInstruction);
    assert_eq!(refusal(&ok.replace("<n:op/>", "<n:op/><n:op/>")), Body);
    assert_eq!(refusal(&ok.replace("<n:op/>", "")), Body);
    assert_eq!(refusal(&ok.replace("<n:op/>", "text<n:op/>")), Body);
    assert_eq!(refusal(&soap12), Version);
    assert_eq!(refusal("<x/>"), Version);
    assert_eq!(refusal(&header("s:mustUnderstand=\"1\"")), MustUnderstand);
    assert!(read_call(header("s:mustUnderstand=\"0\"").as_bytes()).is_ok());
    for (actor, is_ours) in
        [("", true), ("http://schemas.xmlsoap.org/soap/actor/next", true), ("urn:other", false)]
    {
        let read = read_call(header(&format!("s:actor=\"{actor}\" s:mustUnderstand=\"1\"")).as_bytes()).err();
        assert_eq!(read, is_ours.then_some(MustUnderstand), "{actor}");
    }
    assert_eq!(
        refusal(&header(
            "s:actor=\"\" t:actor=\"urn:other\" xmlns:t=\"http://schemas.xmlsoap.org/soap/envelope/\""
        )),
        Malformed
    );
    assert!(read_call(header("mustUnderstand=\"1\"").as_bytes()).is_ok());
}

#[test]
fn what_is_not_well_formed_is_refused() {
    let ok = envelope("<n:op/>");
    for bad in [
        format!("{ok}{ok}"),
        format!("{ok}text"),
        format!("<?xml version='1.1'?>{ok}"),
        format!(" <?xml version='1.0'?>{ok}").replace(" <?xml", "<!-- --><x/><?xml"),
        ok.replace("</s:Body>", "</s:Body><s:Body/>"),
        ok.replace("</s:Body>", "</s:Body><s:Header/>"),
        ok.replace("</s:Envelope>", ""),
        ok.replace("<n:op/>", "<n:op></n:other>"),
        ok.replace("<n:op/>", "<z:op/>"),
        ok.replace("<n:op/>", "<n:op z:a=\"\"/>"),
        ok.replace("<n:op/>", "<n:op a=\"1\" a=\"2\"/>"),
        ok.replace("<n:op/>", "<n:op a=\"&e;\"/>"),
        ok.replace("<n:op/>", "<n:op a=\"<\"/>"),
        ok.replace("<n:op/>", "<n:op>&e;</n:op>"),
        ok.replace("<n:op/>", "<n:op>&#0;</n:op>"),
        ok.replace("<n:op/>", "<n:op>&#xD800;</n:op>"),
        ok.replace("<n:op/>", "<n:op>&#xFFFE;</n:op>"),
        ok.replace("<n:op/>", "<n:op><a!b/></n:op>"),
    ] {
        assert!(matches!(refusal(&bad), Malformed | Version), "{bad}");
    }
}

#[test]
fn other_encodings_and_forbidden_characters_are_refused() {
    let ok = envelope("<n:op/>");
    let utf16: Vec<u8> = ok.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read_call(&utf16), Err(Encoding));
    assert_eq!(read_call(b"\xFF<x/>"), Err(Encoding));
    assert_eq!(read_call(format!("{ok}\0").as_bytes()), Err(Encoding));
    assert_eq!(read_call(ok.replace("<n:op/>", "<n:op>\u{1}</n:op>").as_bytes()), Err(Encoding));
    assert_eq!(refusal(&format!("<?xml version='1.0' encoding='latin1'?>{ok}")), Encoding);
}

/// Time that this thread spent on a core, which neighbours on a busy machine do not lengthen.
fn time_on_core() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn time_grows_with_length_only() {
    let message =
        |children: usize| envelope(&format!("<n:op>{}</n:op>", "<a b=\"c\">d</a>".repeat(children)));
    let spent = |text: &str, times: usize| {
        let start = time_on_core();
        for _ in 0..times {
            read_call(text.as_bytes()).unwrap();
        }
        time_on_core() - start
    };
    // the same bytes in eighteen messages and in one: a quadratic scan would take eighteen times as long
    let (many, one) = (spent(&message(1_000), 18), spent(&message(18_000), 1));
    assert!(one < many * 5, "{many:?} against {one:?}");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_answered_and_never_a_panic(noise in ".{0,40}", at in 0_usize..400) {
        let mut text = envelope("<n:addPhone sequence=\"1\"><phone a=\"&amp;\"><name>x</name><![CDATA[y]]></phone></n:addPhone>");
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.insert_str(at, &noise);
        let _ = read_call(text.as_bytes());
        let _ = read_call(noise.as_bytes());
    }
}

#[test]
fn characters_are_let_in_exactly_as_xml_allows_them() {
    for character in (0..=0x10_FFFF).filter_map(char::from_u32).filter(|c| *c != '\u{FEFF}') {
        let alone = character.to_string();
        assert_eq!(decode(alone.as_bytes()).is_ok(), is_xml_char(character), "{:x}", u32::from(character));
    }
}

#[test]
fn a_document_without_an_envelope_is_its_root_under_the_same_rules() {
    let read = |text: &str| read_document(text.as_bytes());
    let root =
        read("<?xml version=\"1.0\"?>\n<!-- x --><a b=\"1\"><c>x&amp;y</c><c><![CDATA[<z>]]></c></a>\n")
            .unwrap();
    assert_eq!((root.name.as_str(), root.attribute("b")), ("a", Some("1")));
    let texts: Vec<_> = root.children_named("c").map(|c| c.text.as_str()).collect();
    assert_eq!(texts, ["x&y", "<z>"]);
    assert_eq!(read("<p:a xmlns:p=\"u\"/>").unwrap().name, "a");
    for bad in [
        "",
        " ",
        "a",
        "<a/><b/>",
        "<a/>x",
        "x<a/>",
        "<a>",
        "</a>",
        "<a></b>",
        " <?xml version=\"1.0\"?><a/>",
        "<p:a/>",
    ] {
        assert_eq!(read(bad), Err(Malformed), "{bad}");
    }
    assert_eq!(read("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"), Err(Dtd));
    assert_eq!(read("<a><?x y?></a>"), Err(ProcessingInstruction));
    assert_eq!(read(&format!("{}{}", "<a>".repeat(33), "</a>".repeat(33))), Err(Limit("nesting")));
    assert_eq!(
        read(&format!("{}{}", "<a>".repeat(32), "</a>".repeat(32))).map(|a| a.name),
        Ok("a".to_owned())
    );
}
