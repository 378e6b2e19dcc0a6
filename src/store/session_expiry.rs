//! The ends of sessions: who is to be warned of theirs, what a phone shows of it, and sessions that are extended or replaced.
//!
//! Writers hold the locks of the phones and name the session that they saw.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Interval, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::schema::{device_profiles, last_sessions, objects, phones, sessions};
use super::{StoreError, Tx};
use crate::domain::event::{EventPhone, EventProfile, EventUser};
use crate::domain::ids::PhonePk;
use crate::domain::session_expiry::Expiring;

diesel::define_sql_function! {
    /// The phones of sessions whose end is near and was not announced.
    fn sessions_near_their_end(now: Timestamptz, warning: Interval, most: BigInt) -> Array<BigInt>;
}
diesel::define_sql_function! {
    /// Puts the end of a session off; says how many there were.
    fn extend_session(session: SqlUuid, end: Timestamptz, envelope: Text) -> BigInt;
}

/// A session that ends by itself, as events show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiringSession {
    /// Its identity.
    pub session_id: Uuid,
    /// Its phone.
    pub phone: EventPhone,
    /// Its user.
    pub user: EventUser,
    /// Its profile.
    pub profile: EventProfile,
    /// Its times.
    pub expiring: Expiring,
}

/// What a phone shows of the end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndAtPhone {
    /// The moment of this answer.
    pub now: DateTime<Utc>,
    /// The session on the phone, if it ends by itself.
    pub expiring: Option<Expiring>,
    /// When its last session was ended by a login at another phone, if that is how it ended.
    pub replaced_at: Option<DateTime<Utc>>,
}

/// The phones of sessions that end within the warning and were not announced; the next ones first.
pub fn near_end(tx: &mut Tx<'_>, warning: TimeDelta, most: i64) -> Result<Vec<PhonePk>, StoreError> {
    let now = tx.now()?;
    let near = diesel::select(sessions_near_their_end(now, warning, most));
    let phones: Vec<i64> = near.get_result(tx.connection())?;
    Ok(phones.into_iter().map(PhonePk).collect())
}

/// Locks phones, but for those that somebody else has locked: the sessions on them are looked at the next time.
pub fn lock_free(tx: &mut Tx<'_>, named: &[PhonePk]) -> Result<Vec<PhonePk>, StoreError> {
    let named = phones::table.filter(phones::pk.eq_any(keys(named))).order(phones::pk).select(phones::pk);
    let locked: Vec<i64> = named.for_no_key_update().skip_locked().load(tx.connection())?;
    Ok(locked.into_iter().map(PhonePk).collect())
}

fn keys(phones: &[PhonePk]) -> Vec<i64> {
    phones.iter().map(|phone| phone.0).collect()
}

/// Sessions on phones that end by themselves and were not announced, in the order of the phones.
pub fn unannounced(tx: &mut Tx<'_>, on: &[PhonePk]) -> Result<Vec<ExpiringSession>, StoreError> {
    type Row = (
        (Uuid, DateTime<Utc>, Option<DateTime<Utc>>, i16),
        (String, Uuid, String, String),
        (String, Uuid),
        (String, Uuid, String),
    );
    let (phone, user, profile) = diesel::alias!(objects as phone, objects as user, objects as profile);
    let rows: Vec<Row> = sessions::table
        .inner_join(phones::table.on(phones::pk.eq(sessions::phone_pk)))
        .inner_join(phone.on(phone.field(objects::pk).eq(sessions::phone_pk)))
        .inner_join(user.on(user.field(objects::pk).eq(sessions::user_pk)))
        .inner_join(profile.on(profile.field(objects::pk).eq(sessions::profile_pk)))
        .inner_join(device_profiles::table.on(device_profiles::pk.eq(sessions::profile_pk)))
        .filter(sessions::phone_pk.eq_any(keys(on)).and(sessions::warned_at.is_null()))
        .order(sessions::phone_pk)
        .select((
            (sessions::session_id, sessions::started_at, sessions::expires_at, sessions::times_extended),
            (phone.field(objects::name), phone.field(objects::uuid), phones::model, phones::protocol),
            (user.field(objects::name), user.field(objects::uuid)),
            (profile.field(objects::name), profile.field(objects::uuid), device_profiles::model),
        ))
        .load(tx.connection())?;
    let session = |row: Row| {
        let (session, phone, user, profile) = row;
        Some(ExpiringSession {
            session_id: session.0,
            phone: EventPhone { name: phone.0, uuid: phone.1, model: phone.2, protocol: phone.3 },
            user: EventUser { user_id: user.0, uuid: user.1 },
            profile: EventProfile { name: profile.0, uuid: profile.1, model: profile.2 },
            expiring: expiring(session.1, session.2, session.3)?,
        })
    };
    Ok(rows.into_iter().filter_map(session).collect())
}

