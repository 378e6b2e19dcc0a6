//! What clients in the field rely on, each point of the list of quirks through the listener (axl.md 23).

use crate::support::axl::{AxlClient, Caller, envelope};
use crate::support::gateway::TestGateway;
use crate::support::http::request;

const NS: &str = "http://www.cisco.com/AXL/API/12.5";
const PHONE: &str = "<name>SEP0011AABBCC01</name><product>Cisco 8851</product><protocol>SIP</protocol>";

fn site() -> (TestGateway, AxlClient) {
    let gateway = TestGateway::start();
    let axl = AxlClient::of(&gateway);
    (gateway, axl)
}

fn site_with_phone() -> (TestGateway, AxlClient) {
    let (gateway, axl) = site();
    axl.uuid("addPhone", &format!("<phone>{PHONE}</phone>"));
    (gateway, axl)
}

fn add_phone(axl: &AxlClient, extra: &str) -> String {
    axl.uuid("addPhone", &format!("<phone>{PHONE}{extra}</phone>"))
}

fn get_phone(axl: &AxlClient, tags: &str) -> String {
    axl.ok("getPhone", &format!("<name>SEP0011AABBCC01</name><returnedTags>{tags}</returnedTags>"))
}

/// One element of the phone as `get` answers it.
fn phone_tag(axl: &AxlClient, tag: &str) -> String {
    let content = get_phone(axl, &format!("<{tag}/>"));
    let (_, rest) = content.split_once("\">").unwrap();
    rest.strip_suffix("</phone></return>").unwrap().to_owned()
}

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

// Point 4.
#[test]
fn nothing_found_is_an_empty_return_and_what_is_null_is_an_empty_element() {
    let (_gateway, axl) = site_with_phone();
    let list = |name: &str, page: &str| {
        axl.ok("listPhone", &format!("<searchCriteria><name>{name}</name></searchCriteria><returnedTags><name/></returnedTags>{page}"))
    };
    assert_eq!(list("ATA%", ""), "<return/>");
    assert_eq!(list("SEP%", "<skip>1</skip><first>1</first>"), "<return/>");
    let nulls = get_phone(
        &axl,
        "<loginUserId/><defaultProfileName/><currentProfileName/><loginTime/><loginDuration/><services/><description/>",
    );
    let (_, nulls) = nulls.split_once("\">").unwrap();
    assert_eq!(
        nulls,
        "<description/><services/><loginUserId/><defaultProfileName/><currentProfileName/><loginTime/><loginDuration/></phone></return>"
    );
}

// Point 5.
#[test]
fn a_uuid_goes_out_in_one_form_and_comes_in_in_any() {
    let (_gateway, axl) = site();
    let uuid = add_phone(&axl, "");
    assert_eq!((uuid.len(), uuid.to_uppercase()), (38, uuid.clone()));
    for form in [uuid.clone(), uuid.to_lowercase(), uuid[1..37].to_owned(), uuid[1..37].to_lowercase()] {
        let found = axl.ok("getPhone", &format!("<uuid>{form}</uuid><returnedTags><name/></returnedTags>"));
        assert!(
            found.ends_with(&format!("uuid=\"{uuid}\"><name>SEP0011AABBCC01</name></phone></return>")),
            "{found}"
        );
    }
}

// Point 6.
#[test]
fn booleans_come_in_every_spelling_and_integers_may_be_empty() {
    let (_gateway, axl) = site_with_phone();
    let tag = "enableExtensionMobility";
    for (text, shown) in [
        ("True", true),
        ("False", false),
        ("1", true),
        ("0", false),
        ("t", true),
        ("f", false),
        ("true", true),
        ("false", false),
    ] {
        axl.uuid("updatePhone", &format!("<name>SEP0011AABBCC01</name><{tag}>{text}</{tag}>"));
        assert_eq!(phone_tag(&axl, tag), format!("<{tag}>{shown}</{tag}>"), "{text}");
    }
    let given = "<userHoldMohAudioSourceId>null</userHoldMohAudioSourceId><networkHoldMohAudioSourceId/><lines><line><index>1</index><dirn><pattern>2001</pattern></dirn><maxNumCalls></maxNumCalls><busyTrigger/></line></lines>";
    axl.uuid("updatePhone", &format!("<name>SEP0011AABBCC01</name>{given}"));
    assert_eq!(
        phone_tag(&axl, "userHoldMohAudioSourceId"),
        "<userHoldMohAudioSourceId>null</userHoldMohAudioSourceId>"
    );
    let refused = axl.refusal(
        "updatePhone",
        "<name>SEP0011AABBCC01</name><userHoldMohAudioSourceId>52</userHoldMohAudioSourceId>",
    );
    assert_eq!(refused, (5000, "userHoldMohAudioSourceId: is not a music source from 0 to 51".to_owned()));
}

