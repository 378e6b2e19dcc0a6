//! A PIN whose time is over is an event (security.md AUTH-4), told once, whether somebody uses it or not.
//!
//! One that holds again, because the policy or an administrator gives it more time, is told of once more when that is over.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::credential::{CredentialPolicy, HolderKind, SecretKind};
use crate::domain::event::{
    Cause, CredentialChange, CredentialChanged, CredentialHolder, CredentialKind, Event, Occurred, Via,
};
use crate::domain::ids::ObjectPk;
use crate::em::service::Em;
use crate::event::{self, EventError, Origin};
use crate::store::locks::Locks;
use crate::store::{Tx, credentials, objects, parameters};

/// PINs told of in one step at most.
const MOST_AT_ONCE: usize = 100;

/// Tells of PINs that have expired and of which nobody told; says of how many.
pub async fn tell(em: &Em) -> Result<usize, EventError> {
    let told = tell_each(em).await;
    if let Err(error) = &told {
        tracing::error!(%error, "expired PINs are not in the event log yet");
    }
    told
}

async fn tell_each(em: &Em) -> Result<usize, EventError> {
    while em.db().write(forget).await? == MOST_AT_ONCE {}
    let find = |tx: &mut Tx<'_>| -> Result<Vec<ObjectPk>, EventError> {
        match oldest(tx)? {
            Some(oldest) => Ok(credentials::expired(tx, oldest, MOST_AT_ONCE)?),
            None => Ok(Vec::new()),
        }
    };
    let mut told = 0;
    for holder in em.db().read(find).await? {
        let origin = em.origin().clone();
        told += usize::from(em.db().write(move |tx| tell_one(tx, &origin, holder)).await?);
    }
    if told > 0 {
        em.wake();
    }
    Ok(told)
}

/// Forgets some PINs of which somebody was told and that hold again.
fn forget(tx: &mut Tx<'_>) -> Result<usize, EventError> {
    let oldest = oldest(tx)?.unwrap_or(DateTime::UNIX_EPOCH);
    Ok(credentials::forget_expired(tx, oldest, MOST_AT_ONCE)?)
}

/// The moment of change from which on PINs still hold; none where they hold for ever.
fn oldest(tx: &mut Tx<'_>) -> Result<Option<DateTime<Utc>>, EventError> {
    let values = parameters::cluster_values(tx)?;
    let policy = CredentialPolicy::from_values(SecretKind::Pin, |name| values.get(name).map(String::as_str));
    let age = TimeDelta::days(policy.expires_days);
    Ok(if policy.expires_days > 0 { Some(tx.now()? - age) } else { None })
}

fn tell_one(tx: &mut Tx<'_>, origin: &Origin, holder: ObjectPk) -> Result<bool, EventError> {
    Locks { users: [holder.0].into(), ..Locks::default() }.take(tx)?;
    let Some(oldest) = oldest(tx)? else { return Ok(false) };
    let Some(person) = objects::lock(tx, holder)? else { return Ok(false) };
    if !credentials::take_expired(tx, holder, oldest)? {
        return Ok(false);
    }
    let cause = Cause::by_system(tx.new_id(), Via::Timer);
    let expired = CredentialChanged {
        holder: CredentialHolder { kind: HolderKind::EndUser, user_id: person.name, uuid: person.uuid },
        credential: CredentialKind::Pin,
        change: CredentialChange::Expired,
        device: None,
        requested_by: cause.actor.clone(),
        comment: None,
    };
    event::append(tx, origin, &cause, vec![Occurred::of(Event::CredentialChanged(expired))])?;
    Ok(true)
}
