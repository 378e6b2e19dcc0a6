//! What a login or logout tells subscribers: decisions and the locked world become events, in the order of the contract.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::effective_config::{EffectiveConfig, presented};
use crate::domain::event::LoginMethod;
use crate::domain::event::{
    Actor, CallLogCleared, CallLogTrigger, DeviceLogin, DeviceLogout, Event, EventLine, IntercomChange,
    IntercomDefaultDeviceChanged, IntercomLine, IntercomOwner, LogoutReason, Occurred, OwnerKind,
    RemovedObject, Restored, RestoredKind, SessionRef,
};
use crate::domain::ids::LinePk;
use crate::domain::login::Admission;
use crate::domain::logout::clears_call_log;
use crate::domain::snapshot::{Appearance, Phone, Session};
use crate::store::snapshot::BatchSnapshot;

/// A session that ends, and why.
pub(super) struct Ending<'s> {
    pub(super) phone: &'s Phone,
    pub(super) session: &'s Session,
    pub(super) reason: LogoutReason,
    pub(super) replaced_by: Option<SessionRef>,
    pub(super) removed_object: Option<RemovedObject>,
    /// What an operator says why.
    pub(super) comment: Option<String>,
}

/// Logout, and the call-log clear where it is due.
pub(super) fn logout_events(
    world: &BatchSnapshot,
    ending: &Ending<'_>,
    now: DateTime<Utc>,
    actor: &Actor,
    events: &mut Vec<Occurred>,
) {
    let (phone, session) = (ending.phone, ending.session);
    let expired = matches!(ending.reason, LogoutReason::Expired | LogoutReason::Schedule);
    let logout_is_manual = ending.reason == LogoutReason::User;
    let call_log_cleared = clears_call_log(ending.reason, &world.policy);
    let own = programs(world, session.profile.0);
    let kept = programs(world, phone.pk.0);
    let logout = DeviceLogout {
        session_id: session.session_id,
        device: phone.for_event(),
        user: session.user_for_event(),
        profile: session.profile_for_event(),
        login_time: session.started_at,
        logout_time: now,
        duration_seconds: DeviceLogout::seconds_between(session.started_at, now),
        reason: ending.reason,
        manual: logout_is_manual,
        due_at: session.expires_at.filter(|_| expired),
        replaced_by: ending.replaced_by.clone(),
        removed_object: ending.removed_object.clone(),
        restored: restored(world, phone),
        call_log_cleared,
        call_backs_cancelled: 0,
        cti: own.iter().filter(|p| !kept.contains(p)).cloned().collect(),
        comment: ending.comment.clone(),
        requested_by: actor.clone(),
    };
    let cause = events.len();
    events.push(Occurred::of(Event::DeviceLogout(Box::new(logout))));
    if call_log_cleared {
        let cleared = CallLogCleared {
            device: phone.for_event(),
            session_id: session.session_id,
            user: session.user_for_event(),
            trigger: if logout_is_manual { CallLogTrigger::ManualLogout } else { CallLogTrigger::Logout },
            cleared_at: now,
        };
        events.push(Occurred::because_of(cause, Event::CallLogCleared(cleared)));
    }
}

/// A login that goes ahead.
pub(super) struct Opening<'s> {
    pub(super) admission: &'s Admission<'s>,
    pub(super) session_id: Uuid,
    pub(super) method: LoginMethod,
    /// Intercom lines that take this phone as their default device.
    pub(super) selected: &'s [LinePk],
    /// Lines of the profile, the selected ones as they are afterwards.
    pub(super) lines: &'s [Appearance],
}

/// Login, the call-log clear where it is due, and the intercom lines that chose this phone.
pub(super) fn login_events(
    world: &BatchSnapshot,
    opening: &Opening<'_>,
    now: DateTime<Utc>,
    actor: &Actor,
    events: &mut Vec<Occurred>,
) {
    let Admission { phone, user, profile, clear_call_log, .. } = opening.admission;
    let cause = events.len();
    let login = login_payload(world, opening, now, actor);
    events.push(Occurred::of(Event::DeviceLogin(Box::new(login))));
    if *clear_call_log {
        let cleared = CallLogCleared {
            device: phone.for_event(),
            session_id: opening.session_id,
            user: user.for_event(),
            trigger: CallLogTrigger::ManualLogin,
            cleared_at: now,
        };
        events.push(Occurred::because_of(cause, Event::CallLogCleared(cleared)));
    }
    let owner =
        IntercomOwner { kind: OwnerKind::DeviceProfile, name: profile.name.clone(), uuid: profile.uuid };
    let selected = opening.lines.iter().filter(|l| opening.selected.contains(&l.line));
    for line in selected.filter_map(intercom_line) {
        let change = IntercomDefaultDeviceChanged {
            line,
            owner: Some(owner.clone()),
            previous: None,
            current: Some(phone.for_event()),
            change: IntercomChange::AutoSelected,
            requested_by: actor.clone(),
        };
        events.push(Occurred::because_of(cause, Event::IntercomDefaultDeviceChanged(change)));
    }
}

fn login_payload(
    world: &BatchSnapshot,
    opening: &Opening<'_>,
    now: DateTime<Utc>,
    actor: &Actor,
) -> DeviceLogin {
    let Admission { phone, user, profile, limit, expires_at, clear_call_log, displaced, exclusive: _ } =
        opening.admission;
    let config = EffectiveConfig::of_login(phone, profile, user);
    let (phone_action, phone_action_cause) = config.phone_action();
    let mut cti = [programs(world, profile.pk.0), programs(world, phone.pk.0)].concat();
    cti.sort();
    cti.dedup();
    DeviceLogin {
        session_id: opening.session_id,
        device: phone.for_event(),
        user: user.for_event(),
        profile: profile.for_event(),
        profile_match: config.profile_match(),
        default_profile_name: config.default_profile_name().map(str::to_owned),
        login_method: opening.method,
        login_time: now,
        max_login_seconds: limit.map(|(limit, _)| limit.seconds()),
        max_login_source: limit.map(|(_, source)| source),
        expires_at: *expires_at,
        lines: presented(opening.lines, phone.pk).map(Appearance::for_event).collect(),
        services_from: config.services_from(),
        locale: config.locale(),
        phone_action,
        phone_action_cause,
        call_log_cleared: *clear_call_log,
        displaced: displaced.iter().map(|d| d.session.reference()).collect(),
        displaced_total: None,
        cti,
        cti_total: None,
        requested_by: actor.clone(),
    }
}

/// An intercom line as events show it.
fn intercom_line(line: &Appearance) -> Option<IntercomLine> {
    Some(IntercomLine { dn: line.pattern.clone(), partition: line.partition.clone(), uuid: line.intercom? })
}

fn programs(world: &BatchSnapshot, controlled: i64) -> Vec<String> {
    world.controllers.get(&controlled).cloned().unwrap_or_default()
}

fn restored(world: &BatchSnapshot, phone: &Phone) -> Restored {
    let (kind, profile_name, owner) = match &phone.logout_profile {
        Some((pk, name)) => (RestoredKind::LogoutProfile, Some(name.clone()), pk.0),
        None => (RestoredKind::DeviceSettings, None, phone.pk.0),
    };
    let appearances = world.appearances.get(&owner).map_or(&[][..], Vec::as_slice);
    let lines: Vec<EventLine> = presented(appearances, phone.pk).map(Appearance::for_event).collect();
    Restored { kind, profile_name, lines, lines_total: None }
}
