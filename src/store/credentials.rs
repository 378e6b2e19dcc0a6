//! Secrets that are set and changed, those before them, and what is decided about them (security.md AUTH-1, AUTH-5).
//!
//! Checking and counting attempts is the business of [`super::accounts`]. No secret comes here, only hashes.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};

use super::accounts::{StoredHash, kind_name};
use super::schema::{associations, credential_history, credentials, line_appearances, lines, objects, users};
use super::{StoreError, Tx};
use crate::domain::credential::SecretKind;
use crate::domain::ids::ObjectPk;
use crate::domain::pin_choice::PinOwner;

diesel::define_sql_function! {
    /// Stores a secret and keeps the one before it.
    #[sql_name = "set_credential"]
    fn store_credential(
        holder: BigInt, kind: Text, hash: Text, pepper: Text, now: Timestamptz, version: Nullable<BigInt>,
    ) -> Bool;
}

fn store(
    tx: &mut Tx<'_>,
    (holder, kind): (ObjectPk, SecretKind),
    secret: &StoredHash,
    version: Option<i64>,
) -> Result<bool, StoreError> {
    let now = tx.now()?;
    let stored = store_credential(holder.0, kind_name(kind), &secret.hash, &secret.pepper_id, now, version);
    Ok(diesel::select(stored).get_result(tx.connection())?)
}

/// Stores a secret that somebody else sets: a version of its own, no failed attempts; only a lock by an administrator stays.
pub fn set(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    kind: SecretKind,
    secret: &StoredHash,
) -> Result<(), StoreError> {
    store(tx, (holder, kind), secret, None).map(drop)
}

/// Stores a secret that its holder chose in place of the version that was checked. False: that is not there any more, or is locked or
/// kept from its holder meanwhile, and nothing was stored.
pub fn change(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    kind: SecretKind,
    secret: &StoredHash,
    version: i64,
) -> Result<bool, StoreError> {
    store(tx, (holder, kind), secret, Some(version))
}

/// The present secret and as many before it, newest first.
pub fn latest(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    kind: SecretKind,
    before: usize,
) -> Result<Vec<StoredHash>, StoreError> {
    let present: Option<(Option<String>, Option<String>)> = credentials::table
        .find((holder.0, kind_name(kind)))
        .select((credentials::hash, credentials::pepper_id))
        .first(tx.connection())
        .optional()?;
    let earlier: Vec<(String, String)> = credential_history::table
        .filter(credential_history::holder_pk.eq(holder.0).and(credential_history::kind.eq(kind_name(kind))))
        .order(credential_history::version.desc())
        .limit(i64::try_from(before).unwrap_or(i64::MAX))
        .select((credential_history::hash, credential_history::pepper_id))
        .load(tx.connection())?;
    let present = present.and_then(|(hash, pepper_id)| hash.zip(pepper_id));
    Ok(present.into_iter().chain(earlier).map(|(hash, pepper_id)| StoredHash { hash, pepper_id }).collect())
}

/// What is known of a person, as far as a PIN could be made of it: names, the primary extension and the lines of the profiles.
pub fn pin_owner(tx: &mut Tx<'_>, user: ObjectPk) -> Result<PinOwner, StoreError> {
    let (user_id, carried): (String, serde_json::Value) =
        objects::table.find(user.0).select((objects::name, objects::carried)).first(tx.connection())?;
    let (first, last): (Option<String>, String) =
        users::table.find(user.0).select((users::first_name, users::last_name)).first(tx.connection())?;
    let mut extensions: Vec<String> = associations::table
        .inner_join(line_appearances::table.on(line_appearances::owner_pk.eq(associations::target_pk)))
        .inner_join(lines::table.on(lines::pk.eq(line_appearances::line_pk)))
        .filter(associations::holder_pk.eq(user.0).and(associations::kind.eq("profile")))
        .select(lines::pattern)
        .load(tx.connection())?;
    let primary = carried.pointer("/primaryExtension/pattern").and_then(serde_json::Value::as_str);
    extensions.extend(primary.map(str::to_owned));
    Ok(PinOwner { names: first.into_iter().chain([last, user_id]).collect(), extensions })
}

/// What an administrator has decided about one credential.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Decisions {
    /// The policy that was named for it; carried.
    pub policy: Option<ObjectPk>,
    /// Its holder may not change it.
    pub cant_change: bool,
    /// Its holder must change it first.
    pub must_change: bool,
    /// It holds for ever.
    pub never_expires: bool,
    /// It is locked until an administrator unlocks it.
    pub locked: bool,
}

/// What a decision about a lock comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockChange {
    /// A lock by an administrator begins.
    Locked,
    /// A lock ends.
    Unlocked,
}

