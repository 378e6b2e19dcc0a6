//! The database: one entry point, one transaction per closure, retried where that is safe.
//!
//! [`Db::read`] and [`Db::write`] run a synchronous closure in one transaction on a blocking thread; no connection leaves it.
//! Deadlocks and serialization failures are retried three times. What is written is decided elsewhere.

pub mod accounts;
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
pub mod upkeep;
pub mod users;
pub mod verification;
pub mod writer_connection;

use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use diesel::connection::{AnsiTransactionManager, Connection as _, SimpleConnection, TransactionManager};
use diesel::pg::PgConnection;
use uuid::Uuid;

use crate::clock::{Clock, IdSource};
use backlog::Backlog;
/// A connection outside the pool, for what lasts longer than a transaction.
pub use diesel::pg::PgConnection as Connection;
pub use error::StoreError;
use pool::{Connections, Pool};

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

/// How soon a connection to a server that is gone without a word is given up; settings of the client library, in its own names.
const NOTICE: &str =
    "connect_timeout=5&keepalives_idle=5&keepalives_interval=2&keepalives_count=3&tcp_user_timeout=10000";
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

/// One open transaction.
pub struct Tx<'c> {
    connection: &'c mut PgConnection,
    clock: &'c Clock,
    ids: &'c IdSource,
    now: Option<DateTime<Utc>>,
}

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
        let url = with_notice(url);
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
        let mut tx = Tx { connection, clock: &self.clock, ids: &self.ids, now: None };
        f(&mut tx).map_err(Ended::Closure)
    }
}

/// The address with [`NOTICE`] in it. Of a setting that is given twice the last one holds, so that the operator's own come after ours.
fn with_notice(url: &str) -> String {
    let scheme = ["postgres://", "postgresql://"].into_iter().find(|scheme| url.starts_with(scheme));
    let Some(scheme) = scheme else { return format!("{} {url}", NOTICE.replace('&', " ")) };
    // a password may hold a question mark
    let host = match url.get(scheme.len()..).and_then(|rest| rest.split_once(['@', '/'])) {
        Some((user, _)) if url.as_bytes().get(scheme.len() + user.len()) == Some(&b'@') => {
            scheme.len() + user.len()
        }
        Some(_) | None => scheme.len(),
    };
    let (user, place) = url.split_at(host);
    match place.split_once('?') {
        Some((place, settings)) => format!("{user}{place}?{NOTICE}&{settings}"),
        None => format!("{url}?{NOTICE}"),
    }
}

/// Why a transaction ended without a commit.
enum Ended<E> {
    Closure(E),
    Database(diesel::result::Error),
}

impl<E: TransactionError> Ended<E> {
    fn into(self) -> E {
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

impl Tx<'_> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_gets_time_outs_and_keeps_its_own_settings_last() {
        let pairs = NOTICE.replace('&', " ");
        for (given, used) in [
            ("postgres://u:p@h:5432/d", format!("postgres://u:p@h:5432/d?{NOTICE}")),
            ("postgresql://u:p?q@h/d", format!("postgresql://u:p?q@h/d?{NOTICE}")),
            ("postgres://h/d?sslmode=require", format!("postgres://h/d?{NOTICE}&sslmode=require")),
            ("postgres://u@h?connect_timeout=9", format!("postgres://u@h?{NOTICE}&connect_timeout=9")),
            ("postgresql:///d?host=/run/a@b", format!("postgresql:///d?{NOTICE}&host=/run/a@b")),
            ("postgres://u@%2Frun%2Fpg/d", format!("postgres://u@%2Frun%2Fpg/d?{NOTICE}")),
            ("host=/run/pg dbname=d", format!("{pairs} host=/run/pg dbname=d")),
        ] {
            assert_eq!(with_notice(given), used);
        }
    }
}
