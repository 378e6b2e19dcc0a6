//! One transaction for a batch of logins and logouts: lock and read, decide each in turn, apply all with their events.
//!
//! A batch of one takes the same way. Decisions see those before them in the batch. Queueing, retrying and answering are the
//! writers' business.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::error::EmCode;
use super::outcome::{LoginOutcome, LogoutOutcome};
use super::session_events::{Ending, Opening, login_events, logout_events};
use crate::domain::event::{Actor, Cause, LogoutReason, Occurred, SessionRef};
use crate::domain::ids::{LinePk, PhonePk, ProfilePk, UserPk};
use crate::domain::login::{
    Admission, LoginDecision, LoginRefusal, LoginRequest, OccupantRule, decide_login, intercom_to_select,
    with_selected,
};
use crate::domain::logout::{LogoutDecision, LogoutOrigin, LogoutRefusal, decide_logout};
use crate::domain::policy::MultipleLogin;
use crate::domain::snapshot::{Session, Snapshot};
use crate::event::{self, EventError, Origin};
use crate::store::Tx;
use crate::store::sessions::{self, BatchChanges, NewSession};
use crate::store::snapshot::{BatchKeys, BatchSnapshot, lock_and_read};

/// One request, its names resolved to keys.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    /// A login.
    Login { user: UserPk, phone: PhonePk, request: LoginRequest, cause: Cause },
    /// A logout, or the end of an expired session.
    Logout { phone: PhonePk, ending: AskedEnding, cause: Cause },
}

/// Which kind of ending is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AskedEnding {
    /// Somebody asks.
    By(LogoutOrigin),
    /// The time is over.
    Expired,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    Login(LoginOutcome),
    Logout(LogoutOutcome),
    Refused(EmCode),
    /// Somebody unexpected is on the phone: the request must be tried again.
    Again,
}

/// What a batch came to.
pub(super) struct BatchOutcome {
    /// One for each request.
    pub(super) replies: Vec<Reply>,
    /// The transaction that wrote, if one did.
    pub(super) transaction: Option<i64>,
}

impl Asked {
    pub(super) fn phone(&self) -> PhonePk {
        match self {
            Self::Login { phone, .. } | Self::Logout { phone, .. } => *phone,
        }
    }

    pub(super) fn user(&self) -> Option<UserPk> {
        match self {
            Self::Login { user, .. } => Some(*user),
            Self::Logout { .. } => None,
        }
    }

    fn named_profile(&self) -> Option<ProfilePk> {
        match self {
            Self::Login { request, .. } => request.profile,
            Self::Logout { .. } => None,
        }
    }

    fn ends_occupant(&self) -> bool {
        match self {
            Self::Login { request, .. } => request.occupant == OccupantRule::Displace,
            Self::Logout { .. } => true,
        }
    }
}

/// Runs a batch in a transaction.
pub(super) fn run(tx: &mut Tx<'_>, asked: &[&Asked], origin: &Origin) -> Result<BatchOutcome, EventError> {
    let (leaving, arriving): (Vec<&Asked>, Vec<&Asked>) =
        asked.iter().copied().partition(|a| a.ends_occupant());
    let keys = BatchKeys {
        users: asked.iter().filter_map(|a| a.user()).collect(),
        profiles: asked.iter().filter_map(|a| a.named_profile()).collect(),
        phones: arriving.iter().map(|a| a.phone()).collect(),
        leaving: leaving.iter().map(|a| a.phone()).collect(),
    };
    let mut world = lock_and_read(tx, &keys)?;
    let mut changes = BatchChanges::default();
    let mut replies = Vec::with_capacity(asked.len());
    for one in asked {
        let step = decide(tx, &world, one)?;
        let cause = match one {
            Asked::Login { cause, .. } | Asked::Logout { cause, .. } => cause,
        };
        let now = tx.now()?;
        changes.events.extend(event::rows(cause, origin, now, tx.ids(), step.events)?);
        replies.push(step.reply);
        for (phone, session) in step.ended {
            world.sessions.remove(&phone);
            changes.ended.push((phone, session));
        }
        for line in &step.selected {
            world.select(line.0, line.1);
        }
        changes.selected.extend(step.selected);
        changes.opened.extend(step.opened);
    }
    let transaction = if changes.events.is_empty() { None } else { Some(sessions::apply(tx, &changes)?) };
    Ok(BatchOutcome { replies, transaction })
}

