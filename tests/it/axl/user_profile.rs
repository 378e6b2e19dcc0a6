//! User profiles: defaults, what points at them, what older versions see, what a change tells.

use crate::support::axl::Caller;
use crate::support::outside::{Outside, change};

const TYPE: &str = "UserProfileProvision";
const STANDARD: &str = "Standard (Factory Default) User Profile";

/// What nobody set, as a get shows it after the description.
const DEFAULTS: &str = "<deskPhones/><mobileDevices/><profile/><universalLineTemplate/><allowProvision>false</allowProvision><limitProvision>10</limitProvision><allowPhoneReassign>false</allowPhoneReassign><defaultUserProfile/><enableMra>true</enableMra><mraPolicy_Desktop>IM &amp; Presence, Voice and Video calls</mraPolicy_Desktop><mraPolicy_Mobile>IM &amp; Presence, Voice and Video calls</mraPolicy_Mobile><allowProvisionEMMaxLoginTime>false</allowProvisionEMMaxLoginTime>";

fn wrapped(inner: &str) -> String {
    format!("<userProfileProvision>{inner}</userProfileProvision>")
}

fn add(site: &Outside, inner: &str) -> String {
    site.uuid("addUserProfileProvision", &wrapped(inner))
}

fn whole(site: &Outside, selector: &str) -> String {
    site.shown(TYPE, selector, &[])
}

#[test]
fn a_user_profile_is_added_changed_and_removed_with_one_event_each() {
    let site = Outside::new();
    let mut uuid = String::new();
    let events = site.events_of(|site| uuid = add(site, "<name>Nurses</name>"));
    assert_eq!(events, [change("add", (TYPE, &uuid, "Nurses"), &[])]);
    let events = site.events_of(|site| {
        let inner = "<name>NURSES</name><newName>Ward</newName><description>D</description><allowProvisionEMMaxLoginTime>t</allowProvisionEMMaxLoginTime><limitProvision>3</limitProvision><enableMra>true</enableMra>";
        assert_eq!(site.uuid("updateUserProfileProvision", inner), uuid);
    });
    let changed = [
        ("allowProvisionEMMaxLoginTime", Some("true")),
        ("description", Some("D")),
        ("limitProvision", Some("3")),
        ("name", Some("Ward")),
    ];
    assert_eq!(events, [change("update", (TYPE, &uuid, "Ward"), &changed)]);
    let events = site.events_of(|site| {
        assert_eq!(site.uuid("removeUserProfileProvision", "<name>ward</name>"), uuid);
    });
    assert_eq!(events, [change("remove", (TYPE, &uuid, "Ward"), &[])]);
    let missing = (5007, format!("Item not valid: The specified {TYPE} was not found"));
    assert_eq!(site.refused("getUserProfileProvision", "<name>Ward</name>"), missing);
    assert_eq!(site.refused("removeUserProfileProvision", &format!("<uuid>{uuid}</uuid>")), missing);
    let gone = site.refused("updateUserProfileProvision", "<name>Ward</name>");
    assert_eq!(gone, (5003, format!("{TYPE} Ward not found")));
}

#[test]
fn what_is_left_out_has_its_default_and_the_standard_one_is_a_profile_like_others() {
    let site = Outside::new();
    add(&site, "<name>Nurses</name>");
    let shown = |name: &str| format!("<name>{name}</name><description/>{DEFAULTS}");
    assert_eq!(whole(&site, "<name>Nurses</name>"), shown("Nurses"));
    let standard = format!("<name>{STANDARD}</name>");
    assert_eq!(whole(&site, &standard), shown(STANDARD));
    assert_eq!(site.listed(TYPE, "<name>%</name>", "", "name"), ["Nurses", STANDARD]);
    let set = "<allowProvisionEMMaxLoginTime>true</allowProvisionEMMaxLoginTime>";
    site.uuid("updateUserProfileProvision", &format!("{standard}{set}"));
    assert_eq!(site.shown(TYPE, &standard, &["allowProvisionEMMaxLoginTime"]), set);
    assert_eq!(site.refused("addUserProfileProvision", &wrapped(&standard)).0, -239);
}

