//! Which events a provisioning call leaves: the object's own, those of what it brought along, new secrets.
//!
//! One event an object a call, none for a change that changes nothing; values of secrets never appear (events.md 6.6, 6.7).

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::AxlError;
use super::object::{AxlObject, Ctx};
use super::request::Secrets;
use super::settings::names_of;
use crate::domain::event::{
    Cascade, ChangedField, CredentialChange, CredentialChanged, CredentialHolder, Event, Occurred,
    ProvisioningAction, ProvisioningChanged, Via,
};
use crate::store::credentials;
use crate::store::objects::{self, Carried, Object, ObjectName};

/// The longest field value that an event repeats.
const LONGEST_VALUE: usize = 256;

/// Top-level fields that differ between two documents, with their new values as answers would show them.
pub(super) fn differences(
    ctx: &mut Ctx<'_, '_>,
    was: &Carried,
    now_is: &Carried,
) -> Result<Vec<ChangedField>, AxlError> {
    let names = names_of(ctx, now_is.values())?;
    let empty = |value: Option<&Value>| value.is_none_or(|v| v.is_null() || v.as_str() == Some(""));
    let tags: BTreeMap<&String, ()> = was.keys().chain(now_is.keys()).map(|k| (k, ())).collect();
    let mut changed = Vec::new();
    for tag in tags.into_keys().filter(|t| !t.starts_with('@') && *t != "versionStamp") {
        let (old, new) = (was.get(tag), now_is.get(tag));
        if old == new || (empty(old) && empty(new)) {
            continue;
        }
        let text = new.and_then(|value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Object(group) => match group.get("ref").and_then(Value::as_i64) {
                Some(key) => names.get(key).map(|(name, _)| name.to_owned()),
                None => group.get("name").and_then(Value::as_str).map(str::to_owned),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
        });
        let value = text.map(|t| t.chars().take(LONGEST_VALUE).collect());
        changed.push(ChangedField { name: tag.clone(), value, redacted: false });
    }
    Ok(changed)
}

/// Puts the object's own event between those of what ends and what begins.
pub(super) fn own<O: AxlObject>(
    ctx: &mut Ctx<'_, '_>,
    object: &Object,
    action: ProvisioningAction,
    changed: Vec<ChangedField>,
    fetch_again: bool,
) -> Result<(), AxlError> {
    let name = O::event_name(ctx, object)?;
    own_as::<O>(ctx, object, name, action, changed, fetch_again);
    Ok(())
}

/// The same under a name that was read before the object went.
pub(super) fn own_as<O: AxlObject>(
    ctx: &mut Ctx<'_, '_>,
    object: &Object,
    object_name: String,
    action: ProvisioningAction,
    changed: Vec<ChangedField>,
    fetch_again: bool,
) {
    let nested = changed.iter().any(|c| c.value.is_none()) || changed.len() > 50;
    let event = ProvisioningChanged {
        action,
        object_type: O::TYPE.to_owned(),
        object_uuid: object.uuid,
        object_name,
        changed,
        fetch_again: fetch_again || nested,
        cascade_of: None,
        bulk: None,
        requested_by: ctx.actor(),
    };
    ctx.before.push(Occurred::of(Event::ProvisioningChanged(event)));
}

/// The event of an object that another one's addition brought along.
pub(super) fn created<O: AxlObject>(ctx: &mut Ctx<'_, '_>, object: &Object) -> Result<(), AxlError> {
    own::<O>(ctx, object, ProvisioningAction::Add, Vec::new(), true)
}

/// An object changed because another one did: its version rises and its event names the elements that differ.
pub(super) fn cascade<'t>(
    ctx: &mut Ctx<'_, '_>,
    object: &ObjectName,
    tags: impl IntoIterator<Item = &'t str>,
    cause: (&str, &str),
) -> Result<(), AxlError> {
    objects::touch(ctx.tx, object.pk)?;
    let differs = |tag: &str| ChangedField { name: tag.to_owned(), value: None, redacted: false };
    let mut requested_by = ctx.actor();
    requested_by.via = Via::Cascade;
    let event = ProvisioningChanged {
        action: ProvisioningAction::Update,
        object_type: object.type_.clone(),
        object_uuid: object.uuid,
        object_name: object.name.clone(),
        changed: tags.into_iter().map(differs).collect(),
        fetch_again: true,
        cascade_of: Some(Cascade { object_type: cause.0.to_owned(), object_name: cause.1.to_owned() }),
        bulk: None,
        requested_by,
    };
    ctx.before.push(Occurred::of(Event::ProvisioningChanged(event)));
    Ok(())
}

pub(super) fn store_secrets<O: AxlObject>(
    ctx: &mut Ctx<'_, '_>,
    object: &Object,
    secrets: &Secrets,
) -> Result<(), AxlError> {
    for (kind, hash) in secrets.of(O::SECRETS) {
        credentials::set(ctx.tx, object.pk, kind, hash)?;
    }
    Ok(())
}

/// New secrets of an existing holder: each is an event of its own, after the provisioning event.
pub(super) fn reset_secrets<O: AxlObject>(
    ctx: &mut Ctx<'_, '_>,
    object: &Object,
    secrets: &Secrets,
) -> Result<(), AxlError> {
    store_secrets::<O>(ctx, object, secrets)?;
    for (secret, _) in secrets.of(O::SECRETS) {
        let holder = CredentialHolder { kind: O::HOLDER, user_id: object.name.clone(), uuid: object.uuid };
        let (credential, change) = (secret.into(), CredentialChange::Reset);
        let requested_by = ctx.actor();
        let event =
            CredentialChanged { holder, credential, change, device: None, requested_by, comment: None };
        ctx.before.push(Occurred::of(Event::CredentialChanged(event)));
    }
    Ok(())
}
