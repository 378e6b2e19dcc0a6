//! The connection of one writer of logins: its own, kept, with plans that fit three constant statements over tables of any size.

use diesel::pg::PgConnection;

use super::{Db, StoreError, TransactionError, Tx};

/// A connection outside the pool.
pub struct WriterConnection {
    db: Db,
    connection: PgConnection,
}

impl WriterConnection {
    /// Connects.
    pub fn open(db: &Db) -> Result<Self, StoreError> {
        Ok(Self { db: db.clone(), connection: db.connect_for_constant_statements()? })
    }

    /// Runs one transaction, once.
    pub fn transaction<T, E: TransactionError>(
        &mut self,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.db.transaction_on(&mut self.connection, f)
    }
}
