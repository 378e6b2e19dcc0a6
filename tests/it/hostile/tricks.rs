//! What SOAP stacks can do and we do not: types and references in the message, attachments, headers of other standards; and tricks with
//! namespaces and attributes. Each is either of no effect or a fault (XML-4, XML-5).

use super::input::Input;
use super::target::{AXL, Expect, MARK, PHONE, SOAP};

const CLIENT: Expect = Expect::Fault("soapenv:Client");
const UNDERSTAND: Expect = Expect::Fault("soapenv:MustUnderstand");
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const ENCODING: &str = "http://schemas.xmlsoap.org/soap/encoding/";

/// An envelope with attributes, a header, and something in a getPhone beside the name.
fn whole(attributes: &str, header: &str, name: &str, more: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='{SOAP}' xmlns:xsi='{XSI}' {attributes}>{header}<s:Body>\
         <n:getPhone xmlns:n='{AXL}'>{name}{more}</n:getPhone></s:Body></s:Envelope>"
    )
}

fn with_header(block: &str) -> String {
    whole("", &format!("<s:Header>{block}</s:Header>"), &format!("<name>{PHONE}</name>"), "")
}

fn named(name: &str) -> String {
    whole("", "", name, "")
}

fn of_no_effect() -> Vec<String> {
    let text = |attributes: &str| named(&format!("<name {attributes}>{PHONE}</name>"));
    vec![
        text("xsi:type='xsd:string' xmlns:xsd='http://www.w3.org/2001/XMLSchema'"),
        text("xsi:type='java.lang.Runtime'"),
        text("xsi:type=''"),
        text("xsi:schemaLocation='u http://127.0.0.1:1/x.xsd'"),
        text("xsi:noNamespaceSchemaLocation='file:///etc/passwd'"),
        text("xml:base='file:///etc/'"),
        text("xml:space='preserve'"),
        text("xml:lang='de'"),
        text(&format!("s:encodingStyle='{ENCODING}'")),
        text("id='a' href='#b'"),
        text("xmlns='urn:x'"),
        text("xmlns:s='urn:x'"),
        text("onclick='x()'"),
        whole(&format!("s:encodingStyle='{ENCODING}'"), "", &format!("<name>{PHONE}</name>"), ""),
        whole(
            "",
            "",
            &format!("<name>{PHONE}</name>"),
            "<x:include xmlns:x='http://www.w3.org/2001/XInclude' href='file:///etc/passwd'/>",
        ),
        whole("", "", &format!("<name>{PHONE}</name>"), "<x><y><z/></y></x>"),
        whole("", "", &format!("<q:name xmlns:q='urn:x'>{PHONE}</q:name>"), ""),
        with_header(
            "<w:Security xmlns:w='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd'><w:UsernameToken><w:Username>x</w:Username></w:UsernameToken></w:Security>",
        ),
        with_header(
            "<a:Action xmlns:a='http://www.w3.org/2005/08/addressing'>removePhone</a:Action><a:ReplyTo xmlns:a='http://www.w3.org/2005/08/addressing'><a:Address>http://127.0.0.1:1/</a:Address></a:ReplyTo>",
        ),
        with_header("<x xmlns='u' s:mustUnderstand='0'/>"),
        with_header("<x xmlns='u' s:mustUnderstand='1' s:actor='urn:somebody-else'/>"),
        with_header("<x xmlns='u' mustUnderstand='1'/>"),
        with_header("<x xmlns='u' t:mustUnderstand='1' xmlns:t='http://www.w3.org/2003/05/soap-envelope'/>"),
        with_header("<x>text</x><y/><z a='b'/>"),
    ]
}

