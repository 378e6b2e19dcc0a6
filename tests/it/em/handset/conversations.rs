//! What people do at phones, on each model: log in, choose, change places, be followed by the next one, log out.

use std::time::Duration;

use emgate::handset::model::MODELS;

use super::{CALLED, Office, Talker, device, second_device};
use crate::support::waiting::await_true;

/// For what the gateway does by itself.
const SOON: Duration = Duration::from_secs(30);

/// Does the same on a phone of each model, each in an office of its own.
fn on_each_model(conversation: impl Fn(&Office, Talker<'_>, Talker<'_>)) {
    for model in &MODELS {
        let office = Office::new();
        let phones = (office.phone(model), office.phone_named(&second_device(model), model, "en_US"));
        conversation(&office, phones.0, phones.1);
    }
}

#[test]
fn people_log_in_by_each_type_and_out_again() {
    on_each_model(|office, mut phone, _| {
        for (kind, label, typed, flags) in [
            ("", "User ID", "ada", "L"),
            ("&loginType=UID", "User ID", "ADA", "L"),
            ("&loginType=DN", "Extension", "2001", "N"),
            ("&loginType=SP", "Self-service ID", "5501", "L"),
        ] {
            phone.open_with(kind);
            assert_eq!(phone.fields(), [(label, "", flags), ("PIN", "", "NP")], "{kind}");
            assert_eq!(phone.keys(), ["Submit", "<<", "Exit"]);
            phone.fill(&[typed, "13579"]).press("Submit");
            assert_eq!((phone.prompt(), phone.text()), ("Login successful", "The phone restarts."), "{kind}");
            assert_eq!(phone.user().as_deref(), Some("ada"));
            phone.press("Exit");
            assert!(phone.is_at_services());
            phone.open_with(kind);
            assert_eq!((phone.prompt(), phone.text()), ("Log out?", "ada is logged in on this phone."));
            phone.press("No");
            assert!(phone.is_at_services() && phone.user().is_some());
            phone.open_with(kind).press("Yes");
            assert_eq!((phone.prompt(), phone.user()), ("Logout successful", None));
        }
        assert_eq!(phone.handset.call_log, CALLED);
        assert_eq!(office.story().len(), 8);
    });
}

#[test]
fn a_finger_that_slips_is_helped() {
    on_each_model(|_, mut phone, _| {
        phone.open().fill(&["ada", "135799"]).press("<<").press("Submit");
        assert_eq!(phone.prompt(), "Login successful");
        phone.log_out();
        phone.open().fill(&["ada", "24680"]).press("Submit");
        assert_eq!(phone.prompt(), "Please try to login again (201)");
        phone.press("Retry").fill(&["ada", ""]).press("Submit");
        assert_eq!(phone.prompt(), "Please try to login again (202)");
        phone.press("Exit").log_in("ada");
        assert_eq!(phone.user().as_deref(), Some("ada"));
    });
}

#[test]
fn who_has_several_profiles_chooses_one() {
    on_each_model(|office, mut phone, _| {
        phone.log_in("bob");
        assert_eq!(phone.prompt(), "Select a device profile");
        assert_eq!(phone.entries(), ["UDP_bob_desk", "UDP_bob_lab"]);
        assert_eq!(phone.user(), None);
        phone.choose(1);
        assert_eq!((phone.prompt(), phone.user().as_deref()), ("Login successful", Some("bob")));
        // the first entry is marked when a menu opens
        phone.log_out().log_in("bob").press("Select");
        assert_eq!((phone.prompt(), office.sessions().len()), ("Login successful", 1));
        phone.log_out().open_with("&loginType=DN").fill(&["2002", "13579"]).press("Submit").press("Exit");
        assert!(phone.is_at_services() && phone.user().is_none());
    });
}

