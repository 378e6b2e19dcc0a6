//! Secrets that are set and changed, those before them, and what is decided about them (security.md AUTH-1, AUTH-5).
//!
//! Checking and counting attempts is the business of [`super::accounts`]. No secret comes here, only hashes.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};

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

/// What a page or an operator may know of a credential; never the secret.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct CredentialRow {
    /// Whether there is a secret.
    pub changed_at: Option<DateTime<Utc>>,
    /// Attempts that failed since the last success.
    pub failed: i32,
    /// When the last one of them was.
    pub failed_at: Option<DateTime<Utc>>,
    /// Until when it is locked; may be over. The end of time for one without end.
    pub locked_until: Option<DateTime<Utc>>,
}
