//! Where phones are: as a call-processing system reports, or as they show by logging in (design.md 22).

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz};

use super::objects::{ObjectName, Pattern, Selector};
use super::schema::{objects, registrations};
use super::{StoreError, Tx};
use crate::domain::ids::PhonePk;
use crate::domain::names::fold;

/// What is known of a phone that is registered.
pub const REGISTERED: &str = "registered";
/// What is known of one that has gone.
pub const UNREGISTERED: &str = "unregistered";
const SEEN: &str = "seen";

diesel::define_sql_function! {
    /// Takes a report and returns the folded names of the phones that exist.
    #[expect(clippy::too_many_arguments, reason = "one array a column, in one round trip")]
    fn report_registrations(
        now: Timestamptz, by: Text, names: Array<Text>, status: Array<Text>, address: Array<Nullable<Text>>,
        protocol: Array<Nullable<Text>>, load: Array<Nullable<Text>>, busy: Array<Nullable<Bool>>,
    ) -> Array<Text>;
}

/// Whether a phone is registered with a call-processing system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// It is.
    Registered,
    /// It has gone.
    Unregistered,
}

/// What is reported of one phone; what is not said stays as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneReport {
    /// Name of the phone.
    pub name: String,
    /// Whether it is registered.
    pub registration: Registration,
    /// Where it is.
    pub address: Option<IpAddr>,
    /// `SIP` or `SCCP`.
    pub protocol: Option<String>,
    /// The firmware that it runs.
    pub active_load: Option<String>,
    /// Whether it is in a call.
    pub is_busy: Option<bool>,
}

/// A phone of which something is known.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct PhoneKnown {
    /// The phone.
    pub phone: ObjectName,
    /// `registered`, `unregistered`, or `seen` where nobody reported it.
    pub status: String,
    /// Where it is.
    pub address: Option<String>,
    /// `SIP` or `SCCP`.
    pub protocol: Option<String>,
    /// The firmware that it runs.
    pub active_load: Option<String>,
    /// Whether it is in a call.
    pub is_busy: bool,
    /// Who reported it.
    pub reported_by: Option<String>,
    /// When.
    pub reported_at: DateTime<Utc>,
}

/// Takes a report in which every phone is once; says of each, in order, whether it exists.
pub fn report(tx: &mut Tx<'_>, by: &str, phones: &[PhoneReport]) -> Result<Vec<bool>, StoreError> {
    let status = |r: &PhoneReport| match r.registration {
        Registration::Registered => REGISTERED,
        Registration::Unregistered => UNREGISTERED,
    };
    let names: Vec<String> = phones.iter().map(|r| fold(&r.name)).collect();
    let now = tx.now()?;
    let statement = report_registrations(
        now,
        by,
        &names,
        phones.iter().map(status).collect::<Vec<_>>(),
        phones.iter().map(|r| r.address.map(|a| a.to_string())).collect::<Vec<_>>(),
        phones.iter().map(|r| r.protocol.as_deref()).collect::<Vec<_>>(),
        phones.iter().map(|r| r.active_load.as_deref()).collect::<Vec<_>>(),
        phones.iter().map(|r| r.is_busy).collect::<Vec<_>>(),
    );
    let found: Vec<String> = diesel::select(statement).get_result(tx.connection())?;
    Ok(names.iter().map(|name| found.contains(name)).collect())
}

/// Phones of which something is known.
#[diesel::dsl::auto_type(no_type_alias)]
fn known_phones() -> _ {
    let columns = (
        (objects::pk, objects::type_, objects::name, objects::uuid),
        registrations::status,
        registrations::address,
        registrations::protocol,
        registrations::active_load,
        registrations::is_busy,
        registrations::reported_by,
        registrations::reported_at,
    );
    let phones = registrations::table.inner_join(objects::table.on(objects::pk.eq(registrations::phone_pk)));
    phones.filter(objects::type_.eq("Phone")).select(columns)
}

/// What is known of one phone.
pub fn find(tx: &mut Tx<'_>, phone: &Selector) -> Result<Option<PhoneKnown>, StoreError> {
    let known = match phone {
        Selector::Uuid(uuid) => known_phones().filter(objects::uuid.eq(uuid)).first(tx.connection()),
        Selector::Key(key) => known_phones().filter(objects::name_key.eq(key)).first(tx.connection()),
    };
    Ok(known.optional()?)
}

/// What is known of phones, by name, so many at most after a folded name.
pub fn list(tx: &mut Tx<'_>, after: &str, most: i64) -> Result<Vec<PhoneKnown>, StoreError> {
    let known = known_phones().filter(objects::name_key.gt(after));
    Ok(known.order((objects::type_, objects::name_key)).limit(most).load(tx.connection())?)
}

/// What is known of the phones whose name matches a pattern, by name, so many at most after the first ones.
pub fn matching(
    tx: &mut Tx<'_>,
    name: &Pattern,
    skip: usize,
    most: usize,
) -> Result<Vec<PhoneKnown>, StoreError> {
    let Ok(skip) = i64::try_from(skip) else { return Ok(Vec::new()) };
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let known = known_phones().filter(objects::name_key.like(name.folded()));
    Ok(known.order((objects::type_, objects::name_key)).offset(skip).limit(most).load(tx.connection())?)
}

/// How many match.
pub fn count(tx: &mut Tx<'_>, name: &Pattern) -> Result<usize, StoreError> {
    let known = known_phones().filter(objects::name_key.like(name.folded()));
    let total: i64 = known.count().get_result(tx.connection())?;
    Ok(usize::try_from(total).unwrap_or(usize::MAX))
}

/// Notes where a phone was when somebody logged in there with a PIN; what was reported stays.
pub fn note_seen(tx: &mut Tx<'_>, phone: PhonePk, address: IpAddr) -> Result<(), StoreError> {
    use diesel::query_dsl::methods::FilterDsl as _;
    let now = tx.now()?;
    let seen = (registrations::address.eq(address.to_string()), registrations::reported_at.eq(now));
    diesel::insert_into(registrations::table)
        .values((registrations::phone_pk.eq(phone.0), registrations::status.eq(SEEN), seen.clone()))
        .on_conflict(registrations::phone_pk)
        .do_update()
        .set(seen)
        .filter(registrations::status.eq(SEEN))
        .execute(tx.connection())?;
    Ok(())
}
