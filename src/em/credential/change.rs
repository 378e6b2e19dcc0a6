//! A person changes a PIN: the present one is checked and counted like at any login, then the new one is judged, then one transaction
//! writes it with its event (EM-057, AUTH-2, AUTH-5).
//!
//! Of two changes at once exactly one wins: a change replaces the version that was checked and no other. Hashes are compared and made
//! before the transaction, on the threads for that.

use std::net::IpAddr;

use zeroize::Zeroizing;

use super::refusal::Refusal;
use crate::auth::Source;
use crate::auth::proof::{PinHolder, Verified};
use crate::domain::credential::{CredentialPolicy, SecretKind};
use crate::domain::event::{
    Actor, ActorKind, AuthType, Cause, CredentialChange, CredentialChanged, CredentialHolder, CredentialKind,
    Event, EventPhone, Occurred, Via,
};
use crate::domain::ids::{ObjectPk, PhonePk};
use crate::domain::pin_choice::{self, PinOwner};
use crate::domain::secret::Pin;
use crate::em::error::EmCode;
use crate::em::service::Em;
use crate::event::{self, EventError, Origin};
use crate::store::accounts::StoredHash;
use crate::store::locks::Locks;
use crate::store::{StoreError, Tx, credentials, phones};

/// A change that is asked for at a phone that may ask for it.
pub(super) struct PinChange<'r> {
    /// The phone.
    pub(super) phone: PhonePk,
    /// To whom a failed attempt is charged, and where the request came from.
    pub(super) source: Source,
    /// User id as typed.
    pub(super) user_id: &'r str,
    /// Present PIN as typed.
    pub(super) old: &'r str,
    /// The new one.
    pub(super) new: &'r Pin,
}

/// What the new PIN is judged by.
struct Judged {
    phone: Option<EventPhone>,
    owner: PinOwner,
    kept: Vec<StoredHash>,
}

/// Changes the PIN.
pub(super) async fn change(em: &Em, asked: PinChange<'_>) -> Result<(), Refusal> {
    let source = &asked.source;
    let (Ok(user), Ok(old)) = (asked.user_id.trim().parse(), asked.old.parse()) else {
        let limited = em.verifier().charge(source);
        return Err(if limited { Refusal::Unavailable(EmCode::Busy) } else { Refusal::Wrong });
    };
    let holder = em.verifier().verify_old_pin(&user, &old, source).await?;
    let PinHolder { principal, rules, policy } = holder.who();
    if rules.cant_change {
        return Err(Refusal::Kept);
    }
    if policy.is_too_young(rules, holder.at()) {
        return Err(Refusal::TooYoung);
    }
    let judged = judged(em, principal.pk, asked.phone, policy).await?;
    if let Some(flaw) = pin_choice::flaw(asked.new, &judged.owner, &policy.choice) {
        return Err(Refusal::Flaw(flaw));
    }
    let new = Zeroizing::new(asked.new.expose().to_owned());
    let hash = em.verifier().hash_unless_among(SecretKind::Pin, new, judged.kept).await?;
    let hash = hash.ok_or(Refusal::Repeated)?;
    write(em, holder, hash, judged.phone, source.address).await
}

async fn judged(
    em: &Em,
    user: ObjectPk,
    phone: PhonePk,
    policy: &CredentialPolicy,
) -> Result<Judged, Refusal> {
    let history = policy.choice.history;
    let read = move |tx: &mut Tx<'_>| -> Result<Judged, StoreError> {
        Ok(Judged {
            phone: phones::event_phone(tx, phone)?,
            owner: credentials::pin_owner(tx, user)?,
            kept: credentials::latest(tx, user, SecretKind::Pin, history)?,
        })
    };
    em.db().read(read).await.map_err(|error| unavailable(&error.into()))
}

async fn write(
    em: &Em,
    holder: Verified<PinHolder>,
    hash: StoredHash,
    device: Option<EventPhone>,
    address: Option<IpAddr>,
) -> Result<(), Refusal> {
    let (origin, correlation, version) = (em.origin().clone(), em.new_id(), holder.version());
    let principal = holder.into_inner().principal;
    let user_id = principal.name.to_string();
    let actor = Actor {
        kind: ActorKind::User,
        id: Some(user_id.clone()),
        address: address.map(|a| a.to_string()),
        via: Via::Phone,
    };
    let cause = Cause {
        actor,
        auth_type: AuthType::AppUser,
        auth_id: Some(user_id.clone()),
        ..Cause::by_system(correlation, Via::Phone)
    };
    let changed = CredentialChanged {
        holder: CredentialHolder { kind: principal.kind, user_id, uuid: principal.uuid },
        credential: CredentialKind::Pin,
        change: CredentialChange::Changed,
        device,
        requested_by: cause.actor.clone(),
        comment: None,
    };
    let user = principal.pk;
    let replace = move |tx: &mut Tx<'_>| replace(tx, user, (&hash, version), (&origin, &cause), &changed);
    match em.db().write(replace).await {
        Ok(true) => {
            em.wake();
            tracing::info!(user.id = %principal.name, "a person has changed the PIN");
            Ok(())
        }
        // the PIN that was checked is none any more
        Ok(false) => Err(Refusal::Wrong),
        Err(error) => Err(unavailable(&error)),
    }
}

/// The whole change in its transaction; false where the version is not the present one any more.
fn replace(
    tx: &mut Tx<'_>,
    user: ObjectPk,
    (hash, version): (&StoredHash, i64),
    (origin, cause): (&Origin, &Cause),
    changed: &CredentialChanged,
) -> Result<bool, EventError> {
    Locks { users: [user.0].into(), ..Locks::default() }.take(tx)?;
    if !credentials::change(tx, user, SecretKind::Pin, hash, version)? {
        return Ok(false);
    }
    event::append(tx, origin, cause, vec![Occurred::of(Event::CredentialChanged(changed.clone()))])?;
    Ok(true)
}

fn unavailable(error: &EventError) -> Refusal {
    tracing::error!(%error, "a PIN cannot be changed");
    Refusal::Unavailable(EmCode::Database)
}
