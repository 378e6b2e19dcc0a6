//! The number line in the database: lead it, number what waits, read after a position, begin it anew.
//!
//! Every change is bound to the epoch of one leader: a former leader changes nothing. When a node leads and
//! numbers is decided in [`crate::event`].

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{
    Array, BigInt, Bool, Bytea, Date, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use uuid::Uuid;

use super::node_lock::pg_try_advisory_lock;
use super::schema::{event_pending, event_stream};
use super::{StoreError, Tx};

/// The advisory lock of the node that numbers and publishes.
const LEADER_LOCK: i64 = 0x656d_6c65_6164;

/// A leader that is frozen loses its connection, and with it the lock, after this; commits survive a crash of the server.
const LEADER_SESSION: &str = "SET idle_session_timeout = '5s'; SET idle_in_transaction_session_timeout = '5s'; \
     SET synchronous_commit = on; SET client_min_messages = 'error'; SET application_name = 'emgate sequencer';";

/// The number line as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = event_stream)]
pub struct Line {
    /// Identity of the line.
    pub emstream: String,
    /// Highest number given.
    pub last_pos: i64,
    /// Highest number up to which Kafka has everything.
    pub confirmed_pos: i64,
    /// Epoch of the leader.
    pub leader_epoch: i64,
    /// Whether the leader is to publish the whole state again.
    pub state_due: bool,
}

/// What a round of numbering did.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Numbering {
    /// Highest number given, in this round or before.
    pub last: i64,
    /// Whether anything waited.
    pub is_any: bool,
    /// Types of the events that got a number, in order.
    pub types: Vec<String>,
}

/// A numbered event as it is read back.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Positioned {
    /// Its number.
    pub pos: i64,
    /// Moment of its transaction.
    pub created_at: DateTime<Utc>,
    /// When it got its number.
    pub recorded_at: DateTime<Utc>,
    /// The line it is on.
    pub emstream: String,
    /// Link of the hash chain.
    pub hash: Vec<u8>,
    /// Identity of the event.
    pub id: Uuid,
    /// Topic under the default prefix.
    pub topic: String,
    /// Record key.
    pub key: String,
    /// Envelope as written.
    pub envelope: String,
    /// State records that follow it beyond its own: array of `{ topic, key, data or null }`.
    pub states: Option<String>,
}

/// An event, and when it was read.
type Read = (DateTime<Utc>, Positioned);

impl Positioned {
    /// Bytes of what was written.
    pub fn bytes(&self) -> usize {
        self.envelope.len() + self.states.as_ref().map_or(0, String::len)
    }
}

diesel::define_sql_function! {
    /// The greater of two numbers.
    fn greatest(a: BigInt, b: BigInt) -> BigInt;
}
diesel::define_sql_function! {
    /// The smaller of two numbers.
    fn least(a: BigInt, b: BigInt) -> BigInt;
}
diesel::define_sql_function! {
    /// Begins a new number line; false: another node leads.
    fn restart_event_line(epoch: BigInt, emstream: Text, above: BigInt) -> Bool;
}
diesel::define_sql_function! {
    /// Makes the partitions of a day and those after it.
    fn ensure_event_partitions(today: Date, days: Integer) -> Integer;
}

/// Makes a connection that of a leader, if no other node leads.
pub fn try_lead(connection: &mut PgConnection) -> Result<bool, StoreError> {
    connection.batch_execute(LEADER_SESSION)?;
    Ok(diesel::select(pg_try_advisory_lock(LEADER_LOCK)).get_result(connection)?)
}

/// Raises the epoch: whoever led before can no longer number.
pub fn raise_epoch(tx: &mut Tx<'_>) -> Result<Line, StoreError> {
    let line = diesel::update(event_stream::table)
        .set(event_stream::leader_epoch.eq(event_stream::leader_epoch + 1))
        .returning(Line::as_returning())
        .get_result(tx.connection())?;
    Ok(line)
}

/// The line as it stands, without a lock.
pub fn line(tx: &mut Tx<'_>) -> Result<Line, StoreError> {
    Ok(event_stream::table.select(Line::as_select()).first(tx.connection())?)
}

/// Whether anything waits for a number. By the index: a scan would go over all that was taken since the last vacuum.
pub fn any_pending(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let oldest = event_pending::table.select(event_pending::seq).order(event_pending::seq);
    Ok(oldest.first::<i64>(connection).optional()?.is_some())
}

/// Frees the room of what was taken from the pending set, outside a transaction; each look at the set would pass it. Does nothing
/// where the role does not own the table, nor while somebody else vacuums it: numbering would wait.
pub fn vacuum_pending(connection: &mut PgConnection) -> Result<(), StoreError> {
    Ok(connection.batch_execute("VACUUM (SKIP_LOCKED, TRUNCATE false) event_pending")?)
}

/// How many events wait for a number, counted up to a bound.
pub fn count_pending(tx: &mut Tx<'_>, most: i64) -> Result<usize, StoreError> {
    let keys: Vec<i64> = event_pending::table.select(event_pending::seq).limit(most).load(tx.connection())?;
    Ok(keys.len())
}

