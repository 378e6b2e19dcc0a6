//! The one place where a password or PIN is checked.
//!
//! Order of one check (security.md AUTH-3 to AUTH-7): limiter, account, remembered success, turn, place in the hash pool, count, hash,
//! settle. Unknown, locked and wrong cost the same, and names that nobody has are locked like others. A changed secret is dead at once:
//! what is remembered hangs on the version read in the same request. What was counted is always settled or refused, also when the caller
//! has stopped waiting. What a secret is good for is judged after it was right, never before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ring::hmac;
use tracing::Instrument as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Principal;
use super::attempts::Attempts;
use super::hash::{HashError, Hasher, StoredHash};
use super::hash_pool::{HashPool, NoAnswer, Place, PoolBusy};
use super::limiter::{Limiter, Source};
use super::memory::{Key, Memory};
use super::proof::{PinHolder, Refused, Right, Verified};
use super::turns::Turns;
use crate::domain::credential::SecretKind;
use crate::domain::ids::ObjectPk;
use crate::domain::names::{UserId, fold};
use crate::domain::secret::{Password, Pin};
use crate::store::accounts::{self, Account, AccountKey, CredentialState, Holder, LookedUp};
use crate::store::attempts::Charged;
use crate::store::gathered::Gathered;
use crate::store::{Db, StoreError};

/// What is known of an account is that old at most when its check begins.
const LONG: Duration = Duration::from_millis(50);

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
    accounts: Gathered<AccountKey, LookedUp>,
    attempts: Attempts,
    hasher: Hasher,
    pool: HashPool,
    shared: Arc<Shared>,
}

struct Shared {
    limiter: Limiter,
    memory: Memory,
    turns: Turns,
    dummy_pin: StoredHash,
    dummy_password: StoredHash,
    on_lock: Option<LockListener>,
}

/// A password that is to be checked, and what was known at a moment of whoever has the name.
pub struct BegunCheck {
    attempt: Attempt,
    known: Result<Known, Refused>,
    begun: Instant,
}

/// What a look finds.
enum Known {
    /// The secret was right a moment ago.
    Remembered(Right),
    /// It must be checked against this account.
    No(LookedUp),
}