#[test]
fn absent_keeps_empty_clears_and_a_value_sets() {
    let site = Outside::new();
    let other = add(&site, "<name>Other</name>");
    let uuid = add(&site, "<name>Nurses</name>");
    let update = |inner: &str| {
        site.uuid("updateUserProfileProvision", &format!("<uuid>{uuid}</uuid>{inner}"));
        whole(&site, "<name>Nurses</name>")
    };
    let fresh = update("");
    let set = update(
        "<description>D</description><deskPhones>Desk</deskPhones><mobileDevices>Mobile</mobileDevices><profile>Anywhere</profile><universalLineTemplate>Line</universalLineTemplate><allowProvision>1</allowProvision><limitProvision>3</limitProvision><allowPhoneReassign>True</allowPhoneReassign><defaultUserProfile>oTHER</defaultUserProfile><enableMra>false</enableMra><mraPolicy_Desktop>No Service</mraPolicy_Desktop><mraPolicy_Mobile>IM &amp; Presence only</mraPolicy_Mobile><allowProvisionEMMaxLoginTime>t</allowProvisionEMMaxLoginTime>",
    );
    for shown in [
        "<description>D</description><deskPhones uuid=\"{",
        "}\">Desk</deskPhones><mobileDevices uuid=\"{",
        "}\">Mobile</mobileDevices><profile uuid=\"{",
        "}\">Anywhere</profile><universalLineTemplate uuid=\"{",
        "}\">Line</universalLineTemplate><allowProvision>true</allowProvision><limitProvision>3</limitProvision><allowPhoneReassign>true</allowPhoneReassign>",
        &format!(
            "<defaultUserProfile uuid=\"{other}\">Other</defaultUserProfile><enableMra>false</enableMra><mraPolicy_Desktop>No Service</mraPolicy_Desktop><mraPolicy_Mobile>IM &amp; Presence only</mraPolicy_Mobile><allowProvisionEMMaxLoginTime>true</allowProvisionEMMaxLoginTime>"
        ),
    ] {
        assert!(set.contains(shown), "{shown}: {set}");
    }
    assert_eq!(update(""), set);
    let cleared = update(
        "<description/><deskPhones/><mobileDevices xsi:nil=\"true\"/><profile/><universalLineTemplate/><allowProvision/><limitProvision/><allowPhoneReassign/><defaultUserProfile/><enableMra/><mraPolicy_Desktop/><mraPolicy_Mobile xsi:nil=\"true\"/><allowProvisionEMMaxLoginTime/>",
    );
    assert_eq!(cleared, fresh);
    site.unmoved(
        "updateUserProfileProvision",
        &format!(
            "<uuid>{uuid}</uuid><limitProvision>10</limitProvision><enableMra>t</enableMra><deskPhones/>"
        ),
    );
}

#[test]
fn bad_values_and_names_are_refused_and_named() {
    let site = Outside::new();
    let refused = |inner: &str| site.refused("addUserProfileProvision", &wrapped(inner));
    let long = |length: usize| "x".repeat(length);
    for (inner, told) in [
        ("<description>D</description>".to_owned(), "name: a value is required"),
        (format!("<name>{}</name>", long(51)), "name: is longer than 50 characters"),
        (
            format!("<name>Nurses</name><description>{}</description>", long(256)),
            "description: is longer than 255 characters",
        ),
        (
            "<name>Nurses</name><allowProvisionEMMaxLoginTime>maybe</allowProvisionEMMaxLoginTime>"
                .to_owned(),
            "allowProvisionEMMaxLoginTime: is not a boolean",
        ),
        ("<name>Nurses</name><enableMra>2</enableMra>".to_owned(), "enableMra: is not a boolean"),
    ] {
        assert_eq!(refused(&inner), (5000, format!("userProfileProvision/{told}")));
    }
    let limit = refused("<name>Nurses</name><limitProvision>ten</limitProvision>");
    assert!(
        limit.0 == 5000 && limit.1.starts_with("userProfileProvision/limitProvision: is not an integer"),
        "{limit:?}"
    );
    let nobody = refused("<name>Nurses</name><defaultUserProfile>Doctors</defaultUserProfile>");
    assert_eq!(nobody, (5003, format!("defaultUserProfile: no {TYPE} named Doctors")));
    let other = add(&site, "<name>Other</name>");
    add(&site, "<name>Nurses</name>");
    let duplicate = |name: &str| {
        let told = "Could not insert new row - duplicate value in a UNIQUE INDEX column";
        (-239, format!("{told} ({TYPE} {name})"))
    };
    assert_eq!(refused("<name>nURSES</name>"), duplicate("nURSES"));
    let rename = format!("<uuid>{other}</uuid><newName>nurses</newName>");
    assert_eq!(site.refused("updateUserProfileProvision", &rename), duplicate("nurses"));
}

