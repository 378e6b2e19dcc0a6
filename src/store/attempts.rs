//! Attempts at credentials: counted before they are checked, settled when they turned out well, and the locks that they lead to
//! (security.md AUTH-3, AUTH-4).
//!
//! An attempt is not counted while its credential is locked. Many are written in one statement, which waits for no lock that somebody
//! holds on a credential or name: such an attempt is written alone. Hashing and comparing happen elsewhere; no secret comes here.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Integer, Nullable, Text, Timestamptz};
use uuid::Uuid;

use super::accounts::{StoredHash, kind_name, kind_of};
use super::schema::{credentials, objects, untold_locks};
use super::{StoreError, Tx};
use crate::domain::credential::{HolderKind, LockoutPolicy, SecretKind};
use crate::domain::ids::ObjectPk;

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

/// What is to be written of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Entry {
    /// It is counted against a credential.
    Charge(ObjectPk, SecretKind, LockoutPolicy),
    /// It is counted against a name that nobody has, by a digest of it.
    ChargeAbsent([u8; 32], LockoutPolicy),
    /// The secret of this version was right at that moment.
    Settle(ObjectPk, SecretKind, i64, DateTime<Utc>),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Counted.
    Charged(Charged),
    /// Counted against a name that nobody has.
    ChargedAbsent,
    /// Locked, whether it was before or is since this attempt on a name that nobody has.
    Locked,
    /// Counts are taken back.
    Settled,
    /// Nothing: somebody else is writing the credential or name, or it is not as it was. To be written alone.
    Nothing,
}

/// Columns of the statement: one row an entry.
#[derive(Default)]
struct WriteAttempts<'a> {
    now: Option<DateTime<Utc>>,
    tasks: Vec<&'static str>,
    holders: Vec<Option<i64>>,
    kinds: Vec<Option<&'static str>>,
    versions: Vec<Option<i64>>,
    used_at: Vec<Option<DateTime<Utc>>>,
    keys: Vec<Option<&'a [u8]>>,
    most: Vec<Option<i32>>,
    reset: Vec<Option<i32>>,
    lock: Vec<Option<i32>>,
}

impl<'a> WriteAttempts<'a> {
    fn push(&mut self, entry: &'a Entry) {
        let (task, holder, kind, success, key, policy) = match entry {
            Entry::Charge(holder, kind, policy) => {
                ("charge", Some(holder.0), Some(kind_name(*kind)), None, None, Some(policy))
            }
            Entry::ChargeAbsent(key, policy) => {
                ("absent", None, None, None, Some(key.as_slice()), Some(policy))
            }
            Entry::Settle(holder, kind, version, used_at) => {
                ("settle", Some(holder.0), Some(kind_name(*kind)), Some((*version, *used_at)), None, None)
            }
        };
        self.tasks.push(task);
        self.holders.push(holder);
        self.kinds.push(kind);
        self.versions.push(success.map(|(version, _)| version));
        self.used_at.push(success.map(|(_, used_at)| used_at));
        self.keys.push(key);
        self.most.push(policy.map(|policy| policy.most));
        self.reset.push(policy.map(|policy| policy.reset_seconds));
        self.lock.push(policy.map(|policy| policy.lock_seconds));
    }
}