#[test]
fn a_second_login_goes_as_the_policy_says() {
    on_each_model(|office, mut one, mut two| {
        one.log_in("ada");
        two.log_in("ada");
        assert_eq!((two.prompt(), two.user()), ("Multi-Login Not Allowed (25)", None));
        assert!(two.text().starts_with("Error 25 User Logged in Elsewhere."), "{}", two.text());
        office.set("MultipleLoginBehavior", "Multiple Logins Allowed");
        two.press("Retry").fill(&["ada", "13579"]).press("Submit");
        assert_eq!((two.prompt(), office.sessions().len()), ("Login successful", 2));
        two.log_out();
        office.set("MultipleLoginBehavior", "Auto Logout");
        two.log_in("ada");
        assert_eq!((one.user(), two.user().as_deref()), (None, Some("ada")));
        let (first, second) = (&one.handset.identity().device, &two.handset.identity().device);
        let expected = [
            format!("login {first} ada"),
            format!("login {second} ada"),
            format!("logout {second} ada user"),
            format!("logout {first} ada multiple-login"),
            format!("login {second} ada"),
        ];
        assert_eq!(office.story(), expected);
        // the phone that was left finds out when its button is pressed
        one.open();
        assert_eq!(one.prompt(), "Enter user ID and PIN");
    });
}

#[test]
fn the_next_one_logs_out_the_one_before_and_needs_no_pin() {
    on_each_model(|office, mut phone, _| {
        phone.log_in("ada").open();
        assert_eq!((phone.prompt(), phone.keys()[0].as_str()), ("Log out?", "Yes"));
        phone.press("Yes").log_in("bob").choose(0);
        assert_eq!(phone.user().as_deref(), Some("bob"));
        let name = &phone.handset.identity().device;
        let expected =
            [format!("login {name} ada"), format!("logout {name} ada user"), format!("login {name} bob")];
        assert_eq!(office.story(), expected);
    });
}

#[test]
fn the_last_user_of_a_phone_is_remembered_where_that_is_switched_on() {
    on_each_model(|office, mut phone, mut other| {
        office.set("RememberLastUserLoggedIn", "T");
        phone.log_in("ada").log_out().open();
        assert_eq!(phone.fields()[0], ("User ID", "ada", "L"));
        assert!(phone.handset.fill(1, "13579"));
        phone.press("Submit");
        assert_eq!(phone.user().as_deref(), Some("ada"));
        phone.log_out().open_with("&loginType=DN");
        assert_eq!(phone.fields()[0], ("Extension", "", "N"));
        other.open();
        assert_eq!(other.fields()[0].1, "", "another phone");
    });
}

#[test]
fn the_call_log_of_the_phone_is_cleared_where_that_is_switched_on() {
    on_each_model(|office, mut phone, _| {
        phone.log_in("ada");
        assert_eq!(phone.handset.call_log, CALLED);
        phone.log_out();
        office.set("ClearCallLogs", "T");
        phone.log_in("ada");
        assert!(phone.handset.call_log.is_empty() && phone.is_at_services());
        phone.handset.call_log.push("2003".into());
        phone.log_out();
        assert!(phone.handset.call_log.is_empty() && phone.is_at_services());
        let name = &phone.handset.identity().device;
        let expected = ["manual-login", "manual-logout"].map(|trigger| format!("call-log {name} {trigger}"));
        let told: Vec<_> = office.story().into_iter().filter(|line| line.starts_with("call-log")).collect();
        assert_eq!(told, expected);
    });
}

