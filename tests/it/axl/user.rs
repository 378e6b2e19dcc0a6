//! Users and application users: profiles, secrets, self-service ids, and what ends with them.

use crate::support::axl::{AxlSite, Caller};

fn site() -> AxlSite {
    let axl = AxlSite::new();
    axl.uuid("addPhone", "<phone><name>SEP0000000000A1</name><product>Cisco 8851</product><protocol>SIP</protocol><enableExtensionMobility>true</enableExtensionMobility></phone>");
    for name in ["UDP_one", "UDP_two"] {
        axl.uuid("addDeviceProfile", &format!("<deviceProfile><name>{name}</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>"));
    }
    axl.uuid("addUser", "<user><lastName>Ada</lastName><userid>ada</userid><phoneProfiles><profileName>UDP_one</profileName></phoneProfiles><defaultProfile>UDP_one</defaultProfile></user>");
    axl
}

fn login(axl: &AxlSite) {
    let inner = "<deviceName>SEP0000000000A1</deviceName><userId>ada</userId>";
    assert_eq!(axl.ok("doDeviceLogin", inner), "<return>true</return>");
}

#[test]
fn the_default_profile_is_one_of_the_users_and_leaves_with_it() {
    let axl = site();
    let other = axl.refusal("updateUser", "<userid>ada</userid><defaultProfile>UDP_two</defaultProfile>");
    assert_eq!(other, (5003, "defaultProfile: name one of phoneProfiles".to_owned()));
    axl.uuid(
        "updateUser",
        "<userid>ada</userid><phoneProfiles><profileName>UDP_two</profileName></phoneProfiles>",
    );
    let shown = axl.ok("getUser", "<userid>ada</userid><returnedTags><defaultProfile/></returnedTags>");
    assert!(shown.ends_with("<defaultProfile/></user></return>"), "{shown}");
}

#[test]
fn a_pin_in_an_add_is_part_of_it_and_in_an_update_a_reset_of_its_own() {
    let axl = site();
    let story = axl.story_of(|axl| {
        axl.uuid("addUser", "<user><lastName>Bob</lastName><userid>bob</userid><pin>12345</pin><password>word</password></user>");
    });
    assert_eq!(story, ["add User bob"]);
    let story = axl.story_of(|axl| {
        axl.uuid("updateUser", "<userid>bob</userid><firstName>Robert</firstName><pin>54321</pin>");
        axl.uuid("updateUser", "<userid>bob</userid><password>other</password>");
        axl.uuid("updateUser", "<userid>bob</userid><pin/><password xsi:nil=\"true\"/>");
    });
    assert_eq!(
        story,
        ["update User bob firstName=Robert", "credential bob pin reset", "credential bob password reset"]
    );
    let shown = axl.ok("getUser", "<userid>bob</userid><returnedTags><pin/><password/></returnedTags>");
    assert!(shown.ends_with("<password/><pin/></user></return>"), "{shown}");
    let letters = axl.refusal("updateUser", "<userid>bob</userid><pin>abcde</pin>");
    assert_eq!(letters, (5003, "pin: a pin is 1 to 64 digits".to_owned()));
}

#[test]
fn a_self_service_id_belongs_to_one_user() {
    let axl = site();
    axl.uuid("updateUser", "<userid>ada</userid><selfService>4711</selfService>");
    let taken = axl.refusal(
        "addUser",
        "<user><lastName>Bob</lastName><userid>bob</userid><selfService>4711</selfService></user>",
    );
    assert_eq!(taken.0, -239);
    axl.uuid("updateUser", "<userid>ada</userid><selfService/>");
    axl.uuid(
        "addUser",
        "<user><lastName>Bob</lastName><userid>bob</userid><selfService>4711</selfService></user>",
    );
}

#[test]
fn removing_a_user_ends_the_session_first() {
    let axl = site();
    login(&axl);
    let story = axl.story_of(|axl| {
        axl.uuid("removeUser", "<userid>ada</userid>");
    });
    assert_eq!(story, ["logout SEP0000000000A1 ada user-removed", "remove User ada"]);
    assert_eq!(axl.site.sessions(), []);
}

#[test]
fn taking_the_active_profile_away_ends_the_session_first() {
    let axl = site();
    login(&axl);
    let story = axl.story_of(|axl| {
        axl.uuid("updateUser", "<userid>ada</userid><phoneProfiles/>");
    });
    assert_eq!(story.len(), 2, "{story:?}");
    assert!(
        story[0].starts_with("logout SEP0000000000A1 ada ") && story[1].starts_with("update User ada "),
        "{story:?}"
    );
}