fn refused() -> Vec<String> {
    let xop = "<x:Include xmlns:x='http://www.w3.org/2004/08/xop/include' href='cid:a@b'/>";
    let part = |inside: &str| format!("--x\r\nContent-Type: text/xml\r\n\r\n{inside}\r\n--x--\r\n");
    let whole_phone = named(&format!("<name>{PHONE}</name>"));
    let reference = format!(
        "<name href='#id1'/></n:getPhone><multiRef id='id1'>{PHONE}</multiRef><n:getPhone xmlns:n='{AXL}'>"
    );
    vec![
        named(&format!("<name>{xop}</name>")),
        named(&format!("<name xsi:nil='true'>{PHONE}</name>")),
        named("<name xsi:nil='true'/>"),
        named("<name href='#id1'/>"),
        named(&reference),
        named(&format!("<name>{PHONE}</name><name>{MARK}</name>")),
        named(&format!("<name>{PHONE}</name><q:name xmlns:q='urn:x'>{MARK}</q:name>")),
        named(&format!("<name>{PHONE}<x/></name>")),
        part(&whole_phone),
        format!("MIME-Version: 1.0\r\n\r\n{whole_phone}"),
        format!(
            "<s:Envelope xmlns:s='{SOAP}'><s:Body><s:Fault><faultcode>s:Client</faultcode></s:Fault></s:Body></s:Envelope>"
        ),
        format!("<s:Envelope xmlns:s='{SOAP}' xmlns:s='{SOAP}'><s:Body/></s:Envelope>"),
        whole_phone.replace("<s:Body>", "<s:Body xmlns:s='urn:x'>"),
        whole_phone.replace("xmlns:n=", "xmlns:N="),
        whole_phone.replace("</n:getPhone>", "</m:getPhone>"),
    ]
}

fn to_be_understood() -> Vec<String> {
    let next = "http://schemas.xmlsoap.org/soap/actor/next";
    vec![
        with_header("<w:Security xmlns:w='urn:wsse' s:mustUnderstand='1'/>"),
        with_header("<a:To xmlns:a='http://www.w3.org/2005/08/addressing' s:mustUnderstand='true'>x</a:To>"),
        with_header(&format!("<x xmlns='u' s:mustUnderstand='1' s:actor='{next}'/>")),
        with_header("<x xmlns='u' s:mustUnderstand='1' s:actor=''/>"),
        with_header(&format!("<x xmlns='{AXL}' s:mustUnderstand='1'/>")),
        with_header("<x xmlns='u' s:mustUnderstand=' 1 '/>"),
    ]
}

/// Much of what the limits of single elements let through.
fn floods() -> Vec<(String, Expect)> {
    let many = |n: usize, one: &dyn Fn(usize) -> String| (0..n).map(one).collect::<String>();
    let more = |more: &str| whole("", "", &format!("<name>{PHONE}</name>"), more);
    vec![
        (more(&many(3000, &|i| format!("<x a{i}='{i}' b='{i}' c='{i}'/>"))), Expect::Answer),
        (more(&many(500, &|_| format!("<x {}/>", many(32, &|i| format!("a{i}='' "))))), Expect::Answer),
        (more(&format!("<x {}/>", many(33, &|i| format!("a{i}='' ")))), CLIENT),
        (more(&format!("<x {}/>", many(5000, &|i| format!("a{i}='' ")))), CLIENT),
        (more(&format!("<x {}/>", many(30_000, &|_| "a='' ".to_owned()))), CLIENT),
        (more(&format!("<x {}/>", many(70, &|i| format!("xmlns:p{i}='u' ")))), CLIENT),
        (more(&many(40, &|i| format!("<p{i}:x xmlns:p{i}='u{i}'/>"))), Expect::Answer),
        (more(&many(5000, &|i| format!("<x{i}/>"))), Expect::Answer),
        (more(&many(9000, &|_| format!("<name2>{MARK}</name2>"))), Expect::Answer),
        (more(&many(25_000, &|_| "<y/>".to_owned())), CLIENT),
        (more(&many(20_000, &|_| "<!---->".to_owned())), Expect::Answer),
        (named(&format!("<name>{}</name>", "S".repeat(200_000))), CLIENT),
        (named(&format!("<name>{}</name>", "&#83;".repeat(40_000))), CLIENT),
        (named(&format!("<name>{}{PHONE}</name>", " ".repeat(100_000))), Expect::Anything),
    ]
}

pub(super) fn corpus() -> Vec<Input> {
    let of = |class, inputs: Vec<String>, expect| {
        inputs.into_iter().map(move |input| Input::soap(class, input, expect)).collect::<Vec<_>>()
    };
    let floods = floods().into_iter().map(|(input, expect)| Input::soap("floods", input, expect)).collect();
    [
        of("soap extensions", of_no_effect(), Expect::Answer),
        of("soap extensions", refused(), CLIENT),
        of("soap headers", to_be_understood(), UNDERSTAND),
        floods,
    ]
    .concat()
}
