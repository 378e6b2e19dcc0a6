//! Time and identities: the only place that asks the system for either.
//!
//! Rules never read a clock. Inside a transaction time is [`Tx::now`](crate::store::Tx::now): the database's moment in production,
//! the manual one in tests. Identities come from [`IdSource`], seeded in tests so that answers can be compared whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, TimeZone, Utc};
use uuid::Uuid;

/// Where the time of transactions comes from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The database server's clock, one for all nodes.
    #[default]
    Database,
    /// A clock that only tests move.
    Manual(ManualClock),
}

/// A clock that stands still until it is moved; whole milliseconds.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Starts at a moment.
    pub fn at(moment: DateTime<Utc>) -> Self {
        Self(Arc::new(AtomicI64::new(moment.timestamp_millis())))
    }

    /// Moves forward by whole seconds.
    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// Shows the present moment.
    pub fn now(&self) -> DateTime<Utc> {
        Utc.timestamp_millis_opt(self.0.load(Ordering::SeqCst)).single().unwrap_or_default()
    }
}

/// Where UUIDs come from: version 7 in production, a counted line in tests.
#[derive(Debug, Clone, Default)]
pub enum IdSource {
    /// Random, ordered by time.
    #[default]
    Random,
    /// 1, 2, 3, … in the last bytes of an otherwise fixed UUID.
    Counted(Arc<AtomicU64>),
}

impl IdSource {
    /// Starts a counted line at 1.
    pub fn counted() -> Self {
        Self::Counted(Arc::new(AtomicU64::new(1)))
    }

    /// Makes the next identity.
    pub fn next(&self) -> Uuid {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
            Self::Random => Uuid::now_v7(),
            Self::Counted(next) => {
                let n = next.fetch_add(1, Ordering::SeqCst);
                Uuid::from_u128(0x019c_0000_0000_7000_8000_0000_0000_0000 | u128::from(n))
            }
        }
    }
}

/// The process's own wall clock, for certificates, logs and monotonic comparisons; no rule may use it.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
pub fn wall_clock() -> DateTime<Utc> {
    Utc::now()
}
