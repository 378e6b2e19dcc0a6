//! What an operator does with the PIN of a person, straight on the database: reset it, unlock it, see its state (EM-142).
//!
//! Each change is one transaction with its event, which names the operator and the reason. No PIN comes back from here but one that was
//! made here.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use super::made_pin;
use crate::auth::hash::{HashError, StoredHash};
use crate::domain::credential::{CredentialPolicy, HolderKind, SecretKind, Standing};
use crate::domain::event::{
    Cause, CredentialChange, CredentialChanged, CredentialHolder, CredentialKind, Event, Occurred,
};
use crate::domain::names::{UserId, fold};
use crate::domain::secret::Pin;
use crate::event::{self, EventError, Origin};
use crate::store::accounts::{self, Account, AccountKey, Holder, LookedUp};
use crate::store::credentials::{self, Decisions, LockChange};
use crate::store::locks::Locks;
use crate::store::{Db, StoreError, Tx};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum Undone {
    /// Nobody has the name.
    #[error("nobody has the user id \"{0}\"")]
    Nobody(String),
    /// No PIN could be made.
    #[error("no randomness for a PIN")]
    Randomness,
    /// The PIN cannot be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database does not answer, or does not take it.
    #[error(transparent)]
    Event(#[from] EventError),
}

/// A PIN that is new.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResetDone {
    /// Whose it is.
    pub user_id: String,
    /// Whether it is good for being changed alone.
    pub must_change: bool,
    /// Whether it is locked all the same.
    pub locked: bool,
    /// The PIN where it was made here, to be shown this once.
    #[serde(serialize_with = "exposed")]
    pub pin: Option<Pin>,
}

/// What became of a lock.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnlockDone {
    /// Whose PIN it is.
    pub user_id: String,
    /// Whether there was a lock.
    pub unlocked: bool,
}

fn exposed<S: Serializer>(pin: &Option<Pin>, serializer: S) -> Result<S::Ok, S::Error> {
    pin.as_ref().map(Pin::expose).serialize(serializer)
}

/// The state of a PIN; never the PIN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are those that operators read")]
pub struct PinState {
    pub user_id: String,
    pub set: bool,
    pub changed_at: Option<DateTime<Utc>>,
    pub age_days: Option<i64>,
    pub expires_at: Option<DateTime<Utc>>,
    pub expired: bool,
    pub must_change: bool,
    pub cant_change: bool,
    pub never_expires: bool,
    pub last_used_at: Option<DateTime<Utc>>,
    pub failed_attempts: i32,
    pub last_failed_at: Option<DateTime<Utc>>,
    pub locked: bool,
    pub locked_by: Option<LockedBy>,
    pub locked_until: Option<DateTime<Utc>>,
}

/// Why a PIN is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockedBy {
    /// An administrator did it.
    Administrator,
    /// Attempts failed.
    FailedAttempts,
    /// Nobody used it for too long.
    Inactivity,
}

fn nobody(user: &UserId) -> Undone {
    Undone::Nobody(user.to_string())
}

fn look_up(tx: &mut Tx<'_>, user: &UserId) -> Result<LookedUp, StoreError> {
    let key = AccountKey { holder: Holder::Person(fold(user.as_str())), credential: SecretKind::Pin };
    accounts::find(tx, &[key])?.pop().ok_or(StoreError::NotFound)
}

/// The state of the PIN of a person.
pub fn state(db: &Db, user: &UserId) -> Result<PinState, Undone> {
    db.read_blocking(|tx| state_in(tx, user))?.ok_or_else(|| nobody(user))
}

fn state_in(tx: &mut Tx<'_>, user: &UserId) -> Result<Option<PinState>, EventError> {
    let LookedUp { account, policy, read_at } = look_up(tx, user)?;
    let Some(account) = account else { return Ok(None) };
    let attempts = credentials::attempts(tx, account.pk, SecretKind::Pin)?;
    let decisions = credentials::decisions(tx, account.pk, SecretKind::Pin)?;
    Ok(Some(state_of(account, &policy, read_at, attempts, decisions)))
}

