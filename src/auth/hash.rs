//! How secrets are stored: Argon2id over HMAC-SHA-256(pepper, secret), as a PHC string (security.md HASH-1).
//!
//! Passwords have one setting; PINs a cheaper one, because their safety is the pepper, the lock-out and the limiter. Callers decide
//! where the work runs; nothing here waits or counts.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as PHC;
use ring::hmac;

use super::pepper::Pepper;
use crate::config::CredentialConfig;
use crate::domain::credential::SecretKind;
pub use crate::store::accounts::StoredHash;

/// Cost of one hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes.
    pub passes: u32,
}

/// Costs of both kinds of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCosts {
    /// For passwords.
    pub password: HashCost,
    /// For PINs.
    pub pin: HashCost,
}

impl From<&CredentialConfig> for HashCosts {
    fn from(settings: &CredentialConfig) -> Self {
        Self {
            password: HashCost { memory_kib: settings.password_memory_kib, passes: settings.password_passes },
            pin: HashCost { memory_kib: settings.pin_memory_kib, passes: settings.pin_passes },
        }
    }
}

impl Default for HashCosts {
    fn default() -> Self {
        Self {
            password: HashCost { memory_kib: 19_456, passes: 2 },
            pin: HashCost { memory_kib: 1_024, passes: 2 },
        }
    }
}

/// A secret cannot be hashed: the settings are out of range or the system has no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("secret cannot be hashed")]
pub struct HashError;

/// Hashes and compares under one pepper.
#[derive(Clone)]
pub struct Hasher {
    key: hmac::Key,
    pepper_id: String,
    costs: HashCosts,
}

impl Hasher {
    /// Makes a hasher.
    pub fn new(pepper: &Pepper, costs: HashCosts) -> Self {
        Self { key: pepper.key(), pepper_id: pepper.id().to_owned(), costs }
    }

    fn cost(&self, kind: SecretKind) -> HashCost {
        match kind {
            SecretKind::Pin => self.costs.pin,
            SecretKind::Password => self.costs.password,
        }
    }

    fn argon(&self, kind: SecretKind) -> Result<Argon2<'static>, HashError> {
        let cost = self.cost(kind);
        let params = Params::new(cost.memory_kib, cost.passes, 1, Some(32)).map_err(|_| HashError)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }

    /// A key for one purpose, made of the pepper and of something else that is secret.
    pub(super) fn derived_key(&self, purpose: &[u8], secret: &[u8]) -> hmac::Key {
        let mut context = hmac::Context::with_key(&self.key);
        [purpose, b"\0", secret].iter().for_each(|part| context.update(part));
        hmac::Key::new(hmac::HMAC_SHA256, context.sign().as_ref())
    }

    fn peppered(&self, secret: &str) -> hmac::Tag {
        hmac::sign(&self.key, secret.as_bytes())
    }

    /// Hashes a secret with a fresh salt.
    pub fn hash(&self, kind: SecretKind, secret: &str) -> Result<StoredHash, HashError> {
        let mut salt = [0_u8; 16];
        getrandom::fill(&mut salt).map_err(|_| HashError)?;
        let hash: PasswordHash = self
            .argon(kind)?
            .hash_password_with_salt(self.peppered(secret).as_ref(), &salt)
            .map_err(|_| HashError)?;
        Ok(StoredHash { hash: hash.to_string(), pepper_id: self.pepper_id.clone() })
    }

    /// What nothing matches and what costs as much to compare with as a hash of today: its digest is random instead of computed.
    pub fn unmatchable(&self, kind: SecretKind) -> Result<StoredHash, HashError> {
        self.argon(kind)?;
        let mut random = [0_u8; 16 + 32];
        getrandom::fill(&mut random).map_err(|_| HashError)?;
        let (salt, digest) = random.split_at(16);
        let hash = format!("{}{}${}", self.settings(kind), PHC.encode(salt), PHC.encode(digest));
        Ok(StoredHash { hash, pepper_id: self.pepper_id.clone() })
    }

    /// Compares in constant time; the cost is that of the stored hash. A hash under another pepper never matches.
    pub fn matches(&self, stored: &StoredHash, secret: &str) -> bool {
        let Ok(parsed) = PasswordHash::new(&stored.hash) else { return false };
        let peppered = self.peppered(secret);
        let same = Argon2::default().verify_password(peppered.as_ref(), &parsed).is_ok();
        same && stored.pepper_id == self.pepper_id
    }

    /// Whether a stored hash was made with other settings or under another pepper than now.
    pub fn is_outdated(&self, kind: SecretKind, stored: &StoredHash) -> bool {
        stored.pepper_id != self.pepper_id || !stored.hash.starts_with(&self.settings(kind))
    }

    /// How a hash of today begins.
    fn settings(&self, kind: SecretKind) -> String {
        let cost = self.cost(kind);
        format!("$argon2id$v=19$m={},t={},p=1$", cost.memory_kib, cost.passes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_matches_its_hash_under_its_pepper_only() {
        let cheap = HashCost { memory_kib: 64, passes: 1 };
        let costs = HashCosts { password: cheap, pin: cheap };
        let ours = Hasher::new(&Pepper::from_bytes(&[1; 32]), costs);
        let theirs = Hasher::new(&Pepper::from_bytes(&[2; 32]), costs);
        let stored = ours.hash(SecretKind::Pin, "90210").unwrap();
        assert!(ours.matches(&stored, "90210"));
        assert!(!ours.matches(&stored, "90211"));
        assert!(!theirs.matches(&stored, "90210"));
        assert!(!ours.is_outdated(SecretKind::Pin, &stored));
        let dearer = Hasher::new(&Pepper::from_bytes(&[1; 32]), HashCosts::default());
        assert!(dearer.is_outdated(SecretKind::Pin, &stored));
        assert!(dearer.matches(&stored, "90210"));
    }

    #[test]
    fn what_nothing_matches_is_written_as_a_hash_of_today() {
        let hasher = Hasher::new(&Pepper::from_bytes(&[1; 32]), HashCosts::default());
        for kind in [SecretKind::Pin, SecretKind::Password] {
            let (real, unmatchable) =
                (hasher.hash(kind, "90210").unwrap(), hasher.unmatchable(kind).unwrap());
            assert!(!hasher.is_outdated(kind, &unmatchable));
            assert!(!hasher.matches(&unmatchable, "90210"));
            let parsed = PasswordHash::new(&unmatchable.hash).unwrap();
            let like = PasswordHash::new(&real.hash).unwrap();
            assert_eq!((&parsed.algorithm, parsed.version), (&like.algorithm, like.version));
            assert_eq!(parsed.params, like.params);
            assert_eq!(parsed.hash.unwrap().as_bytes().len(), like.hash.unwrap().as_bytes().len());
        }
    }
}
