//! Application users: their secret, groups and what they control, who waits for whom, what a change tells.

use serde_json::json;

use crate::support::axl::Caller;
use crate::support::outside::{Outside, bare, change, event, forced, together};

const PHONE: &str = "SEP0000000000A1";
const OTHER_PHONE: &str = "SEP0000000000A2";

/// Two phones, two profiles, and the application user `recorder` with one of each.
fn site() -> (Outside, String) {
    let site = Outside::new();
    let model = "<product>Cisco 8851</product><protocol>SIP</protocol>";
    for phone in [PHONE, OTHER_PHONE] {
        site.uuid("addPhone", &format!("<phone><name>{phone}</name>{model}</phone>"));
    }
    for profile in ["UDP_one", "UDP_two"] {
        site.uuid(
            "addDeviceProfile",
            &format!("<deviceProfile><name>{profile}</name>{model}</deviceProfile>"),
        );
    }
    let inner = format!("<userid>recorder</userid>{}{}", phones(&[PHONE]), profiles(&["UDP_one"]));
    let uuid = site.uuid("addAppUser", &format!("<appUser>{inner}</appUser>"));
    (site, uuid)
}

fn list(collection: &str, member: &str, names: &[&str]) -> String {
    let members: String = names.iter().map(|name| format!("<{member}>{name}</{member}>")).collect();
    if members.is_empty() {
        format!("<{collection}/>")
    } else {
        format!("<{collection}>{members}</{collection}>")
    }
}

fn phones(names: &[&str]) -> String {
    list("associatedDevices", "device", names)
}

fn profiles(names: &[&str]) -> String {
    list("ctiControlledDeviceProfiles", "deviceProfile", names)
}

fn groups(names: &[&str]) -> String {
    let groups = names.iter().map(|n| format!("<name>{n}</name>")).collect::<Vec<_>>();
    list("associatedGroups", "userGroup", &groups.iter().map(String::as_str).collect::<Vec<_>>())
}

fn update(site: &Outside, inner: &str) -> String {
    site.uuid("updateAppUser", &format!("<userid>recorder</userid>{inner}"))
}

#[test]
fn an_application_user_is_added_changed_and_removed_with_one_event_each() {
    let (site, _) = site();
    let mut uuid = String::new();
    let events = site.events_of(|site| {
        let inner =
            format!("<userid>bulk</userid><password>word</password>{}", groups(&["standard axl api access"]));
        uuid = site.uuid("addAppUser", &format!("<appUser>{inner}</appUser>"));
    });
    assert_eq!(events, [change("add", ("AppUser", &uuid, "bulk"), &[])]);
    let events = site.events_of(|site| {
        let inner = format!(
            "<newUserid>loader</newUserid><acceptPresenceSubscription>t</acceptPresenceSubscription>{}",
            phones(&[PHONE])
        );
        assert_eq!(site.uuid("updateAppUser", &format!("<userid>BULK</userid>{inner}")), uuid);
    });
    let changed = [
        ("acceptPresenceSubscription", Some("true")),
        ("associatedDevices", None),
        ("userid", Some("loader")),
    ];
    assert_eq!(events, [change("update", ("AppUser", &uuid, "loader"), &changed)]);
    let events = site.events_of(|site| {
        let inner = format!(
            "<uuid>{uuid}</uuid><allowReplaceHeader>1</allowReplaceHeader><password>other</password>"
        );
        site.uuid("updateAppUser", &inner);
    });
    let reset = event(
        "em.credential.changed.v1",
        &format!("AppUser/{}", bare(&uuid)),
        json!({
            "holder": { "kind": "application-user", "userId": "loader", "uuid": bare(&uuid) },
            "credential": "password", "change": "reset", "device": null
        }),
    );
    let updated = change("update", ("AppUser", &uuid, "loader"), &[("allowReplaceHeader", Some("true"))]);
    assert_eq!(events, together(vec![updated, reset]));
    let events = site.events_of(|site| {
        assert_eq!(site.uuid("removeAppUser", "<userid>loader</userid>"), uuid);
    });
    assert_eq!(events, [change("remove", ("AppUser", &uuid, "loader"), &[])]);
}

