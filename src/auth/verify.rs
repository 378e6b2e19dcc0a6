//! The one place where a password or PIN is checked, and the proof that it was.
//!
//! Order of one check (security.md AUTH-3 to AUTH-7): limiter, account, remembered success, turn, place in the hash pool, count, hash,
//! settle. Unknown, locked and wrong cost and look the same. A changed secret is dead at once: what is remembered hangs on the version read in
//! the same request. What was counted is always settled or refused, also when the caller has stopped waiting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use ring::hmac;
use tracing::Instrument as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::hash::{HashError, Hasher, StoredHash};
use super::hash_pool::{HashPool, NoAnswer, Place, PoolBusy};
use super::limiter::{Limiter, Source};
use super::turns::Turns;
use super::{Principal, Roles, SUPER_USERS};
use crate::domain::credential::{LockoutPolicy, SecretKind};
use crate::domain::ids::ObjectPk;
use crate::domain::names::{UserId, fold};
use crate::domain::secret::{Password, Pin};
use crate::store::accounts::{self, Account, AccountKey, Charged, Holder};
use crate::store::gathered::Gathered;
use crate::store::{Db, StoreError, Tx};

/// How long a success is remembered.
const REMEMBERED: Duration = Duration::from_secs(120);
const MOST_REMEMBERED: usize = 10_000;

/// Proof that a credential was checked; only this module makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T> {
    who: T,
    version: i64,
    at: DateTime<Utc>,
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

    /// Moment of the database at which the account was read.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }
}

/// Why a check did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Unknown, locked or wrong: never told apart.
    #[error("wrong user id or secret")]
    Wrong,
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

/// A credential that has just been locked by failed attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockedOut {
    /// Whose.
    pub holder: ObjectPk,
    /// Which.
    pub credential: SecretKind,
}

/// Hears of lock-outs, to make an event of them.
pub type LockListener = Arc<dyn Fn(LockedOut) + Send + Sync>;

/// Checks secrets.
#[derive(Clone)]
pub struct Verifier {
    db: Db,
    accounts: Gathered<AccountKey, Option<Account>>,
    hasher: Hasher,
    pool: HashPool,
    lockout: LockoutPolicy,
    shared: Arc<Shared>,
}

struct Shared {
    limiter: Limiter,
    remembered: Mutex<HashMap<[u8; 32], Instant>>,
    turns: Turns,
    key: hmac::Key,
    dummy_pin: StoredHash,
    dummy_password: StoredHash,
    on_lock: Option<LockListener>,
}

/// What a look finds.
enum Known {
    /// The secret was right a moment ago.
    Remembered(Verified<Principal>),
    /// It must be checked against this account.
    No(Option<Account>),
}

/// One check.
struct Attempt {
    holder: Holder,
    kind: SecretKind,
    secret: Zeroizing<String>,
    source: Source,
}

