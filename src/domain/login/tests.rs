//! The decision as a table of cases, and what holds for any world.

use chrono::TimeZone;
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::domain::ids::UserPk;
use crate::domain::schedule::Schedule;

/// Everything a snapshot borrows from.
#[derive(Debug, Clone)]
struct World {
    phone: Option<Phone>,
    user: Option<EndUser>,
    occupant: Option<Session>,
    elsewhere: Vec<Session>,
    controlled: Vec<DeviceProfile>,
    named: Option<DeviceProfile>,
    site: Option<String>,
}

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 8, 0, 0).unwrap()
}

fn profile(pk: i64) -> DeviceProfile {
    DeviceProfile {
        pk: ProfilePk(pk),
        name: format!("UDP{pk}"),
        uuid: Uuid::from_u128(pk.unsigned_abs().into()),
        model: "Cisco 8851".into(),
        carried: json!({}),
    }
}

fn session(phone: i64, user: i64, profile: i64) -> Session {
    Session {
        session_id: Uuid::from_u128(1000 + u128::from(phone.unsigned_abs())),
        phone: PhonePk(phone),
        phone_name: format!("SEP{phone:012}"),
        user: UserPk(user),
        user_id: format!("u{user}"),
        user_uuid: Uuid::nil(),
        profile: ProfilePk(profile),
        profile_name: format!("UDP{profile}"),
        profile_uuid: Uuid::nil(),
        profile_model: "Cisco 8851".into(),
        started_at: now(),
        expires_at: None,
    }
}

/// User 1 with profile 10 before free phone 100.
fn world() -> World {
    World {
        phone: Some(Phone {
            pk: PhonePk(100),
            name: "SEP000000000100".into(),
            uuid: Uuid::nil(),
            model: "Cisco 8851".into(),
            protocol: "SIP".into(),
            em_enabled: true,
            has_services: true,
            logout_profile: None,
            carried: json!({}),
            default_profile: None,
            is_protected: false,
        }),
        user: Some(EndUser {
            pk: UserPk(1),
            user_id: "u1".into(),
            uuid: Uuid::nil(),
            own_limit: OwnLimit::NotSet,
            default_profile: None,
            locale: None,
            pin_version: Some(1),
            is_at_home: true,
        }),
        occupant: None,
        elsewhere: Vec::new(),
        controlled: vec![profile(10)],
        named: None,
        site: None,
    }
}

fn request() -> LoginRequest {
    LoginRequest {
        method: LoginMethod::UserId,
        profile: None,
        right: ProfileRight::Controlled,
        duration: None,
        pin_version: None,
        occupant: OccupantRule::Keep,
    }
}

fn policy(multiple_login: MultipleLogin) -> LoginPolicy {
    LoginPolicy { multiple_login, ..LoginPolicy::default() }
}

/// The decision in a few words.
fn told(world: &World, request: &LoginRequest, policy: &LoginPolicy) -> String {
    let snapshot = snapshot(world);
    match decide_login(&snapshot, request, policy, now()) {
        LoginDecision::Admit(a) => {
            let displaced: Vec<String> =
                a.displaced.iter().map(|d| format!("{} {:?}", d.session.phone.0, d.reason)).collect();
            let limit = a.limit.map(|(l, s)| format!(" {} {s:?}", l.seconds())).unwrap_or_default();
            format!("admit {}{limit} [{}]", a.profile.name, displaced.join(", "))
        }
        LoginDecision::Unchanged(_) => "unchanged".into(),
        LoginDecision::ChooseProfile(p) => format!("choose of {}", p.len()),
        LoginDecision::Refuse(LoginRefusal::LoggedInElsewhere(s)) => format!("elsewhere {}", s.phone.0),
        LoginDecision::Refuse(refusal) => format!("{refusal:?}"),
    }
}

fn snapshot(world: &World) -> Snapshot<'_> {
    Snapshot {
        phone: world.phone.as_ref(),
        user: world.user.as_ref(),
        occupant: world.occupant.as_ref(),
        elsewhere: world.elsewhere.iter().collect(),
        controlled: world.controlled.iter().collect(),
        named: world.named.as_ref(),
        groups: &[],
        site: world.site.as_deref(),
    }
}

