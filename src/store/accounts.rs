//! Accounts and their credentials: who there is, and whether a credential of theirs can be checked, for many in one statement.
//!
//! Attempts at credentials are the business of [`super::attempts`]. No secret comes here, only hashes.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::{StoreError, Tx};
use crate::domain::credential::{CredentialPolicy, CredentialRules, HolderKind, SecretKind};
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
    let now = tx.given_time()?;
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

pub(super) fn kind_of(object_type: &str) -> HolderKind {
    if object_type == HolderKind::AppUser.object_type() { HolderKind::AppUser } else { HolderKind::EndUser }
}