fn expiring(started_at: DateTime<Utc>, end: Option<DateTime<Utc>>, times_extended: i16) -> Option<Expiring> {
    end.map(|expires_at| Expiring { started_at, expires_at, times_extended })
}

/// Notes that the ends of sessions were announced.
pub fn note_announced(tx: &mut Tx<'_>, announced: &[Uuid]) -> Result<(), StoreError> {
    let now = tx.now()?;
    diesel::update(sessions::table.filter(sessions::session_id.eq_any(announced)))
        .set(sessions::warned_at.eq(now))
        .execute(tx.connection())?;
    Ok(())
}

/// What phones show of the end of a session, in their order.
pub fn at_phones(tx: &mut Tx<'_>, asked: &[PhonePk]) -> Result<Vec<EndAtPhone>, StoreError> {
    type Times = (i64, DateTime<Utc>, Option<DateTime<Utc>>, i16);
    let now = tx.now()?;
    let running: Vec<Times> = sessions::table
        .filter(sessions::phone_pk.eq_any(keys(asked)))
        .select((sessions::phone_pk, sessions::started_at, sessions::expires_at, sessions::times_extended))
        .load(tx.connection())?;
    let running: HashMap<i64, _> =
        running.into_iter().map(|row| (row.0, expiring(row.1, row.2, row.3))).collect();
    let replaced: HashMap<i64, Option<DateTime<Utc>>> = last_sessions::table
        .filter(last_sessions::phone_pk.eq_any(keys(asked)))
        .filter(last_sessions::replaced_session.eq(last_sessions::session_id.nullable()))
        .select((last_sessions::phone_pk, last_sessions::replaced_at))
        .load(tx.connection())?
        .into_iter()
        .collect();
    let end = |phone: &PhonePk| EndAtPhone {
        now,
        expiring: running.get(&phone.0).copied().flatten(),
        replaced_at: replaced.get(&phone.0).copied().flatten(),
    };
    Ok(asked.iter().map(end).collect())
}

/// The session on a phone, if it ends by itself.
pub fn expiring_on(tx: &mut Tx<'_>, phone: PhonePk) -> Result<Option<Expiring>, StoreError> {
    Ok(at_phones(tx, &[phone])?.pop().and_then(|end| end.expiring))
}

/// Gives a session another end, which is announced anew; `envelope` is what its login would say of it now. False: it has gone.
pub fn extend(
    tx: &mut Tx<'_>,
    session: Uuid,
    end: DateTime<Utc>,
    envelope: &str,
) -> Result<bool, StoreError> {
    let extended: i64 = diesel::select(extend_session(session, end, envelope)).get_result(tx.connection())?;
    Ok(extended == 1)
}

/// Remembers of phones that the last session on them was ended by a login at another phone.
pub fn note_replaced(tx: &mut Tx<'_>, on: &[PhonePk]) -> Result<(), StoreError> {
    let now = tx.now()?;
    let replaced = (
        last_sessions::replaced_session.eq(last_sessions::session_id.nullable()),
        last_sessions::replaced_at.eq(now),
    );
    diesel::update(last_sessions::table.filter(last_sessions::phone_pk.eq_any(keys(on))))
        .set(replaced)
        .execute(tx.connection())?;
    Ok(())
}
