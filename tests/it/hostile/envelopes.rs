//! Messages that are no envelope with one operation: encodings, document types, structure, versions (XML-2 to XML-5).

use super::input::Input;
use super::target::{AXL, Expect, MARK, PHONE, SOAP, Target, body, envelope};

const CLIENT: Expect = Expect::Fault("soapenv:Client");
const VERSION: Expect = Expect::Fault("soapenv:VersionMismatch");
const UNDERSTAND: Expect = Expect::Fault("soapenv:MustUnderstand");

fn good() -> String {
    envelope("getPhone", &format!("<name>{PHONE}</name>"))
}

fn utf16(text: &str, mark: bool, big: bool) -> Vec<u8> {
    let units = mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
    units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
}

fn declared(encoding: &str) -> Vec<u8> {
    format!("<?xml version='1.0' encoding='{encoding}'?>{}", good()).into_bytes()
}

/// Only UTF-8 is read.
fn encodings() -> Vec<Input> {
    let named = |bytes: &[u8]| {
        let whole = envelope("getPhone", "<name>@</name>").into_bytes();
        let at = whole.iter().position(|b| *b == b'@').unwrap();
        [&whole[..at], bytes, &whole[at + 1..]].concat()
    };
    let mut inputs = vec![
        ("UTF-16 LE with mark", utf16(&good(), true, false)),
        ("UTF-16 BE with mark", utf16(&good(), true, true)),
        ("UTF-16 LE", utf16(&good(), false, false)),
        ("UTF-16 BE", utf16(&good(), false, true)),
        ("UTF-32", good().chars().flat_map(|c| (c as u32).to_le_bytes()).collect()),
        ("two marks", format!("\u{FEFF}\u{FEFF}{}", good()).into_bytes()),
        ("empty", Vec::new()),
        ("blank", b" \n".to_vec()),
        ("mark alone", b"\xEF\xBB\xBF".to_vec()),
        ("gzip", b"\x1F\x8B\x08\x00\x00\x00\x00\x00".to_vec()),
        ("Latin-1 bytes", named(b"J\xF6rg")),
        ("cut off sequence", named(b"\xE2\x82")),
        ("overlong slash", named(b"\xC0\xAF")),
        ("overlong NUL", named(b"\xC0\x80")),
        ("surrogate", named(b"\xED\xA0\x80")),
        ("beyond Unicode", named(b"\xF4\x90\x80\x80")),
        ("U+FFFE", named("\u{FFFE}".as_bytes())),
        ("U+FFFF", named("\u{FFFF}".as_bytes())),
        ("UTF-7", declared("UTF-7")),
        ("EBCDIC declared", declared("IBM037")),
        ("Latin-1 declared", declared("ISO-8859-1")),
        ("UTF-16 declared", declared("UTF-16")),
        ("nonsense declared", declared(MARK)),
        ("empty encoding", declared("")),
        ("ASCII declared on more", {
            let text = envelope("getPhone", "<name>Jörg</name>");
            format!("<?xml version='1.0' encoding='US-ASCII'?>{text}").into_bytes()
        }),
    ];
    for control in (0_u8..32).filter(|b| ![9, 10, 13].contains(b)) {
        inputs.push(("control character", named(&[control])));
    }
    for reference in [
        "&#0;",
        "&#1;",
        "&#x1F;",
        "&#xFFFE;",
        "&#xD800;",
        "&#x110000;",
        "&#99999999999;",
        "&#-1;",
        "&#;",
        "&#x;",
    ] {
        inputs.push(("reference to what is no character", named(reference.as_bytes())));
    }
    let named = |(what, bytes): (&str, Vec<u8>)| Input {
        what: what.to_owned(),
        ..Input::soap("encodings", bytes, CLIENT)
    };
    let marked = Input::soap("encodings", format!("\u{FEFF}{}", good()), Expect::Answer);
    inputs.into_iter().map(named).chain([marked]).collect()
}

