//! Active sessions: written by batches, ended one by one where provisioning takes something away.
//!
//! Each write names phone and session, so that a logout ends the session it saw and never a later one (security.md CON-6).

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::event_log::EventRow;
use super::schema::{objects, registrations, sessions};
use super::{StoreError, Tx, session_expiry};
use crate::domain::event::{LoginMethod, MaxLoginSource};
use crate::domain::ids::{LinePk, PhonePk, ProfilePk, UserPk};
use crate::domain::login_limit::LoginLimit;

/// A session to be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSession {
    /// The phone.
    pub phone: PhonePk,
    /// The person.
    pub user: UserPk,
    /// The profile.
    pub profile: ProfilePk,
    /// Its identity.
    pub session_id: Uuid,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// Limit in force and where it comes from.
    pub limit: Option<(LoginLimit, MaxLoginSource)>,
    /// How the person signed in.
    pub method: LoginMethod,
    /// Whether it is the only one its user may have.
    pub exclusive: bool,
}

/// All that a batch writes.
#[derive(Debug, Default)]
pub struct BatchChanges {
    /// Sessions that end.
    pub ended: Vec<(PhonePk, Uuid)>,
    /// Sessions that begin.
    pub opened: Vec<NewSession>,
    /// Intercom lines that get their default device.
    pub selected: Vec<(LinePk, PhonePk)>,
    /// Phones whose session ends because its user logs in at another one.
    pub replaced: Vec<PhonePk>,
    /// Events, in order.
    pub events: Vec<EventRow>,
}

diesel::define_sql_function! {
    /// Writes a batch; returns the id of the transaction.
    #[expect(clippy::too_many_arguments, reason = "one array a column, in one round trip")]
    fn apply_batch(
        now: Timestamptz,
        d_phone: Array<BigInt>, d_session: Array<SqlUuid>,
        i_phone: Array<BigInt>, i_user: Array<BigInt>, i_profile: Array<BigInt>, i_session: Array<SqlUuid>,
        i_expires: Array<Nullable<Timestamptz>>, i_limit: Array<Nullable<Integer>>, i_source: Array<Nullable<Text>>,
        i_method: Array<Text>, i_exclusive: Array<Bool>,
        c_line: Array<BigInt>, c_phone: Array<BigInt>,
        e_id: Array<SqlUuid>, e_type: Array<Text>, e_topic: Array<Text>, e_key: Array<Text>, e_envelope: Array<Text>,
    ) -> BigInt;
}
diesel::define_sql_function! {
    /// What became of a transaction: `committed`, `aborted`, `in progress`, or null when it is forgotten.
    fn transaction_outcome(id: BigInt) -> Nullable<Text>;
}

fn each<'a, T, U>(items: &'a [T], field: impl Fn(&'a T) -> U) -> Vec<U> {
    items.iter().map(field).collect()
}

/// Writes what a batch decided, with its events, in one statement, and in another what phones are to be told; returns the id of the transaction.
pub fn apply(tx: &mut Tx<'_>, changes: &BatchChanges) -> Result<i64, StoreError> {
    let now = tx.now()?;
    let BatchChanges { ended, opened, selected, replaced, events } = changes;
    let statement = apply_batch(
        now,
        each(ended, |e| e.0),
        each(ended, |e| e.1),
        each(opened, |s| s.phone),
        each(opened, |s| s.user),
        each(opened, |s| s.profile),
        each(opened, |s| s.session_id),
        each(opened, |s| s.expires_at),
        each(opened, |s| s.limit.map(|(limit, _)| limit.seconds())),
        each(opened, |s| s.limit.map(|(_, source)| source_name(source))),
        each(opened, |s| method_name(s.method)),
        each(opened, |s| s.exclusive),
        each(selected, |s| s.0),
        each(selected, |s| s.1),
        each(events, |e| e.id),
        each(events, |e| e.type_name),
        each(events, |e| e.topic),
        each(events, |e| e.key.as_str()),
        each(events, |e| e.envelope.as_str()),
    );
    let transaction = diesel::select(statement).get_result(tx.connection())?;
    if !replaced.is_empty() {
        session_expiry::note_replaced(tx, replaced)?;
    }
    Ok(transaction)
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It is in force.
    Yes,
    /// It left nothing.
    No,
    /// It has not ended.
    NotYet,
    /// The server does not know it any more.
    Forgotten,
}

/// Whether a transaction whose commit was not answered did commit.
pub fn did_commit(tx: &mut Tx<'_>, id: i64) -> Result<Committed, StoreError> {
    let outcome: Option<String> = diesel::select(transaction_outcome(id)).get_result(tx.connection())?;
    Ok(match outcome.as_deref() {
        Some("committed") => Committed::Yes,
        Some("aborted") => Committed::No,
        Some(_) => Committed::NotYet,
        None => Committed::Forgotten,
    })
}