// Point 7.
#[test]
fn empty_and_nil_elements_are_defaults_in_an_add_and_empty_what_an_update_names() {
    let (_gateway, axl) = site();
    add_phone(
        &axl,
        "<description xsi:nil=\"true\"/><useTrustedRelayPoint/><commonPhoneConfigName/><packetCaptureMode/><locationName xsi:nil=\"1\" uuid=\"\"/><primaryPhoneName xsi:nil=\"true\"/><phoneTemplateName/><securityProfileName uuid=\"\"/><class/><isActive/><lines/><services/>",
    );
    for (tag, value) in [
        ("description", ""),
        ("commonPhoneConfigName", "Standard Common Phone Profile"),
        ("locationName", "Hub_None"),
        ("phoneTemplateName", "Standard 8851 SIP"),
        ("securityProfileName", "Cisco 8851 - Standard SIP Non-Secure Profile"),
        ("class", "Phone"),
        ("packetCaptureMode", "None"),
        ("useTrustedRelayPoint", "Default"),
        ("primaryPhoneName", ""),
        ("lines", ""),
    ] {
        let shown = phone_tag(&axl, tag);
        let text = shown.split_once('>').unwrap().1.split('<').next().unwrap();
        assert_eq!(text, value, "{shown}");
    }
    axl.uuid("updatePhone", "<name>SEP0011AABBCC01</name><description>Desk</description><enableExtensionMobility>true</enableExtensionMobility>");
    axl.uuid(
        "updatePhone",
        "<name>SEP0011AABBCC01</name><description/><enableExtensionMobility xsi:nil=\"true\"/>",
    );
    assert_eq!(phone_tag(&axl, "description"), "<description/>");
    assert_eq!(
        phone_tag(&axl, "enableExtensionMobility"),
        "<enableExtensionMobility>false</enableExtensionMobility>"
    );
}

// Point 8.
#[test]
fn a_reference_by_uuid_needs_no_name_and_wins_over_one() {
    let (_gateway, axl) = site_with_phone();
    let partition = axl.uuid("addRoutePartition", "<routePartition><name>Desks</name></routePartition>");
    let line = |reference: &str| {
        format!(
            "<name>SEP0011AABBCC01</name><lines><line><index>1</index><dirn><pattern>2001</pattern>{reference}</dirn></line></lines>"
        )
    };
    for reference in [
        format!("<routePartitionName uuid=\"{partition}\"/>"),
        format!("<routePartitionName uuid=\"{}\"></routePartitionName>", partition.to_lowercase()),
        format!("<routePartitionName uuid=\"{partition}\">Another</routePartitionName>"),
    ] {
        axl.uuid("updatePhone", &line(&reference));
        let lines = phone_tag(&axl, "lines");
        assert!(
            lines.contains(&format!("<routePartitionName uuid=\"{partition}\">Desks</routePartitionName>")),
            "{lines}"
        );
    }
    let unknown = axl.refusal(
        "updatePhone",
        "<name>SEP0011AABBCC01</name><devicePoolName uuid=\"{1B2C0000-0000-0000-0000-0000000000FF}\"/>",
    );
    assert_eq!(
        unknown,
        (5003, "devicePoolName: no DevicePool named {1B2C0000-0000-0000-0000-0000000000FF}".to_owned())
    );
}

