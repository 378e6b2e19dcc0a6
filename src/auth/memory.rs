//! Successes of the last two minutes, and the keys under which names and secrets are known in memory (security.md AUTH-5).
//!
//! Promises that no secret stays here: what is kept is a MAC under a key that this process made for itself. Failures are not kept.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ring::hmac;

use super::hash::HashError;

/// How long a success is remembered.
const REMEMBERED: Duration = Duration::from_secs(120);
const MOST_REMEMBERED: usize = 10_000;

/// What a name and a secret are called in memory.
pub(super) type Key = [u8; 32];

/// Secrets that were right.
pub(super) struct Memory {
    key: hmac::Key,
    successes: Mutex<HashMap<Key, Instant>>,
}

impl Memory {
    /// Remembers nothing yet; fails without randomness.
    pub(super) fn new() -> Result<Self, HashError> {
        let mut key = [0_u8; 32];
        getrandom::fill(&mut key).map_err(|_| HashError)?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), successes: Mutex::default() })
    }

    /// The key of something that consists of these parts; who varies the length of one says it in another.
    pub(super) fn key(&self, parts: &[&[u8]]) -> Key {
        let mut context = hmac::Context::with_key(&self.key);
        parts.iter().for_each(|part| context.update(part));
        let mut key = [0; 32];
        key.copy_from_slice(context.sign().as_ref());
        key
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Instant>> {
        self.successes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was right a moment ago.
    pub(super) fn holds(&self, key: &Key) -> bool {
        self.lock().get(key).is_some_and(|since| since.elapsed() < REMEMBERED)
    }

    /// Notes a success, as long as there is room.
    pub(super) fn keep(&self, key: Key) {
        let mut successes = self.lock();
        if successes.len() >= MOST_REMEMBERED {
            successes.retain(|_, since| since.elapsed() < REMEMBERED);
        }
        if successes.len() < MOST_REMEMBERED {
            successes.insert(key, Instant::now());
        }
    }
}
