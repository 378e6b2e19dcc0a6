//! How requests arrive and how answers are framed: operation, namespaces, prefixes, transfers, versions.

use super::{NS, site, site_with_phone};
use crate::support::axl::{Caller, envelope};

// Point 1.
#[test]
fn the_body_alone_selects_the_operation_whatever_soapaction_says() {
    let (_gateway, axl) = site_with_phone();
    let body =
        envelope("12.5", "getPhone", "<name>SEP0011AABBCC01</name><returnedTags><name/></returnedTags>");
    let plain = axl.send(&[], &body);
    assert_eq!(plain.status, 200, "{}", plain.body);
    for (name, value) in [
        ("SOAPAction", "\"CUCM:DB ver=12.5 getPhone\""),
        ("SOAPAction", "CUCM:DB ver=12.5 getPhone"),
        ("SoapAction", "CUCM:DB ver=12.5"),
        ("Soapaction", "SOAPAction: CUCM:DB ver=8.5"),
        ("SOAPAction", "\"CUCM:DB ver=14.0 removePhone\""),
        ("SOAPAction", "\"\""),
    ] {
        let answer = axl.send(&[(name, value)], &body);
        assert_eq!((answer.status, &answer.body), (200, &plain.body), "{value}");
    }
}

// Point 2.
#[test]
fn children_and_prefixes_may_be_written_in_every_way_that_stacks_write_them() {
    let (_gateway, axl) = site_with_phone();
    let soap = "http://schemas.xmlsoap.org/soap/envelope/";
    let expected = axl.post(&envelope(
        "12.5",
        "getPhone",
        "<name>SEP0011AABBCC01</name><returnedTags><model/></returnedTags>",
    ));
    assert!(expected.content("getPhone").contains("<model>Cisco 8851</model>"), "{}", expected.body);
    let inner = "<name>SEP0011AABBCC01</name><returnedTags><model/></returnedTags>";
    for message in [
        // zeep
        format!(
            "<?xml version='1.0' encoding='utf-8'?>\n<soap-env:Envelope xmlns:soap-env=\"{soap}\"><soap-env:Body><ns0:getPhone xmlns:ns0=\"{NS}\">{inner}</ns0:getPhone></soap-env:Body></soap-env:Envelope>"
        ),
        // suds: two prefixes for the namespace of the envelope
        format!(
            "<SOAP-ENV:Envelope xmlns:ns0=\"{NS}\" xmlns:ns1=\"{soap}\" xmlns:SOAP-ENV=\"{soap}\"><SOAP-ENV:Header/><ns1:Body><ns0:getPhone>{inner}</ns0:getPhone></ns1:Body></SOAP-ENV:Envelope>"
        ),
        // hand-written: a default namespace qualifies the children
        format!(
            "<Envelope xmlns=\"{soap}\"><Body><getPhone xmlns=\"{NS}\">{inner}</getPhone></Body></Envelope>"
        ),
        // every child with the prefix of the operation, in another order, pretty-printed
        format!(
            "<s:Envelope xmlns:s=\"{soap}\" xmlns:n=\"{NS}\">\n  <s:Header></s:Header>\n  <s:Body>\n    <n:getPhone>\n      <n:returnedTags>\n        <n:model/>\n      </n:returnedTags>\n      <n:name>SEP0011AABBCC01</n:name>\n    </n:getPhone>\n  </s:Body>\n</s:Envelope>\n"
        ),
    ] {
        assert_eq!(axl.post(&message).body, expected.body, "{message}");
    }
}

