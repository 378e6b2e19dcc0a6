//! Values on their way in and out: nulls, uuids, booleans, references, tags, names and texts.

use super::{add_phone, get_phone, phone_tag, site, site_with_phone};
use crate::support::axl::Caller;

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