/// Moment of the oldest event that waits for a number.
pub fn oldest_pending(tx: &mut Tx<'_>) -> Result<Option<DateTime<Utc>>, StoreError> {
    let oldest = event_pending::table.select(event_pending::created_at).order(event_pending::seq);
    Ok(oldest.first(tx.connection()).optional()?)
}

/// Numbers the oldest events that have no number, and notes what Kafka has acknowledged of those before; `None`: another node leads.
pub fn number_pending(
    tx: &mut Tx<'_>,
    epoch: i64,
    confirmed: i64,
    most: i32,
) -> Result<Option<Numbering>, StoreError> {
    // the database's clock is read when the line is locked
    let now = if tx.uses_database_time() { None } else { Some(tx.now()?) };
    Ok(NumberPending { epoch, confirmed, now, most }.get_result(tx.connection()).optional()?)
}

/// Notes what Kafka has acknowledged. False: another node leads.
pub fn confirm(tx: &mut Tx<'_>, epoch: i64, confirmed: i64) -> Result<bool, StoreError> {
    let ours = event_stream::table.filter(event_stream::leader_epoch.eq(epoch));
    let acknowledged = greatest(event_stream::confirmed_pos, least(event_stream::last_pos, confirmed));
    Ok(diesel::update(ours).set(event_stream::confirmed_pos.eq(acknowledged)).execute(tx.connection())? == 1)
}

/// Numbered events after a position, in order.
pub fn after(tx: &mut Tx<'_>, position: i64, most: i32) -> Result<Vec<Positioned>, StoreError> {
    let rows: Vec<Read> = PositionsAfter { position, most, bytes: i64::MAX }.load(tx.connection())?;
    Ok(rows.into_iter().map(|(_, event)| event).collect())
}

/// The same, up to the one with which so many bytes are reached; one statement, which tells the moment, too, where it finds any.
pub fn within(
    tx: &mut Tx<'_>,
    position: i64,
    most: i32,
    bytes: i64,
) -> Result<(Vec<Positioned>, Option<DateTime<Utc>>), StoreError> {
    let rows: Vec<Read> = PositionsAfter { position, most, bytes }.load(tx.connection())?;
    let read_at = match rows.first() {
        Some((now, _)) if tx.uses_database_time() => Some(*now),
        Some(_) => Some(tx.now()?),
        None => None,
    };
    Ok((rows.into_iter().map(|(_, event)| event).collect(), read_at))
}

/// Begins a new line above a number; what Kafka had not acknowledged is numbered again. False: another node leads.
pub fn restart(tx: &mut Tx<'_>, epoch: i64, emstream: &str, above: i64) -> Result<bool, StoreError> {
    Ok(diesel::select(restart_event_line(epoch, emstream, above)).get_result(tx.connection())?)
}

/// Asks whoever leads to publish the whole state again.
pub fn ask_for_state(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    diesel::update(event_stream::table).set(event_stream::state_due.eq(true)).execute(tx.connection())?;
    Ok(())
}

/// Notes that the whole state is published again. False: another node leads.
pub fn state_is_published(tx: &mut Tx<'_>, epoch: i64) -> Result<bool, StoreError> {
    let ours = event_stream::table.filter(event_stream::leader_epoch.eq(epoch));
    Ok(diesel::update(ours).set(event_stream::state_due.eq(false)).execute(tx.connection())? == 1)
}

/// Makes the day partitions of the log ahead.
pub fn ensure_partitions(tx: &mut Tx<'_>, days: i32) -> Result<i32, StoreError> {
    let today = tx.now()?.date_naive();
    Ok(diesel::select(ensure_event_partitions(today, days)).get_result(tx.connection())?)
}

#[derive(Debug, Clone, Copy, QueryId)]
struct NumberPending {
    epoch: i64,
    confirmed: i64,
    now: Option<DateTime<Utc>>,
    most: i32,
}

impl Query for NumberPending {
    type SqlType = (BigInt, Bool, Array<Text>);
}

impl QueryFragment<Pg> for NumberPending {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT last, is_any, types FROM number_pending_events(");
        out.push_bind_param::<BigInt, _>(&self.epoch)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.confirmed)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Timestamptz>, _>(&self.now)?;
        out.push_sql(", ");
        out.push_bind_param::<Integer, _>(&self.most)?;
        out.push_sql(")");
        Ok(())
    }
}

impl RunQueryDsl<PgConnection> for NumberPending {}

#[derive(Debug, Clone, Copy, QueryId)]
struct PositionsAfter {
    position: i64,
    most: i32,
    bytes: i64,
}

impl Query for PositionsAfter {
    type SqlType = (
        Timestamptz,
        (BigInt, Timestamptz, Timestamptz, Text, Bytea, SqlUuid, Text, Text, Text, Nullable<Text>),
    );
}

impl QueryFragment<Pg> for PositionsAfter {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT clock_timestamp(), pos, created_at, recorded_at, emstream, hash, id, topic, key, envelope, states FROM positions_after(");
        out.push_bind_param::<BigInt, _>(&self.position)?;
        out.push_sql(", ");
        out.push_bind_param::<Integer, _>(&self.most)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.bytes)?;
        out.push_sql(")");
        Ok(())
    }
}

impl RunQueryDsl<PgConnection> for PositionsAfter {}
