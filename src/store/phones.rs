//! Phones as rows.

use diesel::prelude::*;

use super::objects::{ObjectFilter, Pattern};
use super::schema::{object_references, objects, phones};
use super::{StoreError, Tx};
use crate::domain::event::EventPhone;
use crate::domain::ids::{PhonePk, ProfilePk};

/// The typed core of a phone.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = phones, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct PhoneRow {
    /// Row key.
    pub pk: PhonePk,
    /// Spelling of the API.
    pub model: String,
    /// `SIP` or `SCCP`.
    pub protocol: String,
    /// Whether people may log in.
    pub em_enabled: bool,
    /// Profile shown when nobody is logged in; none: its own settings.
    #[diesel(column_name = logout_profile_pk)]
    pub logout_profile: Option<ProfilePk>,
}

/// Adds the typed core of a phone.
pub fn insert(tx: &mut Tx<'_>, row: &PhoneRow) -> Result<(), StoreError> {
    diesel::insert_into(phones::table).values(row).execute(tx.connection())?;
    Ok(())
}

/// Writes the typed core of a phone back.
pub fn update(tx: &mut Tx<'_>, row: &PhoneRow) -> Result<(), StoreError> {
    diesel::update(phones::table.find(row.pk)).set(row).execute(tx.connection())?;
    Ok(())
}

/// Reads one phone.
pub fn get(tx: &mut Tx<'_>, phone: PhonePk) -> Result<PhoneRow, StoreError> {
    Ok(phones::table.find(phone).select(PhoneRow::as_select()).first(tx.connection())?)
}

/// Which of these phones, by their folded names, have Extension Mobility off.
pub fn without_em(tx: &mut Tx<'_>, keys: &[String]) -> Result<Vec<String>, StoreError> {
    Ok(objects::table
        .inner_join(phones::table.on(phones::pk.eq(objects::pk)))
        .filter(objects::type_.eq("Phone").and(objects::name_key.eq_any(keys)))
        .filter(phones::em_enabled.eq(false))
        .select(objects::name_key)
        .load(tx.connection())?)
}

/// Names of the device pools of phones.
pub fn sites_of(tx: &mut Tx<'_>, phones: &[PhonePk]) -> Result<Vec<(PhonePk, String)>, StoreError> {
    let keys: Vec<i64> = phones.iter().map(|phone| phone.0).collect();
    let pools = object_references::table
        .inner_join(objects::table.on(objects::pk.eq(object_references::target_pk)))
        .filter(object_references::owner_pk.eq_any(keys).and(object_references::tag.eq("devicePoolName")))
        .select((object_references::owner_pk, objects::name));
    Ok(pools.load(tx.connection())?)
}

/// The condition that the protocol of a listed phone matches.
pub fn protocol_like(pattern: &Pattern) -> ObjectFilter {
    let matching = phones::table.filter(phones::protocol.ilike(pattern.text())).select(phones::pk);
    Box::new(objects::pk.eq_any(matching))
}

/// A phone as events name it.
pub fn event_phone(tx: &mut Tx<'_>, phone: PhonePk) -> Result<Option<EventPhone>, StoreError> {
    let found: Option<(String, uuid::Uuid, String, String)> = phones::table
        .find(phone)
        .inner_join(objects::table.on(objects::pk.eq(phones::pk)))
        .select((objects::name, objects::uuid, phones::model, phones::protocol))
        .first(tx.connection())
        .optional()?;
    Ok(found.map(|(name, uuid, model, protocol)| EventPhone { name, uuid, model, protocol }))
}