/// What one request changes.
struct Step {
    reply: Reply,
    ended: Vec<(PhonePk, Uuid)>,
    opened: Option<NewSession>,
    selected: Vec<(LinePk, PhonePk)>,
    events: Vec<Occurred>,
}

impl Step {
    fn nothing(reply: Reply) -> Self {
        Self { reply, ended: Vec::new(), opened: None, selected: Vec::new(), events: Vec::new() }
    }
}

fn decide(tx: &mut Tx<'_>, world: &BatchSnapshot, asked: &Asked) -> Result<Step, EventError> {
    let occupant = world.sessions.get(&asked.phone());
    if asked.ends_occupant() && occupant.is_some_and(|s| !world.locked_users.contains(&s.user)) {
        return Ok(Step::nothing(Reply::Again));
    }
    match asked {
        Asked::Login { user, phone, request, cause } => {
            let snapshot = snapshot_for(world, *user, *phone, request);
            match decide_login(&snapshot, request, &world.policy, tx.now()?) {
                LoginDecision::Admit(admission) => open(tx, world, &admission, request, cause),
                LoginDecision::Unchanged(session) => {
                    Ok(Step::nothing(Reply::Login(LoginOutcome::Unchanged {
                        session_id: session.session_id,
                    })))
                }
                LoginDecision::ChooseProfile(profiles) => {
                    let choices = profiles.iter().map(|p| (p.name.clone(), p.uuid)).collect();
                    Ok(Step::nothing(Reply::Login(LoginOutcome::ChooseProfile(choices))))
                }
                LoginDecision::Refuse(refusal) => Ok(Step::nothing(Reply::Refused(code(&refusal)))),
            }
        }
        Asked::Logout { phone, ending: AskedEnding::By(by), cause } => {
            match decide_logout(world.phones.get(phone), occupant, *by, &world.policy) {
                LogoutDecision::End { session, clear_call_log, .. } => {
                    end(tx, world, session, by.reason(), clear_call_log, cause)
                }
                LogoutDecision::NobodyLoggedIn => {
                    Ok(Step::nothing(Reply::Logout(LogoutOutcome::NobodyLoggedIn)))
                }
                LogoutDecision::Refuse(LogoutRefusal::PhoneAbsent) => {
                    Ok(Step::nothing(Reply::Refused(EmCode::PhoneAbsent)))
                }
                LogoutDecision::Refuse(LogoutRefusal::LogoutDisabled) => {
                    Ok(Step::nothing(Reply::Refused(EmCode::LogoutDisabled)))
                }
            }
        }
        Asked::Logout { ending: AskedEnding::Expired, cause, .. } => {
            let now = tx.now()?;
            match occupant.filter(|s| s.expires_at.is_some_and(|at| at <= now)) {
                Some(session) => end(tx, world, session, LogoutReason::Expired, false, cause),
                None => Ok(Step::nothing(Reply::Logout(LogoutOutcome::NobodyLoggedIn))),
            }
        }
    }
}

fn snapshot_for<'w>(
    world: &'w BatchSnapshot,
    user: UserPk,
    phone: PhonePk,
    request: &LoginRequest,
) -> Snapshot<'w> {
    let mut elsewhere: Vec<&Session> = match world.policy.multiple_login {
        MultipleLogin::Allow => Vec::new(),
        MultipleLogin::Refuse | MultipleLogin::LogOutElsewhere => {
            world.sessions.values().filter(|s| s.user == user && s.phone != phone).collect()
        }
    };
    elsewhere.sort_by(|a, b| a.phone_name.cmp(&b.phone_name));
    let controlled = world.controlled.get(&user).map_or(&[][..], Vec::as_slice);
    Snapshot {
        phone: world.phones.get(&phone),
        user: world.users.get(&user),
        occupant: world.sessions.get(&phone),
        elsewhere,
        controlled: controlled.iter().filter_map(|pk| world.profiles.get(pk)).collect(),
        named: request.profile.and_then(|pk| world.profiles.get(&pk)),
    }
}