// Point 9.
#[test]
fn returned_tags_select_by_name_whatever_stands_inside() {
    let (_gateway, axl) = site();
    add_phone(
        &axl,
        "<lines><line><index>1</index><label>One</label><dirn><pattern>2001</pattern></dirn></line></lines>",
    );
    let plain = get_phone(&axl, "<name/><devicePoolName/><lines/>");
    for tags in [
        "<name></name><devicePoolName></devicePoolName><lines></lines>",
        "<name>?</name><devicePoolName uuid=\"?\">?</devicePoolName><lines><line><label/></line></lines>",
        "<lines><line/></lines><devicePoolName uuid=\"\"/><name xsi:nil=\"true\"/>",
    ] {
        assert_eq!(get_phone(&axl, tags), plain, "{tags}");
    }
    assert!(plain.contains("<label>One</label>") && plain.contains("<pattern>2001</pattern>"), "{plain}");
    let with_ctiid = get_phone(&axl, "<name ctiid=\"?\" uuid=\"?\"/>");
    assert!(with_ctiid.starts_with("<return><phone ctiid=\""), "{with_ctiid}");
}

// Point 11.
#[test]
fn a_login_without_duration_and_profile_takes_no_limit_and_the_users_default() {
    let (_gateway, axl) = site();
    add_phone(&axl, "<enableExtensionMobility>true</enableExtensionMobility>");
    axl.uuid("addDeviceProfile", "<deviceProfile><name>UDP_ada</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>");
    axl.uuid("addUser", "<user><lastName>Ada</lastName><userid>ada</userid><phoneProfiles><profileName>UDP_ada</profileName></phoneProfiles><defaultProfile>UDP_ada</defaultProfile></user>");
    for inner in [
        "<deviceName>SEP0011AABBCC01</deviceName><userId>ada</userId>",
        "<deviceName>SEP0011AABBCC01</deviceName><loginDuration/><profileName/><userId>ada</userId>",
        "<deviceName>SEP0011AABBCC01</deviceName><loginDuration>0</loginDuration><profileName uuid=\"\" xsi:nil=\"true\"/><userId>ADA</userId>",
    ] {
        assert_eq!(axl.ok("doDeviceLogin", inner), "<return>true</return>");
        assert_eq!(phone_tag(&axl, "loginDuration"), "<loginDuration>0</loginDuration>");
        assert!(phone_tag(&axl, "currentProfileName").contains(">UDP_ada<"));
        assert_eq!(
            axl.ok("doDeviceLogout", "<deviceName>SEP0011AABBCC01</deviceName>"),
            "<return>true</return>"
        );
    }
}

// Point 12, without the cookie.
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
            (fault.code, fault.faultcode.as_str(), fault.message.as_str()),
            (code, faultcode, message),
            "{operation}"
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

// Point 17.
#[test]
fn one_update_may_give_profiles_by_uuid_and_the_default_among_them_by_name() {
    let (_gateway, axl) = site();
    let profile = |name: &str| {
        axl.uuid("addDeviceProfile", &format!("<deviceProfile><name>{name}</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>"))
    };
    let (first, second) = (profile("UDP_one"), profile("UDP_two"));
    axl.uuid("addUser", "<user><lastName>Ada</lastName><userid>ada</userid></user>");
    axl.uuid("updateUser", &format!("<userid>ada</userid><phoneProfiles><profileName uuid=\"{first}\"/><profileName uuid=\"{second}\"/></phoneProfiles><defaultProfile>udp_TWO</defaultProfile>"));
    let shown = axl
        .ok("getUser", "<userid>ada</userid><returnedTags><phoneProfiles/><defaultProfile/></returnedTags>");
    let (_, shown) = shown.split_once("\">").unwrap();
    assert_eq!(
        shown,
        format!(
            "<phoneProfiles><profileName uuid=\"{first}\">UDP_one</profileName><profileName uuid=\"{second}\">UDP_two</profileName></phoneProfiles><defaultProfile uuid=\"{second}\">UDP_two</defaultProfile></user></return>"
        )
    );
}

