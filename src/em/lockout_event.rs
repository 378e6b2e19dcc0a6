//! A credential that failed attempts have locked is an event (security.md AUTH-4), in a transaction of its own after the attempt.

use std::sync::Arc;

use super::writer::Wake;
use crate::auth::PrincipalKind;
use crate::auth::verify::{LockListener, LockedOut};
use crate::domain::event::{
    Cause, CredentialChange, CredentialChanged, CredentialHolder, Event, HolderKind, Occurred, Via,
};
use crate::event::{self, Origin};
use crate::store::Db;

/// What the check of secrets tells of lock-outs; must be called inside the async runtime.
pub fn listener(db: Db, origin: Origin, wake: Wake) -> LockListener {
    Arc::new(move |locked| {
        let (db, origin, wake) = (db.clone(), origin.clone(), Arc::clone(&wake));
        drop(tokio::spawn(append(db, origin, wake, locked)));
    })
}

async fn append(db: Db, origin: Origin, wake: Wake, locked: LockedOut) {
    tracing::warn!(user.id = %locked.principal.name, "credential locked after failed attempts");
    let cause = Cause::by_system(db.ids().next(), Via::Cascade);
    let holder = CredentialHolder {
        kind: match locked.principal.kind {
            PrincipalKind::EndUser => HolderKind::EndUser,
            PrincipalKind::AppUser => HolderKind::ApplicationUser,
        },
        user_id: locked.principal.name.to_string(),
        uuid: locked.principal.uuid,
    };
    let change = CredentialChanged {
        holder,
        credential: locked.credential,
        change: CredentialChange::Locked,
        device: None,
        requested_by: cause.actor.clone(),
    };
    let written = db
        .write(move |tx| {
            let happened = Occurred::of(Event::CredentialChanged(change.clone()));
            event::append(tx, &origin, &cause, vec![happened])
        })
        .await;
    match written {
        Ok(()) => wake(),
        Err(error) => tracing::error!(error = %error, "lock-out is not in the event log"),
    }
}