#[test]
fn checks_come_in_their_order_and_the_first_that_fails_counts() {
    let refuse = policy(MultipleLogin::Refuse);
    let mut world = World {
        phone: None,
        user: None,
        occupant: Some(session(100, 2, 20)),
        elsewhere: vec![session(101, 1, 10)],
        controlled: Vec::new(),
        named: None,
        site: None,
    };
    let mut asked = LoginRequest { pin_version: Some(2), ..request() };
    let base = self::world();
    assert_eq!(told(&world, &asked, &refuse), "PhoneAbsent");
    world.phone = base.phone.map(|p| Phone { em_enabled: false, ..p });
    assert_eq!(told(&world, &asked, &refuse), "LoginDisabled");
    world.phone = world.phone.map(|p| Phone { em_enabled: true, ..p });
    assert_eq!(told(&world, &asked, &refuse), "UserAbsent");
    world.user = base.user;
    assert_eq!(told(&world, &asked, &refuse), "PinChanged");
    asked.pin_version = Some(1);
    assert_eq!(told(&world, &asked, &refuse), "PhoneOccupied");
    world.occupant = None;
    assert_eq!(told(&world, &asked, &refuse), "elsewhere 101");
    world.elsewhere.clear();
    assert_eq!(told(&world, &asked, &refuse), "ProfileAbsent");
    world.controlled = base.controlled;
    assert_eq!(told(&world, &asked, &refuse), "admit UDP10 []");
}

#[test]
fn a_profile_is_the_one_named_else_the_default_else_the_only_one() {
    let refuse = policy(MultipleLogin::Refuse);
    let by_program = LoginRequest { method: LoginMethod::Api, ..request() };
    let mut world = world();
    world.controlled = vec![profile(10), profile(11)];
    assert_eq!(told(&world, &by_program, &refuse), "choose of 2");
    world.user = world.user.map(|u| EndUser { default_profile: Some(ProfilePk(11)), ..u });
    assert_eq!(told(&world, &by_program, &refuse), "admit UDP11 []");
    assert_eq!(told(&world, &request(), &refuse), "choose of 2", "who stands at the phone is asked");
    let named = |pk| LoginRequest { profile: Some(ProfilePk(pk)), ..request() };
    assert_eq!(told(&world, &named(10), &refuse), "admit UDP10 []");
    world.named = Some(profile(12));
    assert_eq!(told(&world, &named(12), &refuse), "ProfileNotAllowed");
    let any = LoginRequest { right: ProfileRight::Any, ..named(12) };
    assert_eq!(told(&world, &any, &refuse), "admit UDP12 []");
    // A default that the user no longer controls counts as none.
    world.user = world.user.map(|u| EndUser { default_profile: Some(ProfilePk(99)), ..u });
    assert_eq!(told(&world, &by_program, &refuse), "choose of 2");
}

#[test]
fn the_same_user_on_the_same_phone_changes_nothing_unless_another_profile_is_named() {
    let refuse = policy(MultipleLogin::Refuse);
    let world = World { occupant: Some(session(100, 1, 10)), ..world() };
    let named = |pk| LoginRequest { profile: Some(ProfilePk(pk)), ..request() };
    assert_eq!(told(&world, &request(), &refuse), "unchanged");
    assert_eq!(told(&world, &named(10), &refuse), "unchanged");
    assert_eq!(told(&world, &named(11), &refuse), "PhoneOccupied");
    let displace = LoginRequest { occupant: OccupantRule::Displace, ..named(11) };
    assert_eq!(told(&world, &displace, &refuse), "PhoneOccupied");
}

#[test]
fn the_occupant_goes_first_then_the_sessions_elsewhere() {
    let world = World {
        occupant: Some(session(100, 2, 20)),
        elsewhere: vec![session(101, 1, 10), session(102, 1, 10)],
        ..world()
    };
    let displace = LoginRequest { occupant: OccupantRule::Displace, ..request() };
    assert_eq!(
        told(&world, &displace, &policy(MultipleLogin::LogOutElsewhere)),
        "admit UDP10 [100 NextUser, 101 Elsewhere, 102 Elsewhere]"
    );
    assert_eq!(told(&world, &displace, &policy(MultipleLogin::Allow)), "admit UDP10 [100 NextUser]");
}

#[test]
fn the_shortest_of_callers_and_standing_limit_counts() {
    let cases = [
        (OwnLimit::NotSet, None, None, "admit UDP10 []"),
        (OwnLimit::NotSet, None, Some(600), "admit UDP10 600 ServiceParameter []"),
        (OwnLimit::Unlimited, None, Some(600), "admit UDP10 []"),
        (OwnLimit::Unlimited, Some(60), Some(600), "admit UDP10 60 Request []"),
        (OwnLimit::NotSet, Some(60), Some(600), "admit UDP10 60 Request []"),
        (OwnLimit::NotSet, Some(600), Some(600), "admit UDP10 600 ServiceParameter []"),
        (OwnLimit::NotSet, Some(900), Some(600), "admit UDP10 600 ServiceParameter []"),
        (own(900), None, Some(600), "admit UDP10 900 User []"),
        (own(900), Some(1000), Some(600), "admit UDP10 900 User []"),
    ];
    for (own_limit, asked, standing, expected) in cases {
        let mut world = world();
        world.user = world.user.map(|u| EndUser { own_limit, ..u });
        let request = LoginRequest { duration: asked.and_then(LoginLimit::from_seconds), ..request() };
        let policy =
            LoginPolicy { limit: standing.and_then(LoginLimit::from_seconds), ..LoginPolicy::default() };
        assert_eq!(told(&world, &request, &policy), expected);
    }
}

