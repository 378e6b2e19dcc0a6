//! The ends of sessions: who is to be warned of theirs, and ends that are put off.
//!
//! Writers hold the locks of the phones ([`super::snapshot::read_leaving`]) and name the session that they saw.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::schema::{last_sessions, sessions};
use super::{StoreError, Tx};
use crate::domain::expiry::Ending;
use crate::domain::ids::PhonePk;

type EndingRow = (i64, Uuid, DateTime<Utc>, Option<DateTime<Utc>>, i16);

/// A session that ends by itself, as the table has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndingSession {
    /// Its phone.
    pub phone: PhonePk,
    /// Its identity.
    pub session_id: Uuid,
    /// Its times.
    pub ending: Ending,
}

/// Sessions that end until a moment and that nobody has looked at; the next ones first.
pub fn unseen(tx: &mut Tx<'_>, until: DateTime<Utc>, most: i64) -> Result<Vec<EndingSession>, StoreError> {
    let rows: Vec<EndingRow> = sessions::table
        .filter(sessions::warned_at.is_null().and(sessions::expires_at.le(until)))
        .order(sessions::expires_at)
        .limit(most)
        .select(columns())
        .load(tx.connection())?;
    Ok(rows.into_iter().filter_map(ending_session).collect())
}

/// Those on phones, in the order of the phones.
pub fn on_phones(tx: &mut Tx<'_>, phones: &[PhonePk]) -> Result<Vec<EndingSession>, StoreError> {
    let rows: Vec<EndingRow> = sessions::table
        .filter(sessions::phone_pk.eq_any(phones.iter().map(|phone| phone.0)))
        .order(sessions::phone_pk)
        .select(columns())
        .load(tx.connection())?;
    Ok(rows.into_iter().filter_map(ending_session).collect())
}

#[rustfmt::skip]
fn columns() -> (sessions::phone_pk, sessions::session_id, sessions::started_at, sessions::expires_at, sessions::extensions) {
    (sessions::phone_pk, sessions::session_id, sessions::started_at, sessions::expires_at, sessions::extensions)
}

fn ending_session(row: EndingRow) -> Option<EndingSession> {
    let (phone, session_id, started_at, expires_at, extensions) = row;
    let ending = Ending { started_at, expires_at: expires_at?, extensions };
    Some(EndingSession { phone: PhonePk(phone), session_id, ending })
}

/// Notes that sessions were looked at; gives the phones of those that nobody had looked at.
pub fn note_seen(tx: &mut Tx<'_>, seen: &[Uuid], now: DateTime<Utc>) -> Result<Vec<PhonePk>, StoreError> {
    let unseen =
        sessions::table.filter(sessions::session_id.eq_any(seen)).filter(sessions::warned_at.is_null());
    let phones: Vec<i64> = diesel::update(unseen)
        .set(sessions::warned_at.eq(now))
        .returning(sessions::phone_pk)
        .get_results(tx.connection())?;
    Ok(phones.into_iter().map(PhonePk).collect())
}

diesel::define_sql_function! {
    /// Puts the end of a session off; says how many there were.
    fn put_off_session(session: SqlUuid, end: Timestamptz, announce: Bool, envelope: Text) -> BigInt;
}

/// Puts the end of a session off; it is announced anew when `announce` says so. `envelope` is what its login would say of it now.
pub fn put_off(
    tx: &mut Tx<'_>,
    session: Uuid,
    end: DateTime<Utc>,
    announce: bool,
    envelope: &str,
) -> Result<bool, StoreError> {
    let statement = put_off_session(session, end, announce, envelope);
    let put_off: i64 = diesel::select(statement).get_result(tx.connection())?;
    Ok(put_off == 1)
}

/// Remembers of phones that the last session on them was ended by a login at another phone.
pub fn note_replaced(tx: &mut Tx<'_>, phones: &[PhonePk]) -> Result<(), StoreError> {
    let now = tx.now()?;
    let rows = last_sessions::table.filter(last_sessions::phone_pk.eq_any(phones.iter().map(|p| p.0)));
    let replaced = (
        last_sessions::replaced_session.eq(last_sessions::session_id.nullable()),
        last_sessions::replaced_at.eq(now),
    );
    diesel::update(rows).set(replaced).execute(tx.connection())?;
    Ok(())
}

/// When the last session of a phone was ended by a login at another phone; none: otherwise, or somebody has logged in since.
pub fn replaced_at(tx: &mut Tx<'_>, phone: PhonePk) -> Result<Option<DateTime<Utc>>, StoreError> {
    let is_free = diesel::dsl::not(diesel::dsl::exists(
        sessions::table.filter(sessions::phone_pk.eq(last_sessions::phone_pk)),
    ));
    let at: Option<Option<DateTime<Utc>>> = last_sessions::table
        .filter(last_sessions::phone_pk.eq(phone.0))
        .filter(last_sessions::replaced_session.eq(last_sessions::session_id.nullable()))
        .filter(is_free)
        .select(last_sessions::replaced_at)
        .first(tx.connection())
        .optional()?;
    Ok(at.flatten())
}