fn state_of(
    account: Account,
    policy: &CredentialPolicy,
    now: DateTime<Utc>,
    attempts: Option<credentials::Attempts>,
    decisions: Decisions,
) -> PinState {
    let rules = account.credential.map(|c| c.rules);
    let is_inactive = rules.is_some_and(|r| policy.is_inactive(&r, now));
    let locked_by = if decisions.locked {
        Some(LockedBy::Administrator)
    } else if account.credential.is_some_and(|c| c.locked) {
        Some(LockedBy::FailedAttempts)
    } else {
        is_inactive.then_some(LockedBy::Inactivity)
    };
    let until = attempts.as_ref().and_then(|a| a.locked_until);
    PinState {
        user_id: account.user_id,
        set: rules.is_some(),
        changed_at: rules.map(|r| r.changed_at),
        age_days: rules.map(|r| (now - r.changed_at).num_days()),
        expires_at: rules.and_then(|r| policy.expiry(&r)),
        expired: rules.is_some_and(|r| policy.standing(&r, now) == Standing::Expired),
        must_change: decisions.must_change,
        cant_change: decisions.cant_change,
        never_expires: decisions.never_expires,
        last_used_at: rules.and_then(|r| r.used_at),
        failed_attempts: attempts.as_ref().map_or(0, |a| a.failed),
        last_failed_at: attempts.as_ref().and_then(|a| a.failed_at),
        locked: locked_by.is_some(),
        locked_until: until.filter(|_| locked_by == Some(LockedBy::FailedAttempts)),
        locked_by,
    }
}

/// Sets a new PIN, the one given or one that its holder could have chosen, which takes failed attempts and their lock back; with
/// `must_change` it is good for being changed alone.
pub fn reset(
    db: &Db,
    user: &UserId,
    (given, must_change): (Option<Pin>, bool),
    hash: impl FnOnce(&str) -> Result<StoredHash, HashError>,
    (origin, cause): (&Origin, &Cause),
) -> Result<ResetDone, Undone> {
    let (pin, is_made) = match given {
        Some(pin) => (pin, false),
        None => (make(db, user)?, true),
    };
    let hash = hash(pin.expose())?;
    let written = db.write_blocking(|tx| {
        let Some(account) = lock(tx, user)? else { return Ok(None) };
        credentials::set(tx, account.pk, SecretKind::Pin, &hash)?;
        let before = credentials::decisions(tx, account.pk, SecretKind::Pin)?;
        let wanted = Decisions { must_change, ..before };
        if wanted != before {
            credentials::decide(tx, account.pk, SecretKind::Pin, wanted, false)?;
        }
        tell(tx, account, CredentialChange::Reset, (origin, cause))?;
        state_in(tx, user)
    });
    let PinState { user_id, locked, .. } = written?.ok_or_else(|| nobody(user))?;
    Ok(ResetDone { user_id, must_change, locked, pin: is_made.then_some(pin) })
}

/// Ends every lock, whoever or whatever led to it, and takes failed attempts back.
pub fn unlock(db: &Db, user: &UserId, (origin, cause): (&Origin, &Cause)) -> Result<UnlockDone, Undone> {
    let written = db.write_blocking(|tx| {
        let Some(account) = lock(tx, user)? else { return Ok(None) };
        let before = credentials::decisions(tx, account.pk, SecretKind::Pin)?;
        let wanted = Decisions { locked: false, ..before };
        let change = credentials::decide(tx, account.pk, SecretKind::Pin, wanted, true)?;
        let done =
            UnlockDone { user_id: account.user_id.clone(), unlocked: change == Some(LockChange::Unlocked) };
        if done.unlocked {
            tell(tx, account, CredentialChange::Unlocked, (origin, cause))?;
        }
        Ok::<_, EventError>(Some(done))
    });
    written?.ok_or_else(|| nobody(user))
}

fn make(db: &Db, user: &UserId) -> Result<Pin, Undone> {
    let read = |tx: &mut Tx<'_>| -> Result<_, EventError> {
        let LookedUp { account, policy, .. } = look_up(tx, user)?;
        let Some(account) = account else { return Ok(None) };
        Ok(Some((credentials::pin_owner(tx, account.pk)?, policy)))
    };
    let (owner, policy) = db.read_blocking(read)?.ok_or_else(|| nobody(user))?;
    made_pin::make(&owner, &policy.choice).ok_or(Undone::Randomness)
}

fn lock(tx: &mut Tx<'_>, user: &UserId) -> Result<Option<Account>, StoreError> {
    let Some(account) = look_up(tx, user)?.account else { return Ok(None) };
    Locks { users: [account.pk.0].into(), ..Locks::default() }.take(tx)?;
    Ok(Some(account))
}

fn tell(
    tx: &mut Tx<'_>,
    account: Account,
    change: CredentialChange,
    (origin, cause): (&Origin, &Cause),
) -> Result<(), EventError> {
    let changed = CredentialChanged {
        holder: CredentialHolder { kind: HolderKind::EndUser, user_id: account.user_id, uuid: account.uuid },
        credential: CredentialKind::Pin,
        change,
        device: None,
        requested_by: cause.actor.clone(),
        comment: cause.comment.clone(),
    };
    event::append(tx, origin, cause, vec![Occurred::of(Event::CredentialChanged(changed))])
}
