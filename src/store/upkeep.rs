//! What the database is asked now and then, so that its tables stay small: how old its oldest transaction is.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;

use super::{StoreError, Tx};

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