// Point 18.
#[test]
fn what_is_a_reference_in_one_type_is_a_plain_name_in_another() {
    let (_gateway, axl) = site();
    add_phone(&axl, "<enableExtensionMobility>true</enableExtensionMobility>");
    let profile = axl.uuid("addDeviceProfile", "<deviceProfile><name>UDP_ada</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>");
    axl.uuid("addAppUser", "<appUser><userid>recorder</userid><associatedDevices><device>sep0011aabbcc01</device></associatedDevices><ctiControlledDeviceProfiles><deviceProfile>udp_ADA</deviceProfile></ctiControlledDeviceProfiles></appUser>");
    axl.uuid("addUser", "<user><lastName>Ada</lastName><userid>ada</userid><phoneProfiles><profileName>UDP_ada</profileName></phoneProfiles><ctiControlledDeviceProfiles><profileName>UDP_ada</profileName></ctiControlledDeviceProfiles><associatedDevices><device>SEP0011AABBCC01</device></associatedDevices></user>");
    let app_user = axl.ok("getAppUser", "<userid>recorder</userid><returnedTags><associatedDevices/><ctiControlledDeviceProfiles/></returnedTags>");
    assert!(app_user.ends_with("<associatedDevices><device>SEP0011AABBCC01</device></associatedDevices><ctiControlledDeviceProfiles><deviceProfile>UDP_ada</deviceProfile></ctiControlledDeviceProfiles></appUser></return>"), "{app_user}");
    let user =
        axl.ok("getUser", "<userid>ada</userid><returnedTags><ctiControlledDeviceProfiles/></returnedTags>");
    assert!(user.contains(&format!("<ctiControlledDeviceProfiles><profileName uuid=\"{profile}\">UDP_ada</profileName></ctiControlledDeviceProfiles>")), "{user}");
    axl.ok("doDeviceLogin", "<deviceName>SEP0011AABBCC01</deviceName><userId>ada</userId>");
    assert_eq!(phone_tag(&axl, "loginUserId"), "<loginUserId>ada</loginUserId>");
}

