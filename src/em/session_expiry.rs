//! Before an automatic logout: the event that warns of it, and the end that is put off at the phone; the rules are in
//! [`crate::domain::expiry`].
//!
//! Promises one warning for each end that is near, whichever node looks first, and that an end is put off once however often it is asked
//! for: who asks names the end they saw.

use chrono::{DateTime, Utc};

use super::error::EmCode;
use super::service::Em;
use crate::domain::event::{
    Actor, Cause, Event, Occurred, SessionExpiring, SessionExtended, StateChange, Via,
};
use crate::domain::expiry::{Ending, ExpiryPolicy};
use crate::domain::ids::PhonePk;
use crate::domain::snapshot::{Phone, Session};
use crate::event::{self, EventError};
use crate::store::expiry::{self, EndingSession};
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
        let near = em.db().read(move |tx| near(tx, &policy)).await?;
        if near.is_empty() {
            return Ok(0);
        }
        let origin = em.origin().clone();
        let warned = em.db().write(move |tx| tell(tx, &origin, &near, &policy)).await?;
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

fn near(tx: &mut Tx<'_>, policy: &ExpiryPolicy) -> Result<Vec<PhonePk>, StoreError> {
    let now = tx.now()?;
    let ending = expiry::unseen(tx, now + policy.warning, MOST_AT_ONCE)?;
    Ok(ending.into_iter().map(|session| session.phone).collect())
}

fn tell(
    tx: &mut Tx<'_>,
    origin: &event::Origin,
    phones: &[PhonePk],
    policy: &ExpiryPolicy,
) -> Result<usize, EventError> {
    let world = read_leaving(tx, phones.to_vec())?;
    let now = tx.now()?;
    let ending = expiry::on_phones(tx, phones)?;
    let seen: Vec<_> = ending.iter().map(|session| session.session_id).collect();
    let noted = expiry::note_seen(tx, &seen, now)?;
    let warned = |s: &&EndingSession| {
        noted.contains(&s.phone) && policy.warns(&s.ending, now) && s.ending.expires_at > now
    };
    let mut rows = Vec::with_capacity(noted.len());
    for one in ending.iter().filter(warned) {
        let (Some(phone), Some(session)) = (world.phones.get(&one.phone), world.sessions.get(&one.phone))
        else {
            continue;
        };
        let cause = Cause::by_system(tx.new_id(), Via::Timer);
        let event = expiring(phone, session, &one.ending, policy, now, &cause.actor);
        rows.extend(event::rows(&cause, origin, now, tx.ids(), vec![Occurred::of(event)])?);
    }
    event_log::insert(tx, &rows)?;
    Ok(rows.len())
}

fn expiring(
    phone: &Phone,
    session: &Session,
    ending: &Ending,
    policy: &ExpiryPolicy,
    now: DateTime<Utc>,
    actor: &Actor,
) -> Event {
    let put_off = policy.put_off(ending, now);
    Event::SessionExpiring(SessionExpiring {
        session_id: session.session_id,
        device: phone.for_event(),
        user: session.user_for_event(),
        profile: session.profile_for_event(),
        login_time: session.started_at,
        expires_at: ending.expires_at,
        extension_seconds: put_off.map(|end| (end - ending.expires_at).num_seconds()),
        requested_by: actor.clone(),
    })
}

impl Em {
    /// The session on a phone, if it ends by itself; with the moment of the answer.
    pub(super) async fn ending_on(&self, phone: PhonePk) -> Result<Option<(Ending, DateTime<Utc>)>, EmCode> {
        let read = self.db().read(move |tx| {
            let now = tx.now()?;
            Ok::<_, StoreError>(expiry::on_phones(tx, &[phone])?.first().map(|session| (session.ending, now)))
        });
        read.await.map_err(database)
    }

    /// When the last session of a free phone was ended by a login elsewhere; with the moment of the answer.
    pub(super) async fn replaced_on(
        &self,
        phone: PhonePk,
    ) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, EmCode> {
        let read = self.db().read(move |tx| {
            let now = tx.now()?;
            Ok::<_, StoreError>(expiry::replaced_at(tx, phone)?.map(|at| (at, now)))
        });
        read.await.map_err(database)
    }

    /// Puts the end of a session off, where it is still the end that was seen (in whole seconds) and the policy allows it; says how many
    /// minutes are left then.
    pub async fn put_off(
        &self,
        phone: PhonePk,
        seen: i64,
        policy: ExpiryPolicy,
        cause: Cause,
    ) -> Result<Option<i64>, EmCode> {
        let origin = self.origin().clone();
        let done = self.db().write(move |tx| put_off(tx, &origin, phone, seen, &policy, &cause)).await;
        let left = done.map_err(database)?;
        if left.is_some() {
            self.wake();
        }
        Ok(left)
    }
}

fn put_off(
    tx: &mut Tx<'_>,
    origin: &event::Origin,
    phone: PhonePk,
    seen: i64,
    policy: &ExpiryPolicy,
    cause: &Cause,
) -> Result<Option<i64>, EventError> {
    let world = read_leaving(tx, vec![phone])?;
    let now = tx.now()?;
    let found = expiry::on_phones(tx, &[phone])?;
    let Some(one) = found.first().filter(|s| s.ending.expires_at.timestamp() == seen) else {
        return Ok(None);
    };
    let Some(end) = policy.put_off(&one.ending, now) else { return Ok(None) };
    let (Some(place), Some(session)) = (world.phones.get(&phone), world.sessions.get(&phone)) else {
        return Ok(None);
    };
    let login = state::session_on(tx, phone)?.and_then(|running| running.envelope);
    let Some(told) = login.and_then(|login| event::state::put_off(&login, end)) else {
        tracing::warn!(phone.name = %place.name, "the log has no login of this session: its end stays");
        return Ok(None);
    };
    let later = Ending { expires_at: end, extensions: one.ending.extensions.saturating_add(1), ..one.ending };
    if !expiry::put_off(tx, one.session_id, end, !policy.warns(&later, now), &told.envelope)? {
        return Ok(None);
    }
    let extended = SessionExtended {
        session_id: session.session_id,
        device: place.for_event(),
        user: session.user_for_event(),
        profile: session.profile_for_event(),
        login_time: session.started_at,
        previous_expires_at: one.ending.expires_at,
        expires_at: end,
        extensions: later.extensions,
        requested_by: cause.actor.clone(),
    };
    let state = StateChange::Session { key: place.name.clone(), state: told.state };
    let occurred = Occurred { states: vec![state], ..Occurred::of(Event::SessionExtended(extended)) };
    event::append(tx, origin, cause, vec![occurred])?;
    Ok(Some(later.minutes_left(now)))
}

fn database(error: impl std::fmt::Display) -> EmCode {
    tracing::error!(%error, "the database does not say how long a session lasts");
    EmCode::Database
}
