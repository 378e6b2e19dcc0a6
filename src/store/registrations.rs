//! Where phones are: as a call-processing system reports, or as they show by logging in (design.md 22).

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl as _;
use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz};

use super::schema::{objects, registrations};
use super::{StoreError, Tx};
use crate::domain::ids::PhonePk;
use crate::domain::names::fold;

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
    /// Name of the phone.
    pub name: String,
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
        Registration::Registered => "registered",
        Registration::Unregistered => "unregistered",
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

/// What is known of phones, by name, so many at most after a folded name.
pub fn list(tx: &mut Tx<'_>, after: &str, most: i64) -> Result<Vec<PhoneKnown>, StoreError> {
    use diesel::QueryDsl;
    let known = QueryDsl::filter(
        registrations::table.inner_join(objects::table.on(objects::pk.eq(registrations::phone_pk))),
        objects::type_.eq("Phone").and(objects::name_key.gt(after)),
    );
    let columns = (
        objects::name,
        registrations::status,
        registrations::address,
        registrations::protocol,
        registrations::active_load,
        registrations::is_busy,
        registrations::reported_by,
        registrations::reported_at,
    );
    let known = known.order((objects::type_, objects::name_key)).limit(most).select(columns);
    Ok(known.load(tx.connection())?)
}

/// Notes where a phone was when somebody logged in there with a PIN; what was reported stays.
pub fn note_seen(tx: &mut Tx<'_>, phone: PhonePk, address: IpAddr) -> Result<(), StoreError> {
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