#[test]
fn a_userid_is_required_and_belongs_to_one_application_user() {
    let (site, uuid) = site();
    let refused = |inner: &str| site.refused("addAppUser", &format!("<appUser>{inner}</appUser>"));
    assert_eq!(
        refused("<password>word</password>"),
        (5000, "appUser/userid: a value is required".to_owned())
    );
    let duplicate = |name: &str| {
        let text = "Could not insert new row - duplicate value in a UNIQUE INDEX column";
        (-239, format!("{text} (AppUser {name})"))
    };
    assert_eq!(refused("<userid>RECORDER</userid>"), duplicate("RECORDER"));
    let renamed = format!("<uuid>{uuid}</uuid><newUserid>Admin</newUserid>");
    assert_eq!(site.refused("updateAppUser", &renamed), duplicate("Admin"));
    site.unmoved("updateAppUser", &format!("<uuid>{uuid}</uuid><newUserid/><password/>"));
    site.uuid("addUser", "<user><lastName>R</lastName><userid>recorder</userid></user>");
    let long = refused(&format!("<userid>x</userid><password>{}</password>", "x".repeat(2000)));
    assert!(long.0 == 5003 && long.1.starts_with("password: "), "{long:?}");
}

#[test]
fn names_nobody_knows_are_refused_with_their_element() {
    let (site, _) = site();
    for (inner, text) in [
        (phones(&[PHONE, "SEP0000000000FF"]), "associatedDevices: no Phone named SEP0000000000FF"),
        (profiles(&["UDP_none"]), "deviceProfile: no DeviceProfile named UDP_none"),
        (groups(&["No Such"]), "associatedGroups: no UserGroup named No Such"),
        (
            "<presenceGroupName>Nobody</presenceGroupName>".to_owned(),
            "presenceGroupName: no PresenceGroup named Nobody",
        ),
    ] {
        let add = format!("<appUser><userid>x</userid>{inner}</appUser>");
        assert_eq!(site.refused("addAppUser", &add), (5003, text.to_owned()));
        let update = format!("<userid>recorder</userid>{inner}");
        assert_eq!(site.refused("updateAppUser", &update), (5003, text.to_owned()));
    }
    let missing = (5007, "Item not valid: The specified AppUser was not found".to_owned());
    for selector in ["<userid>nobody</userid>", "<uuid>{1B2C0000-0000-0000-0000-0000000000FF}</uuid>"] {
        assert_eq!(site.refused("getAppUser", selector), missing);
        assert_eq!(site.refused("removeAppUser", selector), missing);
    }
    let refused = site.refused("updateAppUser", "<userid>nobody</userid>");
    assert_eq!(refused, (5003, "AppUser nobody not found".to_owned()));
}

#[test]
fn absent_keeps_empty_clears_and_a_value_sets() {
    let (site, uuid) = site();
    let tags = [
        "presenceGroupName",
        "acceptPresenceSubscription",
        "associatedDevices",
        "associatedGroups",
        "ctiControlledDeviceProfiles",
    ];
    let changed = |inner: &str| {
        update(&site, inner);
        site.shown("AppUser", &format!("<uuid>{uuid}</uuid>"), &tags)
    };
    let fresh = changed("");
    assert!(
        fresh.ends_with(&format!(
            "<acceptPresenceSubscription>false</acceptPresenceSubscription>{}<associatedGroups/>{}",
            phones(&[PHONE]),
            profiles(&["UDP_one"])
        )),
        "{fresh}"
    );
    // The order given is kept, and what is named twice counts once.
    let all = [
        "<acceptPresenceSubscription>True</acceptPresenceSubscription>".to_owned(),
        phones(&[OTHER_PHONE, PHONE, OTHER_PHONE]),
        groups(&["Standard AXL API Access"]),
        profiles(&["udp_two", "UDP_one"]),
    ];
    let set = changed(&all.concat());
    for part in [
        "<acceptPresenceSubscription>true</acceptPresenceSubscription>",
        phones(&[OTHER_PHONE, PHONE]).as_str(),
        "<associatedGroups><userGroup><name>Standard AXL API Access</name>",
        profiles(&["UDP_two", "UDP_one"]).as_str(),
    ] {
        assert!(set.contains(part), "{part}: {set}");
    }
    assert_eq!(changed(""), set);
    site.unmoved("updateAppUser", &format!("<uuid>{uuid}</uuid>{}", all.concat()));
    let emptied = changed(
        "<presenceGroupName/><acceptPresenceSubscription/><associatedDevices/><associatedGroups/><ctiControlledDeviceProfiles xsi:nil=\"true\"/>",
    );
    let lists = "<associatedDevices/><associatedGroups/><ctiControlledDeviceProfiles/>";
    assert!(emptied.ends_with(&format!(">false</acceptPresenceSubscription>{lists}")), "{emptied}");
    assert!(emptied.contains(">Standard Presence group</presenceGroupName>"), "{emptied}");
}