// Point 3.
#[test]
fn an_answer_has_its_prefixes_its_order_and_no_blanks() {
    let (_gateway, axl) = site();
    let uuid = axl.uuid(
        "addRoutePartition",
        "<routePartition><name>Desks</name><description>Third floor</description></routePartition>",
    );
    let answer = axl.post(
        &envelope(
            "12.5",
            "getRoutePartition",
            "<name>Desks</name><returnedTags><partitionUsage/><description/><name/><unknown/></returnedTags>",
        )
        .replace("<ns:getRoutePartition>", "<ns:getRoutePartition sequence=\"42\">"),
    );
    let expected = format!(
        "<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body><ns:getRoutePartitionResponse xmlns:ns=\"http://www.cisco.com/AXL/API/12.5\" sequence=\"42\"><return><routePartition uuid=\"{uuid}\"><name>Desks</name><description>Third floor</description><partitionUsage>General</partitionUsage></routePartition></return></ns:getRoutePartitionResponse></soapenv:Body></soapenv:Envelope>"
    );
    assert_eq!(answer.body, expected);
}

// Point 15.
#[test]
fn transfers_of_every_kind_are_accepted() {
    let (gateway, axl) = site_with_phone();
    let body =
        envelope("12.5", "getPhone", "<name>SEP0011AABBCC01</name><returnedTags><name/></returnedTags>");
    let plain = axl.send(&[], &body);
    assert_eq!(plain.status, 200);
    for headers in [
        [("Accept-Encoding", "none")],
        [("Accept-Encoding", "identity")],
        [("Content-Type", "text/plain")],
        [("Content-Type", "text/xml;charset=UTF-8")],
        [("Content-Type", "application/soap+xml")],
    ] {
        let answer = axl.send(&headers, &body);
        assert_eq!(
            (answer.status, &answer.body, answer.header("content-encoding")),
            (200, &plain.body, None),
            "{headers:?}"
        );
        assert_eq!(answer.header("content-type"), Some("text/xml;charset=UTF-8"));
    }
    assert_eq!(axl.send(&[], &format!("\u{FEFF}{body}")).body, plain.body);
    let head =
        format!("POST /axl/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n", axl.authorization());
    let (one, two) = body.split_at(100);
    let chunked = format!(
        "{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
        one.len(),
        two.len()
    );
    assert_eq!(gateway.tls().raw(chunked).unwrap().body, plain.body);
    let mut waiting = gateway.tls().open();
    waiting.send(format!("{head}Content-Length: {}\r\nExpect: 100-continue\r\n\r\n", body.len()));
    assert_eq!(waiting.answer().unwrap().status, 100);
    waiting.send(&body);
    assert_eq!(waiting.answer().unwrap().body, plain.body);
}

// Point 16.
#[test]
fn the_version_asked_for_is_echoed_and_an_unknown_one_is_told_the_list() {
    let (_gateway, axl) = site_with_phone();
    for (asked, answered) in [
        ("11.5", "11.5"),
        ("12.0", "12.0"),
        ("12.5", "12.5"),
        ("14.0", "14.0"),
        ("15.0", "15.0"),
        ("1.0", "11.5"),
    ] {
        let answer = axl.call_in(asked, "getPhone", "<name>SEP0011AABBCC01</name>");
        assert!(answer.content("getPhone").contains("<name>SEP0011AABBCC01</name>"));
        assert!(
            answer.body.contains(&format!("xmlns:ns=\"http://www.cisco.com/AXL/API/{answered}\"")),
            "{}",
            answer.body
        );
        assert!(!answer.body.contains("<allowPhoneReassign"), "{asked}");
    }
    for version in ["10.5", "14", "99.0"] {
        let answer = axl.send(&[], &envelope(version, "getPhone", "<name>SEP0011AABBCC01</name>"));
        assert_eq!((answer.status, answer.header("content-type")), (599, Some("text/html; charset=utf-8")));
        assert!(answer.body.contains("HTTP Status 599"), "{}", answer.body);
        assert!(
            answer.body.contains("Supported axl versions are 11.5, 12.0, 12.5, 14.0 and 15.0"),
            "{}",
            answer.body
        );
    }
    let foreign = axl.post(&envelope("12.5", "getPhone", "").replace(NS, "urn:foreign")).fault();
    assert_eq!((foreign.code, foreign.faultcode.as_str()), (5002, "soapenv:Client"));
}