/// What is decided so far; nothing where nobody decided.
pub fn decisions(tx: &mut Tx<'_>, holder: ObjectPk, kind: SecretKind) -> Result<Decisions, StoreError> {
    type Row = (Option<i64>, bool, bool, bool, bool);
    let row: Option<Row> = credentials::table
        .find((holder.0, kind_name(kind)))
        .select((
            credentials::policy_pk,
            credentials::cant_change,
            credentials::must_change,
            credentials::never_expires,
            credentials::admin_locked_at.is_not_null(),
        ))
        .first(tx.connection())
        .optional()?;
    Ok(row.map_or_else(Decisions::default, |(policy, cant_change, must_change, never_expires, locked)| {
        Decisions { policy: policy.map(ObjectPk), cant_change, must_change, never_expires, locked }
    }))
}

diesel::define_sql_function! {
    /// Writes what is decided about a credential.
    #[expect(clippy::too_many_arguments, reason = "one a column, in one round trip")]
    fn decide_credential(
        holder: BigInt, kind: Text, policy: Nullable<BigInt>, cant_change: Bool, must_change: Bool, never_expires: Bool,
        locked: Bool, forget: Bool, now: Timestamptz,
    ) -> Nullable<Text>;
}

/// Writes what is decided; `forgets` takes failed attempts back, and the lock that they led to.
pub fn decide(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    kind: SecretKind,
    decisions: Decisions,
    forgets: bool,
) -> Result<Option<LockChange>, StoreError> {
    let now = tx.now()?;
    let Decisions { policy, cant_change, must_change, never_expires, locked } = decisions;
    let (kind, policy) = (kind_name(kind), policy.map(|p| p.0));
    let written = decide_credential(
        holder.0,
        kind,
        policy,
        cant_change,
        must_change,
        never_expires,
        locked,
        forgets,
        now,
    );
    let change: Option<String> = diesel::select(written).get_result(tx.connection())?;
    Ok(change.map(|change| if change == "locked" { LockChange::Locked } else { LockChange::Unlocked }))
}

diesel::define_sql_function! {
    /// A moment, and nothing for the end of time.
    fn finite_moment(moment: Nullable<Timestamptz>) -> Nullable<Timestamptz>;
}

/// Failed attempts at a credential and the lock that they or an administrator led to.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Attempts {
    /// How many failed since the last success.
    pub failed: i32,
    /// When the last one was.
    pub failed_at: Option<DateTime<Utc>>,
    /// Until when it is locked, which may be over; none also for a lock without end.
    pub locked_until: Option<DateTime<Utc>>,
    /// Since when an administrator has locked it.
    pub admin_locked_at: Option<DateTime<Utc>>,
}

/// Failed attempts and locks; none where nobody set or decided anything.
pub fn attempts(tx: &mut Tx<'_>, holder: ObjectPk, kind: SecretKind) -> Result<Option<Attempts>, StoreError> {
    let row = credentials::table.find((holder.0, kind_name(kind)));
    let shown = (
        credentials::failed,
        credentials::failed_at,
        finite_moment(credentials::locked_until),
        credentials::admin_locked_at,
    );
    Ok(row.select(shown).first(tx.connection()).optional()?)
}

/// People whose PIN is older than a moment, may end and has not been told of, the oldest first.
pub fn expired(
    tx: &mut Tx<'_>,
    changed_before: DateTime<Utc>,
    most: usize,
) -> Result<Vec<ObjectPk>, StoreError> {
    let rows: Vec<i64> = credentials::table
        .filter(credentials::kind.eq("pin"))
        .filter(credentials::never_expires.eq(false).and(credentials::expiry_told.eq(false)))
        .filter(credentials::changed_at.le(changed_before))
        .order(credentials::changed_at)
        .limit(i64::try_from(most).unwrap_or(i64::MAX))
        .select(credentials::holder_pk)
        .load(tx.connection())?;
    Ok(rows.into_iter().map(ObjectPk).collect())
}

/// Notes that somebody is told of the end of a PIN; false where there is nothing to tell any more.
pub fn take_expired(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    changed_before: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let row = credentials::table
        .find((holder.0, "pin"))
        .filter(credentials::never_expires.eq(false).and(credentials::expiry_told.eq(false)))
        .filter(credentials::changed_at.le(changed_before));
    Ok(diesel::update(row).set(credentials::expiry_told.eq(true)).execute(tx.connection())? == 1)
}

/// Forgets that somebody was told of the end of PINs that hold again: they were changed after a moment, or never end. So many at most.
pub fn forget_expired(
    tx: &mut Tx<'_>,
    changed_after: DateTime<Utc>,
    most: usize,
) -> Result<usize, StoreError> {
    let holds = credentials::never_expires.or(credentials::changed_at.assume_not_null().gt(changed_after));
    // whoever holds a row now is changing it, or another node is doing the same
    let again: Vec<i64> = credentials::table
        .filter(credentials::kind.eq("pin").and(credentials::expiry_told).and(holds))
        .limit(i64::try_from(most).unwrap_or(i64::MAX))
        .select(credentials::holder_pk)
        .for_no_key_update()
        .skip_locked()
        .load(tx.connection())?;
    let rows =
        credentials::table.filter(credentials::kind.eq("pin").and(credentials::holder_pk.eq_any(&again)));
    diesel::update(rows).set(credentials::expiry_told.eq(false)).execute(tx.connection())?;
    Ok(again.len())
}