impl Verifier {
    /// Starts the hashing threads.
    pub fn start(
        db: Db,
        hasher: Hasher,
        lockout: LockoutPolicy,
        on_lock: Option<LockListener>,
    ) -> Result<Self, HashError> {
        let mut key = [0_u8; 32];
        getrandom::fill(&mut key).map_err(|_| HashError)?;
        let shared = Shared {
            limiter: Limiter::default(),
            remembered: Mutex::default(),
            turns: Turns::default(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            dummy_pin: hasher.unmatchable(SecretKind::Pin)?,
            dummy_password: hasher.unmatchable(SecretKind::Password)?,
            on_lock,
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let accounts = Gathered::start(&db, accounts::find);
        Ok(Self { db, accounts, hasher, pool: HashPool::start(threads), lockout, shared: Arc::new(shared) })
    }

    /// Checks the password of an application user or person.
    pub async fn verify_password(
        &self,
        user: &UserId,
        password: &Password,
        source: &Source,
    ) -> Result<Verified<Principal>, Refused> {
        self.verify(Attempt {
            holder: Holder::Anybody(fold(user.as_str())),
            kind: SecretKind::Password,
            secret: Zeroizing::new(password.expose().to_owned()),
            source: source.clone(),
        })
        .await
    }

    /// Checks the PIN of a person.
    pub async fn verify_pin(
        &self,
        user: &UserId,
        pin: &Pin,
        source: &Source,
    ) -> Result<Verified<Principal>, Refused> {
        self.verify(Attempt {
            holder: Holder::Person(fold(user.as_str())),
            kind: SecretKind::Pin,
            secret: Zeroizing::new(pin.expose().to_owned()),
            source: source.clone(),
        })
        .await
    }

    /// Checks the PIN of a person who was found by something else than the user id; nobody costs and looks the same.
    pub async fn verify_pin_of(
        &self,
        person: Option<Uuid>,
        pin: &Pin,
        source: &Source,
    ) -> Result<Verified<Principal>, Refused> {
        self.verify(Attempt {
            holder: Holder::Identity(person.unwrap_or_default()),
            kind: SecretKind::Pin,
            secret: Zeroizing::new(pin.expose().to_owned()),
            source: source.clone(),
        })
        .await
    }

    /// Renews an earlier proof by the secret of this version: it holds as long as that is the secret and not locked.
    pub(super) async fn verify_again(
        &self,
        account: Uuid,
        credential: SecretKind,
        version: i64,
    ) -> Result<Verified<Principal>, Refused> {
        let key = AccountKey { holder: Holder::Identity(account), credential };
        let account = self.accounts.ask(key).await?;
        let account = account.filter(|a| a.credential.is_some_and(|c| c.version == version && !c.locked));
        verified(account.ok_or(Refused::Wrong)?, version)
    }

    /// A key for one purpose under the pepper.
    pub(super) fn derived_key(&self, purpose: &[u8], secret: &[u8]) -> hmac::Key {
        self.hasher.derived_key(purpose, secret)
    }

    /// Whether this source is shut out at the moment.
    pub fn is_limited(&self, source: &Source) -> bool {
        self.shared.limiter.refuses(source, Instant::now())
    }

    /// Charges a source for an attempt that cannot even be checked; says whether the source is shut out already.
    pub fn charge(&self, source: &Source) -> bool {
        let limited = self.is_limited(source);
        self.shared.limiter.charge(source, Instant::now());
        limited
    }

    /// Hashes a new secret on the calling thread, for [`accounts::set_credential`]; not for async workers.
    pub fn hash_for_storage(&self, kind: SecretKind, secret: &str) -> Result<StoredHash, HashError> {
        self.hasher.hash(kind, secret)
    }

    async fn verify(&self, attempt: Attempt) -> Result<Verified<Principal>, Refused> {
        let mut known = self.look_up(&attempt).await?;
        let taken = match known {
            Known::Remembered(verified) => return Ok(verified),
            Known::No(_) => self.shared.turns.take(self.turn_key(&attempt)).await,
        };
        if taken.waited {
            known = self.look_up(&attempt).await?;
        }
        let account = match known {
            Known::Remembered(verified) => return Ok(verified),
            Known::No(account) => account,
        };
        let place = self.pool.reserve().await.map_err(|PoolBusy| Refused::Busy)?;
        let check = self.clone().check(account, attempt, place);
        let check = async move {
            let _until_settled = taken.turn;
            check.await
        };
        tokio::spawn(check.in_current_span()).await.unwrap_or_else(|error| {
            Err(Refused::Store(StoreError::Broken(format!("the check of a secret ended early: {error}"))))
        })
    }

    /// What is known before anything is counted: an earlier success, or the account if there is one.
    async fn look_up(&self, attempt: &Attempt) -> Result<Known, Refused> {
        if self.is_limited(&attempt.source) {
            return Err(Refused::Limited);
        }
        let key = AccountKey { holder: attempt.holder.clone(), credential: attempt.kind };
        let account = self.accounts.ask(key).await?;
        let remembered = account.as_ref().and_then(|a| Some((a, self.recall(a, attempt)?)));
        let Some((known, verified)) = remembered else { return Ok(Known::No(account)) };
        if known.credential.is_some_and(|c| c.has_failed) {
            self.take_back(known.pk, attempt.kind, verified.version).await?;
        }
        Ok(Known::Remembered(verified))
    }

    /// A success that is remembered takes back the failed attempts before it, like any other: counted first, and not while locked.
    async fn take_back(&self, holder: ObjectPk, kind: SecretKind, version: i64) -> Result<(), Refused> {
        let lockout = self.lockout;
        let settle = move |tx: &mut Tx<'_>| -> Result<bool, StoreError> {
            Ok(accounts::charge_attempt(tx, holder, kind, lockout)?.is_some()
                && accounts::settle_success(tx, holder, kind, version, None)?)
        };
        if self.db.write(settle).await? { Ok(()) } else { Err(Refused::Wrong) }
    }

    /// Counts, hashes and settles; must not be cancelled between these.
    async fn check(
        self,
        account: Option<Account>,
        attempt: Attempt,
        place: Place,
    ) -> Result<Verified<Principal>, Refused> {
        let (kind, lockout) = (attempt.kind, self.lockout);
        let charged = match account.as_ref().map(|a| a.pk) {
            Some(pk) => self.db.write(move |tx| accounts::charge_attempt(tx, pk, kind, lockout)).await?,
            None => {
                self.db.write(accounts::charge_absent).await?;
                None
            }
        };
        let matches = self.compare(&attempt, charged.as_ref(), place).await;
        match (account, charged) {
            (Some(account), Some(charged)) if matches => self.settle(account, charged, &attempt).await,
            (account, charged) => {
                self.refuse(account, charged.as_ref(), &attempt);
                Err(Refused::Wrong)
            }
        }
    }

    /// Whether the secret fits; no answer counts as no, since the attempt is counted already.
    async fn compare(&self, attempt: &Attempt, charged: Option<&Charged>, place: Place) -> bool {
        let stored = match (charged, attempt.kind) {
            (Some(charged), _) => charged.stored.clone(),
            (None, SecretKind::Pin) => self.shared.dummy_pin.clone(),
            (None, SecretKind::Password) => self.shared.dummy_password.clone(),
        };
        let (hasher, secret) = (self.hasher.clone(), attempt.secret.clone());
        place.run(move || hasher.matches(&stored, &secret)).await.unwrap_or_else(|NoAnswer| {
            tracing::error!("a secret could not be compared");
            false
        })
    }

    async fn settle(
        &self,
        account: Account,
        charged: Charged,
        attempt: &Attempt,
    ) -> Result<Verified<Principal>, Refused> {
        let kind = attempt.kind;
        let rehashed = if self.hasher.is_outdated(kind, &charged.stored)
            && let Ok(place) = self.pool.try_reserve()
        {
            let (hasher, secret) = (self.hasher.clone(), attempt.secret.clone());
            place.run(move || hasher.hash(kind, &secret).ok()).await.ok().flatten()
        } else {
            None
        };
        let (pk, version) = (account.pk, charged.version);
        let settled = self
            .db
            .write(move |tx| accounts::settle_success(tx, pk, kind, version, rehashed.as_ref()))
            .await?;
        if !settled {
            return Err(Refused::Wrong);
        }
        self.remember(self.memory_key(&account, version, attempt));
        verified(account, version)
    }

    fn refuse(&self, account: Option<Account>, charged: Option<&Charged>, attempt: &Attempt) {
        self.shared.limiter.charge(&attempt.source, Instant::now());
        let locked = charged.is_some_and(|c| c.locks);
        if let (true, Some(account), Some(listener)) = (locked, account, self.shared.on_lock.as_ref()) {
            listener(LockedOut { holder: account.pk, credential: attempt.kind });
        }
    }

    /// The same for the same name and secret, whether there is such an account or not.
    fn turn_key(&self, attempt: &Attempt) -> [u8; 32] {
        let name: &[u8] = match &attempt.holder {
            Holder::Person(name) | Holder::Anybody(name) => name.as_bytes(),
            Holder::Identity(uuid) => uuid.as_bytes(),
        };
        let length = name.len().to_be_bytes();
        self.keyed(&[accounts::kind_name(attempt.kind).as_bytes(), &length, name, attempt.secret.as_bytes()])
    }

    fn memory_key(&self, account: &Account, version: i64, attempt: &Attempt) -> [u8; 32] {
        let kind = accounts::kind_name(attempt.kind).as_bytes();
        self.keyed(&[&account.pk.0.to_be_bytes(), kind, &version.to_be_bytes(), attempt.secret.as_bytes()])
    }

    fn keyed(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.shared.key);
        parts.iter().for_each(|part| context.update(part));
        let mut key = [0; 32];
        key.copy_from_slice(context.sign().as_ref());
        key
    }

    /// A success of the last two minutes under the version read just now, unless the credential is locked.
    fn recall(&self, account: &Account, attempt: &Attempt) -> Option<Verified<Principal>> {
        let state = account.credential.filter(|c| !c.locked)?;
        let key = self.memory_key(account, state.version, attempt);
        let remembered = self.shared.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = remembered.get(&key).is_some_and(|since| since.elapsed() < REMEMBERED);
        fresh.then(|| verified(account.clone(), state.version).ok()).flatten()
    }

    fn remember(&self, key: [u8; 32]) {
        let mut remembered = self.shared.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MOST_REMEMBERED {
            remembered.retain(|_, since| since.elapsed() < REMEMBERED);
        }
        if remembered.len() < MOST_REMEMBERED {
            remembered.insert(key, Instant::now());
        }
    }
}

fn verified(account: Account, version: i64) -> Result<Verified<Principal>, Refused> {
    let at = account.read_at;
    Ok(Verified { who: principal(account)?, version, at })
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
