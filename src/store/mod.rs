//! The database: one entry point, one transaction per closure, retried where that is safe.
//!
//! [`Db::read`] and [`Db::write`] run a synchronous closure in one transaction on a blocking thread; no connection leaves it.
//! Deadlocks and serialization failures are retried three times. What is written is decided elsewhere.

pub mod accounts;
mod address;
pub mod appearances;
pub mod associations;
pub mod attempts;
pub mod backlog;
pub mod cluster;
pub mod columns;
pub mod conditions;
pub mod credentials;
pub mod effective_config;
pub mod error;
pub mod event_log;
pub mod first_account;
pub mod gathered;
pub mod intercom;
pub mod intercom_states;
pub mod lines;
pub mod listing;
pub mod locks;
pub mod migrate;
pub mod names;
pub mod node_lock;
pub mod nodes;
pub mod number_line;
pub mod objects;
pub mod parameters;
pub mod phones;
mod pool;
pub mod presence;
pub mod profiles;
pub mod registrations;
pub mod rejections;
pub mod schema;
pub mod session_expiry;
pub mod session_list;
pub mod sessions;
pub mod shown;
pub mod snapshot;
pub mod state;
mod transaction;
pub mod upkeep;
pub mod users;
pub mod verification;
pub mod writer_connection;

use std::time::Duration;

use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::pg::PgConnection;

use crate::clock::{Clock, IdSource};
use backlog::Backlog;
/// A connection outside the pool, for what lasts longer than a transaction.
pub use diesel::pg::PgConnection as Connection;
pub use error::StoreError;
use pool::{Connections, Pool};
use transaction::Ended;
pub use transaction::{TransactionError, Tx};

/// How often a transaction that another one pushed aside is tried again.
const ATTEMPTS: u32 = 4;

/// What every connection is set to (security.md SQL-4). Texts of errors are in C for `error.rs`; only a superuser may set that, and an
/// ordinary role goes on with what the server has.
const SESSION: &str = "DO $$ BEGIN PERFORM set_config('lc_messages', 'C', false); EXCEPTION WHEN insufficient_privilege THEN NULL; END $$; \
     SET statement_timeout = '5s'; SET lock_timeout = '2s'; \
     SET idle_in_transaction_session_timeout = '10s'; SET search_path = public; SET timezone = 'UTC'; SET jit = off;";

/// For statements that are prepared once and run over tables of any size: a plan made while a table is empty would keep scanning it
/// when it is full; measured in `docs/adr/0003-batched-logins.md`.
const CONSTANT_PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
     SET enable_hashjoin = off; SET enable_mergejoin = off;";

/// How long a request waits for a connection of the pool (SQL-4).
const WAIT: Duration = Duration::from_secs(1);
/// While the database is away, each connection of the pool is tried again after half of this.
const RETRY: Duration = Duration::from_secs(4);

/// The pool of connections, the clock and the source of identities.
#[derive(Clone)]
pub struct Db {
    pool: Pool,
    url: String,
    clock: Clock,
    ids: IdSource,
    backlog: Backlog,
}

