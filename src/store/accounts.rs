//! Accounts and their credentials: who there is, what hash to check, how often it failed (security.md AUTH-3, AUTH-4).
//!
//! Attempts are counted in one statement that also fails when the credential is locked. Hashing and comparing happen elsewhere; no
//! secret comes here.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{
    Array, BigInt, Bool, Bytea, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use serde_json::Value;
use uuid::Uuid;

use super::schema::{credentials, objects, untold_locks};
use super::{StoreError, Tx};
use crate::domain::credential::{CredentialPolicy, CredentialRules, HolderKind, LockoutPolicy, SecretKind};
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
    /// The credential; none when there is no such secret.
    pub credential: Option<CredentialState>,
}

/// What is known of whoever has a name: the account, if there is one, and what is set for credentials of that kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookedUp {
    /// The account.
    pub account: Option<Account>,
    /// What is set for all credentials of the kind.
    pub policy: CredentialPolicy,
    /// This moment.
    pub read_at: DateTime<Utc>,
}

/// Whether a credential can be checked, and what is decided about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialState {
    /// Rises with every change of the secret.
    pub version: i64,
    /// Locked after failed attempts.
    pub locked: bool,
    /// Whether attempts are counted against it.
    pub has_failed: bool,
    /// What is decided about it.
    pub rules: CredentialRules,
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
    /// Nobody: what was typed in place of a user id, as no user id is written.
    Nobody(String),
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
            Self::Identity(_) | Self::Nobody(_) => None,
        }
    }

    fn uuid(&self) -> Option<Uuid> {
        match self {
            Self::Identity(uuid) => Some(*uuid),
            Self::Person(_) | Self::Anybody(_) | Self::Nobody(_) => None,
        }
    }

    fn may_be_program(&self) -> bool {
        !matches!(self, Self::Person(_))
    }
}

struct FindCredentials<'a> {
    keys: Vec<Option<&'a str>>,
    uuids: Vec<Option<Uuid>>,
    programs: Vec<bool>,
    credentials: Vec<&'static str>,
    now: Option<DateTime<Utc>>,
}

impl QueryFragment<Pg> for FindCredentials<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT * FROM find_credentials(");
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

impl QueryId for FindCredentials<'_> {
    type QueryId = FindCredentials<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for FindCredentials<'_> {
    type SqlType = (
        BigInt,
        Timestamptz,
        Nullable<Jsonb>,
        Nullable<BigInt>,
        Nullable<Text>,
        Nullable<SqlUuid>,
        Nullable<Text>,
        Array<Text>,
        Nullable<BigInt>,
        Bool,
        Bool,
        Nullable<Bool>,
        Nullable<Bool>,
        Nullable<Bool>,
        Nullable<Timestamptz>,
        Nullable<Timestamptz>,
    );
}

impl<C> RunQueryDsl<C> for FindCredentials<'_> {}

/// A row of the statement; what follows the parameters is empty where there is no account, what follows the groups where it has no secret.
#[derive(Debug, Queryable)]
struct FoundRow {
    place: i64,
    read_at: DateTime<Utc>,
    parameters: Option<Value>,
    pk: Option<i64>,
    type_: Option<String>,
    uuid: Option<Uuid>,
    name: Option<String>,
    groups: Vec<String>,
    version: Option<i64>,
    locked: bool,
    has_failed: bool,
    cant_change: Option<bool>,
    must_change: Option<bool>,
    never_expires: Option<bool>,
    changed_at: Option<DateTime<Utc>>,
    used_at: Option<DateTime<Utc>>,
}

impl FoundRow {
    fn policy(&self, kind: SecretKind) -> CredentialPolicy {
        let set = self.parameters.as_ref();
        CredentialPolicy::from_values(kind, |name| set?.get(name)?.as_str())
    }

    fn account(self) -> Option<Account> {
        let credential = self.credential();
        Some(Account {
            pk: ObjectPk(self.pk?),
            uuid: self.uuid?,
            user_id: self.name?,
            kind: kind_of(&self.type_?),
            groups: self.groups,
            credential,
        })
    }

    fn credential(&self) -> Option<CredentialState> {
        let rules = CredentialRules {
            cant_change: self.cant_change?,
            must_change: self.must_change?,
            never_expires: self.never_expires?,
            changed_at: self.changed_at?,
            used_at: self.used_at,
        };
        let (locked, has_failed) = (self.locked, self.has_failed);
        Some(CredentialState { version: self.version?, locked, has_failed, rules })
    }
}

/// Finds accounts, in the order of their keys, with what is set for their credentials, in one statement.
pub fn find(tx: &mut Tx<'_>, keys: &[AccountKey]) -> Result<Vec<LookedUp>, StoreError> {
    let now = given_time(tx)?;
    let statement = FindCredentials {
        keys: keys.iter().map(|k| k.holder.user_key()).collect(),
        uuids: keys.iter().map(|k| k.holder.uuid()).collect(),
        programs: keys.iter().map(|k| k.holder.may_be_program()).collect(),
        credentials: keys.iter().map(|k| kind_name(k.credential)).collect(),
        now,
    };
    let mut rows: Vec<FoundRow> = statement.load(tx.connection())?;
    rows.sort_by_key(|row| row.place);
    // all rows of a statement have the same parameters
    let policy_of = |kind| rows.first().map(|row| row.policy(kind)).unwrap_or_default();
    let (pin, password) = (policy_of(SecretKind::Pin), policy_of(SecretKind::Password));
    let looked_up = |(row, key): (FoundRow, &AccountKey)| {
        let policy = match key.credential {
            SecretKind::Pin => pin,
            SecretKind::Password => password,
        };
        LookedUp { policy, read_at: row.read_at, account: row.account() }
    };
    Ok(rows.into_iter().zip(keys).map(looked_up).collect())
}

