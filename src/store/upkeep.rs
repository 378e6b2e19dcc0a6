//! What keeps the tables small: old events go, and the age of the oldest transaction tells whether vacuum can clean up.
//!
//! Which events are old is decided in [`crate::event::retention`].

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Integer, Timestamptz};

use super::{StoreError, Tx};

diesel::define_sql_function! {
    /// The first number that is kept.
    fn first_kept_event(before: Timestamptz) -> BigInt;
}
diesel::define_sql_function! {
    /// Drops the beginning of the number line.
    fn drop_event_positions(below: BigInt, most: Integer) -> Integer;
}
diesel::define_sql_function! {
    /// Detaches the oldest partition that may go.
    fn detach_old_event_partition(before: Timestamptz, first_kept: BigInt) -> Nullable<Text>;
}
diesel::define_sql_function! {
    /// Drops what was detached.
    fn drop_detached_event_partitions(before: Timestamptz) -> Integer;
}
diesel::define_sql_function! {
    /// Drops events of days without a partition.
    #[sql_name = "drop_other_events"]
    fn drop_other(before: Timestamptz, most: Integer) -> Integer;
}

/// Lets the statements of a connection take their time: nobody waits for them.
pub fn be_patient(connection: &mut PgConnection) -> Result<(), StoreError> {
    Ok(connection.batch_execute("SET statement_timeout = '10min'; SET application_name = 'emgate upkeep'")?)
}

/// The first number that is kept: below it, everything is confirmed and older than the moment.
pub fn first_kept(tx: &mut Tx<'_>, before: DateTime<Utc>) -> Result<i64, StoreError> {
    Ok(diesel::select(first_kept_event(before)).get_result(tx.connection())?)
}

/// Drops the beginning of the number line; gives how many numbers went.
pub fn drop_positions(tx: &mut Tx<'_>, below: i64, most: i32) -> Result<i32, StoreError> {
    Ok(diesel::select(drop_event_positions(below, most)).get_result(tx.connection())?)
}

/// Detaches the oldest partition that may go, or refuses when writers keep it busy for a tenth of a second.
pub fn detach_old_partition(
    tx: &mut Tx<'_>,
    before: DateTime<Utc>,
    first_kept: i64,
) -> Result<Option<String>, StoreError> {
    Ok(diesel::select(detach_old_event_partition(before, first_kept)).get_result(tx.connection())?)
}

/// Drops the tables of detached partitions; gives how many went.
pub fn drop_detached(tx: &mut Tx<'_>, before: DateTime<Utc>) -> Result<i32, StoreError> {
    Ok(diesel::select(drop_detached_event_partitions(before)).get_result(tx.connection())?)
}

/// Drops old events without a number from the days that have no partition; gives how many went.
pub fn drop_other_events(tx: &mut Tx<'_>, before: DateTime<Utc>, most: i32) -> Result<i32, StoreError> {
    Ok(diesel::select(drop_other(before, most)).get_result(tx.connection())?)
}

/// Age in seconds of the oldest transaction on this database: as long as it runs, vacuum cannot clean up behind it.
pub fn oldest_transaction(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    Ok(OldestTransaction.get_result(tx.connection())?)
}

#[derive(Debug, Clone, Copy, QueryId)]
struct OldestTransaction;

impl Query for OldestTransaction {
    type SqlType = BigInt;
}

impl QueryFragment<Pg> for OldestTransaction {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(xact_start)), 0)::bigint FROM pg_stat_activity \
             WHERE datname = current_database()",
        );
        Ok(())
    }
}

impl RunQueryDsl<PgConnection> for OldestTransaction {}