diesel::define_sql_function! {
    /// The value of a setting of the server.
    fn current_setting(name: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// Whether the server words its errors as `error.rs` reads them; an ordinary role cannot ask it to.
pub fn errors_are_readable(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    use diesel::RunQueryDsl;
    let locale: String = diesel::select(current_setting("lc_messages")).get_result(tx.connection())?;
    Ok(["", "C", "POSIX"].contains(&locale.as_str()) || locale.starts_with("C.") || locale.starts_with("en"))
}

impl Db {
    /// Opens a pool of at most `size` connections; waits at most a second for one (SQL-4). Connects lazily.
    pub fn open(url: &str, size: u32, clock: Clock, ids: IdSource) -> Result<Self, StoreError> {
        let url = address::with_notice(url);
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(RETRY)
            .build_unchecked(Connections::to(&url, SESSION));
        Ok(Self { pool, url, clock, ids, backlog: Backlog::default() })
    }

    /// Work of this process that waits for a core: statements that gather requests give way to it.
    pub fn backlog(&self) -> &Backlog {
        &self.backlog
    }

    /// The same database through a pool of its own, for work that must go on while requests hold all connections of theirs.
    pub fn with_own_pool(&self, size: u32) -> Result<Self, StoreError> {
        let opened = Self::open(&self.url, size, self.clock.clone(), self.ids.clone())?;
        Ok(Self { backlog: self.backlog.clone(), ..opened })
    }

    /// The source of identities of this node.
    pub fn ids(&self) -> &IdSource {
        &self.ids
    }

    /// The clock of this node.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Opens a connection of its own outside the pool, set like the others: for writers and the sequencer.
    pub fn connect(&self) -> Result<PgConnection, StoreError> {
        let mut connection = PgConnection::establish(&self.url)?;
        connection.batch_execute(SESSION)?;
        Ok(connection)
    }

    /// Like [`Db::connect`], for a few statements that never change, over tables of any size.
    fn connect_for_constant_statements(&self) -> Result<PgConnection, StoreError> {
        let mut connection = self.connect()?;
        connection.batch_execute(CONSTANT_PLANS)?;
        Ok(connection)
    }

    /// The same for statements that only read.
    fn connect_for_lookups(&self) -> Result<PgConnection, StoreError> {
        let mut connection = self.connect_for_constant_statements()?;
        connection.batch_execute("SET default_transaction_read_only = on")?;
        Ok(connection)
    }

    /// Reads on a blocking thread, in one transaction that sees one state of the database and can change nothing.
    pub async fn read<T, E>(&self, f: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: TransactionError + Send + 'static,
    {
        self.on_thread(move |db| db.read_blocking(f)).await
    }

    /// Like [`Db::read`] on the calling thread.
    pub fn read_blocking<T, E: TransactionError>(
        &self,
        f: impl Fn(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.retry(|connection| self.read_on(connection, &f))
    }

    /// Writes in one transaction on a blocking thread; the closure may run more than once and must not act outside the database.
    pub async fn write<T, E>(&self, f: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: TransactionError + Send + 'static,
    {
        self.on_thread(move |db| db.write_blocking(f)).await
    }

    /// Like [`Db::write`] for one statement, with no transaction around it, which saves two round trips.
    pub async fn statement<T, E>(
        &self,
        f: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: TransactionError + Send + 'static,
    {
        self.on_thread(move |db| db.statement_blocking(f)).await
    }

    async fn on_thread<T, E>(&self, f: impl FnOnce(&Self) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: TransactionError + Send + 'static,
    {
        let db = self.clone();
        let joined = tokio::task::spawn_blocking(move || f(&db)).await;
        joined.unwrap_or_else(|e| Err(StoreError::Broken(format!("transaction thread: {e}")).into()))
    }

    /// Like [`Db::write`] on the calling thread.
    pub fn write_blocking<T, E: TransactionError>(
        &self,
        f: impl Fn(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.retry(|connection| self.transaction_on(connection, &f))
    }

    /// Runs one statement on the calling thread, with no transaction around it, which saves two round trips.
    pub fn statement_blocking<T, E: TransactionError>(
        &self,
        f: impl Fn(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.retry(|connection| self.statement_on(connection, &f))
    }

    /// Tries a transaction again that another one pushed aside.
    fn retry<T, E: TransactionError>(
        &self,
        transaction: impl Fn(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.pool.get_timeout(WAIT).map_err(StoreError::from)?;
        for attempt in 1.. {
            match transaction(&mut connection) {
                Err(e) if e.is_transient() && attempt < ATTEMPTS => {
                    std::thread::sleep(Duration::from_millis(u64::from(attempt) * 7));
                }
                outcome => {
                    if outcome.is_err() {
                        connection.doubt();
                    }
                    return outcome;
                }
            }
        }
        Err(StoreError::Broken("no attempt".into()).into())
    }

    /// Runs one transaction on a connection of the caller, once.
    pub fn transaction_on<T, E: TransactionError>(
        &self,
        connection: &mut PgConnection,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        connection.transaction(|c| self.in_transaction(c, f)).map_err(Ended::into)
    }

    fn read_on<T, E: TransactionError>(
        &self,
        connection: &mut PgConnection,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut reading = connection.build_transaction().read_only().repeatable_read();
        reading.run(|c| self.in_transaction(c, f)).map_err(Ended::into)
    }

    /// Like [`Db::statement_blocking`] on a connection of the caller, once.
    pub fn statement_on<T, E: TransactionError>(
        &self,
        connection: &mut PgConnection,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.in_transaction(connection, f).map_err(Ended::into)
    }

    fn in_transaction<T, E>(
        &self,
        connection: &mut PgConnection,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
    ) -> Result<T, Ended<E>> {
        f(&mut Tx::begun_on(connection, &self.clock, &self.ids)).map_err(Ended::Closure)
    }
}
