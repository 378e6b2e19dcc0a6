//! What phones show now: the layers that [`EffectiveConfig`] puts together, out of what was read of them.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::shown::{self, Part, Parts, Shown};
use super::{StoreError, Tx};
use crate::domain::effective_config::{EffectiveConfig, Layer};
use crate::domain::ids::{ObjectPk, PhonePk};

/// Reads the fields of `currentConfig` of these phones, in carried form; a key that is no phone is left out.
pub fn load(tx: &mut Tx<'_>, keys: &[PhonePk]) -> Result<HashMap<PhonePk, Map<String, Value>>, StoreError> {
    let objects: Vec<ObjectPk> = keys.iter().map(|k| ObjectPk(k.0)).collect();
    let shown = shown::load(tx, &objects, &Parts::from([Part::Configs]))?;
    Ok(keys.iter().filter_map(|key| Some((*key, of(&shown, ObjectPk(key.0))?))).collect())
}

/// The fields of `currentConfig` of one phone, in carried form.
pub fn of(shown: &Shown, phone: ObjectPk) -> Option<Map<String, Value>> {
    let row = shown.configs.get(&phone)?;
    let profile = row.profile.and_then(|pk| {
        let layer = shown.layers.get(&pk)?;
        Some(Layer { name: &layer.name, model: layer.model.as_deref()?, carried: &layer.carried })
    });
    let default_profile = row.default_profile.and_then(|pk| {
        let layer = shown.layers.get(&pk)?;
        Some(Layer { name: &layer.name, model: &row.model, carried: &layer.carried })
    });
    let (name, carried) = shown.settings(phone)?;
    let config = EffectiveConfig {
        phone: Layer { name, model: &row.model, carried },
        protocol: &row.protocol,
        has_services: row.has_services,
        profile,
        default_profile,
        user_locale: row.user_locale.as_deref(),
    };
    Some(config.current_config())
}