/// There are no document types, entities or instructions.
fn document_types() -> Vec<Input> {
    let lead = |text: &str| format!("{text}{}", good());
    let inside = |text: &str| envelope("getPhone", &format!("<name>{text}</name>"));
    let bomb = "<!DOCTYPE s [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;'>]>";
    let inputs = [
        lead("<!DOCTYPE s>"),
        lead("<!DOCTYPE s SYSTEM 'file:///etc/passwd'>"),
        lead("<!DOCTYPE s PUBLIC '-//X//Y' 'http://127.0.0.1:1/x.dtd'>"),
        lead("<!DOCTYPE s [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"),
        lead("<!DOCTYPE s [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/'> %p;]>"),
        lead("<!doctype s>"),
        lead("<!DocType s>"),
        lead("<!DOCTYPE"),
        lead("<!DOCTYPE s [<![CDATA[<!ENTITY]]>"),
        lead("<!-- --><!DOCTYPE s>"),
        lead("<?xml version='1.0'?><!DOCTYPE s>"),
        lead("<!ELEMENT s ANY>"),
        lead("<!ENTITY x 'y'>"),
        lead(bomb),
        format!("{bomb}{}", inside("&c;")),
        inside("<!DOCTYPE s>"),
        inside("<!ENTITY x 'y'>"),
        inside(&format!("&{MARK};")),
        inside("&nbsp;"),
        inside("&AMP;"),
        inside("&amp"),
        inside("&"),
        inside("& amp;"),
        inside(&format!("<?{MARK} x?>")),
        inside("<?xml version='1.0'?>"),
        inside("<?xml-stylesheet href='x'?>"),
        lead("<?xml-stylesheet href='http://127.0.0.1:1/'?>"),
        lead("<?xml version='1.1'?>"),
        lead("<?xml version='2.0'?>"),
        lead("<?xml version='1.0' standalone='maybe'?>"),
        lead("<?xml encoding='UTF-8'?>"),
        lead("<?xml?>"),
        lead("<?XML version='1.0'?>"),
        lead(" <?xml version='1.0'?>"),
        lead("<?xml version='1.0'?><?xml version='1.0'?>"),
        format!("{}<?x y?>", good()),
        format!("{}<!DOCTYPE s>", good()),
        lead(&format!("<?xml version='1.0' {MARK}='1'?>")),
    ];
    let fine = [
        lead("<?xml version='1.0'?>"),
        lead("<?xml version=\"1.0\" encoding='utf-8' standalone='yes'?>"),
        lead("<!-- x -->"),
        lead("\n"),
        inside(&format!("<![CDATA[{PHONE}]]>")),
        inside("&#83;&#x45;P0000000000AA"),
    ];
    let refused = inputs.into_iter().map(|input| Input::soap("document types", input, CLIENT));
    let taken = fine.into_iter().map(|input| Input::soap("document types", input, Expect::Answer));
    refused.chain(taken).collect()
}

/// What is not well formed is refused.
fn malformed() -> Vec<Input> {
    let inside = |text: &str| envelope("getPhone", &format!("<name>{PHONE}</name>{text}"));
    let good = good();
    let mut inputs: Vec<String> = [
        "<x>",
        "</x>",
        "<x></y>",
        "<x><y></x></y>",
        "<x",
        "<x a>",
        "<x a=1/>",
        "<x a='1' a='2'/>",
        "<x a='<'/>",
        "<x a='&'/>",
        "<x a='1'b='2'/>",
        "< x/>",
        "<x/ >",
        "<1x/>",
        "<-x/>",
        "<x.\u{D7}/>",
        "<x:/>",
        "<:x/>",
        "<x:y:z/>",
        "<p:x/>",
        "<x p:a='1'/>",
        "<x xmlns:p=''/>",
        "<x xmlns:xml='u'/>",
        "<x xmlns:xmlns='u'/>",
        "<x xmlns='http://www.w3.org/2000/xmlns/'/>",
        "<x xmlns:a='u' xmlns:b='u' a:c='1' b:c='2'/>",
        "]]>",
        "<x>]]></x>",
        "<!-- -- -->",
        "<!-- --->",
        "<!---",
        "<![CDATA[",
        "<![cdata[x]]>",
        "<!x>",
        "<?",
        "<x a=\"1'/>",
        "<>",
        "</>",
        "<x\u{A0}a='1'/>",
        "<x a='1'>text</x a='1'>",
        "<x $='1'/>",
        "<x a,b='1'/>",
    ]
    .map(inside)
    .to_vec();
    inputs.extend((1..good.len()).step_by(7).map(|at| good[..at].to_owned()));
    inputs.extend([
        format!("{good}{good}"),
        format!("{good}<x/>"),
        format!("{good}{MARK}"),
        format!("{good}&#32;"),
        format!("{good}<![CDATA[]]>"),
        format!("{good}</s:Envelope>"),
        format!("{MARK}{good}"),
        MARK.to_owned(),
        "{\"getPhone\": {}}".to_owned(),
        "name=x&value=y".to_owned(),
    ]);
    inputs.into_iter().map(|input| Input::soap("not well formed", input, CLIENT)).collect()
}

