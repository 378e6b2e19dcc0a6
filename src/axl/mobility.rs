//! Where provisioning meets the rules of Extension Mobility: which events of theirs come before the object's own and which after.

use std::collections::BTreeMap;

use super::announce;
use super::error::AxlError;
use super::object::Ctx;
use crate::domain::event::{Event, IntercomState, LogoutReason, Occurred, RemovedObject, StateChange};
use crate::domain::ids::{LinePk, ObjectPk, PhonePk};
use crate::em::cascade;
use crate::store::associations::{self, Association};
use crate::store::intercom_states::{self, StatesOf};
use crate::store::lines;
use crate::store::objects::Object;
use crate::store::sessions::SessionsOf;

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
    let (events, lines) = cascade::assign_intercom(ctx.tx, owner, ctx.cause)?;
    ctx.after.extend(events);
    lines.into_iter().for_each(|line| touch_line(ctx, line));
    Ok(())
}

/// Remembers what intercom lines are before something changes that shows on them; a kind of object that never does has none.
pub fn remember_intercom(ctx: &mut Ctx<'_, '_>, object: &Object) -> Result<(), AxlError> {
    if !["Line", "RoutePartition", "Phone", "DeviceProfile"].contains(&object.type_.as_str()) {
        return Ok(());
    }
    for (line, state) in intercom_states::load(ctx.tx, &StatesOf::Object(object.pk))? {
        ctx.intercom.entry(line).or_insert(Some(state));
    }
    Ok(())
}

/// A line was made, or put on a button: it may be an intercom line that has a state now, or another one.
pub fn touch_line(ctx: &mut Ctx<'_, '_>, line: LinePk) {
    ctx.intercom.entry(line).or_insert(None);
}

/// Puts beside the last event what intercom lines are after the call, as far as no event of it tells: a line is new, gone, has another
/// key or owner, or its phone another name (events.md 7).
pub(super) fn tell_intercom(ctx: &mut Ctx<'_, '_>, events: &mut [Occurred]) -> Result<(), AxlError> {
    let touched = std::mem::take(&mut ctx.intercom);
    let Some(last) = events.len().checked_sub(1).filter(|_| !touched.is_empty()) else { return Ok(()) };
    // whoever changes one of them now tells of it after us
    let now = intercom_states::lock(ctx.tx, &touched.keys().copied().collect::<Vec<_>>())?;
    let mut told: BTreeMap<String, IntercomState> =
        touched.into_values().flatten().map(|state| (state.line.key(), state)).collect();
    for occurred in events.iter() {
        if let Event::IntercomDefaultDeviceChanged(e) = &occurred.event {
            let (line, owner, current) = (e.line.clone(), e.owner.clone(), e.current.clone());
            told.insert(line.key(), IntercomState { line, owner, current });
        }
    }
    let mut changes = Vec::new();
    for (_, state) in now {
        let key = state.line.key();
        if told.remove(&key).as_ref() != Some(&state) {
            changes.push(StateChange::Intercom { key, state: Some(state) });
        }
    }
    let gone = told.into_keys().map(|key| StateChange::Intercom { key, state: None });
    if let Some(event) = events.get_mut(last) {
        event.states = gone.chain(changes).collect();
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
