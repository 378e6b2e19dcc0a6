//! A credential that failed attempts have locked is an event (security.md AUTH-4).
//!
//! Promises that each lock-out is told once: right after the attempt, or by the sweep when the process that judged it ended before.

use std::sync::Arc;

use chrono::TimeDelta;

use super::service::Em;
use super::writer::Wake;
use crate::auth::verify::{LockListener, LockedOut};
use crate::domain::event::{
    Cause, CredentialChange, CredentialChanged, CredentialHolder, Event, Occurred, Via,
};
use crate::event::{self, EventError, Origin};
use crate::store::attempts;
use crate::store::{Db, Tx};

/// Time that a judgement may take before the sweep tells of its lock-out, and how many it tells of in one step.
const JUDGED_WITHIN: TimeDelta = TimeDelta::seconds(60);
const MOST_AT_ONCE: i64 = 100;

/// What the check of secrets tells of lock-outs; must be called inside the async runtime.
pub fn listener(db: Db, origin: Origin, wake: Wake) -> LockListener {
    Arc::new(move |locked| {
        let (db, origin, wake) = (db.clone(), origin.clone(), Arc::clone(&wake));
        drop(tokio::spawn(async move {
            match db.write(move |tx| tell(tx, &origin, locked)).await {
                Ok(()) => wake(),
                Err(error) => tracing::error!(error = %error, "lock-out is not in the event log yet"),
            }
        }));
    })
}

/// Tells of lock-outs that nobody told of in time; says how many there were.
pub(super) async fn tell_rest(em: &Em) -> Result<usize, EventError> {
    let origin = em.origin().clone();
    let told = em
        .db()
        .write(move |tx| {
            let before = tx.now()? - JUDGED_WITHIN;
            let untold = attempts::untold_locks(tx, before, MOST_AT_ONCE)?;
            for (holder, credential) in &untold {
                tell(tx, &origin, LockedOut { holder: *holder, credential: *credential })?;
            }
            Ok::<_, EventError>(untold.len())
        })
        .await?;
    if told > 0 {
        em.wake();
    }
    Ok(told)
}

/// Appends the event, unless it was told or the lock has gone.
fn tell(tx: &mut Tx<'_>, origin: &Origin, locked: LockedOut) -> Result<(), EventError> {
    let LockedOut { holder, credential } = locked;
    let Some(account) = attempts::take_untold_lock(tx, holder, credential)? else { return Ok(()) };
    tracing::warn!(user.id = %account.user_id, "credential locked after failed attempts");
    let cause = Cause::by_system(tx.new_id(), Via::Cascade);
    let change = CredentialChanged {
        holder: CredentialHolder { kind: account.kind, user_id: account.user_id, uuid: account.uuid },
        credential: credential.into(),
        change: CredentialChange::Locked,
        device: None,
        requested_by: cause.actor.clone(),
        comment: None,
    };
    event::append(tx, origin, &cause, vec![Occurred::of(Event::CredentialChanged(change))])
}
