//! `pinCredentials` and `passwordCredentials`: flags act, come back and are told of.

use crate::support::axl::{AxlSite, Caller};

const PIN: &str = "<userid>bob</userid><returnedTags><pinCredentials/></returnedTags>";

fn site() -> AxlSite {
    let axl = AxlSite::new();
    axl.uuid("addUser", "<user><lastName>Bob</lastName><userid>bob</userid><pin>12345</pin></user>");
    axl
}

/// What stands in an element of an answer.
fn element<'a>(answer: &'a str, tag: &str) -> &'a str {
    let Some((_, rest)) = answer.split_once(&format!("<{tag}>")) else { return "" };
    rest.split_once(&format!("</{tag}>")).unwrap().0
}

fn update(axl: &AxlSite, credentials: &str) -> Vec<String> {
    axl.story_of(|axl| {
        axl.uuid("updateUser", &format!("<userid>bob</userid>{credentials}"));
    })
}

#[test]
fn who_decided_nothing_gets_every_flag_as_false() {
    let axl = site();
    let shown = axl.ok("getUser", PIN);
    assert_eq!(
        element(&shown, "pinCredentials"),
        "<pinCredPolicyName/><pinCredUserCantChange>false</pinCredUserCantChange>\
         <pinCredUserMustChange>false</pinCredUserMustChange><pinCredDoesNotExpire>false</pinCredDoesNotExpire>\
         <pinCredTimeChanged>true</pinCredTimeChanged><pinCredTimeAdminLockout/>\
         <pinCredLockedByAdministrator>false</pinCredLockedByAdministrator><pinResetHackCount>false</pinResetHackCount>"
    );
}

#[test]
fn flags_come_back_whether_there_is_a_secret_or_not() {
    let axl = site();
    let flags = "<pinCredentials><pinCredPolicyName>Default Credential Policy</pinCredPolicyName><pinCredUserMustChange>t</pinCredUserMustChange></pinCredentials>";
    axl.uuid("addUser", &format!("<user><lastName>Cyd</lastName><userid>cyd</userid>{flags}</user>"));
    let tags = "<returnedTags><pinCredentials/><passwordCredentials/></returnedTags>";
    let shown = axl.ok("getUser", &format!("<userid>cyd</userid>{tags}"));
    assert_eq!(element(&shown, "pinCredUserMustChange"), "true");
    assert_eq!(element(&shown, "pinCredTimeChanged"), "false");
    assert!(shown.contains(">Default Credential Policy</pinCredPolicyName>"), "{shown}");
    assert!(shown.contains("<pwdCredTimeChanged/>"), "{shown}");
    // a first secret does not do away with what was decided
    axl.uuid("updateUser", "<userid>cyd</userid><pin>12345</pin><password>word</password>");
    let shown = axl.ok("getUser", &format!("<userid>cyd</userid>{tags}"));
    assert_eq!(
        (element(&shown, "pinCredUserMustChange"), element(&shown, "pinCredTimeChanged")),
        ("true", "true")
    );
    assert!(element(&shown, "pwdCredTimeChanged").ends_with(" UTC"), "{shown}");
}

#[test]
fn a_change_of_flags_is_one_of_the_user_and_a_lock_is_told_of_besides() {
    let axl = site();
    let flag = |name: &str, value: &str| format!("<pinCredentials><{name}>{value}</{name}></pinCredentials>");
    assert_eq!(update(&axl, &flag("pinCredUserMustChange", "true")), ["update User bob pinCredentials=-"]);
    assert_eq!(update(&axl, &flag("pinCredUserMustChange", "true")), [""; 0]);
    assert_eq!(
        update(&axl, &flag("pinCredLockedByAdministrator", "true")),
        ["update User bob pinCredentials=-", "credential bob pin locked"]
    );
    let shown = axl.ok("getUser", PIN);
    assert_eq!(element(&shown, "pinCredUserMustChange"), "true");
    assert!(element(&shown, "pinCredTimeAdminLockout").ends_with(" UTC"), "{shown}");
    // neither a new PIN nor a reset of the count ends what an administrator decided
    assert_eq!(
        update(&axl, &format!("<pin>24680</pin>{}", flag("pinResetHackCount", "true"))),
        ["credential bob pin reset"]
    );
    assert_eq!(element(&axl.ok("getUser", PIN), "pinCredLockedByAdministrator"), "true");
    assert_eq!(
        update(&axl, &flag("pinCredLockedByAdministrator", "false")),
        ["update User bob pinCredentials=-", "credential bob pin unlocked"]
    );
}

#[test]
fn what_is_empty_is_not_given_and_takes_nothing_back() {
    let axl = site();
    let flags = "<pinCredUserCantChange>true</pinCredUserCantChange><pinCredLockedByAdministrator>true</pinCredLockedByAdministrator>";
    update(&axl, &format!("<pinCredentials>{flags}</pinCredentials>"));
    for inside in [
        "",
        "<pinCredLockedByAdministrator/>",
        "<pinCredUserCantChange/><pinCredLockedByAdministrator> </pinCredLockedByAdministrator>",
        "<pinCredTimeChanged>true</pinCredTimeChanged>",
    ] {
        assert_eq!(update(&axl, &format!("<pinCredentials>{inside}</pinCredentials>")), [""; 0], "{inside}");
    }
    assert_eq!(update(&axl, "<pinCredentials/>"), [""; 0]);
    let shown = axl.ok("getUser", PIN);
    assert_eq!(element(&shown, "pinCredUserCantChange"), "true");
    assert_eq!(element(&shown, "pinCredLockedByAdministrator"), "true");
}

#[test]
fn an_application_that_an_administrator_has_locked_shows_it() {
    let axl = site();
    let locked = "<passwordCredentials><pwdCredLockedByAdministrator>true</pwdCredLockedByAdministrator></passwordCredentials>";
    axl.uuid(
        "addAppUser",
        &format!("<appUser><userid>robot</userid><password>word</password>{locked}</appUser>"),
    );
    let shown =
        axl.ok("getAppUser", "<userid>robot</userid><returnedTags><passwordCredentials/></returnedTags>");
    assert_eq!(element(&shown, "pwdCredLockedByAdministrator"), "true");
    let story = axl.story_of(|axl| {
        let free = locked.replace("true", "false");
        axl.uuid("updateAppUser", &format!("<userid>robot</userid>{free}"));
    });
    assert_eq!(story, ["update AppUser robot passwordCredentials=-", "credential robot password unlocked"]);
}
