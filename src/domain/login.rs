//! Whether a login is admitted and what it brings: a pure choice over one locked snapshot.
//!
//! Order of the checks: extension-mobility.md 22. Credentials, source address and concurrency were judged before; nothing here writes.

use chrono::{DateTime, Utc};

use super::event::{LoginMethod, LogoutReason, MaxLoginSource};
use super::ids::{LinePk, PhonePk, ProfilePk};
use super::login_limit::LoginLimit;
use super::policy::{LoginPolicy, MultipleLogin};
use super::schedule::Belonging;
use super::snapshot::{Appearance, DeviceProfile, EndUser, OwnLimit, Phone, Session, Snapshot};

/// Whether somebody stood at the phone.
pub fn is_manual(method: LoginMethod) -> bool {
    match method {
        LoginMethod::UserId | LoginMethod::SelfServiceId | LoginMethod::PrimaryExtension => true,
        LoginMethod::Api => false,
    }
}

/// Which profiles the caller may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileRight {
    /// Those the user controls.
    Controlled,
    /// Any: the caller is an application user.
    Any,
}

/// What happens to somebody else on the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OccupantRule {
    /// The login is refused.
    Keep,
    /// The caller wants the occupant logged out.
    Displace,
}

/// What is asked for, beyond phone and user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginRequest {
    /// How it was asked.
    pub method: LoginMethod,
    /// The profile named, if one is.
    pub profile: Option<ProfilePk>,
    /// Which profiles may be named.
    pub right: ProfileRight,
    /// The caller's own limit.
    pub duration: Option<LoginLimit>,
    /// Version of the PIN that was checked, when one was.
    pub pin_version: Option<i64>,
    /// What happens to somebody else on the phone.
    pub occupant: OccupantRule,
}

/// Why a login is refused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LoginRefusal<'s> {
    /// No such phone.
    PhoneAbsent,
    /// Extension Mobility is off on the phone.
    LoginDisabled,
    /// The phone plays the secure tone (EM-137).
    PhoneProtected,
    /// No such user.
    UserAbsent,
    /// The user's home cluster is another one (EM-052).
    HomeElsewhere,
    /// The PIN that was checked has been changed since.
    PinChanged,
    /// Another user, or the user with another profile, is on the phone.
    PhoneOccupied,
    /// The user is on another phone and the policy forbids it.
    LoggedInElsewhere(&'s Session),
    /// The user controls no profile.
    ProfileAbsent,
    /// The profile named does not exist or is not the user's.
    ProfileNotAllowed,
}

/// A session that a login ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Displaced<'s> {
    /// The session.
    pub session: &'s Session,
    /// Why it ends.
    pub reason: LogoutReason,
}

/// A login that goes ahead.
#[derive(Debug, Clone, PartialEq)]
pub struct Admission<'s> {
    /// The phone.
    pub phone: &'s Phone,
    /// The person.
    pub user: &'s EndUser,
    /// The profile chosen.
    pub profile: &'s DeviceProfile,
    /// Limit in force and where it comes from.
    pub limit: Option<(LoginLimit, MaxLoginSource)>,
    /// When the session ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether the session is the only one its user may have.
    pub exclusive: bool,
    /// Sessions that end first, in the order of their events.
    pub displaced: Vec<Displaced<'s>>,
    /// Whether the phone's call log is cleared.
    pub clear_call_log: bool,
}

/// Result of [`decide_login`].
#[derive(Debug, Clone, PartialEq)]
pub enum LoginDecision<'s> {
    /// The login goes ahead.
    Admit(Admission<'s>),
    /// The same user is on the phone with the same profile already: success, nothing changes, no event.
    Unchanged(&'s Session),
    /// Several profiles and no default: the person must choose.
    ChooseProfile(Vec<&'s DeviceProfile>),
    /// The login is refused.
    Refuse(LoginRefusal<'s>),
}

/// Decides a login.
pub fn decide_login<'s>(
    snapshot: &Snapshot<'s>,
    request: &LoginRequest,
    policy: &LoginPolicy,
    now: DateTime<Utc>,
) -> LoginDecision<'s> {
    match judge(snapshot, request, policy) {
        Ok(Judged::Unchanged(session)) => LoginDecision::Unchanged(session),
        Ok(Judged::Choose(profiles)) => LoginDecision::ChooseProfile(profiles),
        Ok(Judged::Go { phone, user, profile, displaced }) => {
            let (limit, expires_at) = expiry(snapshot, user, request, policy, now);
            LoginDecision::Admit(Admission {
                phone,
                user,
                profile,
                limit,
                expires_at,
                exclusive: policy.multiple_login != MultipleLogin::Allow,
                displaced,
                clear_call_log: policy.clear_call_logs && is_manual(request.method),
            })
        }
        Err(refusal) => LoginDecision::Refuse(refusal),
    }
}

enum Judged<'s> {
    Go { phone: &'s Phone, user: &'s EndUser, profile: &'s DeviceProfile, displaced: Vec<Displaced<'s>> },
    Unchanged(&'s Session),
    Choose(Vec<&'s DeviceProfile>),
}

fn judge<'s>(
    snapshot: &Snapshot<'s>,
    request: &LoginRequest,
    policy: &LoginPolicy,
) -> Result<Judged<'s>, LoginRefusal<'s>> {
    let phone = snapshot.phone.ok_or(LoginRefusal::PhoneAbsent)?;
    if !phone.em_enabled {
        return Err(LoginRefusal::LoginDisabled);
    }
    if phone.is_protected {
        return Err(LoginRefusal::PhoneProtected);
    }
    let user = snapshot.user.ok_or(LoginRefusal::UserAbsent)?;
    if !user.is_at_home {
        return Err(LoginRefusal::HomeElsewhere);
    }
    if request.pin_version.is_some() && request.pin_version != user.pin_version {
        return Err(LoginRefusal::PinChanged);
    }
    let mut displaced = Vec::new();
    if let Some(occupant) = snapshot.occupant {
        let same_user = occupant.user == user.pk;
        if same_user && request.profile.is_none_or(|named| named == occupant.profile) {
            return Ok(Judged::Unchanged(occupant));
        }
        match request.occupant {
            OccupantRule::Displace if !same_user => {
                displaced.push(Displaced { session: occupant, reason: LogoutReason::NextUser });
            }
            OccupantRule::Displace | OccupantRule::Keep => return Err(LoginRefusal::PhoneOccupied),
        }
    }
    displaced.extend(displaced_elsewhere(snapshot, policy)?);
    Ok(match choose_profile(snapshot, user, request)? {
        Chosen::One(profile) => Judged::Go { phone, user, profile, displaced },
        Chosen::Several(profiles) => Judged::Choose(profiles),
    })
}

fn displaced_elsewhere<'s>(
    snapshot: &Snapshot<'s>,
    policy: &LoginPolicy,
) -> Result<Vec<Displaced<'s>>, LoginRefusal<'s>> {
    match (policy.multiple_login, snapshot.elsewhere.first()) {
        (MultipleLogin::Allow, _) | (_, None) => Ok(Vec::new()),
        (MultipleLogin::Refuse, Some(session)) => Err(LoginRefusal::LoggedInElsewhere(session)),
        (MultipleLogin::LogOutElsewhere, Some(_)) => Ok(snapshot
            .elsewhere
            .iter()
            .map(|session| Displaced { session, reason: LogoutReason::Elsewhere })
            .collect()),
    }
}

