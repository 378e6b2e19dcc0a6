//! What an operator does with the PIN of a person, straight on the database: reset it, unlock it, see its state (EM-142).
//!
//! Each change is one transaction with its event, which names the operator and the reason. No PIN comes back from here.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::auth::hash::StoredHash;
use crate::domain::credential::{CredentialPolicy, HolderKind, SecretKind, Standing};
use crate::domain::event::{
    Actor, ActorKind, AuthType, Cause, CredentialChange, CredentialChanged, CredentialHolder, CredentialKind,
    Event, Occurred, Via,
};
use crate::domain::names::{UserId, fold};
use crate::domain::pin_choice::PinOwner;
use crate::event::{self, EventError, Origin};
use crate::store::accounts::{self, Account, AccountKey, Holder, LookedUp};
use crate::store::credentials::{self, Decisions, LockChange};
use crate::store::locks::Locks;
use crate::store::{Db, StoreError, Tx};

/// Who acts, and why.
#[derive(Debug, Clone)]
pub struct Operator {
    /// Name of the operator, as the system knows it.
    pub name: String,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// Where the events come from.
    pub origin: Origin,
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

fn look_up(tx: &mut Tx<'_>, user: &UserId) -> Result<LookedUp, StoreError> {
    let key = AccountKey { holder: Holder::Person(fold(user.as_str())), credential: SecretKind::Pin };
    accounts::find(tx, &[key])?.pop().ok_or(StoreError::NotFound)
}

/// The state of the PIN of a person; none where nobody has the name.
pub fn state(db: &Db, user: &UserId) -> Result<Option<PinState>, EventError> {
    db.write_blocking(|tx| {
        let LookedUp { account, policy, read_at } = look_up(tx, user)?;
        let Some(account) = account else { return Ok(None) };
        let attempts = credentials::attempts(tx, account.pk, SecretKind::Pin)?;
        let decisions = credentials::decisions(tx, account.pk, SecretKind::Pin)?;
        Ok(Some(state_of(account, &policy, read_at, attempts, decisions)))
    })
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

/// What a new PIN for a person would have to be if they chose it; none where nobody has the name.
pub fn choice(db: &Db, user: &UserId) -> Result<Option<(PinOwner, CredentialPolicy)>, EventError> {
    db.write_blocking(|tx| {
        let LookedUp { account, policy, .. } = look_up(tx, user)?;
        let Some(account) = account else { return Ok(None) };
        Ok(Some((credentials::pin_owner(tx, account.pk)?, policy)))
    })
}

/// Sets a new PIN, which takes failed attempts and their lock back; with `must_change` it is good for being changed alone. False: nobody
/// has the name.
pub fn reset(
    db: &Db,
    user: &UserId,
    hash: &StoredHash,
    must_change: bool,
    operator: &Operator,
) -> Result<bool, EventError> {
    db.write_blocking(|tx| {
        let Some(account) = lock(tx, user)? else { return Ok(false) };
        credentials::set(tx, account.pk, SecretKind::Pin, hash)?;
        let before = credentials::decisions(tx, account.pk, SecretKind::Pin)?;
        let wanted = Decisions { must_change, ..before };
        if wanted != before {
            credentials::decide(tx, account.pk, SecretKind::Pin, wanted, false)?;
        }
        tell(tx, account, CredentialChange::Reset, operator)?;
        Ok(true)
    })
}

/// Ends every lock, whoever or whatever led to it, and takes failed attempts back; says whether there was a lock. None: nobody has the
/// name.
pub fn unlock(db: &Db, user: &UserId, operator: &Operator) -> Result<Option<bool>, EventError> {
    db.write_blocking(|tx| {
        let Some(account) = lock(tx, user)? else { return Ok(None) };
        let before = credentials::decisions(tx, account.pk, SecretKind::Pin)?;
        let wanted = Decisions { locked: false, ..before };
        let change = credentials::decide(tx, account.pk, SecretKind::Pin, wanted, true)?;
        if change == Some(LockChange::Unlocked) {
            tell(tx, account, CredentialChange::Unlocked, operator)?;
            return Ok(Some(true));
        }
        Ok(Some(false))
    })
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
    operator: &Operator,
) -> Result<(), EventError> {
    let name = Some(operator.name.clone());
    let actor = Actor { kind: ActorKind::Administrator, id: name.clone(), address: None, via: Via::Cli };
    let comment = operator.reason.clone();
    let by_system = Cause::by_system(tx.new_id(), Via::Cli);
    let cause = Cause { actor, auth_type: AuthType::User, auth_id: name, comment, ..by_system };
    let changed = CredentialChanged {
        holder: CredentialHolder { kind: HolderKind::EndUser, user_id: account.user_id, uuid: account.uuid },
        credential: CredentialKind::Pin,
        change,
        device: None,
        requested_by: cause.actor.clone(),
        comment: cause.comment.clone(),
    };
    event::append(tx, &operator.origin, &cause, vec![Occurred::of(Event::CredentialChanged(changed))])
}
