//! Single logins and logouts: each refusal, the three behaviours of multiple logins, expiry, call logs.

use emgate::domain::event::Via;
use emgate::domain::login::OccupantRule;
use emgate::domain::login_limit::LoginLimit;
use emgate::domain::logout::LogoutOrigin;
use emgate::em::error::EmCode;
use emgate::em::outcome::{LoginOutcome, LogoutOutcome};
use emgate::store::objects::Selector;
use serde_json::json;

use crate::support::axl::{AxlSite, Caller};
use crate::support::site::Site;

fn site_of_two() -> Site {
    let site = Site::new();
    site.phone("SEP0000000000A1");
    site.phone("SEP0000000000A2");
    for user in ["ada", "bob"] {
        let profile = site.profile(&format!("UDP_{user}"));
        site.user(user, &[profile]);
    }
    site
}

#[tokio::test]
async fn a_login_opens_a_session_and_tells_everything_in_one_event() {
    let site = Site::new();
    site.phone_with("SEP0000000000A1", "Cisco 8851", &json!({"userLocale": "English United States"}), true);
    let profile = site.profile_with(
        "UDP_ada",
        "Cisco 8851",
        &json!({"userLocale": "Italian Italy", "services": {"service": [{"name": "EM"}]}}),
    );
    let line = site.line("2145");
    let recorder = site.object("RecordingProfile", "Recorder", &json!({}));
    site.put_line(
        profile.0,
        1,
        line,
        &json!({"label": "Ada 2145", "recordingFlag": "Automatic Call Recording Enabled",
            "recordingProfileName": {"ref": recorder.0}, "recordingMediaSource": "Phone Preferred"}),
    );
    site.user("ada", &[profile]);
    let program = site.app_user("recorder1", "secret secret");
    site.associate(program, emgate::store::associations::Association::CtiProfile, &[profile.into()]);
    let outcome = site.log_in("sep0000000000a1", "ADA").await.unwrap();
    let LoginOutcome::LoggedIn { session_id, .. } = outcome else { panic!("{outcome:?}") };
    let events = site.events();
    assert_eq!(events.len(), 1);
    let data = &events[0].1;
    assert_eq!(data["sessionId"], json!(session_id));
    assert_eq!(data["device"]["name"], "SEP0000000000A1");
    assert_eq!(data["device"]["protocol"], "SIP");
    assert_eq!(data["user"]["userId"], "ada");
    assert_eq!(data["profile"]["name"], "UDP_ada");
    assert_eq!(data["profileMatch"], "exact");
    assert_eq!(data["defaultProfileName"], json!(null));
    assert_eq!(data["loginMethod"], "API");
    assert_eq!(data["loginTime"], "2026-03-02T08:00:00.000Z");
    assert_eq!(data["expiresAt"], json!(null));
    assert_eq!(
        data["lines"],
        json!([{"index": 1, "kind": "line", "dn": "2145", "partition": null, "label": "Ada 2145",
            "recording": {"flag": "Automatic Call Recording Enabled", "profile": "Recorder",
                "mediaSource": "Phone Preferred"}}])
    );
    assert_eq!(data["servicesFrom"], "profile");
    assert_eq!(
        data["locale"],
        json!({"user": "Italian Italy", "device": "English United States", "mismatch": true})
    );
    assert_eq!(data["phoneAction"], "reset");
    assert_eq!(data["phoneActionCause"], "locale");
    assert_eq!(data["cti"], json!(["recorder1"]));
    assert_eq!(site.sessions(), [("SEP0000000000A1".to_owned(), "ada".to_owned())]);
    assert_eq!(site.woken.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn each_refusal_has_its_code_and_leaves_nothing_behind() {
    let site = site_of_two();
    site.phone_with("SEP0000000000A3", "Cisco 8851", &json!({}), false);
    site.user("none", &[]);
    site.profile("UDP_other");
    assert_eq!(site.log_in("SEP0000000000FF", "ada").await, Err(EmCode::PhoneAbsent));
    assert_eq!(site.log_in("SEP0000000000A3", "ada").await, Err(EmCode::LoginDisabled));
    assert_eq!(site.log_in("SEP0000000000A1", "nobody").await, Err(EmCode::UserAbsent));
    assert_eq!(site.log_in("SEP0000000000A1", "none").await, Err(EmCode::ProfileAbsent));
    let mut unknown = site.attempt("SEP0000000000A1", "ada");
    unknown.profile = Some(Selector::name("nothing"));
    assert_eq!(site.em.login(unknown).await, Err(EmCode::ProfileNotFound));
    assert_eq!(site.events(), []);
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    assert_eq!(site.log_in("SEP0000000000A1", "bob").await, Err(EmCode::PhoneOccupied));
    assert_eq!(site.log_in("SEP0000000000A2", "ada").await, Err(EmCode::LoggedInElsewhere));
    let mut other = site.attempt("SEP0000000000A1", "ada");
    other.profile = Some(Selector::name("UDP_other"));
    assert_eq!(site.em.login(other).await, Err(EmCode::PhoneOccupied));
    assert_eq!(site.story(), ["login SEP0000000000A1 ada"]);
}

#[tokio::test]
async fn the_same_login_again_changes_nothing_and_tells_nothing() {
    let site = site_of_two();
    let first = site.log_in("SEP0000000000A1", "ada").await.unwrap();
    let LoginOutcome::LoggedIn { session_id, .. } = first else { panic!("{first:?}") };
    site.clock.advance_seconds(60);
    let mut again = site.attempt("SEP0000000000A1", "ada");
    again.profile = Some(Selector::name("udp_ADA"));
    assert_eq!(site.em.login(again).await, Ok(LoginOutcome::Unchanged { session_id }));
    assert_eq!(site.log_in("SEP0000000000A1", "ada").await, Ok(LoginOutcome::Unchanged { session_id }));
    assert_eq!(site.story(), ["login SEP0000000000A1 ada"]);
}

#[tokio::test]
async fn several_profiles_without_a_default_must_be_chosen_from() {
    let site = Site::new();
    site.phone("SEP0000000000A1");
    let (one, two) = (site.profile("UDP_1"), site.profile("UDP_2"));
    site.user("ada", &[two, one]);
    let outcome = site.log_in("SEP0000000000A1", "ada").await.unwrap();
    let LoginOutcome::ChooseProfile(profiles) = outcome else { panic!("{outcome:?}") };
    let names: Vec<&str> = profiles.iter().map(|p| p.0.as_str()).collect();
    assert_eq!(names, ["UDP_2", "UDP_1"]);
}

#[tokio::test]
async fn a_program_may_name_any_profile() {
    let site = site_of_two();
    let mut attempt = site.attempt("SEP0000000000A1", "ada");
    attempt.profile = Some(Selector::name("UDP_bob"));
    site.em.login(attempt).await.unwrap();
    assert_eq!(site.events()[0].1["profile"]["name"], "UDP_bob");
}

#[tokio::test]
async fn multiple_logins_may_be_allowed() {
    let site = site_of_two();
    site.parameter("MultipleLoginBehavior", "Multiple Logins Allowed");
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    site.log_in("SEP0000000000A2", "ada").await.unwrap();
    assert_eq!(site.sessions().len(), 2);
    site.parameter("MultipleLoginBehavior", "Multiple Logins Not Allowed");
    site.log_out("SEP0000000000A1", LogoutOrigin::Phone).await.unwrap();
    assert_eq!(site.log_in("SEP0000000000A1", "ada").await, Err(EmCode::LoggedInElsewhere));
}

#[tokio::test]
async fn auto_logout_ends_the_others_first_in_order_of_their_phones() {
    let site = site_of_two();
    site.phone("SEP0000000000A3");
    site.parameter("MultipleLoginBehavior", "Multiple Logins Allowed");
    site.log_in("SEP0000000000A2", "ada").await.unwrap();
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    site.parameter("MultipleLoginBehavior", "Auto Logout");
    site.clock.advance_seconds(111);
    site.log_in("SEP0000000000A3", "ada").await.unwrap();
    assert_eq!(
        site.story()[2..],
        [
            "logout SEP0000000000A1 ada multiple-login",
            "logout SEP0000000000A2 ada multiple-login",
            "login SEP0000000000A3 ada"
        ]
    );
    let events = site.events();
    assert_eq!(events[2].1["durationSeconds"], 111);
    assert_eq!(events[2].1["manual"], false);
    assert_eq!(events[2].1["replacedBy"]["deviceName"], "SEP0000000000A3");
    assert_eq!(events[4].1["displaced"].as_array().map(Vec::len), Some(2));
    assert_eq!(site.sessions(), [("SEP0000000000A3".to_owned(), "ada".to_owned())]);
}

#[tokio::test]
async fn the_next_user_displaces_only_where_the_caller_says_so() {
    let site = site_of_two();
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    let mut attempt = site.attempt("SEP0000000000A1", "bob");
    attempt.occupant = OccupantRule::Displace;
    site.em.login(attempt).await.unwrap();
    assert_eq!(
        site.story(),
        ["login SEP0000000000A1 ada", "logout SEP0000000000A1 ada next-user", "login SEP0000000000A1 bob"]
    );
}

#[tokio::test]
async fn a_logout_restores_the_phone_and_says_what_it_shows() {
    let site = site_of_two();
    let phone = site.em.conditions(Some("SEP0000000000A1")).await.unwrap().phone.unwrap().pk;
    let line = site.line("3001");
    site.put_line(phone.0, 1, line, &json!({"label": "Lobby", "recordingFlag": "Call Recording Disabled"}));
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    site.clock.advance_seconds(5);
    let outcome = site.log_out("SEP0000000000A1", LogoutOrigin::Phone).await.unwrap();
    assert!(matches!(outcome, LogoutOutcome::LoggedOut { clear_call_log: false, .. }));
    let data = site.events()[1].1.clone();
    assert_eq!(data["reason"], "user");
    assert_eq!(data["manual"], true);
    assert_eq!(
        data["restored"],
        json!({"kind": "device-settings", "profileName": null, "lines": [
            {"index": 1, "kind": "line", "dn": "3001", "partition": null, "label": "Lobby", "recording": null}]})
    );
    assert_eq!(site.log_out("SEP0000000000A1", LogoutOrigin::Phone).await, Ok(LogoutOutcome::NobodyLoggedIn));
    assert_eq!(site.events().len(), 2);
}

#[tokio::test]
async fn call_logs_are_cleared_by_hand_only() {
    let site = site_of_two();
    site.parameter("ClearCallLogs", "T");
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    site.log_out("SEP0000000000A1", LogoutOrigin::Api).await.unwrap();
    let outcome = site.log_in_with_pin("SEP0000000000A1", "ada").await.unwrap();
    assert!(matches!(outcome, LoginOutcome::LoggedIn { clear_call_log: true, .. }));
    site.log_out("SEP0000000000A1", LogoutOrigin::Phone).await.unwrap();
    assert_eq!(
        site.story(),
        [
            "login SEP0000000000A1 ada",
            "logout SEP0000000000A1 ada administrator",
            "login SEP0000000000A1 ada",
            "call-log SEP0000000000A1 manual-login",
            "logout SEP0000000000A1 ada user",
            "call-log SEP0000000000A1 manual-logout"
        ]
    );
}

#[tokio::test]
async fn the_shortest_limit_counts_and_the_sweep_ends_the_session_when_it_is_over() {
    let site = site_of_two();
    site.parameter("IntraClusterMaxLoginTime", "8:00");
    let mut attempt = site.attempt("SEP0000000000A1", "ada");
    attempt.duration = LoginLimit::from_seconds(60);
    site.em.login(attempt).await.unwrap();
    site.log_in("SEP0000000000A2", "bob").await.unwrap();
    let events = site.events();
    assert_eq!(events[0].1["maxLoginSeconds"], 60);
    assert_eq!(events[0].1["maxLoginSource"], "request");
    assert_eq!(events[0].1["expiresAt"], "2026-03-02T08:01:00.000Z");
    assert_eq!(events[1].1["maxLoginSeconds"], 28_800);
    assert_eq!(events[1].1["maxLoginSource"], "service-parameter");
    assert_eq!(emgate::em::sweep::step(&site.em).await, Ok(0));
    site.clock.advance_seconds(62);
    assert_eq!(emgate::em::sweep::step(&site.em).await, Ok(1));
    let data = site.events()[2].1.clone();
    assert_eq!(data["reason"], "timeout");
    assert_eq!(data["dueAt"], "2026-03-02T08:01:00.000Z");
    assert_eq!(data["requestedBy"], json!({"kind": "system", "id": null, "address": null, "via": "timer"}));
    assert_eq!(site.sessions(), [("SEP0000000000A2".to_owned(), "bob".to_owned())]);
}

#[test]
fn a_users_own_limit_counts_where_the_user_profile_grants_it() {
    let provisioned = AxlSite::new();
    let site = &provisioned.site;
    site.phone("SEP0000000000A1");
    site.phone("SEP0000000000A2");
    site.profile("UDP");
    site.parameter("IntraClusterMaxLoginTime", "8:00");
    let grants = "<name>Grants</name><allowProvisionEMMaxLoginTime>true</allowProvisionEMMaxLoginTime>";
    provisioned
        .uuid("addUserProfileProvision", &format!("<userProfileProvision>{grants}</userProfileProvision>"));
    for (user, profile) in [("ada", "<userProfile>Grants</userProfile>"), ("bob", "")] {
        provisioned.uuid("addUser", &format!("<user><lastName>Test</lastName><userid>{user}</userid><pin>12345</pin>{profile}<emMaxLoginTime>600</emMaxLoginTime><phoneProfiles><profileName>UDP</profileName></phoneProfiles></user>"));
    }
    let before = site.events().len();
    for (phone, user) in [("SEP0000000000A1", "ada"), ("SEP0000000000A2", "bob")] {
        provisioned.runtime.block_on(site.log_in(phone, user)).unwrap();
    }
    let logins = site.events().split_off(before);
    let limit = |n: usize| (&logins[n].1["maxLoginSeconds"], &logins[n].1["maxLoginSource"]);
    assert_eq!(limit(0), (&json!(36_000), &json!("user")));
    assert_eq!(limit(1), (&json!(28_800), &json!("service-parameter")));
}

#[tokio::test]
async fn the_operation_stands_in_the_envelope() {
    let site = site_of_two();
    let mut attempt = site.attempt("SEP0000000000A1", "ada");
    attempt.cause = site.cause(Via::Soap);
    site.em.login(attempt).await.unwrap();
    let events = site.events();
    assert_eq!(
        events[0].1["requestedBy"],
        json!({"kind": "application", "id": "tester", "address": null, "via": "soap"})
    );
}
