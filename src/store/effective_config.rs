//! What phones show now, read for many phones at once: the layers that [`EffectiveConfig`] puts together.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::{Map, Value};

use super::objects::Object;
use super::schema::{default_profiles, device_profiles, objects, phone_models, phones, sessions};
use super::{StoreError, Tx};
use crate::domain::effective_config::{EffectiveConfig, Layer};
use crate::domain::ids::{ObjectPk, PhonePk};

#[derive(Debug, Queryable)]
struct PhoneRow {
    pk: i64,
    model: String,
    protocol: String,
    logout_profile_pk: Option<i64>,
}

/// Reads the fields of `currentConfig` of these phones, in carried form; a key that is no phone is left out.
pub fn load(tx: &mut Tx<'_>, keys: &[PhonePk]) -> Result<HashMap<PhonePk, Map<String, Value>>, StoreError> {
    let keys: Vec<i64> = keys.iter().map(|k| k.0).collect();
    let rows: Vec<PhoneRow> = phones::table
        .filter(phones::pk.eq_any(&keys))
        .select((phones::pk, phones::model, phones::protocol, phones::logout_profile_pk))
        .load(tx.connection())?;
    let active = load_sessions(tx, &keys)?;
    let defaults = load_defaults(tx, &rows)?;
    let wanted: Vec<i64> = keys
        .iter()
        .copied()
        .chain(rows.iter().filter_map(|r| r.logout_profile_pk))
        .chain(active.values().flat_map(|s| [s.0, s.1]))
        .chain(defaults.values().copied())
        .collect();
    let layers = Layers {
        documents: load_documents(tx, &wanted)?,
        models: load_profile_models(tx, &wanted)?,
        with_services: load_models_with_services(tx, &rows)?,
        defaults,
    };
    let shown = rows.iter().filter_map(|row| {
        let config = layers.config(row, active.get(&row.pk))?;
        Some((PhonePk(row.pk), config.current_config()))
    });
    Ok(shown.collect())
}

/// All that was read.
struct Layers {
    documents: HashMap<i64, Object>,
    models: HashMap<i64, String>,
    with_services: HashMap<String, bool>,
    defaults: HashMap<(String, String), i64>,
}

impl Layers {
    fn layer<'a>(&'a self, pk: i64, model: &'a str) -> Option<Layer<'a>> {
        let object = self.documents.get(&pk)?;
        Some(Layer { name: &object.name, model, carried: &object.carried })
    }

    fn config<'a>(&'a self, row: &'a PhoneRow, session: Option<&Active>) -> Option<EffectiveConfig<'a>> {
        let profile = session.map(|s| s.1).or(row.logout_profile_pk);
        let profile = profile.and_then(|pk| self.layer(pk, self.models.get(&pk)?));
        let default = self.defaults.get(&(row.model.clone(), row.protocol.clone()));
        let user = session.and_then(|s| self.documents.get(&s.0));
        Some(EffectiveConfig {
            phone: self.layer(row.pk, &row.model)?,
            protocol: &row.protocol,
            has_services: self.with_services.get(&row.model).copied().unwrap_or(true),
            profile,
            default_profile: default.and_then(|pk| self.layer(*pk, &row.model)),
            user_locale: user.and_then(|u| u.carried.get("userLocale")).and_then(Value::as_str),
        })
    }
}

/// User and profile of a session.
type Active = (i64, i64);

fn load_sessions(tx: &mut Tx<'_>, phones: &[i64]) -> Result<HashMap<i64, Active>, StoreError> {
    let rows: Vec<(i64, Active)> = sessions::table
        .filter(sessions::phone_pk.eq_any(phones))
        .select((sessions::phone_pk, (sessions::user_pk, sessions::profile_pk)))
        .load(tx.connection())?;
    Ok(rows.into_iter().collect())
}

fn load_defaults(tx: &mut Tx<'_>, rows: &[PhoneRow]) -> Result<HashMap<(String, String), i64>, StoreError> {
    let models: Vec<&str> = rows.iter().map(|r| r.model.as_str()).collect();
    let found: Vec<((String, String), i64)> = default_profiles::table
        .filter(default_profiles::model.eq_any(models))
        .select(((default_profiles::model, default_profiles::protocol), default_profiles::pk))
        .load(tx.connection())?;
    Ok(found.into_iter().collect())
}

fn load_documents(tx: &mut Tx<'_>, keys: &[i64]) -> Result<HashMap<i64, Object>, StoreError> {
    let keys: Vec<ObjectPk> = keys.iter().copied().map(ObjectPk).collect();
    let found: Vec<Object> =
        objects::table.filter(objects::pk.eq_any(keys)).select(Object::as_select()).load(tx.connection())?;
    Ok(found.into_iter().map(|o| (o.pk.0, o)).collect())
}

fn load_profile_models(tx: &mut Tx<'_>, keys: &[i64]) -> Result<HashMap<i64, String>, StoreError> {
    let found: Vec<(i64, String)> = device_profiles::table
        .filter(device_profiles::pk.eq_any(keys))
        .select((device_profiles::pk, device_profiles::model))
        .load(tx.connection())?;
    Ok(found.into_iter().collect())
}

fn load_models_with_services(
    tx: &mut Tx<'_>,
    rows: &[PhoneRow],
) -> Result<HashMap<String, bool>, StoreError> {
    let models: Vec<&str> = rows.iter().map(|r| r.model.as_str()).collect();
    let found: Vec<(String, bool)> = phone_models::table
        .filter(phone_models::model.eq_any(models))
        .select((phone_models::model, phone_models::has_services))
        .load(tx.connection())?;
    Ok(found.into_iter().collect())
}