// Point 19.
#[test]
fn lines_replace_add_and_remove_and_their_numbers_come_into_being() {
    let (_gateway, axl) = site();
    let patterns = || {
        let lines = phone_tag(&axl, "lines");
        lines.split("<pattern>").skip(1).map(|p| p.split('<').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    add_phone(
        &axl,
        "<lines><line><index>1</index><dirn><pattern>2001</pattern></dirn></line><line><index>2</index><dirn><pattern>2002</pattern></dirn></line></lines>",
    );
    assert_eq!(patterns(), ["2001", "2002"]);
    let update = |inner: &str| axl.uuid("updatePhone", &format!("<name>SEP0011AABBCC01</name>{inner}"));
    update("<lines><line><index>1</index><dirn><pattern>2003</pattern></dirn></line></lines>");
    assert_eq!(patterns(), ["2003"]);
    update("<addLines><line><index>3</index><dirn><pattern>2004</pattern></dirn></line></addLines>");
    assert_eq!(patterns(), ["2003", "2004"]);
    update(
        "<removeLines><line><dirn><pattern>2003</pattern><routePartitionName/></dirn></line></removeLines>",
    );
    assert_eq!(patterns(), ["2004"]);
    update(
        "<lines><lineIdentifier><directoryNumber>2001</directoryNumber><routePartitionName/></lineIdentifier><lineIdentifier><directoryNumber>2002</directoryNumber></lineIdentifier></lines>",
    );
    assert_eq!(patterns(), ["2001", "2002"]);
    for pattern in ["2001", "2002", "2003", "2004"] {
        let line =
            axl.ok("getLine", &format!("<pattern>{pattern}</pattern><returnedTags><usage/></returnedTags>"));
        assert!(line.contains("<usage>Device</usage>"), "{line}");
    }
    let both = axl.refusal("updatePhone", "<name>SEP0011AABBCC01</name><lines><line><index>1</index><dirn><pattern>2003</pattern></dirn></line></lines><removeLines><line><index>1</index><dirn><pattern>2001</pattern></dirn></line></removeLines>");
    assert_eq!(both, (5000, "lines: cannot be combined with \"removeLines\"".to_owned()));
}

// Point 20.
#[test]
fn service_parameters_are_listed_by_node_and_service_and_a_name_is_ignored() {
    let (_gateway, axl) = site();
    let count = |criteria: &str| {
        let page = axl.tree(
            "listServiceParameter",
            &format!(
                "<searchCriteria>{criteria}</searchCriteria><returnedTags><name/><value/></returnedTags>"
            ),
        );
        page.children.len()
    };
    let all = count(
        "<processNodeName>EnterpriseWideData</processNodeName><service>Cisco Extension Mobility</service>",
    );
    assert!(all >= 12, "{all}");
    assert_eq!(count("<processNodeName>EnterpriseWideData</processNodeName><name>ClearCallLogs</name>"), all);
    assert_eq!(count("<service>Cisco CallManager</service>"), 0);
    let nodes = axl.ok(
        "listProcessNode",
        "<searchCriteria><name>%</name></searchCriteria><returnedTags><name/></returnedTags>",
    );
    assert!(nodes.contains("<name>EnterpriseWideData</name>"), "{nodes}");
}

// Point 21.
#[test]
fn criteria_are_patterns_and_an_empty_one_finds_nothing() {
    let (_gateway, axl) = site();
    for name in ["One", "Other", "Two"] {
        axl.uuid("addRoutePartition", &format!("<routePartition><name>{name}</name></routePartition>"));
    }
    let found = |criteria: &str, page: &str| {
        let rows = axl.tree(
            "listRoutePartition",
            &format!("<searchCriteria>{criteria}</searchCriteria><returnedTags><name/></returnedTags>{page}"),
        );
        rows.children.iter().map(|c| c.text_of("name").unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("<name>%</name>", ""), ["One", "Other", "Two"]);
    assert_eq!(found("<name>%%</name>", ""), ["One", "Other", "Two"]);
    assert_eq!(found("<name>o%</name>", ""), ["One", "Other"]);
    assert_eq!(found("<name>O_e</name>", ""), ["One"]);
    assert_eq!(found("<name>two</name>", ""), ["Two"]);
    assert_eq!(found("<name/>", ""), Vec::<String>::new());
    assert_eq!(found("<name>%</name><description>%</description>", ""), ["One", "Other", "Two"]);
    assert_eq!(found("<name>%</name>", "<skip>2</skip>"), ["One", "Other", "Two"]);
    assert_eq!(found("<name>%</name>", "<skip>1</skip><first>1</first>"), ["Other"]);
}

// Point 23.
#[test]
fn names_are_found_in_any_case_and_keep_their_spelling() {
    let (_gateway, axl) = site();
    add_phone(
        &axl,
        "<devicePoolName>DEFAULT</devicePoolName><presenceGroupName>Standard Presence Group</presenceGroupName>",
    );
    let found = axl.ok("getPhone", "<name>sep0011aabbcc01</name><returnedTags><name/><devicePoolName/><presenceGroupName/></returnedTags>");
    assert!(found.contains("<name>SEP0011AABBCC01</name>"), "{found}");
    assert!(
        found.contains(">Default</devicePoolName>")
            && found.contains(">Standard Presence group</presenceGroupName>"),
        "{found}"
    );
    axl.uuid("addUser", "<user><lastName>Ada</lastName><userid>Ada.L</userid></user>");
    assert!(axl.ok("getUser", "<userid>ADA.l</userid>").contains("<userid>Ada.L</userid>"));
    assert_eq!(
        axl.fault("addUser", "<user><lastName>Ada</lastName><userid>ada.l</userid></user>").code,
        -239
    );
    axl.uuid("removePhone", "<name>Sep0011AaBbCc01</name>");
}

// Point 24.
#[test]
fn text_with_markup_and_umlauts_comes_back_as_it_was() {
    let (_gateway, axl) = site();
    let url = "http://gw:8080/emapp/EMAppServlet?device=#DEVICENAME#&amp;lang=de&amp;x=&lt;1&gt;";
    let name = "Anmelden &amp; \"Über\" &lt;müßig&gt; 'ẞ'";
    axl.uuid("addIpPhoneServices", &format!("<ipPhoneServices><serviceName>{name}</serviceName><asciiServiceName>Sign-in</asciiServiceName><serviceUrl>{url}</serviceUrl><serviceDescription><![CDATA[<a & b>]]></serviceDescription></ipPhoneServices>"));
    let found = axl.ok("getIpPhoneServices", &format!("<serviceName>{name}</serviceName>"));
    assert!(found.contains(&format!("<serviceName>{name}</serviceName>")), "{found}");
    assert!(found.contains(&format!("<serviceUrl>{url}</serviceUrl>")), "{found}");
    assert!(found.contains("<serviceDescription>&lt;a &amp; b&gt;</serviceDescription>"), "{found}");
    let listed = axl.ok("listIpPhoneServices", &format!("<searchCriteria><serviceName>{name}</serviceName></searchCriteria><returnedTags><serviceName/></returnedTags>"));
    assert!(listed.contains(&format!("<serviceName>{name}</serviceName>")), "{listed}");
}