fn open(
    tx: &mut Tx<'_>,
    world: &BatchSnapshot,
    admission: &Admission<'_>,
    request: &LoginRequest,
    cause: &Cause,
) -> Result<Step, EventError> {
    let (now, session_id) = (tx.now()?, tx.new_id());
    let Admission { phone, user, profile, limit, expires_at, exclusive, displaced: _, clear_call_log } =
        admission;
    let mut events = Vec::new();
    let ended = displace(world, admission, session_id, now, &cause.actor, &mut events);
    let lines = world.appearances.get(&profile.pk.0).cloned().unwrap_or_default();
    let selected: Vec<LinePk> = intercom_to_select(&lines, &world.policy).map(|l| l.line).collect();
    let lines = with_selected(lines, &selected, phone.pk);
    let opening =
        Opening { admission, session_id, method: request.method, selected: &selected, lines: &lines };
    login_events(world, &opening, now, &cause.actor, &mut events);
    let opened = NewSession {
        phone: phone.pk,
        user: user.pk,
        profile: profile.pk,
        session_id,
        expires_at: *expires_at,
        limit: *limit,
        method: request.method,
        exclusive: *exclusive,
    };
    let profile_name = profile.name.clone();
    Ok(Step {
        reply: Reply::Login(LoginOutcome::LoggedIn {
            session_id,
            profile_name,
            clear_call_log: *clear_call_log,
        }),
        ended,
        opened: Some(opened),
        selected: selected.into_iter().map(|line| (line, phone.pk)).collect(),
        events,
    })
}

/// Tells of the sessions that a login ends, and names them.
fn displace(
    world: &BatchSnapshot,
    admission: &Admission<'_>,
    session_id: Uuid,
    now: DateTime<Utc>,
    actor: &Actor,
    events: &mut Vec<Occurred>,
) -> Vec<(PhonePk, Uuid)> {
    let replaced_by = SessionRef {
        session_id,
        device_name: admission.phone.name.clone(),
        user_id: admission.user.user_id.clone(),
        profile_name: admission.profile.name.clone(),
    };
    let mut ended = Vec::new();
    for one in &admission.displaced {
        let Some(phone) = world.phones.get(&one.session.phone) else { continue };
        let ending = Ending {
            phone,
            session: one.session,
            reason: one.reason,
            replaced_by: Some(replaced_by.clone()),
            removed_object: None,
            clear_call_log: false,
        };
        logout_events(world, &ending, now, actor, events);
        ended.push((one.session.phone, one.session.session_id));
    }
    ended
}

fn end(
    tx: &mut Tx<'_>,
    world: &BatchSnapshot,
    session: &Session,
    reason: LogoutReason,
    clear_call_log: bool,
    cause: &Cause,
) -> Result<Step, EventError> {
    let Some(phone) = world.phones.get(&session.phone) else {
        return Ok(Step::nothing(Reply::Refused(EmCode::PhoneAbsent)));
    };
    let mut events = Vec::new();
    let ending = Ending { phone, session, reason, replaced_by: None, removed_object: None, clear_call_log };
    logout_events(world, &ending, tx.now()?, &cause.actor, &mut events);
    Ok(Step {
        reply: Reply::Logout(LogoutOutcome::LoggedOut {
            session_id: session.session_id,
            user_id: session.user_id.clone(),
            clear_call_log,
        }),
        ended: vec![(session.phone, session.session_id)],
        events,
        ..Step::nothing(Reply::Logout(LogoutOutcome::NobodyLoggedIn))
    })
}

fn code(refusal: &LoginRefusal<'_>) -> EmCode {
    match refusal {
        LoginRefusal::PhoneAbsent => EmCode::PhoneAbsent,
        LoginRefusal::LoginDisabled => EmCode::LoginDisabled,
        LoginRefusal::UserAbsent => EmCode::UserAbsent,
        LoginRefusal::PinChanged => EmCode::Authentication,
        LoginRefusal::PhoneOccupied => EmCode::PhoneOccupied,
        LoginRefusal::LoggedInElsewhere(_) => EmCode::LoggedInElsewhere,
        LoginRefusal::ProfileAbsent => EmCode::ProfileAbsent,
        LoginRefusal::ProfileNotAllowed => EmCode::ProfileNotFound,
    }
}
