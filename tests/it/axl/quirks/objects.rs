//! What single object types do: logins, profiles, lines, parameters, criteria.

use super::{add_phone, phone_tag, site};
use crate::support::axl::Caller;

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
    assert_eq!(both, (5000, "removeLines: cannot be combined with \"lines\"".to_owned()));
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