impl QueryFragment<Pg> for WriteAttempts<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT * FROM write_attempts(");
        out.push_bind_param::<Nullable<Timestamptz>, _>(&self.now)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.tasks)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<BigInt>>, _>(&self.holders)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.kinds)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<BigInt>>, _>(&self.versions)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Timestamptz>>, _>(&self.used_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Bytea>>, _>(&self.keys)?;
        for numbers in [&self.most, &self.reset, &self.lock] {
            out.push_sql(", ");
            out.push_bind_param::<Array<Nullable<Integer>>, _>(numbers)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for WriteAttempts<'_> {
    type QueryId = WriteAttempts<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for WriteAttempts<'_> {
    type SqlType = (BigInt, Nullable<Text>, Nullable<Text>, Nullable<BigInt>, Nullable<Bool>);
}

impl<C> RunQueryDsl<C> for WriteAttempts<'_> {}

/// A row of the statement: what was written, by its place.
#[derive(Queryable)]
struct WrittenRow {
    place: i64,
    hash: Option<String>,
    pepper_id: Option<String>,
    version: Option<i64>,
    locks: Option<bool>,
}

impl WrittenRow {
    fn of(self, entry: &Entry) -> Written {
        match entry {
            Entry::Settle(..) => Written::Settled,
            Entry::ChargeAbsent(..) if self.locks == Some(false) => Written::ChargedAbsent,
            Entry::ChargeAbsent(..) => Written::Locked,
            Entry::Charge(..) => match (self.hash, self.pepper_id, self.version, self.locks) {
                (Some(hash), Some(pepper_id), Some(version), Some(locks)) => {
                    Written::Charged(Charged { stored: StoredHash { hash, pepper_id }, version, locks })
                }
                _ => Written::Locked,
            },
        }
    }
}

/// Writes attempts, in the order of what comes back: counts on accounts and on names that nobody has cost the same.
pub fn write(tx: &mut Tx<'_>, entries: &[Entry]) -> Result<Vec<Written>, StoreError> {
    let mut statement = WriteAttempts { now: tx.given_time()?, ..WriteAttempts::default() };
    entries.iter().for_each(|entry| statement.push(entry));
    let rows: Vec<WrittenRow> = statement.load(tx.connection())?;
    let mut written = vec![Written::Nothing; entries.len()];
    for row in rows {
        let place = usize::try_from(row.place - 1).unwrap_or(usize::MAX);
        if let (Some(written), Some(entry)) = (written.get_mut(place), entries.get(place)) {
            *written = row.of(entry);
        }
    }
    Ok(written)
}

diesel::define_sql_function! {
    /// Counts an attempt on a name that nobody has; null while it is locked.
    #[sql_name = "charge_absent"]
    fn charge_absent_name(
        key: Bytea, now: Timestamptz, most: Integer, reset: Integer, lock: Integer,
    ) -> Nullable<Bool>;
}

/// Counts an attempt on a name that nobody has, by a digest of it: whether the name is locked now, as it would be if somebody had it.
pub fn charge_absent(tx: &mut Tx<'_>, key: &[u8], policy: LockoutPolicy) -> Result<bool, StoreError> {
    let LockoutPolicy { most, reset_seconds, lock_seconds } = policy;
    let locks: QueryResult<Option<bool>> = match tx.given_time()? {
        None => {
            let now = super::transaction::clock_timestamp();
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
pub fn charge(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    kind: SecretKind,
    policy: LockoutPolicy,
) -> Result<Option<Charged>, StoreError> {
    let attempt = ChargeAttempt { holder: holder.0, kind: kind_name(kind), now: tx.given_time()?, policy };
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

/// Takes the count back after a success of that moment, and writes a fresh hash where the stored one is outdated. A lock of which nobody
/// has been told goes with the count, unless an administrator has locked the credential since. False: that, the secret has been changed
/// meanwhile, or a lock has been told of, so the success is none.
pub fn settle(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    kind: SecretKind,
    (version, used_at): (i64, DateTime<Utc>),
    rehashed: Option<&StoredHash>,
) -> Result<bool, StoreError> {
    let key = (holder.0, kind_name(kind));
    let row = credentials::table
        .find(key)
        .filter(credentials::version.eq(version).and(credentials::admin_locked_at.is_null()));
    let is_locked: Option<bool> = row
        .select(credentials::locked_until.is_not_null())
        .for_no_key_update()
        .first(tx.connection())
        .optional()?;
    let untold = untold_locks::table.find(key);
    match is_locked {
        None => return Ok(false),
        Some(true) if diesel::delete(untold).execute(tx.connection())? == 0 => return Ok(false),
        Some(_) => {}
    }
    let cleared = (
        credentials::failed.eq(0),
        credentials::failed_at.eq(None::<DateTime<Utc>>),
        credentials::locked_until.eq(None::<DateTime<Utc>>),
        credentials::used_at.eq(used_at),
    );
    diesel::update(row).set(cleared).execute(tx.connection())?;
    if let Some(fresh) = rehashed {
        let hash = (credentials::hash.eq(&fresh.hash), credentials::pepper_id.eq(&fresh.pepper_id));
        diesel::update(row).set(hash).execute(tx.connection())?;
    }
    Ok(true)
}