/// An envelope holds one operation and nothing beside it.
fn structures() -> Vec<Input> {
    let operation = format!("<n:getPhone xmlns:n='{AXL}'><name>{PHONE}</name></n:getPhone>");
    let whole = |inside: &str| format!("<s:Envelope xmlns:s='{SOAP}'>{inside}</s:Envelope>");
    let soap12 = "http://www.w3.org/2003/05/soap-envelope";
    let header = |inside: &str| whole(&format!("<s:Header>{inside}</s:Header><s:Body>{operation}</s:Body>"));
    let inputs = [
        (whole(""), CLIENT),
        (whole("<s:Body/>"), CLIENT),
        (whole("<s:Header/>"), CLIENT),
        (whole(&format!("<s:Body>{operation}{operation}</s:Body>")), CLIENT),
        (whole(&format!("<s:Body>{operation}</s:Body><s:Body>{operation}</s:Body>")), CLIENT),
        (whole(&format!("<s:Body>{operation}</s:Body><s:Body/>")), CLIENT),
        (whole(&format!("<s:Body>{operation}</s:Body><s:Header/>")), CLIENT),
        (whole(&format!("<s:Header/><s:Header/><s:Body>{operation}</s:Body>")), CLIENT),
        (whole(&format!("<x/><s:Body>{operation}</s:Body>")), CLIENT),
        (whole(&format!("<s:Body>{operation}</s:Body><x/>")), CLIENT),
        (whole(&format!("<Body>{operation}</Body>")), CLIENT),
        (whole(&format!("<t:Body xmlns:t='{soap12}'>{operation}</t:Body>")), CLIENT),
        (whole(&format!("<s:body>{operation}</s:body>")), CLIENT),
        (whole(&format!("<s:Body>{MARK}{operation}</s:Body>")), CLIENT),
        (whole(&format!("<s:Body>{operation}{MARK}</s:Body>")), CLIENT),
        (whole(&format!("{MARK}<s:Body>{operation}</s:Body>")), CLIENT),
        (whole(&format!("<s:Body>{operation}</s:Body>{MARK}")), CLIENT),
        (operation.clone(), VERSION),
        (format!("<Envelope><Body>{operation}</Body></Envelope>"), VERSION),
        (format!("<s:Envelope xmlns:s='{soap12}'><s:Body>{operation}</s:Body></s:Envelope>"), VERSION),
        (format!("<s:Envelope xmlns:s='{MARK}'><s:Body>{operation}</s:Body></s:Envelope>"), VERSION),
        (format!("<s:envelope xmlns:s='{SOAP}'><s:Body>{operation}</s:Body></s:envelope>"), VERSION),
        (format!("<html><body>{MARK}</body></html>"), VERSION),
        (header(&format!("<x xmlns='{MARK}' s:mustUnderstand='1'/>")), UNDERSTAND),
        (header("<x xmlns='u' s:mustUnderstand='true'/>"), UNDERSTAND),
        (header("<x xmlns='u'/><y xmlns='u' s:mustUnderstand='1'>z</y>"), UNDERSTAND),
        (header("<x xmlns='u' s:mustUnderstand='0'/>"), Expect::Answer),
        (header("<x xmlns='u'><y s:mustUnderstand='1'/></x>"), Expect::Answer),
        (header(""), Expect::Answer),
    ];
    inputs.into_iter().map(|(input, expect)| Input::soap("envelopes", input, expect)).collect()
}

pub(super) fn corpus() -> Vec<Input> {
    [encodings(), document_types(), malformed(), structures()].concat()
}

#[test]
fn the_namespace_and_name_of_the_operation_decide() {
    let mut target = Target::start();
    let of = |namespace: &str, name: &str| {
        body(&format!("<n:{name} xmlns:n='{namespace}'><name>{PHONE}</name></n:{name}>"))
    };
    let versions = ["9.1", "13.0", "14", "14.00", "14.0.1", "", "x", " 14.0", "99999999999999999999.0", MARK];
    let foreign = ["", "urn:x", "http://www.cisco.com/AXL/API", "HTTP://WWW.CISCO.COM/AXL/API/14.0", MARK];
    target.unchanged(|target| {
        for version in versions {
            let answer = target.post(of(&format!("http://www.cisco.com/AXL/API/{version}"), "getPhone"));
            target.judge(version, &answer, Expect::Status(599));
            assert!(answer.body.contains("Supported axl versions are"), "{}", answer.body);
        }
        for namespace in foreign.iter().skip(1) {
            target.throw(namespace, of(namespace, "getPhone"), CLIENT);
        }
        target.throw("no namespace", body("<getPhone><name>x</name></getPhone>"), CLIENT);
        for name in
            ["getphone", "GetPhone", "getPhone2", "getPhoneResponse", "doSomething", "drop", MARK, "Fault"]
        {
            let fault = target.client_fault(name, of(AXL, name));
            assert_eq!((fault.number.as_str(), fault.request.as_str()), ("5002", ""), "{name}");
        }
        for name in
            ["addHuntPilot", "executeSQLQuery", "executeSQLUpdate", "doAuthenticateUser", "listChange"]
        {
            let fault = target.throw(name, of(AXL, name), Expect::Fault("soapenv:Server")).unwrap();
            assert_eq!(fault.text, format!("operation {name} is not available on this server"));
            assert_eq!(fault.request, name);
        }
    });
}
