//! Models, device profiles and default profiles as rows.

use diesel::prelude::*;

use super::schema::{default_profiles, device_profiles, phone_models, phones, sessions};
use super::{StoreError, Tx};
use crate::domain::ids::{ObjectPk, PhonePk, ProfilePk};

/// A product and the protocols it speaks; no list: any.
#[derive(Debug)]
pub struct KnownModel {
    /// Spelling of the API.
    pub model: String,
    /// Protocols it speaks.
    pub protocols: Option<Vec<String>>,
}

/// Finds a product by its name, without case; nearly all clients spell it as we do, and comparing without case takes ten times as long.
pub fn phone_model(tx: &mut Tx<'_>, product: &str) -> Result<Option<KnownModel>, StoreError> {
    let models = phone_models::table.select((phone_models::model, phone_models::protocols));
    let mut found = models.filter(phone_models::model.eq(product)).first(tx.connection()).optional()?;
    if found.is_none() {
        let escaped = product.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let like = models.filter(phone_models::model.ilike(escaped));
        found = like.first(tx.connection()).optional()?;
    }
    Ok(found.map(|(model, protocols)| KnownModel { model, protocols }))
}

/// Adds the typed core of a device profile.
pub fn insert_profile(tx: &mut Tx<'_>, pk: ObjectPk, model: &str, protocol: &str) -> Result<(), StoreError> {
    let row = (
        device_profiles::pk.eq(pk.0),
        device_profiles::model.eq(model),
        device_profiles::protocol.eq(protocol),
    );
    diesel::insert_into(device_profiles::table).values(row).execute(tx.connection())?;
    Ok(())
}

/// Adds the typed core of a default profile; a second one for a model is the conflict `one_default_profile_per_model`.
pub fn insert_default_profile(
    tx: &mut Tx<'_>,
    pk: ObjectPk,
    model: &str,
    protocol: &str,
) -> Result<(), StoreError> {
    let row = (
        default_profiles::pk.eq(pk.0),
        default_profiles::model.eq(model),
        default_profiles::protocol.eq(protocol),
    );
    diesel::insert_into(default_profiles::table).values(row).execute(tx.connection())?;
    Ok(())
}

/// How a phone uses a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileUse {
    /// A session shows it on this phone.
    Session(PhonePk),
    /// It is what this phone shows when nobody is logged in.
    LogoutProfile(PhonePk),
}

/// One use of a profile, a session before anything else.
pub fn find_use(tx: &mut Tx<'_>, profile: ProfilePk) -> Result<Option<ProfileUse>, StoreError> {
    let active: Option<PhonePk> = sessions::table
        .filter(sessions::profile_pk.eq(profile.0))
        .select(sessions::phone_pk)
        .first(tx.connection())
        .optional()?;
    if let Some(phone) = active {
        return Ok(Some(ProfileUse::Session(phone)));
    }
    let default = phones::table.filter(phones::logout_profile_pk.eq(profile.0)).select(phones::pk);
    Ok(default.first(tx.connection()).optional()?.map(ProfileUse::LogoutProfile))
}
