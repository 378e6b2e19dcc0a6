//! What a check of a secret ends with: proof that it was right, or why it is refused.
//!
//! Only `auth` makes a proof. What a secret is good for is judged after it was right, never before.

use chrono::{DateTime, Utc};

use super::{Principal, Roles, SUPER_USERS};
use crate::domain::credential::{CredentialPolicy, CredentialRules, Standing};
use crate::store::StoreError;
use crate::store::accounts::{Account, CredentialState};

/// Proof that a credential was checked; made where it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T> {
    who: T,
    version: i64,
    at: DateTime<Utc>,
    ends_in: Option<i64>,
}

impl<T> Verified<T> {
    /// Who it is.
    pub fn who(&self) -> &T {
        &self.who
    }

    /// Who it is, by value.
    pub fn into_inner(self) -> T {
        self.who
    }

    /// Version of the credential that was checked.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Days after which the credential ends, where its holder is to be told.
    pub fn ends_in(&self) -> Option<i64> {
        self.ends_in
    }

    /// The same proof with more about who it is.
    pub(super) fn map<U>(self, more: impl FnOnce(T) -> U) -> Verified<U> {
        let Self { who, version, at, ends_in } = self;
        Verified { who: more(who), version, at, ends_in }
    }

    /// The same proof, given at an earlier moment.
    pub(super) fn given_at(self, at: DateTime<Utc>) -> Self {
        Self { at, ..self }
    }

    /// Moment of the database at which the account was read.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }
}

/// Why a check did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Unknown or wrong: never told apart.
    #[error("wrong user id or secret")]
    Wrong,
    /// The name is locked after failed attempts, whether somebody has it or not, or by an administrator; says nothing about the secret.
    /// To be answered like a wrong one, except where a page must tell of locks.
    #[error("locked user id")]
    Locked,
    /// The secret was right and must be changed before it is good for anything.
    #[error("the secret must be changed first")]
    MustChange,
    /// The secret was right and has expired.
    #[error("the secret has expired")]
    Expired,
    /// This source failed too often.
    #[error("too many failed attempts from this source")]
    Limited,
    /// All hashing threads are busy.
    #[error("too busy to check a secret")]
    Busy,
    /// The database cannot answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A person who gave the right PIN, good for changing it and for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinHolder {
    /// The person.
    pub principal: Principal,
    /// What is decided about the PIN.
    pub rules: CredentialRules,
    /// What is set for all PINs.
    pub policy: CredentialPolicy,
}

/// A secret that was right, whatever it is good for.
pub(super) struct Right {
    pub(super) account: Account,
    pub(super) credential: CredentialState,
    pub(super) policy: CredentialPolicy,
    pub(super) at: DateTime<Utc>,
}

impl Right {
    /// The proof, unless the PIN is good for nothing but being changed.
    pub(super) fn usable(self) -> Result<Verified<Principal>, Refused> {
        match self.policy.standing(&self.credential.rules, self.at) {
            Standing::Good { warned } => Ok(Verified { ends_in: warned, ..self.verified()? }),
            Standing::MustChange => Err(Refused::MustChange),
            Standing::Expired => Err(Refused::Expired),
        }
    }

    pub(super) fn verified(self) -> Result<Verified<Principal>, Refused> {
        let (version, at) = (self.credential.version, self.at);
        Ok(Verified { who: principal(self.account)?, version, at, ends_in: None })
    }
}

fn principal(account: Account) -> Result<Principal, StoreError> {
    let name =
        account.user_id.parse().map_err(|_| StoreError::Broken("stored user id is none".to_owned()))?;
    let groups = || account.groups.iter().map(String::as_str);
    Ok(Principal {
        pk: account.pk,
        uuid: account.uuid,
        name,
        kind: account.kind,
        is_super: groups().any(|g| g.eq_ignore_ascii_case(SUPER_USERS)),
        roles: Roles::of_groups(groups()),
    })
}
