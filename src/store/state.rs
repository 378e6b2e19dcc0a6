//! The state of all keys behind one number: read in pages, as of one moment, while others go on writing.
//!
//! Which records are made of it is decided in [`crate::event`].

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::schema::{lines, sessions};
use super::{Db, Ended, StoreError, TransactionError, Tx, intercom};
use crate::domain::ids::PhonePk;

/// Whoever numbers is not held up for longer by one that is frozen; numbers survive a crash of the server.
const NUMBERING: &str = "SET idle_in_transaction_session_timeout = '5s'; SET synchronous_commit = on; \
     SET application_name = 'emgate state'";
/// Between two pages Kafka may take its time.
const READING: &str = "SET idle_in_transaction_session_timeout = '60s'; SET statement_timeout = '60s'; \
     SET application_name = 'emgate state'";

diesel::define_sql_function! {
    /// Lets another transaction see what this one sees.
    fn pg_export_snapshot() -> Text;
}
diesel::define_sql_function! {
    /// Keeps what the log says of old logins with the sessions that still run.
    fn keep_login_envelopes(before: Timestamptz, most: Integer) -> Integer;
}

/// Lets `number` number everything that is committed, and `read` then read exactly the state behind the last number.
///
/// The first runs while nobody else numbers. Both see the same moment: what is committed later is in neither.
pub fn behind_the_last_number<N, T, E: TransactionError>(
    db: &Db,
    number: impl FnOnce(&mut Tx<'_>) -> Result<N, E>,
    read: impl FnOnce(&mut Tx<'_>, N) -> Result<T, E>,
) -> Result<T, E> {
    let (mut numbering, mut reading) = (db.connect()?, db.connect()?);
    numbering.batch_execute(NUMBERING).map_err(StoreError::from)?;
    reading.batch_execute(READING).map_err(StoreError::from)?;
    let outcome = reading.build_transaction().read_only().repeatable_read().run(|reading| {
        // a day that is dropped meanwhile would be gone for us, too
        reading.batch_execute("LOCK TABLE event_log IN ACCESS SHARE MODE")?;
        let numbered = numbering.build_transaction().repeatable_read().run(|numbering| {
            // before the first statement that sees anything, so that no round can come between
            numbering.batch_execute("LOCK TABLE event_stream IN EXCLUSIVE MODE")?;
            let numbered = db.in_transaction(numbering, number)?;
            let moment: String = diesel::select(pg_export_snapshot()).get_result(numbering)?;
            reading.batch_execute(&format!("SET TRANSACTION SNAPSHOT '{moment}'"))?;
            Ok::<_, Ended<E>>(numbered)
        })?;
        db.in_transaction(reading, |tx| read(tx, numbered))
    });
    outcome.map_err(Ended::into)
}

/// A session and what the log says of its login.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct RunningSession {
    /// Row key of the phone, by which sessions are ordered.
    pub phone: i64,
    /// Record key.
    pub key: String,
    /// Its identity.
    pub session_id: Uuid,
    /// The moment of the login.
    pub started_at: DateTime<Utc>,
    /// Identity of the login event, while it is kept.
    pub event_id: Option<Uuid>,
    /// Envelope of the login event as written, while it is kept.
    pub envelope: Option<String>,
}

/// Active sessions on phones after one, in order.
pub fn sessions_after(tx: &mut Tx<'_>, phone: i64, most: i32) -> Result<Vec<RunningSession>, StoreError> {
    Ok(SessionsAfter { phone, most }.load(tx.connection())?)
}

/// The session on a phone.
pub fn session_on(tx: &mut Tx<'_>, phone: PhonePk) -> Result<Option<RunningSession>, StoreError> {
    let next = sessions_after(tx, phone.0 - 1, 1)?.pop();
    Ok(next.filter(|session| session.phone == phone.0))
}

/// Whether there is any session, and any intercom line.
pub fn is_any(tx: &mut Tx<'_>) -> Result<(bool, bool), StoreError> {
    let session = diesel::select(diesel::dsl::exists(sessions::table.select(sessions::phone_pk)));
    let line = diesel::select(diesel::dsl::exists(
        lines::table.filter(lines::usage.eq(intercom::USAGE)).select(lines::pk),
    ));
    Ok((session.get_result(tx.connection())?, line.get_result(tx.connection())?))
}

/// Keeps the envelopes of logins before a moment with the sessions that still run; gives how many.
pub fn keep_logins(tx: &mut Tx<'_>, before: DateTime<Utc>, most: i32) -> Result<i32, StoreError> {
    Ok(diesel::select(keep_login_envelopes(before, most)).get_result(tx.connection())?)
}

#[derive(Debug, Clone, Copy, QueryId)]
struct SessionsAfter {
    phone: i64,
    most: i32,
}

impl Query for SessionsAfter {
    type SqlType = (BigInt, Text, SqlUuid, Timestamptz, Nullable<SqlUuid>, Nullable<Text>);
}

impl QueryFragment<Pg> for SessionsAfter {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT phone_pk, key, session_id, started_at, event_id, envelope FROM sessions_with_logins(",
        );
        out.push_bind_param::<BigInt, _>(&self.phone)?;
        out.push_sql(", ");
        out.push_bind_param::<Integer, _>(&self.most)?;
        out.push_sql(")");
        Ok(())
    }
}

impl RunQueryDsl<PgConnection> for SessionsAfter {}
