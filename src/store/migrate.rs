//! Brings a database to the shape of this binary, one node at a time.

use std::time::Duration;

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
/// A step that waits for whoever reads a table, such as a backup, holds up all who come after it: it gives way and tries again.
const GIVE_WAY: &str = "SET lock_timeout = '2s'";
const PAUSE: Duration = Duration::from_secs(1);

diesel::define_sql_function! {
    /// Waits for a session-level advisory lock.
    fn pg_advisory_lock(key: diesel::sql_types::BigInt);
}
diesel::define_sql_function! {
    /// Gives a session-level advisory lock back.
    fn pg_advisory_unlock(key: diesel::sql_types::BigInt) -> diesel::sql_types::Bool;
}

/// Runs what is missing and says which migrations ran. Takes the time that takes, also for those of another node, and gives way to whoever
/// waits for a table behind it: the time-outs of the connection are other ones from then on.
pub fn run(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    connection.batch_execute(PATIENCE)?;
    diesel::select(pg_advisory_lock(LOCK)).execute(connection)?;
    connection.batch_execute(GIVE_WAY)?;
    let outcome = run_each(connection);
    diesel::select(pg_advisory_unlock(LOCK)).execute(connection)?;
    outcome.map_err(|e| StoreError::Broken(format!("migration: {e}")))
}

fn run_each(connection: &mut PgConnection) -> diesel::migration::Result<Vec<String>> {
    let mut ran = Vec::new();
    let mut is_told = false;
    while connection.has_pending_migration(MIGRATIONS)? {
        match connection.run_next_migration(MIGRATIONS) {
            Ok(version) => {
                ran.push(version.to_string());
                is_told = false;
            }
            Err(error) if error.to_string().contains("lock timeout") => {
                if !is_told {
                    tracing::warn!(%error, "a migration waits for others who use its tables, and tries again until they are done");
                }
                is_told = true;
                std::thread::sleep(PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(ran)
}

/// Names the migrations that have not run yet.
pub fn pending(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    let pending = connection
        .pending_migrations(MIGRATIONS)
        .map_err(|e| StoreError::Broken(format!("migration: {e}")))?;
    Ok(pending.iter().map(|m| m.name().to_string()).collect())
}