/// How a login method stands in the table.
fn method_name(method: LoginMethod) -> &'static str {
    match method {
        LoginMethod::UserId => "UID",
        LoginMethod::SelfServiceId => "SP",
        LoginMethod::PrimaryExtension => "DN",
        LoginMethod::Api => "API",
    }
}

fn source_name(source: MaxLoginSource) -> &'static str {
    match source {
        MaxLoginSource::ServiceParameter => "service-parameter",
        MaxLoginSource::User => "user",
        MaxLoginSource::Request => "request",
        MaxLoginSource::Schedule => "schedule",
    }
}

/// Which sessions are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionsOf {
    /// The one on a phone.
    Phone(PhonePk),
    /// All of a user.
    User(UserPk),
    /// All with a profile.
    Profile(ProfilePk),
    /// Those of a user with a profile.
    UserWithProfile(UserPk, ProfilePk),
}

/// The phones on which such sessions are.
pub fn phones_with(tx: &mut Tx<'_>, which: SessionsOf) -> Result<Vec<PhonePk>, StoreError> {
    let all = sessions::table.select(sessions::phone_pk).order(sessions::phone_pk).into_boxed();
    let some = match which {
        SessionsOf::Phone(phone) => all.filter(sessions::phone_pk.eq(phone.0)),
        SessionsOf::User(user) => all.filter(sessions::user_pk.eq(user.0)),
        SessionsOf::Profile(profile) => all.filter(sessions::profile_pk.eq(profile.0)),
        SessionsOf::UserWithProfile(user, profile) => {
            all.filter(sessions::user_pk.eq(user.0)).filter(sessions::profile_pk.eq(profile.0))
        }
    };
    Ok(some.load::<i64>(tx.connection())?.into_iter().map(PhonePk).collect())
}

/// The phones of all sessions, by their names.
pub fn occupied_phones(tx: &mut Tx<'_>) -> Result<Vec<PhonePk>, StoreError> {
    let named = sessions::table.inner_join(objects::table.on(objects::pk.eq(sessions::phone_pk)));
    let mut phones: Vec<(String, PhonePk)> =
        named.select((objects::name, sessions::phone_pk)).load(tx.connection())?;
    phones.sort();
    Ok(phones.into_iter().map(|(_, phone)| phone).collect())
}

/// A session past its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its phone.
    pub phone: PhonePk,
    /// Since when.
    pub at: DateTime<Utc>,
    /// Whether that was a time of day.
    pub by_schedule: bool,
}

/// Sessions that are past their time, oldest first; one on a phone in a call waits so long for its end.
pub fn due(tx: &mut Tx<'_>, idle_wait: TimeDelta, most: i64) -> Result<Vec<Due>, StoreError> {
    let now = tx.now()?;
    let in_call = registrations::table
        .filter(registrations::is_busy.and(registrations::phone_pk.eq(sessions::phone_pk)));
    let has_waited = sessions::expires_at.assume_not_null().le(now - idle_wait);
    let rows: Vec<(i64, DateTime<Utc>, Option<String>)> = sessions::table
        .filter(sessions::expires_at.le(now))
        .filter(has_waited.or(diesel::dsl::not(diesel::dsl::exists(in_call))))
        .order(sessions::expires_at)
        .limit(most)
        .select((sessions::phone_pk, sessions::expires_at.assume_not_null(), sessions::max_login_source))
        .load(tx.connection())?;
    let schedule = source_name(MaxLoginSource::Schedule);
    let due = |(phone, at, source): (i64, DateTime<Utc>, Option<String>)| Due {
        phone: PhonePk(phone),
        at,
        by_schedule: source.as_deref() == Some(schedule),
    };
    Ok(rows.into_iter().map(due).collect())
}

/// How many sessions are past their time, and how many there are.
pub fn count_due(tx: &mut Tx<'_>) -> Result<(i64, i64), StoreError> {
    let now = tx.now()?;
    let due = sessions::table.filter(sessions::expires_at.le(now)).count().get_result(tx.connection())?;
    Ok((due, sessions::table.count().get_result(tx.connection())?))
}

diesel::define_sql_function! {
    /// Ends sessions that are still there and remembers them as the last of their phones; says how many.
    fn end_sessions(phones: Array<BigInt>, sessions: Array<SqlUuid>) -> Integer;
}

/// Ends one session; false when it is not there any more.
pub fn end(tx: &mut Tx<'_>, phone: PhonePk, session: Uuid) -> Result<bool, StoreError> {
    let ended: i32 = diesel::select(end_sessions(vec![phone], vec![session])).get_result(tx.connection())?;
    Ok(ended == 1)
}