#[test]
fn a_profile_stays_as_long_as_somebody_has_it_and_shows_its_new_name() {
    let site = Outside::new();
    let uuid = add(&site, "<name>Nurses</name>");
    add(&site, "<name>Other</name><defaultUserProfile>Nurses</defaultUserProfile>");
    let user = |rest: &str| format!("<user><lastName>L</lastName><userid>ada</userid>{rest}</user>");
    let unknown = site.refused("addUser", &user("<userProfile>Doctors</userProfile>"));
    assert_eq!(unknown, (5003, format!("userProfile: no {TYPE} named Doctors")));
    site.uuid("addUser", &user("<userProfile>nurses</userProfile>"));
    site.uuid("updateUserProfileProvision", "<name>Nurses</name><newName>Ward</newName>");
    let held = format!("<userProfile uuid=\"{uuid}\">Ward</userProfile>");
    assert_eq!(site.shown("User", "<userid>ada</userid>", &["userProfile"]), held);
    let remove = || site.refused("removeUserProfileProvision", "<name>Ward</name>");
    assert_eq!(remove(), (-692, format!("{TYPE} Ward is still used by {TYPE} Other")));
    site.uuid("updateUserProfileProvision", "<name>Other</name><defaultUserProfile/>");
    assert_eq!(remove(), (-692, format!("{TYPE} Ward is still used by User ada")));
    site.uuid("updateUser", "<userid>ada</userid><userProfile>Other</userProfile>");
    // One that is its own default stands in nobody's way.
    site.uuid("updateUserProfileProvision", "<name>Ward</name><defaultUserProfile>Ward</defaultUserProfile>");
    site.uuid("removeUserProfileProvision", "<name>Ward</name>");
}

#[test]
fn lists_go_by_name_and_description_and_show_what_a_list_shows() {
    let site = Outside::new();
    add(
        &site,
        "<name>Nurses</name><description>Wing A</description><deskPhones>Desk</deskPhones><allowProvisionEMMaxLoginTime>true</allowProvisionEMMaxLoginTime>",
    );
    add(&site, "<name>Doctors</name>");
    let found = |criteria: &str| site.listed(TYPE, criteria, "", "name");
    assert_eq!(found("<name>%o%</name>"), ["Doctors", STANDARD]);
    assert_eq!(found("<description>wing%</description>"), ["Nurses"]);
    assert_eq!(found("<name>n%</name><description>%</description>"), ["Nurses"]);
    let tags = "<name/><description/><deskPhones/><enableMra/><allowProvision/><limitProvision/><allowPhoneReassign/><defaultUserProfile/><allowProvisionEMMaxLoginTime/>";
    let rows = site.ok(
        "listUserProfileProvision",
        &format!("<searchCriteria><name>Nurses</name></searchCriteria><returnedTags>{tags}</returnedTags>"),
    );
    let row = "\"><name>Nurses</name><description>Wing A</description><allowProvision>false</allowProvision><limitProvision>10</limitProvision><allowPhoneReassign>false</allowPhoneReassign><defaultUserProfile/><allowProvisionEMMaxLoginTime>true</allowProvisionEMMaxLoginTime></userProfileProvision></return>";
    assert!(rows.ends_with(row), "{rows}");
}

#[test]
fn each_version_sees_the_settings_it_knows_and_loses_none_of_the_others() {
    let site = Outside::new();
    let newer = [
        ("enableMra", "false", "12.0"),
        ("mraPolicy_Desktop", "No Service", "12.0"),
        ("mraPolicy_Mobile", "No Service", "12.0"),
        ("allowProvisionEMMaxLoginTime", "true", "12.5"),
        ("allowPhoneReassign", "true", "14.0"),
    ];
    let set: String = newer.iter().map(|(tag, value, _)| format!("<{tag}>{value}</{tag}>")).collect();
    add(&site, &format!("<name>Nurses</name>{set}"));
    for version in ["11.5", "12.0", "12.5", "14.0", "15.0"] {
        let inner = format!("<name>Nurses</name><description>{version}</description>");
        assert_eq!(site.axl.call_in(version, "updateUserProfileProvision", &inner).status, 200);
        let answer = site.axl.call_in(version, "getUserProfileProvision", "<name>Nurses</name>");
        let content = answer.content("getUserProfileProvision");
        assert!(content.contains(&format!("<description>{version}</description>")), "{content}");
        let number = |version: &str| version.parse::<f32>().unwrap();
        for (tag, value, since) in newer {
            let known = number(version) >= number(since);
            assert_eq!(content.contains(&format!("<{tag}>{value}</{tag}>")), known, "{version}: {content}");
            assert_eq!(content.contains(tag), known, "{version}: {content}");
        }
    }
}
