//! Brings a database to the shape of this binary, one node at a time.

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::StoreError;

/// The migrations of this binary.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Advisory lock under which migrations run, so that nodes that start together take turns.
const LOCK: i64 = 0x656d_6d69_6772;

/// A large table takes long to change, and a node that waits for its turn waits that long.
const PATIENCE: &str = "SET statement_timeout = 0; SET lock_timeout = 0";

diesel::define_sql_function! {
    /// Waits for a session-level advisory lock.
    fn pg_advisory_lock(key: diesel::sql_types::BigInt);
}
diesel::define_sql_function! {
    /// Gives a session-level advisory lock back.
    fn pg_advisory_unlock(key: diesel::sql_types::BigInt) -> diesel::sql_types::Bool;
}

/// Runs what is missing and says which migrations ran. Takes the time that takes, also for those of another node: the connection is
/// without time-outs from then on.
pub fn run(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    connection.batch_execute(PATIENCE)?;
    diesel::select(pg_advisory_lock(LOCK)).execute(connection)?;
    let outcome =
        connection.run_pending_migrations(MIGRATIONS).map(|v| v.iter().map(ToString::to_string).collect());
    diesel::select(pg_advisory_unlock(LOCK)).execute(connection)?;
    outcome.map_err(|e| StoreError::Broken(format!("migration: {e}")))
}

/// Names the migrations that have not run yet.
pub fn pending(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    let pending = connection
        .pending_migrations(MIGRATIONS)
        .map_err(|e| StoreError::Broken(format!("migration: {e}")))?;
    Ok(pending.iter().map(|m| m.name().to_string()).collect())
}
