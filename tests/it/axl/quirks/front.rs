//! Credentials, faults and paths.

use super::{PHONE, site, site_with_phone};
use crate::support::axl::{Caller, envelope};
use crate::support::http::request;

// Point 12; what is left of it, the cookie, is in http/sign_in.rs.
#[test]
fn a_client_that_sends_credentials_only_when_challenged_is_challenged() {
    let (gateway, axl) = site_with_phone();
    let body = envelope("12.5", "getPhone", "<name>SEP0011AABBCC01</name>");
    let mut connection = gateway.tls().open();
    connection.send(request("POST", "/axl/", &[("Content-Type", "text/xml")], &body));
    let first = connection.answer().unwrap();
    assert_eq!(
        (first.status, first.header("www-authenticate")),
        (401, Some("Basic realm=\"AXL API\", charset=\"UTF-8\""))
    );
    let second = gateway.tls().request("POST", "/axl/", &[("Authorization", axl.authorization())], &body);
    assert_eq!(second.status, 200, "{}", second.body);
    let wrong = axl.as_user("admin", "wrong").send(&[], &body);
    assert_eq!(wrong.status, 401);
    assert!(wrong.body.contains("401"), "{}", wrong.body);
}

// Point 13.
#[test]
fn every_refusal_is_a_fault_of_status_500_with_code_message_and_request() {
    let (_gateway, axl) = site_with_phone();
    for (operation, inner, code, faultcode, message) in [
        (
            "getPhone",
            "<name>SEP0011AABBCC99</name>",
            5007,
            "soapenv:Server",
            "Item not valid: The specified SEP0011AABBCC99 was not found",
        ),
        (
            "getUser",
            "<userid>nobody</userid>",
            5007,
            "soapenv:Server",
            "Item not valid: The specified User was not found",
        ),
        (
            "updatePhone",
            "<name>SEP0011AABBCC99</name>",
            5003,
            "soapenv:Server",
            "Phone SEP0011AABBCC99 not found",
        ),
        (
            "addPhone",
            "<phone><name>SEP00</name><product>Cisco 8851</product><protocol>SIP</protocol></phone>",
            5003,
            "soapenv:Server",
            "The specified name has invalid characters or is not formatted correctly for this device type.",
        ),
        (
            "updatePhone",
            "<name>SEP0011AABBCC01</name><devicePoolName>X</devicePoolName>",
            5003,
            "soapenv:Server",
            "devicePoolName: no DevicePool named X",
        ),
        (
            "addHuntPilot",
            "<huntPilot/>",
            5003,
            "soapenv:Server",
            "operation addHuntPilot is not available on this server",
        ),
        (
            "addNonsense",
            "",
            5002,
            "soapenv:Client",
            "unknown request; see the schema for the operations there are",
        ),
        (
            "listPhone",
            "<returnedTags><name/></returnedTags>",
            5000,
            "soapenv:Client",
            "searchCriteria: a value is required",
        ),
    ] {
        let fault = axl.fault(operation, inner);
        assert_eq!(
            (fault.code, fault.faultcode.as_str(), fault.message.as_str(), fault.request.as_str()),
            (code, faultcode, message, if code == 5002 { "" } else { operation })
        );
    }
    let duplicate = axl.fault("addPhone", &format!("<phone>{PHONE}</phone>"));
    assert_eq!(
        (duplicate.code, duplicate.faultcode.as_str(), duplicate.request.as_str()),
        (-239, "soapenv:Client", "addPhone")
    );
    assert!(
        duplicate.message.starts_with("Could not insert new row - duplicate value in a UNIQUE INDEX column")
    );
}

// Point 14.
#[test]
fn the_banner_is_at_the_path_with_a_slash_and_nothing_is_at_the_path_without() {
    let (gateway, axl) = site();
    let get = |path: &str| gateway.tls().request("GET", path, &[("Authorization", axl.authorization())], "");
    let banner = get("/axl/");
    assert_eq!(banner.status, 200);
    assert!(banner.body.contains("Cisco CallManager: AXL Web Service"), "{}", banner.body);
    assert_eq!(get("/axl").status, 404);
    let body = envelope("12.5", "getCCMVersion", "");
    let posted = gateway.tls().request("POST", "/axl", &[("Authorization", axl.authorization())], &body);
    assert_eq!(posted.status, 404);
}
