//! Ends all sessions of the cluster, in parts that commit for themselves (events.md 8).
//!
//! A part that fails costs none of the others, and the work goes on when its caller has gone: whoever asks again ends what is left.

use super::error::{Doing, EmCode};
use super::service::Em;
use super::session_events::{Ending, logout_events};
use crate::domain::event::{Cause, LogoutReason};
use crate::domain::ids::PhonePk;
use crate::domain::snapshot::Session;
use crate::event::{self, EventError, Origin};
use crate::store::sessions::{self, BatchChanges};
use crate::store::snapshot::{BatchKeys, lock_and_read};
use crate::store::{StoreError, Tx};

/// Sessions that end in one transaction at most.
const MOST_IN_PART: usize = 500;

impl Em {
    /// Ends every session there is, ordered by phone name; with nobody logged in there is nothing to do.
    pub async fn log_out_all(&self, cause: Cause) -> Result<(), EmCode> {
        let (em, via) = (self.clone(), cause.actor.via);
        let work = tokio::spawn(async move { em.end_parts(cause).await });
        work.await.unwrap_or(Err(EmCode::Unknown))?;
        self.counts().succeeded(Doing::Logout, via);
        Ok(())
    }

    async fn end_parts(&self, cause: Cause) -> Result<(), EmCode> {
        let phones = self.db().read(sessions::occupied_phones).await.map_err(|error: StoreError| {
            tracing::error!(error = %error, "database does not say who is logged in");
            EmCode::Database
        })?;
        let mut outcome = Ok(());
        for (part, number) in phones.chunks(MOST_IN_PART).zip(1..) {
            let part = part.to_vec();
            let number = (phones.len() > MOST_IN_PART).then_some(number);
            let (cause, origin) = (Cause { part: number, ..cause.clone() }, self.origin().clone());
            match self.db().write(move |tx| end_part(tx, &part, &cause, &origin)).await {
                Ok(()) => self.wake(),
                Err(error) => {
                    tracing::error!(error = %error, part = number, "sessions of a part do not end");
                    outcome = Err(EmCode::Database);
                }
            }
        }
        outcome
    }
}

/// Ends whatever sessions are on these phones by now.
fn end_part(tx: &mut Tx<'_>, phones: &[PhonePk], cause: &Cause, origin: &Origin) -> Result<(), EventError> {
    let world = lock_and_read(tx, &BatchKeys { leaving: phones.to_vec(), ..BatchKeys::default() })?;
    let mut ending: Vec<&Session> = world.sessions.values().collect();
    ending.sort_by(|a, b| a.phone_name.cmp(&b.phone_name));
    if ending.iter().any(|session| !world.locked_users.contains(&session.user)) {
        return Err(StoreError::Busy("somebody else logged in while waiting for locks".into()).into());
    }
    let (now, mut events, mut changes) = (tx.now()?, Vec::new(), BatchChanges::default());
    for session in ending {
        let Some(phone) = world.phones.get(&session.phone) else { continue };
        let ending = Ending {
            phone,
            session,
            reason: LogoutReason::LogoutAll,
            replaced_by: None,
            removed_object: None,
            comment: None,
        };
        logout_events(&world, &ending, now, &cause.actor, &mut events);
        changes.ended.push((session.phone, session.session_id));
    }
    if !events.is_empty() {
        changes.events = event::rows(cause, origin, now, tx.ids(), events)?;
        sessions::apply(tx, &changes)?;
    }
    Ok(())
}