/// The time of a manual clock; none where a statement takes that of the database itself, which saves a round trip.
fn given_time(tx: &mut Tx<'_>) -> Result<Option<DateTime<Utc>>, StoreError> {
    if tx.uses_database_time() { Ok(None) } else { tx.now().map(Some) }
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
    /// None: the time of the database.
    now: Option<DateTime<Utc>>,
    policy: LockoutPolicy,
}

impl QueryFragment<Pg> for ChargeAttempt<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT * FROM charge_attempt(");
        out.push_bind_param::<BigInt, _>(&self.holder)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.kind)?;
        out.push_sql(", coalesce(");
        out.push_bind_param::<Nullable<Timestamptz>, _>(&self.now)?;
        out.push_sql(", clock_timestamp())");
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
    /// Counts an attempt on a name that nobody has; null while it is locked.
    #[sql_name = "charge_absent"]
    fn charge_absent_name(key: Bytea, now: Timestamptz, most: Integer, reset: Integer, lock: Integer) -> Nullable<Bool>;
}

/// Counts an attempt on a name that nobody has, by a digest of it, at the cost of [`charge_attempt`]: whether the name is locked now, as
/// it would be if somebody had it.
pub fn charge_absent(tx: &mut Tx<'_>, key: &[u8], policy: LockoutPolicy) -> Result<bool, StoreError> {
    let LockoutPolicy { most, reset_seconds, lock_seconds } = policy;
    let locks: QueryResult<Option<bool>> = match given_time(tx)? {
        None => {
            let now = super::clock_timestamp();
            let counted = charge_absent_name(key, now, most, reset_seconds, lock_seconds);
            diesel::select(counted).get_result(tx.connection())
        }
        Some(now) => {
            let counted = charge_absent_name(key, now, most, reset_seconds, lock_seconds);
            diesel::select(counted).get_result(tx.connection())
        }
    };
    Ok(locks.optional()?.flatten().unwrap_or(true))
}

diesel::define_sql_function! {
    /// Drops counts of more than a day ago.
    fn drop_absent_accounts(now: Timestamptz, most: Integer) -> Integer;
}

/// Forgets attempts of more than a day ago on names that nobody has, at most so many; says of how many.
pub fn drop_absent(tx: &mut Tx<'_>, most: i32) -> Result<i32, StoreError> {
    let now = tx.now()?;
    Ok(diesel::select(drop_absent_accounts(now, most)).get_result(tx.connection())?)
}

/// Counts an attempt before it is checked; nothing comes back while the credential is locked or absent.
pub fn charge_attempt(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    kind: SecretKind,
    policy: LockoutPolicy,
) -> Result<Option<Charged>, StoreError> {
    let attempt = ChargeAttempt { holder: holder.0, kind: kind_name(kind), now: given_time(tx)?, policy };
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

/// Takes the count back after a success of that moment, and writes a fresh hash where the stored one is outdated, in one statement. False:
/// the credential is locked or the secret has been changed meanwhile, which [`settle_success`] looks at more closely.
pub fn settle_unlocked(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    kind: SecretKind,
    (version, used_at): (i64, DateTime<Utc>),
    rehashed: Option<&StoredHash>,
) -> Result<bool, StoreError> {
    let unlocked = credentials::table
        .find((holder.0, kind_name(kind)))
        .filter(credentials::version.eq(version).and(credentials::admin_locked_at.is_null()))
        .filter(credentials::locked_until.is_null());
    let cleared = (
        credentials::failed.eq(0),
        credentials::failed_at.eq(None::<DateTime<Utc>>),
        credentials::used_at.eq(used_at),
    );
    let settled = match rehashed {
        None => diesel::update(unlocked).set(cleared).execute(tx.connection())?,
        Some(fresh) => {
            let hash = (credentials::hash.eq(&fresh.hash), credentials::pepper_id.eq(&fresh.pepper_id));
            diesel::update(unlocked).set((cleared, hash)).execute(tx.connection())?
        }
    };
    Ok(settled == 1)
}

/// The same, whatever the state of the credential. A lock of which nobody has been told goes with the count, unless an administrator has
/// locked the credential since. False: that, the secret has been changed meanwhile, or a lock has been told of, so the success is none.
pub fn settle_success(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    kind: SecretKind,
    success: (i64, DateTime<Utc>),
    rehashed: Option<&StoredHash>,
) -> Result<bool, StoreError> {
    if settle_unlocked(tx, holder, kind, success, rehashed)? {
        return Ok(true);
    }
    let (key, (version, used_at)) = ((holder.0, kind_name(kind)), success);
    let row = credentials::table
        .find(key)
        .filter(credentials::version.eq(version).and(credentials::admin_locked_at.is_null()));
    let locked = row.select(credentials::version).for_no_key_update().first::<i64>(tx.connection());
    let untold = locked.optional()?.is_some()
        && diesel::delete(untold_locks::table.find(key)).execute(tx.connection())? == 1;
    if untold {
        let cleared = (
            credentials::failed.eq(0),
            credentials::failed_at.eq(None::<DateTime<Utc>>),
            credentials::locked_until.eq(None::<DateTime<Utc>>),
            credentials::used_at.eq(used_at),
        );
        diesel::update(row).set(cleared).execute(tx.connection())?;
    }
    Ok(untold)
}