/// What counting an attempt led to.
enum Counted {
    /// There is something to compare with, and this is true if it fits.
    Charged(Box<Right>, Charged),
    /// The name is locked.
    Locked,
    /// Nobody has the name, or no such secret.
    Nobody,
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
    pub fn start(db: &Db, hasher: Hasher, on_lock: Option<LockListener>) -> Result<Self, HashError> {
        let shared = Shared {
            limiter: Limiter::default(),
            memory: Memory::new()?,
            turns: Turns::default(),
            dummy_pin: hasher.unmatchable(SecretKind::Pin)?,
            dummy_password: hasher.unmatchable(SecretKind::Password)?,
            on_lock,
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let accounts = Gathered::start(db, accounts::find);
        let attempts = Attempts::start(db, &hasher);
        let pool = HashPool::start(threads, db.backlog());
        Ok(Self { accounts, attempts, hasher, pool, shared: Arc::new(shared) })
    }

    /// Checks the password of an application user or person.
    pub async fn verify_password(
        &self,
        user: &UserId,
        password: &Password,
        source: &Source,
    ) -> Result<Verified<Principal>, Refused> {
        self.finish(self.begin_password(user, password, source).await).await
    }

    /// The first half of [`Verifier::verify_password`], for who has other things to read at the same time: no password is checked yet.
    pub async fn begin_password(&self, user: &UserId, password: &Password, source: &Source) -> BegunCheck {
        let attempt = Attempt {
            holder: Holder::Anybody(fold(user.as_str())),
            kind: SecretKind::Password,
            secret: Zeroizing::new(password.expose().to_owned()),
            source: source.clone(),
        };
        self.begin(attempt).await
    }

    /// The second half; what was read is read again where something else has taken long in between.
    pub async fn finish(&self, mut check: BegunCheck) -> Result<Verified<Principal>, Refused> {
        if check.begun.elapsed() > LONG {
            check = self.begin(check.attempt).await;
        }
        self.verify_begun(check).await?.verified()
    }

    /// Checks the PIN of a person; one that is right is refused where it must be changed first or has expired.
    pub async fn verify_pin(
        &self,
        user: &UserId,
        pin: &Pin,
        source: &Source,
    ) -> Result<Verified<Principal>, Refused> {
        self.verify(Attempt::pin(Holder::Person(fold(user.as_str())), pin, source)).await?.usable()
    }

    /// Checks the PIN of a person who wants to change it; counted like any other attempt (AUTH-3).
    pub async fn verify_old_pin(
        &self,
        user: &UserId,
        pin: &Pin,
        source: &Source,
    ) -> Result<Verified<PinHolder>, Refused> {
        let attempt = Attempt::pin(Holder::Person(fold(user.as_str())), pin, source);
        let right = self.verify(attempt).await?;
        let (rules, policy) = (right.credential.rules, right.policy);
        Ok(right.verified()?.map(|principal| PinHolder { principal, rules, policy }))
    }

    /// Whether a secret is one of some that are kept, and if not, its hash: compared and hashed on the threads for that.
    pub async fn hash_unless_among(
        &self,
        kind: SecretKind,
        secret: Zeroizing<String>,
        kept: Vec<StoredHash>,
    ) -> Result<Option<StoredHash>, Refused> {
        let place = self.pool.reserve().await.map_err(|PoolBusy| Refused::Busy)?;
        let hasher = self.hasher.clone();
        let hashed = place.run(move || {
            let is_kept = kept.iter().any(|hash| hasher.matches(hash, &secret));
            if is_kept { Ok(None) } else { hasher.hash(kind, &secret).map(Some) }
        });
        let broken = |what: &str| Refused::Store(StoreError::Broken(what.to_owned()));
        hashed
            .await
            .map_err(|NoAnswer| broken("a secret could not be hashed"))?
            .map_err(|e| broken(&e.to_string()))
    }

    /// Checks the PIN of a person who was found by something else than the user id; nobody costs and looks the same.
    pub async fn verify_pin_of(
        &self,
        holder: Holder,
        pin: &Pin,
        source: &Source,
    ) -> Result<Verified<Principal>, Refused> {
        self.verify(Attempt::pin(holder, pin, source)).await?.usable()
    }

    /// Renews an earlier proof by the secret of this version: it holds as long as that is the secret and not locked.
    pub(super) async fn verify_again(
        &self,
        account: Uuid,
        credential: SecretKind,
        version: i64,
    ) -> Result<Verified<Principal>, Refused> {
        let key = AccountKey { holder: Holder::Identity(account), credential };
        let LookedUp { account, policy, read_at: at } = self.accounts.ask(key).await?;
        let account = account.ok_or(Refused::Wrong)?;
        let state = account.credential.filter(|c| c.version == version && !c.locked);
        let right = Right { credential: state.ok_or(Refused::Wrong)?, account, policy, at };
        match credential {
            SecretKind::Pin => right.usable(),
            SecretKind::Password => right.verified(),
        }
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
        // who is shut out must not shut out the phones that it names
        let limited = self.is_limited(source);
        if !limited {
            self.shared.limiter.charge(source, Instant::now());
        }
        limited
    }

    /// Hashes a new secret on the calling thread, for [`set`](crate::store::credentials::set); not for async workers.
    pub fn hash_for_storage(&self, kind: SecretKind, secret: &str) -> Result<StoredHash, HashError> {
        self.hasher.hash(kind, secret)
    }

    async fn verify(&self, attempt: Attempt) -> Result<Right, Refused> {
        self.verify_begun(self.begin(attempt).await).await
    }

    async fn begin(&self, attempt: Attempt) -> BegunCheck {
        let begun = Instant::now();
        BegunCheck { known: self.look_up(&attempt).await, attempt, begun }
    }

    async fn verify_begun(&self, BegunCheck { attempt, known, .. }: BegunCheck) -> Result<Right, Refused> {
        let kind = attempt.kind;
        let outcome = match known {
            Ok(known) => self.judge(attempt, known).await,
            Err(refused) => Err(refused),
        };
        tracing::debug!(?kind, refused = ?outcome.as_ref().err(), "a secret was checked");
        outcome
    }

    async fn judge(&self, attempt: Attempt, mut known: Known) -> Result<Right, Refused> {
        let taken = match known {
            Known::Remembered(right) => return self.take_back(right, attempt.kind).await,
            Known::No(_) => self.shared.turns.take(self.turn_key(&attempt)).await,
        };
        if taken.waited {
            known = self.look_up(&attempt).await?;
        }
        let looked_up = match known {
            Known::Remembered(right) => return self.take_back(right, attempt.kind).await,
            Known::No(looked_up) => looked_up,
        };
        let place = self.pool.reserve().await.map_err(|PoolBusy| Refused::Busy)?;
        let check = self.clone().check(looked_up, attempt, place);
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
        let looked_up = self.accounts.ask(key).await?;
        Ok(self.recall(&looked_up, attempt).map_or(Known::No(looked_up), Known::Remembered))
    }

    /// A success that is remembered takes back the failed attempts before it.
    async fn take_back(&self, right: Right, kind: SecretKind) -> Result<Right, Refused> {
        let (holder, success) = (right.account.pk, (right.credential.version, right.at));
        let has_failed = right.credential.has_failed;
        if has_failed && !self.attempts.take_back(holder, kind, success, right.policy.lockout).await? {
            return Err(Refused::Wrong);
        }
        Ok(right)
    }

    /// Counts, hashes and settles; must not be cancelled between these.
    async fn check(self, looked_up: LookedUp, attempt: Attempt, place: Place) -> Result<Right, Refused> {
        let counted = self.count(looked_up, &attempt).await?;
        let matches = self.compare(&attempt, &counted, place).await;
        match counted {
            Counted::Charged(right, charged) if matches => self.settle(*right, charged, &attempt).await,
            counted @ (Counted::Charged(..) | Counted::Locked | Counted::Nobody) => {
                Err(self.refuse(&counted, &attempt))
            }
        }
    }

    /// Charges the attempt to the account, else to the name.
    async fn count(&self, looked_up: LookedUp, attempt: &Attempt) -> Result<Counted, StoreError> {
        let LookedUp { account, policy, read_at: at } = looked_up;
        let (kind, lockout) = (attempt.kind, policy.lockout);
        let held = account.and_then(|a| a.credential.map(|c| (a, c)));
        let is_inactive = held.as_ref().is_some_and(|(_, c)| policy.is_inactive(&c.rules, at));
        match held {
            Some((account, credential)) if !is_inactive => {
                let charged = self.attempts.charge(account.pk, kind, lockout).await?;
                let right = Box::new(Right { account, credential, policy, at });
                Ok(charged.map_or(Counted::Locked, |charged| Counted::Charged(right, charged)))
            }
            Some(_) | None => {
                let locked = self.attempts.charge_absent(kind, attempt.name(), lockout).await?;
                Ok(if locked || is_inactive { Counted::Locked } else { Counted::Nobody })
            }
        }
    }

    /// Whether the secret fits; no answer counts as no, since the attempt is counted already.
    async fn compare(&self, attempt: &Attempt, counted: &Counted, place: Place) -> bool {
        let stored = match (counted, attempt.kind) {
            (Counted::Charged(_, charged), _) => charged.stored.clone(),
            (Counted::Locked | Counted::Nobody, SecretKind::Pin) => self.shared.dummy_pin.clone(),
            (Counted::Locked | Counted::Nobody, SecretKind::Password) => self.shared.dummy_password.clone(),
        };
        let (hasher, secret) = (self.hasher.clone(), attempt.secret.clone());
        place.run(move || hasher.matches(&stored, &secret)).await.unwrap_or_else(|NoAnswer| {
            tracing::error!("a secret could not be compared");
            false
        })
    }

    async fn settle(&self, right: Right, charged: Charged, attempt: &Attempt) -> Result<Right, Refused> {
        let kind = attempt.kind;
        let rehashed = if self.hasher.is_outdated(kind, &charged.stored)
            && let Ok(place) = self.pool.try_reserve()
        {
            let (hasher, secret) = (self.hasher.clone(), attempt.secret.clone());
            place.run(move || hasher.hash(kind, &secret).ok()).await.ok().flatten()
        } else {
            None
        };
        let (pk, version, at) = (right.account.pk, charged.version, right.at);
        if !self.attempts.settle(pk, kind, (version, at), rehashed).await? {
            return Err(Refused::Wrong);
        }
        self.shared.memory.keep(self.memory_key(&right.account, version, attempt));
        Ok(Right { credential: CredentialState { version, ..right.credential }, ..right })
    }

    /// Charges the source, and tells of a lock that this attempt has led to.
    fn refuse(&self, counted: &Counted, attempt: &Attempt) -> Refused {
        self.shared.limiter.charge(&attempt.source, Instant::now());
        match counted {
            Counted::Charged(right, Charged { locks: true, .. }) => {
                if let Some(listener) = self.shared.on_lock.as_ref() {
                    listener(LockedOut { holder: right.account.pk, credential: attempt.kind });
                }
                Refused::Locked
            }
            Counted::Locked => Refused::Locked,
            Counted::Charged(..) | Counted::Nobody => Refused::Wrong,
        }
    }

    /// The same for the same name and secret, whether there is such an account or not.
    fn turn_key(&self, attempt: &Attempt) -> Key {
        let (kind, name) = (accounts::kind_name(attempt.kind).as_bytes(), attempt.name());
        let length = name.len().to_be_bytes();
        self.shared.memory.key(&[kind, &length, name, attempt.secret.as_bytes()])
    }

    fn memory_key(&self, account: &Account, version: i64, attempt: &Attempt) -> Key {
        let kind = accounts::kind_name(attempt.kind).as_bytes();
        let (pk, version) = (account.pk.0.to_be_bytes(), version.to_be_bytes());
        self.shared.memory.key(&[&pk, kind, &version, attempt.secret.as_bytes()])
    }

    /// A success of the last two minutes under the version read just now, unless the credential is locked.
    fn recall(&self, looked_up: &LookedUp, attempt: &Attempt) -> Option<Right> {
        let LookedUp { account, policy, read_at: at } = looked_up;
        let account = account.as_ref()?;
        let credential = account.credential.filter(|c| !c.locked)?;
        let key = self.memory_key(account, credential.version, attempt);
        self.shared.memory.holds(&key).then(|| Right {
            account: account.clone(),
            credential,
            policy: *policy,
            at: *at,
        })
    }
}

impl Attempt {
    fn pin(holder: Holder, pin: &Pin, source: &Source) -> Self {
        Self {
            holder,
            kind: SecretKind::Pin,
            secret: Zeroizing::new(pin.expose().to_owned()),
            source: source.clone(),
        }
    }

    fn name(&self) -> &[u8] {
        match &self.holder {
            Holder::Person(name) | Holder::Anybody(name) | Holder::Nobody(name) => name.as_bytes(),
            Holder::Identity(uuid) => uuid.as_bytes(),
        }
    }
}
