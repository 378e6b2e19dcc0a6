//! What phones show now, read for many phones at once: the layers that [`EffectiveConfig`] puts together, and who is logged in.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Map, Value};

use super::objects::{Object, ObjectName};
use super::schema::{default_profiles, device_profiles, objects, phone_models, phones, sessions};
use super::{StoreError, Tx};
use crate::domain::effective_config::{EffectiveConfig, Layer};
use crate::domain::ids::{ObjectPk, PhonePk};

/// A phone as the provisioning API shows it beyond its own settings.
#[derive(Debug, Clone)]
pub struct ShownPhone {
    /// Who is logged in.
    pub session: Option<SessionView>,
    /// The fields of `currentConfig`, in carried form.
    pub current_config: Map<String, Value>,
}

/// A session as the provisioning API shows it.
#[derive(Debug, Clone)]
pub struct SessionView {
    /// User id.
    pub login_user_id: String,
    /// The profile in use.
    pub profile: ObjectName,
    /// When it began.
    pub login_time: DateTime<Utc>,
    /// Effective seconds; 0: no limit.
    pub login_duration: i32,
}

#[derive(Debug, Queryable)]
struct PhoneRow {
    pk: i64,
    model: String,
    protocol: String,
    logout_profile_pk: Option<i64>,
}

/// Reads what these phones show; a key that is no phone is left out.
pub fn load(tx: &mut Tx<'_>, keys: &[PhonePk]) -> Result<HashMap<PhonePk, ShownPhone>, StoreError> {
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
        let session = active.get(&row.pk);
        let current_config = layers.config(row, session)?.current_config();
        let session = session.and_then(|session| layers.session(session));
        Some((PhonePk(row.pk), ShownPhone { session, current_config }))
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

    fn session(&self, session: &Active) -> Option<SessionView> {
        let (user, profile) = (self.documents.get(&session.0)?, self.documents.get(&session.1)?);
        let profile = ObjectName {
            pk: profile.pk,
            type_: profile.type_.clone(),
            name: profile.name.clone(),
            uuid: profile.uuid,
        };
        Some(SessionView {
            login_user_id: user.name.clone(),
            profile,
            login_time: session.2,
            login_duration: session.3.unwrap_or(0),
        })
    }
}

/// User, profile, begin and limit of a session.
type Active = (i64, i64, DateTime<Utc>, Option<i32>);

fn load_sessions(tx: &mut Tx<'_>, phones: &[i64]) -> Result<HashMap<i64, Active>, StoreError> {
    let rows: Vec<(i64, Active)> = sessions::table
        .filter(sessions::phone_pk.eq_any(phones))
        .select((
            sessions::phone_pk,
            (sessions::user_pk, sessions::profile_pk, sessions::started_at, sessions::max_login_seconds),
        ))
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
