//! Changing a document: an update laid over what is stored, and the defaults of the schema.

use serde_json::Value;

use super::Document;
use crate::soap::shape::{Group, Kind};

/// Which elements a default stands in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defaults {
    /// Those not given and those given empty: an add.
    AbsentAndCleared,
    /// Those given empty only: an update.
    ClearedOnly,
}

/// Fills in the defaults of the schema, inside groups and members that are there too; no group is made for them.
pub fn apply_defaults(group: &Group, document: &mut Document, which: Defaults) {
    for field in &group.fields {
        let value = document.get_mut(&field.name);
        match (&field.kind, value) {
            (Kind::Group(inner), Some(Value::Object(map))) => apply_inside(inner, map, which),
            (Kind::Group(inner), Some(Value::Array(members))) => {
                for member in members {
                    if let Value::Object(map) = member {
                        apply_inside(inner, map, which);
                    }
                }
            }
            (_, Some(value @ Value::Null)) => {
                if let Some(default) = &field.default {
                    *value = Value::from(default.as_str());
                }
            }
            (_, Some(_)) => {}
            (_, None) => {
                if which == Defaults::AbsentAndCleared
                    && let Some(default) = &field.default
                {
                    document.insert(field.name.clone(), Value::from(default.as_str()));
                }
            }
        }
    }
}

/// A group that is sent replaces the stored one whole, so what it leaves out has its default (axl.md 11).
fn apply_inside(group: &Group, document: &mut Document, _which: Defaults) {
    apply_defaults(group, document, Defaults::AbsentAndCleared);
}

/// Lays an update over a stored document: what it names replaces what was there, whole; null empties.
pub fn merge(stored: &mut Document, update: Document) {
    for (name, value) in update {
        stored.insert(name, value);
    }
}