#[test]
fn a_removed_phone_or_profile_leaves_its_holders_with_one_event_each() {
    let (site, recorder) = site();
    let ada = site.uuid("addUser", &format!("<user><lastName>Ada</lastName><userid>ada</userid><phoneProfiles><profileName>UDP_one</profileName></phoneProfiles><defaultProfile>UDP_one</defaultProfile><ctiControlledDeviceProfiles><profileName>UDP_one</profileName></ctiControlledDeviceProfiles>{}</user>", phones(&[PHONE])));
    let revisions = |site: &Outside| (site.revision(&recorder), site.revision(&ada));
    let before = revisions(&site);
    let profile = site.uuid("updateDeviceProfile", "<name>UDP_one</name>");
    let events = site.events_of(|site| drop(site.uuid("removeDeviceProfile", "<name>UDP_one</name>")));
    let cause = ("DeviceProfile", "UDP_one");
    let of_ada = [("ctiControlledDeviceProfiles", None), ("defaultProfile", None), ("phoneProfiles", None)];
    let expected = vec![
        forced(
            change("update", ("AppUser", &recorder, "recorder"), &[("ctiControlledDeviceProfiles", None)]),
            cause,
        ),
        forced(change("update", ("User", &ada, "ada"), &of_ada), cause),
        change("remove", ("DeviceProfile", &profile, "UDP_one"), &[]),
    ];
    assert_eq!(events, together(expected));
    assert_eq!(revisions(&site), (before.0 + 1, before.1 + 1));
    let phone = site.uuid("updatePhone", &format!("<name>{PHONE}</name>"));
    let events = site.events_of(|site| drop(site.uuid("removePhone", &format!("<name>{PHONE}</name>"))));
    let lost = [("associatedDevices", None)];
    let expected = vec![
        forced(change("update", ("AppUser", &recorder, "recorder"), &lost), ("Phone", PHONE)),
        forced(change("update", ("User", &ada, "ada"), &lost), ("Phone", PHONE)),
        change("remove", ("Phone", &phone, PHONE), &[]),
    ];
    assert_eq!(events, together(expected));
    assert_eq!(revisions(&site), (before.0 + 2, before.1 + 2));
    let tags = ["associatedDevices", "ctiControlledDeviceProfiles"];
    let nothing = "<associatedDevices/><ctiControlledDeviceProfiles/>";
    assert_eq!(site.shown("AppUser", "<userid>recorder</userid>", &tags), nothing);
}

/// A login tells who controls the phone, so that whoever changes that waits for it.
#[test]
fn who_controls_a_phone_changes_before_or_after_a_login_there_and_never_beside_it() {
    let (site, _) = site();
    let selector = "<userid>recorder</userid>";
    assert!(site.waits_for_phone(
        OTHER_PHONE,
        "updateAppUser",
        &format!("{selector}{}", phones(&[OTHER_PHONE]))
    ));
    assert!(site.waits_for_phone(OTHER_PHONE, "updateAppUser", &format!("{selector}{}", phones(&[PHONE]))));
    assert!(!site.waits_for_phone(OTHER_PHONE, "updateAppUser", &format!("{selector}{}", phones(&[]))));
    let add = format!("<appUser><userid>second</userid>{}</appUser>", phones(&[OTHER_PHONE]));
    assert!(site.waits_for_phone(OTHER_PHONE, "addAppUser", &add));
    assert!(site.waits_for_phone(OTHER_PHONE, "removeAppUser", "<userid>second</userid>"));
}

#[test]
fn lists_go_by_userid_and_show_no_collections() {
    let (site, _) = site();
    site.uuid("addAppUser", "<appUser><userid>Bulk</userid></appUser>");
    let found = |criteria: &str| site.listed("AppUser", criteria, "", "userid");
    assert_eq!(found("<userid>%</userid>"), ["admin", "Bulk", "recorder"]);
    assert_eq!(found("<userid>b___</userid>"), ["Bulk"]);
    assert_eq!(found("<userid>bul</userid>"), [""; 0]);
    assert_eq!(found("<userid/>"), [""; 0]);
    assert_eq!(
        site.listed("AppUser", "<userid>%</userid>", "<skip>1</skip><first>1</first>", "userid"),
        ["Bulk"]
    );
    let rows = site.ok("listAppUser", "<searchCriteria><userid>recorder</userid></searchCriteria><returnedTags><userid/><associatedDevices/></returnedTags>");
    assert!(rows.ends_with("\"><userid>recorder</userid></appUser></return>"), "{rows}");
}
