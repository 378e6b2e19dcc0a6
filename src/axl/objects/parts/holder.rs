//! What users and application users have in common: phones, profiles and groups they are associated with.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::wire::{DeviceNames, UserGroups, resolve_names};
use crate::axl::announce;
use crate::axl::error::AxlError;
use crate::axl::object::{Ctx, Fields};
use crate::axl::settings::reference_to;
use crate::domain::ids::ObjectPk;
use crate::store::StoreError;
use crate::store::associations::{self, Association, associate};
use crate::store::objects::{Object, ObjectName};
use crate::store::shown::Shown;
use crate::store::users;

/// Tells of everyone who loses an object that is about to go: one event each (events.md 8).
pub fn announce_loss(ctx: &mut Ctx<'_, '_>, object: &Object) -> Result<(), AxlError> {
    let defaults = users::with_default_profile(ctx.tx, object.pk.into())?;
    let mut losers: Vec<(ObjectName, BTreeSet<&str>)> = Vec::new();
    for (holder, kind) in associations::holders(ctx.tx, object.pk)? {
        let mut lost = BTreeSet::from([element_of(kind)]);
        if kind == Association::Profile && defaults.contains(&holder.pk) {
            lost.insert("defaultProfile");
        }
        match losers.last_mut().filter(|(named, _)| *named == holder) {
            Some((_, tags)) => tags.extend(lost),
            None => losers.push((holder, lost)),
        }
    }
    for (holder, lost) in losers {
        announce::cascade(ctx, &holder, lost, (&object.type_, &object.name))?;
    }
    Ok(())
}

/// The element that shows an association.
fn element_of(kind: Association) -> &'static str {
    match kind {
        Association::Profile => "phoneProfiles",
        Association::CtiProfile => "ctiControlledDeviceProfiles",
        Association::Phone => "associatedDevices",
        Association::Group => "associatedGroups",
    }
}

/// Writes the associations that users and application users share, as far as they are given.
pub fn associate_phones_and_groups(
    ctx: &mut Ctx<'_, '_>,
    holder: ObjectPk,
    phones: Option<&DeviceNames>,
    groups: Option<&UserGroups>,
) -> Result<(), AxlError> {
    if let Some(list) = phones {
        let phones = resolve_names(ctx, "associatedDevices", "Phone", &list.devices)?;
        associate(ctx.tx, holder, Association::Phone, &phones)?;
    }
    if let Some(list) = groups {
        let groups = resolve_names(ctx, "associatedGroups", "UserGroup", &list.names())?;
        associate(ctx.tx, holder, Association::Group, &groups)?;
    }
    Ok(())
}

/// Shows one list of associated objects: members are references, or plain names where the schema has strings.
pub fn show(
    shown: &Shown,
    holder: ObjectPk,
    tag: &'static str,
    member: &'static str,
    kind: Association,
    fields: &mut Fields<'_>,
) {
    let all = shown.associations.get(&holder).into_iter().flatten();
    let of_kind = all.filter(|(stored, _)| stored == kind.as_str());
    let members = || of_kind.map(|(_, named)| member_of(kind, member, named)).collect::<Vec<_>>();
    let some =
        |members: Vec<Value>| if members.is_empty() { Value::Null } else { json!({ member: members }) };
    fields.put(tag, || some(members()));
}

fn member_of(kind: Association, member: &str, named: &ObjectName) -> Value {
    match kind {
        Association::Group => json!({ "name": named.name, "userRoles": { "userRole": [named.name] } }),
        Association::Profile | Association::CtiProfile | Association::Phone if member != "profileName" => {
            Value::from(named.name.clone())
        }
        Association::Profile | Association::CtiProfile | Association::Phone => reference_to(named),
    }
}

/// Shows associated phones and groups.
pub fn show_phones_and_groups(shown: &Shown, holder: ObjectPk, fields: &mut Fields<'_>) {
    show(shown, holder, "associatedDevices", "device", Association::Phone, fields);
    show(shown, holder, "associatedGroups", "userGroup", Association::Group, fields);
}

/// A conflict of user rows in words of the API.
pub fn conflict(error: StoreError) -> AxlError {
    if error.is_conflict_with("one_user_per_self_service_id") {
        return AxlError::Duplicate { kind: "User".into(), name: "selfService".into() };
    }
    error.into()
}
