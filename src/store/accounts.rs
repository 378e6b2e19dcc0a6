//! Accounts and their credentials: who there is, what hash to check, how often it failed (security.md AUTH-3, AUTH-4).
//!
//! Attempts are counted in one statement that also fails when the credential is locked. Hashing and comparing happen elsewhere; no
//! secret comes here.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::schema::{credentials, objects, untold_locks};
use super::{StoreError, Tx};
use crate::domain::credential::{HolderKind, LockoutPolicy, SecretKind};
use crate::domain::ids::ObjectPk;

/// What goes into the table of credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredHash {
    /// PHC string.
    pub hash: String,
    /// Identity of the pepper.
    pub pepper_id: String,
}

impl std::fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredHash(…)")
    }
}

/// An account with the state of one of its credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Row key.
    pub pk: ObjectPk,
    /// Identity on the wire.
    pub uuid: Uuid,
    /// User id as stored.
    pub user_id: String,
    /// Person or program.
    pub kind: HolderKind,
    /// Names of its groups.
    pub groups: Vec<String>,
    /// Version of the credential and whether it is locked at this moment; none when there is no such credential.
    pub credential: Option<CredentialState>,
    /// This moment.
    pub read_at: DateTime<Utc>,
}

/// Whether a credential can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialState {
    /// Rises with every change of the secret.
    pub version: i64,
    /// Locked after failed attempts.
    pub locked: bool,
    /// Whether attempts are counted against it.
    pub has_failed: bool,
}

/// The kind of a credential as stored.
pub fn kind_name(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::Pin => "pin",
        SecretKind::Password => "password",
    }
}

/// How an account is named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A person, by folded user id.
    Person(String),
    /// A program or a person, by folded user id; a program goes before a person of the same id.
    Anybody(String),
    /// A program or a person, by identity.
    Identity(Uuid),
}

/// Which account is meant, and which of its credentials.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccountKey {
    /// The account.
    pub holder: Holder,
    /// The credential.
    pub credential: SecretKind,
}

impl Holder {
    /// The folded user id, when that is the name.
    pub fn user_key(&self) -> Option<&str> {
        match self {
            Self::Person(key) | Self::Anybody(key) => Some(key),
            Self::Identity(_) => None,
        }
    }

    fn uuid(&self) -> Option<Uuid> {
        match self {
            Self::Identity(uuid) => Some(*uuid),
            Self::Person(_) | Self::Anybody(_) => None,
        }
    }

    fn may_be_program(&self) -> bool {
        !matches!(self, Self::Person(_))
    }
}

struct FindAccounts<'a> {
    keys: Vec<Option<&'a str>>,
    uuids: Vec<Option<Uuid>>,
    programs: Vec<bool>,
    credentials: Vec<&'static str>,
    now: Option<DateTime<Utc>>,
}

impl QueryFragment<Pg> for FindAccounts<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT place, pk, type, uuid, name, groups, version, locked, has_failed, read_at FROM find_accounts(",
        );
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.keys)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<SqlUuid>>, _>(&self.uuids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Bool>, _>(&self.programs)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.credentials)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Timestamptz>, _>(&self.now)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for FindAccounts<'_> {
    type QueryId = FindAccounts<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for FindAccounts<'_> {
    type SqlType =
        (BigInt, BigInt, Text, SqlUuid, Text, Array<Text>, Nullable<BigInt>, Bool, Bool, Timestamptz);
}

impl<C> RunQueryDsl<C> for FindAccounts<'_> {}

type AccountRow = (i64, i64, String, Uuid, String, Vec<String>, Option<i64>, bool, bool, DateTime<Utc>);

/// Finds accounts, in the order of their keys, in one statement.
pub fn find(tx: &mut Tx<'_>, keys: &[AccountKey]) -> Result<Vec<Option<Account>>, StoreError> {
    let now = if tx.uses_database_time() { None } else { Some(tx.now()?) };
    let statement = FindAccounts {
        keys: keys.iter().map(|k| k.holder.user_key()).collect(),
        uuids: keys.iter().map(|k| k.holder.uuid()).collect(),
        programs: keys.iter().map(|k| k.holder.may_be_program()).collect(),
        credentials: keys.iter().map(|k| kind_name(k.credential)).collect(),
        now,
    };
    let rows: Vec<AccountRow> = statement.load(tx.connection())?;
    let mut found = vec![None; keys.len()];
    for (place, pk, type_, uuid, user_id, groups, version, locked, has_failed, read_at) in rows {
        let place = usize::try_from(place - 1).unwrap_or(usize::MAX);
        let Some(account) = found.get_mut(place) else { continue };
        let credential = version.map(|version| CredentialState { version, locked, has_failed });
        let kind = kind_of(&type_);
        *account = Some(Account { pk: ObjectPk(pk), uuid, user_id, kind, groups, credential, read_at });
    }
    Ok(found)
}

fn kind_of(object_type: &str) -> HolderKind {
    if object_type == HolderKind::AppUser.object_type() { HolderKind::AppUser } else { HolderKind::EndUser }
}

/// A counted attempt: what to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charged {
    /// The hash to compare with.
    pub stored: StoredHash,
    /// Version of the credential.
    pub version: i64,
    /// Whether this attempt locks the credential unless it succeeds.
    pub locks: bool,
}

struct ChargeAttempt<'a> {
    holder: i64,
    kind: &'a str,
    now: DateTime<Utc>,
    policy: LockoutPolicy,
}

