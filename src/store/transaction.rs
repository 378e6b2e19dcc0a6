//! One open transaction: its connection, its one moment and the source of identities.
//!
//! Promises that everything written in a transaction carries the same moment.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::pg::PgConnection;
use uuid::Uuid;

use super::error::StoreError;
use crate::clock::{Clock, IdSource};

/// An error that a transaction may end with.
pub trait TransactionError: From<StoreError> {
    /// Whether trying the transaction again can succeed.
    fn is_transient(&self) -> bool;
}

impl TransactionError for StoreError {
    fn is_transient(&self) -> bool {
        Self::is_transient(self)
    }
}

diesel::define_sql_function! {
    /// The server's time at this moment, not at the begin of the transaction.
    fn clock_timestamp() -> diesel::sql_types::Timestamptz;
}

/// One open transaction.
pub struct Tx<'c> {
    connection: &'c mut PgConnection,
    clock: &'c Clock,
    ids: &'c IdSource,
    now: Option<DateTime<Utc>>,
}

impl<'c> Tx<'c> {
    /// One that has been begun on this connection.
    pub(super) fn begun_on(connection: &'c mut PgConnection, clock: &'c Clock, ids: &'c IdSource) -> Self {
        Self { connection, clock, ids, now: None }
    }

    /// The connection, for statements.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.connection
    }

    /// The one moment of this transaction, in whole milliseconds: asked for the first time only after the locks are held.
    pub fn now(&mut self) -> Result<DateTime<Utc>, StoreError> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let now = match self.clock {
            Clock::Manual(clock) => clock.now(),
            Clock::Database => {
                use diesel::RunQueryDsl;
                let exact: DateTime<Utc> = diesel::select(clock_timestamp()).get_result(self.connection)?;
                exact.duration_trunc(TimeDelta::milliseconds(1)).unwrap_or(exact)
            }
        };
        self.now = Some(now);
        Ok(now)
    }

    /// Sets the moment of this transaction to one that a locking statement returned.
    pub fn set_now(&mut self, now: DateTime<Utc>) {
        self.now = Some(now.duration_trunc(TimeDelta::milliseconds(1)).unwrap_or(now));
    }

    /// Whether time comes from the database (false: from a manual clock).
    pub fn uses_database_time(&self) -> bool {
        matches!(self.clock, Clock::Database)
    }

    /// The time of a manual clock; none where a statement takes that of the database itself, which saves a round trip.
    pub(crate) fn given_time(&mut self) -> Result<Option<DateTime<Utc>>, StoreError> {
        if self.uses_database_time() { Ok(None) } else { self.now().map(Some) }
    }

    /// The source of identities.
    pub fn ids(&self) -> &IdSource {
        self.ids
    }

    /// Marks a point to which [`Tx::end_savepoint`] can go back.
    pub fn begin_savepoint(&mut self) -> Result<(), StoreError> {
        Ok(AnsiTransactionManager::begin_transaction(self.connection)?)
    }

    /// Keeps what was done since the last mark, or takes it back.
    pub fn end_savepoint(&mut self, keep: bool) -> Result<(), StoreError> {
        match keep {
            true => Ok(AnsiTransactionManager::commit_transaction(self.connection)?),
            false => Ok(AnsiTransactionManager::rollback_transaction(self.connection)?),
        }
    }

    /// Makes an identity.
    pub fn new_id(&self) -> Uuid {
        self.ids.next()
    }
}

/// Why a transaction ended without a commit.
pub(super) enum Ended<E> {
    Closure(E),
    Database(diesel::result::Error),
}

impl<E: TransactionError> Ended<E> {
    /// In the words of the closure.
    pub(super) fn into(self) -> E {
        match self {
            Self::Closure(e) => e,
            Self::Database(e) => StoreError::from(e).into(),
        }
    }
}

impl<E> From<diesel::result::Error> for Ended<E> {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error)
    }
}
