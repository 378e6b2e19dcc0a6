//! Counts attempts before they are checked and settles those that turned out well (security.md AUTH-3, AUTH-4), for many requests in one
//! statement.
//!
//! Promises that every attempt is counted, alone where somebody else is writing the same credential or name, and that a name that nobody
//! has is counted like one that somebody has.

use chrono::{DateTime, Utc};
use ring::hmac;

use super::hash::{Hasher, StoredHash};
use crate::domain::credential::{LockoutPolicy, SecretKind};
use crate::domain::ids::ObjectPk;
use crate::store::accounts::kind_name;
use crate::store::attempts::{self, Charged, Entry, Written};
use crate::store::gathered::Gathered;
use crate::store::{Db, StoreError, Tx};

/// What the key is for that makes digests of names that nobody has.
const ABSENT_NAMES: &[u8] = b"emgate absent names 1";

/// Counts attempts of this node.
#[derive(Clone)]
pub(super) struct Attempts {
    db: Db,
    entries: Gathered<Entry, Written>,
    /// The same on all nodes.
    absent_key: hmac::Key,
}

impl Attempts {
    pub(super) fn start(db: &Db, hasher: &Hasher) -> Self {
        let absent_key = hasher.derived_key(ABSENT_NAMES, &[]);
        Self { db: db.clone(), entries: Gathered::writing(db, attempts::write), absent_key }
    }

    /// Writes one together with others; nothing where they were in the way of somebody else.
    async fn write(&self, entry: Entry) -> Result<Written, StoreError> {
        match self.entries.ask(entry).await {
            Err(error) if error.is_transient() => Ok(Written::Nothing),
            written => written,
        }
    }

    /// Counts an attempt at a credential; nothing comes back while that is locked or gone.
    pub(super) async fn charge(
        &self,
        holder: ObjectPk,
        kind: SecretKind,
        policy: LockoutPolicy,
    ) -> Result<Option<Charged>, StoreError> {
        match self.write(Entry::Charge(holder, kind, policy)).await? {
            Written::Charged(charged) => Ok(Some(charged)),
            Written::Locked => Ok(None),
            Written::Nothing | Written::ChargedAbsent | Written::Settled => {
                self.db.statement(move |tx| attempts::charge(tx, holder, kind, policy)).await
            }
        }
    }

    /// Counts an attempt on a name that nobody has, or whose secret cannot be checked; whether the name is locked now, as it would be if
    /// somebody had it.
    pub(super) async fn charge_absent(
        &self,
        kind: SecretKind,
        name: &[u8],
        policy: LockoutPolicy,
    ) -> Result<bool, StoreError> {
        let mut context = hmac::Context::with_key(&self.absent_key);
        context.update(kind_name(kind).as_bytes());
        context.update(name);
        let mut key = [0; 32];
        key.copy_from_slice(context.sign().as_ref());
        match self.write(Entry::ChargeAbsent(key, policy)).await? {
            Written::ChargedAbsent => Ok(false),
            Written::Locked => Ok(true),
            Written::Nothing | Written::Charged(_) | Written::Settled => {
                self.db.statement(move |tx| attempts::charge_absent(tx, &key, policy)).await
            }
        }
    }

    /// Takes the count back after a success with the secret of that version at that moment, and writes a fresh hash where the stored one is
    /// outdated. False: the credential is locked or the secret has been changed meanwhile, so the success is none.
    pub(super) async fn settle(
        &self,
        holder: ObjectPk,
        kind: SecretKind,
        (version, at): (i64, DateTime<Utc>),
        rehashed: Option<StoredHash>,
    ) -> Result<bool, StoreError> {
        if rehashed.is_none()
            && self.write(Entry::Settle(holder, kind, version, at)).await? == Written::Settled
        {
            return Ok(true);
        }
        let settle =
            move |tx: &mut Tx<'_>| attempts::settle(tx, holder, kind, (version, at), rehashed.as_ref());
        self.db.write(settle).await
    }

    /// Takes back the failed attempts before a success that is remembered, like any other: counted first, and not while locked.
    pub(super) async fn take_back(
        &self,
        holder: ObjectPk,
        kind: SecretKind,
        success: (i64, DateTime<Utc>),
        policy: LockoutPolicy,
    ) -> Result<bool, StoreError> {
        let take_back = move |tx: &mut Tx<'_>| -> Result<bool, StoreError> {
            Ok(attempts::charge(tx, holder, kind, policy)?.is_some()
                && attempts::settle(tx, holder, kind, success, None)?)
        };
        self.db.write(take_back).await
    }
}