#[test]
fn a_profile_in_use_and_a_default_of_a_phone_are_not_removed() {
    let axl = site();
    login(&axl);
    let active = axl.refusal("removeDeviceProfile", "<name>UDP_one</name>");
    assert_eq!(
        active,
        (
            -692,
            "DeviceProfile UDP_one is still used by the session on SEP0000000000A1; log it out first"
                .to_owned()
        )
    );
    axl.uuid("updatePhone", "<name>SEP0000000000A1</name><defaultProfileName>UDP_two</defaultProfileName>");
    let default = axl.refusal("removeDeviceProfile", "<name>UDP_two</name>");
    assert_eq!(
        default,
        (
            -692,
            "DeviceProfile UDP_two is still used by Phone SEP0000000000A1 as its default profile".to_owned()
        )
    );
    axl.ok("doDeviceLogout", "<deviceName>SEP0000000000A1</deviceName>");
    axl.uuid("removeDeviceProfile", "<name>UDP_one</name>");
    let shown = axl
        .ok("getUser", "<userid>ada</userid><returnedTags><phoneProfiles/><defaultProfile/></returnedTags>");
    assert!(shown.ends_with("<phoneProfiles/><defaultProfile/></user></return>"), "{shown}");
}

#[test]
fn a_device_login_names_what_is_missing_and_numbers_what_is_refused() {
    let axl = site();
    let login = |inner: &str| axl.refusal("doDeviceLogin", inner);
    let phone = "<deviceName>SEP0000000000A1</deviceName>";
    assert_eq!(
        login("<deviceName>SEP0000000000FF</deviceName><userId>ada</userId>"),
        (5007, "Item not valid: The specified SEP0000000000FF was not found".to_owned())
    );
    assert_eq!(
        login(&format!("{phone}<userId>nobody</userId>")),
        (5007, "Item not valid: The specified User was not found".to_owned())
    );
    let profile = login(&format!("{phone}<profileName>UDP_none</profileName><userId>ada</userId>"));
    assert_eq!(profile, (5007, "Item not valid: The specified DeviceProfile was not found".to_owned()));
    axl.uuid("addUser", "<user><lastName>Bob</lastName><userid>bob</userid></user>");
    let none = login(&format!("{phone}<userId>bob</userId>"));
    assert_eq!(none.0, 5003);
    assert!(none.1.starts_with("EM 205: "), "{none:?}");
    assert_eq!(axl.ok("doDeviceLogin", &format!("{phone}<loginDuration>60</loginDuration><profileName>UDP_two</profileName><userId>ada</userId>")), "<return>true</return>");
    let occupied = login(&format!("{phone}<profileName>UDP_two</profileName><userId>bob</userId>"));
    assert!(occupied.0 == 5003 && occupied.1.starts_with("EM 18: "), "{occupied:?}");
    axl.ok("doDeviceLogout", phone);
    let nobody = axl.refusal("doDeviceLogout", phone);
    assert!(nobody.0 == 5003 && nobody.1.starts_with("EM 19: "), "{nobody:?}");
}

#[test]
fn an_application_user_has_groups_and_loses_nothing_to_an_update() {
    let axl = site();
    let story = axl.story_of(|axl| {
        axl.uuid("addAppUser", "<appUser><userid>bulk</userid><password>word</password><associatedGroups><userGroup><name>standard axl api access</name></userGroup></associatedGroups></appUser>");
        axl.uuid("updateAppUser", "<userid>bulk</userid><ctiControlledDeviceProfiles><deviceProfile>UDP_one</deviceProfile></ctiControlledDeviceProfiles>");
        axl.uuid("updateAppUser", "<userid>bulk</userid><password>other</password>");
        axl.uuid("removeAppUser", "<userid>bulk</userid>");
    });
    assert_eq!(
        story,
        [
            "add AppUser bulk",
            "update AppUser bulk ctiControlledDeviceProfiles=-",
            "credential bulk password reset",
            "remove AppUser bulk"
        ]
    );
    let unknown = axl.refusal("addAppUser", "<appUser><userid>x</userid><associatedGroups><userGroup><name>No Such</name></userGroup></associatedGroups></appUser>");
    assert_eq!(unknown, (5003, "associatedGroups: no UserGroup named No Such".to_owned()));
}