impl QueryFragment<Pg> for ChargeAttempt<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT * FROM charge_attempt(");
        out.push_bind_param::<BigInt, _>(&self.holder)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.kind)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        for number in [&self.policy.most, &self.policy.reset_seconds, &self.policy.lock_seconds] {
            out.push_sql(", ");
            out.push_bind_param::<Integer, _>(number)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for ChargeAttempt<'_> {
    type QueryId = ChargeAttempt<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for ChargeAttempt<'_> {
    type SqlType = (Text, Text, BigInt, Bool);
}

impl<C> RunQueryDsl<C> for ChargeAttempt<'_> {}

diesel::define_sql_function! {
    /// Costs what counting an attempt costs.
    fn charge_nobody() -> Bool;
}

/// Spends on an account that does not exist what [`charge_attempt`] spends on others.
pub fn charge_absent(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    diesel::select(charge_nobody()).get_result::<bool>(tx.connection())?;
    Ok(())
}

/// Counts an attempt before it is checked; nothing comes back while the credential is locked or absent.
pub fn charge_attempt(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    kind: SecretKind,
    policy: LockoutPolicy,
) -> Result<Option<Charged>, StoreError> {
    let attempt = ChargeAttempt { holder: holder.0, kind: kind_name(kind), now: tx.now()?, policy };
    let rows: Vec<(String, String, i64, bool)> = attempt.load(tx.connection())?;
    Ok(rows.into_iter().next().map(|(hash, pepper_id, version, locks)| Charged {
        stored: StoredHash { hash, pepper_id },
        version,
        locks,
    }))
}

/// Whose credential is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedAccount {
    /// Person or program.
    pub kind: HolderKind,
    /// Its identity.
    pub uuid: Uuid,
    /// Its user id.
    pub user_id: String,
}

/// Lock-outs from before a moment that nobody has told of, oldest first.
pub fn untold_locks(
    tx: &mut Tx<'_>,
    before: DateTime<Utc>,
    most: i64,
) -> Result<Vec<(ObjectPk, SecretKind)>, StoreError> {
    let rows: Vec<(i64, String)> = untold_locks::table
        .filter(untold_locks::locked_at.lt(before))
        .order(untold_locks::locked_at)
        .limit(most)
        .select((untold_locks::holder_pk, untold_locks::kind))
        .load(tx.connection())?;
    let kind = |name: &str| if name == "pin" { SecretKind::Pin } else { SecretKind::Password };
    Ok(rows.into_iter().map(|(pk, name)| (ObjectPk(pk), kind(&name))).collect())
}

/// Takes the note that a credential is locked and untold: whoever gets an account tells of it, in this transaction. Nothing comes
/// back when it was told, or when the attempt turned out well.
pub fn take_untold_lock(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    kind: SecretKind,
) -> Result<Option<LockedAccount>, StoreError> {
    let key = (holder.0, kind_name(kind));
    if diesel::delete(untold_locks::table.find(key)).execute(tx.connection())? == 0 {
        return Ok(None);
    }
    let found: Option<(String, Uuid, String)> = credentials::table
        .find(key)
        .inner_join(objects::table.on(objects::pk.eq(credentials::holder_pk)))
        .filter(credentials::locked_until.is_not_null())
        .select((objects::type_, objects::uuid, objects::name))
        .first(tx.connection())
        .optional()?;
    Ok(found.map(|(type_, uuid, user_id)| LockedAccount { kind: kind_of(&type_), uuid, user_id }))
}

/// Takes the count back after a success, and writes a fresh hash where the stored one is outdated. A lock of which nobody has been told
/// goes with it. False: the secret has been changed meanwhile, or a lock has been told of, so the success is none.
pub fn settle_success(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    kind: SecretKind,
    version: i64,
    rehashed: Option<&StoredHash>,
) -> Result<bool, StoreError> {
    let key = (holder.0, kind_name(kind));
    let row = credentials::table.find(key).filter(credentials::version.eq(version));
    let cleared = (
        credentials::failed.eq(0),
        credentials::failed_at.eq(None::<DateTime<Utc>>),
        credentials::locked_until.eq(None::<DateTime<Utc>>),
    );
    let unlocked = row.filter(credentials::locked_until.is_null());
    let settled = match rehashed {
        None => diesel::update(unlocked).set(cleared).execute(tx.connection())?,
        Some(fresh) => {
            let hash = (credentials::hash.eq(&fresh.hash), credentials::pepper_id.eq(&fresh.pepper_id));
            diesel::update(unlocked).set((cleared, hash)).execute(tx.connection())?
        }
    };
    if settled == 1 {
        return Ok(true);
    }
    let locked = row.select(credentials::version).for_no_key_update().first::<i64>(tx.connection());
    let untold = locked.optional()?.is_some()
        && diesel::delete(untold_locks::table.find(key)).execute(tx.connection())? == 1;
    if untold {
        diesel::update(row).set(cleared).execute(tx.connection())?;
    }
    Ok(untold)
}

/// Stores a new secret: a version of its own, no failed attempts, no lock.
pub fn set_credential(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    kind: SecretKind,
    stored: &StoredHash,
) -> Result<(), StoreError> {
    let now = tx.now()?;
    let values = (
        credentials::hash.eq(&stored.hash),
        credentials::pepper_id.eq(&stored.pepper_id),
        credentials::failed.eq(0),
        credentials::failed_at.eq(None::<DateTime<Utc>>),
        credentials::locked_until.eq(None::<DateTime<Utc>>),
        credentials::changed_at.eq(now),
    );
    diesel::insert_into(credentials::table)
        .values((credentials::holder_pk.eq(holder.0), credentials::kind.eq(kind_name(kind)), values))
        .on_conflict((credentials::holder_pk, credentials::kind))
        .do_update()
        .set((values, credentials::version.eq(credentials::version + 1)))
        .execute(tx.connection())?;
    Ok(())
}
