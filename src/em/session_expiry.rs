//! Before an automatic logout: the event that warns of it, and the session that is extended at the phone; the rules are in
//! [`crate::domain::session_expiry`].
//!
//! Promises one warning for each end that is near, whichever node looks first, without waiting for anybody; and that a session is
//! extended once however often that is asked: who asks names the end they saw.

use super::error::EmCode;
use super::service::Em;
use crate::domain::event::{
    Actor, Cause, Event, Occurred, SessionExpiring, SessionExtended, StateChange, Via,
};
use crate::domain::ids::PhonePk;
use crate::domain::session_expiry::{Expiring, ExpiryPolicy};
use crate::event::{self, EventError, Origin};
use crate::store::session_expiry::{self as store, EndAtPhone, ExpiringSession};
use crate::store::snapshot::read_leaving;
use crate::store::{StoreError, Tx, event_log, state};

/// Sessions warned in one step at most.
const MOST_AT_ONCE: i64 = 500;

/// Warns of ends that are near, at most five hundred; says how many there were.
pub async fn warn(em: &Em) -> Result<usize, EmCode> {
    let policy = em.conditions(None).await?.parameters.expiry;
    if policy.warning.is_zero() {
        return Ok(0);
    }
    let step = async {
        let near = em.db().read(move |tx| store::near_end(tx, policy.warning, MOST_AT_ONCE)).await?;
        if near.is_empty() {
            return Ok(0);
        }
        let origin = em.origin().clone();
        let warned = em.db().write(move |tx| announce(tx, &origin, &near, &policy)).await?;
        if warned > 0 {
            em.wake();
        }
        Ok::<_, EventError>(warned)
    };
    step.await.map_err(|error| {
        tracing::error!(%error, "phones are not warned of automatic logouts yet");
        EmCode::Database
    })
}

/// What has changed since somebody saw that an end is near is seen here: nobody logs in or out at a phone that is locked.
fn announce(
    tx: &mut Tx<'_>,
    origin: &Origin,
    near: &[PhonePk],
    policy: &ExpiryPolicy,
) -> Result<usize, EventError> {
    let phones = store::lock_free(tx, near)?;
    let now = tx.now()?;
    let (mut announced, mut rows) = (Vec::new(), Vec::new());
    for session in store::unannounced(tx, &phones)? {
        if policy.warns(&session.expiring, now) && session.expiring.expires_at > now {
            announced.push(session.session_id);
            let cause = Cause::by_system(tx.new_id(), Via::Timer);
            let extended = policy.extended_end(&session.expiring, now);
            let more = extended.map(|end| (end - session.expiring.expires_at).num_seconds());
            let event = Occurred::of(expiring(session, more, &cause.actor));
            rows.extend(event::rows(&cause, origin, now, tx.ids(), vec![event])?);
        }
    }
    store::note_announced(tx, &announced)?;
    event_log::insert(tx, &rows)?;
    Ok(announced.len())
}

fn expiring(session: ExpiringSession, extendable_seconds: Option<i64>, actor: &Actor) -> Event {
    Event::SessionExpiring(SessionExpiring {
        session_id: session.session_id,
        device: session.phone,
        user: session.user,
        profile: session.profile,
        login_time: session.expiring.started_at,
        expires_at: session.expiring.expires_at,
        extendable_seconds,
        requested_by: actor.clone(),
    })
}

impl Em {
    /// What a phone shows of the end of a session.
    pub(super) async fn end_at(&self, phone: PhonePk) -> Result<EndAtPhone, EmCode> {
        self.gathered_ends().ask(phone).await.map_err(|error| {
            tracing::error!(%error, "the database does not say how long a session lasts");
            EmCode::Database
        })
    }

    /// Extends the session on a phone, where its end is still the one that was seen (in whole seconds) and the policy allows it; says how
    /// many minutes are left then.
    pub async fn extend(&self, phone: PhonePk, seen: i64, cause: Cause) -> Result<Option<i64>, EmCode> {
        let origin = self.origin().clone();
        let done = self.db().write(move |tx| extend(tx, &origin, phone, seen, &cause)).await;
        let left = done.map_err(|error| {
            tracing::error!(%error, "nobody can say whether a session was extended");
            EmCode::Database
        })?;
        if left.is_some() {
            self.wake();
        }
        Ok(left)
    }
}

fn extend(
    tx: &mut Tx<'_>,
    origin: &Origin,
    phone: PhonePk,
    seen: i64,
    cause: &Cause,
) -> Result<Option<i64>, EventError> {
    let world = read_leaving(tx, vec![phone])?;
    let now = tx.now()?;
    let (Some(place), Some(session)) = (world.phones.get(&phone), world.sessions.get(&phone)) else {
        return Ok(None);
    };
    if !world.locked_users.contains(&session.user) {
        return Err(StoreError::Busy("somebody else logged in before the phone was locked".into()).into());
    }
    let found = store::expiring_on(tx, phone)?;
    let Some(before) = found.filter(|one| one.expires_at.timestamp() == seen) else { return Ok(None) };
    let Some(end) = world.policy.expiry.extended_end(&before, now) else { return Ok(None) };
    let login = state::session_on(tx, phone)?.and_then(|running| running.envelope);
    let Some(told) = login.and_then(|login| event::state::extended(&login, end)) else {
        tracing::warn!(phone.name = %place.name, "the log has no login of this session: its end stays");
        return Ok(None);
    };
    if !store::extend(tx, session.session_id, end, &told.envelope)? {
        return Ok(None);
    }
    let after =
        Expiring { expires_at: end, times_extended: before.times_extended.saturating_add(1), ..before };
    let extended = SessionExtended {
        session_id: session.session_id,
        device: place.for_event(),
        user: session.user_for_event(),
        profile: session.profile_for_event(),
        login_time: session.started_at,
        previous_expires_at: before.expires_at,
        expires_at: end,
        times_extended: after.times_extended,
        requested_by: cause.actor.clone(),
    };
    let state = StateChange::Session { key: place.name.clone(), state: told.state };
    let occurred = Occurred { states: vec![state], ..Occurred::of(Event::SessionExtended(extended)) };
    event::append(tx, origin, cause, vec![occurred])?;
    Ok(Some(after.minutes_left(now)))
}
