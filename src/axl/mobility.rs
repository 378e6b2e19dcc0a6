//! Where provisioning meets the rules of Extension Mobility: which events of theirs come before the object's own and which after.

use super::announce;
use super::error::AxlError;
use super::object::Ctx;
use crate::domain::event::{LogoutReason, RemovedObject};
use crate::domain::ids::{LinePk, ObjectPk, PhonePk};
use crate::em::cascade;
use crate::store::associations::{self, Association};
use crate::store::objects::{Carried, Object};
use crate::store::sessions::SessionsOf;
use crate::store::{effective_config, lines};

/// Ends sessions before what they rest on changes or goes.
pub fn end_sessions(
    ctx: &mut Ctx<'_, '_>,
    which: SessionsOf,
    reason: LogoutReason,
    removed: Option<&Object>,
) -> Result<(), AxlError> {
    let removed =
        removed.map(|o| RemovedObject { object_type: o.type_.clone(), name: o.name.clone(), uuid: o.uuid });
    ctx.before.extend(cascade::end_sessions(ctx.tx, which, reason, removed.as_ref(), ctx.cause)?);
    Ok(())
}

/// Empties the default device of the intercom lines that have a phone which is about to go; each of them changes with it.
pub fn clear_default_device(ctx: &mut Ctx<'_, '_>, phone: &Object) -> Result<(), AxlError> {
    let (events, changed) = cascade::clear_default_device(ctx.tx, PhonePk::from(phone.pk), ctx.cause)?;
    ctx.before.extend(events);
    for line in changed {
        let name = lines::event_name(ctx.tx, line)?;
        announce::cascade(ctx, &name, ["defaultActivatedDeviceName"], ("Phone", &phone.name))?;
    }
    Ok(())
}

/// Sets, changes or empties the default device of an intercom line as a call says.
pub fn set_default_device(
    ctx: &mut Ctx<'_, '_>,
    line: LinePk,
    phone: Option<PhonePk>,
) -> Result<(), AxlError> {
    ctx.after.extend(cascade::set_default_device(ctx.tx, line, phone, ctx.cause)?);
    Ok(())
}

/// Intercom lines that were put on a phone or profile may choose their default device.
pub fn select_default_device(ctx: &mut Ctx<'_, '_>, owner: ObjectPk) -> Result<(), AxlError> {
    ctx.after.extend(cascade::assign_intercom(ctx.tx, owner, ctx.cause)?);
    Ok(())
}

/// Puts what phones show now into their documents (design.md 19).
pub fn show_current_config(
    ctx: &mut Ctx<'_, '_>,
    phones: &[Object],
    documents: &mut [Carried],
) -> Result<(), AxlError> {
    let keys: Vec<PhonePk> = phones.iter().map(|p| p.pk.into()).collect();
    let mut shown = effective_config::load(ctx.tx, &keys)?;
    for (key, document) in keys.iter().zip(documents) {
        if let Some(config) = shown.remove(key) {
            document.insert("currentConfig".into(), config.into());
        }
    }
    Ok(())
}

/// The user's sessions with profiles that are no longer theirs end (design.md, rulings).
pub fn unassign_profiles(ctx: &mut Ctx<'_, '_>, user: ObjectPk, kept: &[ObjectPk]) -> Result<(), AxlError> {
    let held = associations::associated(ctx.tx, &[user], Association::Profile)?;
    for (_, profile) in held.into_iter().filter(|(_, named)| !kept.contains(&named.pk)) {
        let which = SessionsOf::UserWithProfile(user.into(), profile.pk.into());
        end_sessions(ctx, which, LogoutReason::ProfileUnassigned, None)?;
    }
    Ok(())
}