enum Chosen<'s> {
    One(&'s DeviceProfile),
    Several(Vec<&'s DeviceProfile>),
}

fn choose_profile<'s>(
    snapshot: &Snapshot<'s>,
    user: &EndUser,
    request: &LoginRequest,
) -> Result<Chosen<'s>, LoginRefusal<'s>> {
    let controlled = |pk: ProfilePk| snapshot.controlled.iter().copied().find(|p| p.pk == pk);
    if let Some(named) = request.profile {
        let found = match request.right {
            ProfileRight::Controlled => controlled(named),
            ProfileRight::Any => controlled(named).or(snapshot.named),
        };
        return found.map(Chosen::One).ok_or(LoginRefusal::ProfileNotAllowed);
    }
    // who stands at the phone is asked (EM-008), a program is not
    let default = user.default_profile.and_then(controlled).filter(|_| !is_manual(request.method));
    match (default, snapshot.controlled.as_slice()) {
        (Some(profile), _) => Ok(Chosen::One(profile)),
        (None, [profile]) => Ok(Chosen::One(profile)),
        (None, []) => Err(LoginRefusal::ProfileAbsent),
        (None, several) => Ok(Chosen::Several(several.to_vec())),
    }
}

/// The limit in force, or the time of day that comes before it, and the moment that is meant.
fn expiry(
    snapshot: &Snapshot<'_>,
    user: &EndUser,
    request: &LoginRequest,
    policy: &LoginPolicy,
    now: DateTime<Utc>,
) -> (Option<(LoginLimit, MaxLoginSource)>, Option<DateTime<Utc>>) {
    let limit = limit_in_force(user, request, policy);
    let expires_at = limit.map(|(limit, _)| limit.after(now));
    let who = Belonging { user: &user.user_id, groups: snapshot.groups, site: snapshot.site };
    match policy.schedule.next(who, now) {
        Some(at) if expires_at.is_none_or(|expires| at < expires) => {
            // what is left of a second is none
            let seconds = LoginLimit::from_seconds((at - now).num_seconds().max(1));
            (seconds.map(|limit| (limit, MaxLoginSource::Schedule)), Some(at))
        }
        Some(_) | None => (limit, expires_at),
    }
}

/// The shortest of the caller's duration and the limit in force: the user's own value where granted, else the parameter (design.md 16).
fn limit_in_force(
    user: &EndUser,
    request: &LoginRequest,
    policy: &LoginPolicy,
) -> Option<(LoginLimit, MaxLoginSource)> {
    let in_force = match user.own_limit {
        OwnLimit::NotSet => policy.limit.map(|limit| (limit, MaxLoginSource::ServiceParameter)),
        OwnLimit::Unlimited => None,
        OwnLimit::Limited(limit) => Some((limit, MaxLoginSource::User)),
    };
    match (request.duration, in_force) {
        (Some(asked), Some((limit, _))) if asked >= limit => in_force,
        (Some(asked), _) => Some((asked, MaxLoginSource::Request)),
        (None, _) => in_force,
    }
}

/// The intercom lines of a profile that take the phone on which it comes up as their default device (design.md 18).
pub fn intercom_to_select<'a>(
    appearances: &'a [Appearance],
    policy: &LoginPolicy,
) -> impl Iterator<Item = &'a Appearance> {
    let chooses = policy.choose_intercom_phone;
    appearances.iter().filter(move |a| chooses && a.intercom.is_some() && a.default_phone.is_none())
}

/// The appearances of a profile once the given lines have got the phone as their default device.
pub fn with_selected(
    mut appearances: Vec<Appearance>,
    selected: &[LinePk],
    phone: PhonePk,
) -> Vec<Appearance> {
    for appearance in &mut appearances {
        if selected.contains(&appearance.line) {
            appearance.default_phone = Some(phone);
        }
    }
    appearances
}

#[cfg(test)]
mod tests;
