//! One check at a time for the same name and secret: whoever sends what is being checked already waits for that check.
//!
//! Every check is counted before it is made (AUTH-3), so that without turns the first requests of a client with many connections would
//! lock its account with the right password. Known and unknown names wait alike.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// So many keys are kept before those whose check is over are dropped.
const MOST_KEPT: usize = 1024;

/// Checks under way, by a key of name and secret.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<[u8; 32], Weak<Turn<()>>>>);

/// A turn, and whether another check had to end first.
pub(super) struct Taken {
    /// Over when dropped.
    pub(super) turn: OwnedMutexGuard<()>,
    /// What was read before may be old.
    pub(super) waited: bool,
}

impl Turns {
    /// Waits for the turn of a key.
    pub(super) async fn take(&self, key: [u8; 32]) -> Taken {
        let lock = self.lock_of(key);
        match Arc::clone(&lock).try_lock_owned() {
            Ok(turn) => Taken { turn, waited: false },
            Err(_) => Taken { turn: lock.lock_owned().await, waited: true },
        }
    }

    fn lock_of(&self, key: [u8; 32]) -> Arc<Turn<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(&key).and_then(Weak::upgrade) {
            return lock;
        }
        if locks.len() >= MOST_KEPT {
            locks.retain(|_, lock| lock.strong_count() > 0);
        }
        let lock = Arc::new(Turn::new(()));
        locks.insert(key, Arc::downgrade(&lock));
        lock
    }
}