#[test]
fn people_change_their_pin_where_they_are_led_to_it() {
    on_each_model(|office, mut phone, _| {
        office.gateway.sql("UPDATE credentials SET must_change = true WHERE kind = 'pin'");
        phone.log_in("ada");
        assert_eq!(phone.prompt(), "Login is unavailable(41)");
        phone.press("ChangePIN");
        assert_eq!(phone.object().title, "Change Credential");
        let pins = ["Current PIN", "New PIN", "Confirm PIN"].map(|label| (label, "", "NP"));
        assert_eq!(phone.fields(), pins, "who it is is known");
        phone.fill(&["13579", "70531", "70532"]).press("Change");
        assert_eq!(phone.prompt(), "New PIN and Confirm PIN differ");
        phone.press("Exit").change_pin().fill(&["ada", "13579", "70531", "70531"]).press("Change");
        assert_eq!((phone.prompt(), phone.text()), ("PIN change is complete", "PIN Change Successful"));
        phone.press("Exit").log_in("ada");
        assert_eq!(phone.prompt(), "Please try to login again (201)", "the old one is dead");
        phone.press("Retry").fill(&["ada", "70531"]).press("Submit");
        assert_eq!(phone.user().as_deref(), Some("ada"));
        // and from the page of who is logged in
        phone.open().press("ChangePIN").fill(&["70531", "86420", "86420"]).press("Change");
        assert_eq!(phone.prompt(), "New PIN is too easy to guess");
        phone.open().press("ChangePIN").fill(&["70531", "90417", "90417"]).press("Change");
        assert_eq!(phone.prompt(), "PIN change is complete");
        phone.log_out().open().fill(&["ada", "90417"]).press("Submit");
        assert_eq!(phone.user().as_deref(), Some("ada"));
    });
}

#[test]
fn an_automatic_logout_that_is_near_is_shown_and_a_key_extends_the_session() {
    on_each_model(|office, mut phone, mut other| {
        office.set("IntraClusterMaxLoginTime", "1:00");
        office.set("AutomaticLogoutExtendMinutes", "15");
        phone.log_in("ada");
        other.log_in("bob").choose(0);
        // the log finds a login by its moment, so what it says is kept with the session before that moves
        office.gateway.sql(
            "UPDATE sessions s SET login_envelope = l.envelope, started_at = started_at - interval '56 min',
                expires_at = expires_at - interval '56 min'
             FROM event_log l WHERE l.envelope -> 'data' ->> 'sessionId' = s.session_id::text AND l.type = 'em.device.login.v1'",
        );
        let told = |what: &str| office.told(what);
        await_true(SOON, "both are warned", || told("em.session.expiring.v1") == 2);
        phone.open();
        assert_eq!(phone.text(), "ada is logged in on this phone. You are logged out in 4 min.");
        assert_eq!(phone.keys(), ["Yes", "No", "ChangePIN", "Extend"]);
        phone.press("Extend");
        assert_eq!((phone.prompt(), phone.text()), ("Session extended", "You are logged out in 19 min."));
        phone.open();
        assert_eq!((phone.text(), phone.keys().len()), ("ada is logged in on this phone.", 3));
        // nobody is at the other one: its session ends at its time, the one that was extended goes on
        office.gateway.sql("UPDATE sessions SET expires_at = expires_at - interval '5 min'");
        await_true(SOON, "bob is logged out", || other.user().is_none());
        assert_eq!(phone.user().as_deref(), Some("ada"));
        assert_eq!((told("em.session.extended.v1"), told("em.device.logout.v1")), (1, 1));
    });
}

#[test]
fn a_phone_that_was_left_says_why_nobody_is_logged_in() {
    on_each_model(|office, mut one, mut two| {
        office.set("MultipleLoginBehavior", "Auto Logout");
        one.log_in("ada");
        two.log_in("ada");
        one.open_with("&notice=true");
        assert_eq!(one.prompt(), "Logged out");
        assert_eq!(
            one.text(),
            "The user of this phone has logged in at another phone and was logged out here."
        );
        one.press("Login");
        assert_eq!(one.prompt(), "Enter user ID and PIN");
        one.fill(&["ada", "13579"]).press("Submit");
        assert_eq!((one.user().as_deref(), two.user()), (Some("ada"), None));
    });
}

#[test]
fn a_phone_is_spoken_to_in_its_language_and_charset() {
    let office = Office::new();
    for model in &MODELS {
        let mut phone = office.phone_named(&device(model), model, "zh_CN");
        phone.open();
        assert_eq!((phone.object().title.as_str(), phone.prompt()), ("移动分机", "请输入用户标识和 PIN"));
        assert_eq!(phone.keys(), ["提交", "<<", "退出"], "{}", model.name);
        phone.fill(&["ada", "24680"]).press("提交");
        assert_eq!(phone.prompt(), "请重新登录 (201)");
    }
}