#[test]
fn a_time_of_day_counts_where_it_comes_first() {
    let schedule = Schedule::parse("site lobby = 8:10 UTC; everybody = 9:00 UTC").unwrap();
    let limited = |seconds| LoginPolicy {
        limit: LoginLimit::from_seconds(seconds),
        schedule: schedule.clone(),
        ..LoginPolicy::default()
    };
    let mut world = world();
    assert_eq!(told(&world, &request(), &limited(7200)), "admit UDP10 3600 Schedule []");
    assert_eq!(told(&world, &request(), &limited(1800)), "admit UDP10 1800 ServiceParameter []");
    world.site = Some("Lobby".into());
    assert_eq!(told(&world, &request(), &limited(1800)), "admit UDP10 600 Schedule []");
}

fn own(seconds: i64) -> OwnLimit {
    LoginLimit::from_seconds(seconds).map_or(OwnLimit::Unlimited, OwnLimit::Limited)
}

fn any_world() -> impl Strategy<Value = World> {
    let occupant = prop::option::of((1..4_i64, 10..13_i64).prop_map(|(user, p)| session(100, user, p)));
    let elsewhere = prop::collection::vec(101..105_i64, 0..3);
    let controlled = prop::collection::vec(10..13_i64, 0..3);
    (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        occupant,
        elsewhere,
        controlled,
        prop::option::of(10..14_i64),
    )
        .prop_map(|(phone, enabled, user, occupant, elsewhere, controlled, default)| {
            let base = world();
            World {
                phone: base.phone.filter(|_| phone).map(|p| Phone { em_enabled: enabled, ..p }),
                user: base
                    .user
                    .filter(|_| user)
                    .map(|u| EndUser { default_profile: default.map(ProfilePk), ..u }),
                occupant,
                elsewhere: elsewhere.into_iter().map(|phone| session(phone, 1, 10)).collect(),
                controlled: controlled.into_iter().map(profile).collect(),
                named: None,
                site: None,
            }
        })
}

fn any_request() -> impl Strategy<Value = LoginRequest> {
    (prop::option::of(10..14_i64), any::<bool>(), prop::option::of(0..1000_i64)).prop_map(
        |(named, displace, duration)| LoginRequest {
            profile: named.map(ProfilePk),
            occupant: if displace { OccupantRule::Displace } else { OccupantRule::Keep },
            duration: duration.and_then(LoginLimit::from_seconds),
            ..request()
        },
    )
}

fn any_behaviour() -> impl Strategy<Value = MultipleLogin> {
    prop_oneof![Just(MultipleLogin::Allow), Just(MultipleLogin::Refuse), Just(MultipleLogin::LogOutElsewhere)]
}

proptest! {
    #[test]
    fn whoever_is_admitted_leaves_no_invariant_broken(
        world in any_world(), request in any_request(), behaviour in any_behaviour(), most in 0..900_i64,
    ) {
        let policy = LoginPolicy {
            multiple_login: behaviour,
            limit: LoginLimit::from_seconds(most),
            ..LoginPolicy::default()
        };
        let snapshot = snapshot(&world);
        if let LoginDecision::Admit(a) = decide_login(&snapshot, &request, &policy, now()) {
            prop_assert!(a.phone.em_enabled);
            prop_assert!(world.controlled.contains(a.profile));
            prop_assert!(request.profile.is_none_or(|named| named == a.profile.pk));
            // One session on the phone, and one of the user unless several are allowed.
            let goes = |s: &Session| a.displaced.iter().any(|d| d.session == s);
            prop_assert!(world.occupant.iter().all(goes));
            prop_assert!(behaviour == MultipleLogin::Allow || world.elsewhere.iter().all(goes));
            prop_assert_eq!(a.exclusive, behaviour != MultipleLogin::Allow);
            // Never longer than either limit.
            let seconds = a.limit.map(|(limit, _)| limit);
            for limit in [request.duration, policy.limit].into_iter().flatten() {
                prop_assert!(seconds.is_some_and(|s| s <= limit));
            }
            prop_assert_eq!(a.expires_at, seconds.map(|s| s.after(now())));
        }
    }
}
