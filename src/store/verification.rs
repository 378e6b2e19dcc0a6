//! What `emgate events verify` compares with Kafka, read in one transaction: number line, pending events, sessions, intercom lines.

use chrono::{DateTime, Utc};
use diesel::dsl::min;
use diesel::prelude::*;
use uuid::Uuid;

use super::number_line::{self, Line};
use super::schema::{event_pending, event_position, lines, objects, sessions};
use super::{StoreError, Tx, intercom};

/// The database at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The number line.
    pub line: Line,
    /// Number from which on everything is of this line.
    pub line_from: i64,
    /// Keys in the log of events that have no number.
    pub pending: Vec<i64>,
    /// Active sessions.
    pub sessions: Vec<SessionRow>,
    /// Intercom lines.
    pub intercom: Vec<IntercomRow>,
}

/// An active session by the identities of what it joins.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct SessionRow {
    /// Name of the phone.
    pub phone: String,
    /// The phone.
    pub phone_uuid: Uuid,
    /// The person.
    pub user: Uuid,
    /// The profile.
    pub profile: Uuid,
    /// The session.
    pub session_id: Uuid,
    /// Since when.
    pub started_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// Limit in force.
    pub max_login_seconds: Option<i32>,
    /// Where the limit comes from.
    pub max_login_source: Option<String>,
    /// How the person signed in.
    pub login_method: String,
}

/// An intercom line and its default device.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct IntercomRow {
    /// The line.
    pub uuid: Uuid,
    /// Its number.
    pub dn: String,
    /// Name of its partition.
    pub partition: Option<String>,
    /// Its default device.
    pub default_phone: Option<Uuid>,
}

impl IntercomRow {
    /// The record key of its events.
    pub fn key(&self) -> String {
        format!("{}|{}", self.dn, self.partition.as_deref().unwrap_or_default())
    }
}

/// Reads everything; for a transaction that sees one state of the database.
pub fn snapshot(tx: &mut Tx<'_>) -> Result<Snapshot, StoreError> {
    let line = number_line::line(tx)?;
    Ok(Snapshot {
        line_from: line_from(tx, &line)?,
        line,
        pending: event_pending::table.select(event_pending::seq).load(tx.connection())?,
        sessions: sessions_now(tx)?,
        intercom: intercom_now(tx)?,
    })
}

fn line_from(tx: &mut Tx<'_>, line: &Line) -> Result<i64, StoreError> {
    let first = event_position::table
        .filter(event_position::emstream.eq(&line.emstream))
        .order(event_position::pos)
        .select(event_position::pos)
        .first(tx.connection())
        .optional()?;
    Ok(first.unwrap_or(line.last_pos + 1))
}

fn sessions_now(tx: &mut Tx<'_>) -> Result<Vec<SessionRow>, StoreError> {
    let (phone, user, profile) = diesel::alias!(objects as phone, objects as user, objects as profile);
    let rows = sessions::table
        .inner_join(phone.on(phone.field(objects::pk).eq(sessions::phone_pk)))
        .inner_join(user.on(user.field(objects::pk).eq(sessions::user_pk)))
        .inner_join(profile.on(profile.field(objects::pk).eq(sessions::profile_pk)))
        .select((
            phone.field(objects::name),
            phone.field(objects::uuid),
            user.field(objects::uuid),
            profile.field(objects::uuid),
            sessions::session_id,
            sessions::started_at,
            sessions::expires_at,
            sessions::max_login_seconds,
            sessions::max_login_source,
            sessions::login_method,
        ));
    Ok(rows.load(tx.connection())?)
}

fn intercom_now(tx: &mut Tx<'_>) -> Result<Vec<IntercomRow>, StoreError> {
    let (line, partition, phone) = diesel::alias!(objects as line, objects as partition, objects as phone);
    let rows = lines::table
        .inner_join(line.on(line.field(objects::pk).eq(lines::pk)))
        .left_join(partition.on(partition.field(objects::pk).nullable().eq(lines::partition_pk)))
        .left_join(phone.on(phone.field(objects::pk).nullable().eq(lines::default_device_pk)))
        .filter(lines::usage.eq(intercom::USAGE))
        .select((
            line.field(objects::uuid),
            lines::pattern,
            partition.field(objects::name).nullable(),
            phone.field(objects::uuid).nullable(),
        ));
    Ok(rows.load(tx.connection())?)
}

/// Oldest number that the database keeps.
pub fn first_kept(tx: &mut Tx<'_>) -> Result<Option<i64>, StoreError> {
    Ok(event_position::table.select(min(event_position::pos)).first(tx.connection())?)
}

/// The numbers that some events have got.
pub fn numbers_of(tx: &mut Tx<'_>, keys: &[i64]) -> Result<Vec<i64>, StoreError> {
    let numbers = event_position::table.filter(event_position::seq.eq_any(keys));
    Ok(numbers.select(event_position::pos).load(tx.connection())?)
}
