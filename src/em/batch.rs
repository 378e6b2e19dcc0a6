//! One transaction for a batch of logins and logouts: look names up, lock and read, decide each in turn, apply all with their events.
//!
//! A batch of one takes the same way. Decisions see those before them in the batch. Queueing, retrying and answering are the
//! writers' business.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::asked::{Asked, AskedEnding, Placed, Places, Reply};
use super::error::EmCode;
use super::outcome::{LoginOutcome, LogoutOutcome};
use super::session_events::{Ending, Opening, login_events, logout_events};
use crate::domain::event::{Actor, Cause, LogoutReason, Occurred, SessionRef};
use crate::domain::ids::{LinePk, PhonePk, UserPk};
use crate::domain::login::{
    Admission, LoginDecision, LoginRefusal, LoginRequest, decide_login, intercom_to_select, with_selected,
};
use crate::domain::logout::{LogoutDecision, LogoutRefusal, clears_call_log, decide_logout};
use crate::domain::policy::MultipleLogin;
use crate::domain::snapshot::{Session, Snapshot};
use crate::event::{self, EventError, Origin};
use crate::store::Tx;
use crate::store::names::{self, Names};
use crate::store::sessions::{self, BatchChanges, NewSession};
use crate::store::snapshot::{BatchKeys, BatchSnapshot, lock_and_read};

/// What a batch came to.
pub(super) struct BatchOutcome {
    /// One for each request.
    pub(super) replies: Vec<Reply>,
    /// The transaction that wrote, if one did.
    pub(super) transaction: Option<i64>,
}

/// Runs a batch in a transaction.
pub(super) fn run(tx: &mut Tx<'_>, asked: &[&Asked], origin: &Origin) -> Result<BatchOutcome, EventError> {
    let names: Vec<&Names> = asked.iter().map(|a| &a.names).collect();
    let mut places = Places::default();
    let found = names::resolve(tx, &names)?;
    let placed: Vec<_> = asked.iter().zip(&found).map(|(asked, found)| places.place(asked, found)).collect();
    let mut world = lock_and_read(tx, &keys(placed.iter().flatten()))?;
    let mut changes = BatchChanges::default();
    let mut replies = Vec::with_capacity(placed.len());
    for place in placed {
        let one = match place {
            Ok(one) => one,
            Err(reply) => {
                replies.push(reply);
                continue;
            }
        };
        let step = decide(tx, &world, &one)?;
        let now = tx.now()?;
        changes.events.extend(event::rows(one.cause(), origin, now, tx.ids(), step.events)?);
        replies.push(step.reply);
        let opened_on = step.opened.as_ref().map(|opened| opened.phone);
        for (phone, session) in step.ended {
            world.sessions.remove(&phone);
            changes.replaced.extend(opened_on.filter(|opened_on| *opened_on != phone).map(|_| phone));
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

fn keys<'p>(placed: impl Iterator<Item = &'p Placed<'p>>) -> BatchKeys {
    let mut keys = BatchKeys::default();
    for one in placed {
        if let Placed::Login { user, request, .. } = one {
            keys.users.extend(*user);
            keys.pins.extend(request.pin_version.and(*user));
            keys.profiles.extend(request.profile);
        }
        let phones = if one.ends_occupant() { &mut keys.leaving } else { &mut keys.phones };
        phones.push(one.phone());
    }
    keys
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

fn decide(tx: &mut Tx<'_>, world: &BatchSnapshot, placed: &Placed<'_>) -> Result<Step, EventError> {
    let occupant = world.sessions.get(&placed.phone());
    if placed.ends_occupant() && occupant.is_some_and(|s| !world.locked_users.contains(&s.user)) {
        return Ok(Step::nothing(Reply::Again));
    }
    match placed {
        Placed::Login { user, phone, request, cause } => {
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
        Placed::Logout { whose: Some(user), .. } if occupant.is_some_and(|session| session.user != *user) => {
            Ok(Step::nothing(Reply::Refused(EmCode::ProxyRight)))
        }
        Placed::Logout { phone, ending: AskedEnding::By(by), cause, .. } => {
            match decide_logout(world.phones.get(phone), occupant) {
                LogoutDecision::End { session, .. } => end(tx, world, session, by.reason(), cause),
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
        Placed::Logout { ending: AskedEnding::Expired(reason), cause, .. } => {
            let now = tx.now()?;
            match occupant.filter(|s| s.expires_at.is_some_and(|at| at <= now)) {
                Some(session) => end(tx, world, session, *reason, cause),
                None => Ok(Step::nothing(Reply::Logout(LogoutOutcome::NobodyLoggedIn))),
            }
        }
    }
}

fn snapshot_for<'w>(
    world: &'w BatchSnapshot,
    user: Option<UserPk>,
    phone: PhonePk,
    request: &LoginRequest,
) -> Snapshot<'w> {
    let mut elsewhere: Vec<&Session> = match world.policy.multiple_login {
        MultipleLogin::Allow => Vec::new(),
        MultipleLogin::Refuse | MultipleLogin::LogOutElsewhere => {
            world.sessions.values().filter(|s| Some(s.user) == user && s.phone != phone).collect()
        }
    };
    elsewhere.sort_by(|a, b| a.phone_name.cmp(&b.phone_name));
    let controlled = user.and_then(|user| world.controlled.get(&user)).map_or(&[][..], Vec::as_slice);
    Snapshot {
        phone: world.phones.get(&phone),
        user: user.and_then(|user| world.users.get(&user)),
        occupant: world.sessions.get(&phone),
        elsewhere,
        controlled: controlled.iter().filter_map(|pk| world.profiles.get(pk)).collect(),
        named: request.profile.and_then(|pk| world.profiles.get(&pk)),
        groups: user.and_then(|user| world.groups.get(&user)).map_or(&[][..], Vec::as_slice),
        site: world.sites.get(&phone).map(String::as_str),
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
            comment: None,
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
    cause: &Cause,
) -> Result<Step, EventError> {
    let Some(phone) = world.phones.get(&session.phone) else {
        return Ok(Step::nothing(Reply::Refused(EmCode::PhoneAbsent)));
    };
    let mut events = Vec::new();
    let ending = Ending {
        phone,
        session,
        reason,
        replaced_by: None,
        removed_object: None,
        comment: cause.comment.clone(),
    };
    logout_events(world, &ending, tx.now()?, &cause.actor, &mut events);
    Ok(Step {
        reply: Reply::Logout(LogoutOutcome::LoggedOut {
            session_id: session.session_id,
            user_id: session.user_id.clone(),
            clear_call_log: clears_call_log(reason, &world.policy),
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
        LoginRefusal::PhoneProtected => EmCode::PhoneProtected,
        LoginRefusal::UserAbsent => EmCode::UserAbsent,
        LoginRefusal::HomeElsewhere => EmCode::HomeElsewhere,
        LoginRefusal::PinChanged => EmCode::Authentication,
        LoginRefusal::PhoneOccupied => EmCode::PhoneOccupied,
        LoginRefusal::LoggedInElsewhere(_) => EmCode::LoggedInElsewhere,
        LoginRefusal::ProfileAbsent => EmCode::ProfileAbsent,
        LoginRefusal::ProfileNotAllowed => EmCode::ProfileNotFound,
    }
}
