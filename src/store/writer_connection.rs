//! The connection of one writer of logins: its own, kept, with plans that fit two constant statements over tables of any size.

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;

use super::{Db, StoreError, TransactionError, Tx};

/// A plan made while `sessions` is empty would keep scanning it when it is full; measured in `docs/adr/0003-batched-logins.md`.
const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
     SET enable_mergejoin = off; SET jit = off;";

/// A connection outside the pool.
pub struct WriterConnection {
    db: Db,
    connection: PgConnection,
}

impl WriterConnection {
    /// Connects.
    pub fn open(db: &Db) -> Result<Self, StoreError> {
        let mut connection = db.connect()?;
        connection.batch_execute(PLANS)?;
        Ok(Self { db: db.clone(), connection })
    }

    /// Runs one transaction, once.
    pub fn transaction<T, E: TransactionError>(
        &mut self,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.db.transaction_on(&mut self.connection, f)
    }
}
