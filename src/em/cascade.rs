//! What provisioning does to sessions and intercom lines, inside its own transaction: sessions end when their phone, profile or user
//! goes, default devices are chosen, set and emptied.
//!
//! The caller holds the locks (`store::locks`), puts the events that come back where the contract wants them, and appends all of its
//! operation at the end.

use super::session_events::{Ending, logout_events};
use crate::domain::event::{
    Actor, Cause, Event, IntercomChange, IntercomDefaultDeviceChanged, LogoutReason, Occurred, RemovedObject,
    Via,
};
use crate::domain::ids::{LinePk, ObjectPk, PhonePk};
use crate::domain::parameter::{self, CLUSTER_NODE};
use crate::domain::snapshot::Session;
use crate::store::intercom::{self, Intercom, IntercomOf};
use crate::store::sessions::{self, SessionsOf};
use crate::store::snapshot::read_leaving;
use crate::store::{StoreError, Tx, objects, parameters};

/// Ends the sessions meant, each with its logout event, ordered by phone name. `removed` is the object whose removal causes it.
pub fn end_sessions(
    tx: &mut Tx<'_>,
    which: SessionsOf,
    reason: LogoutReason,
    removed: Option<&RemovedObject>,
    cause: &Cause,
) -> Result<Vec<Occurred>, StoreError> {
    let phones = sessions::phones_with(tx, which)?;
    if phones.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.now()?;
    let world = read_leaving(tx, phones)?;
    let mut ending: Vec<&Session> = world.sessions.values().collect();
    ending.sort_by(|a, b| a.phone_name.cmp(&b.phone_name));
    let actor = actor_for(reason, &cause.actor);
    let mut events = Vec::new();
    for session in ending {
        let Some(phone) = world.phones.get(&session.phone) else { continue };
        if !sessions::end(tx, session.phone, session.session_id)? {
            return Err(StoreError::Busy("a session vanished under lock".into()));
        }
        let ending = Ending {
            phone,
            session,
            reason,
            replaced_by: None,
            removed_object: removed.cloned(),
            comment: None,
        };
        logout_events(&world, &ending, now, &actor, &mut events);
    }
    Ok(events)
}

/// A logout that follows from another change is a cascade; one that was asked for is not.
fn actor_for(reason: LogoutReason, actor: &Actor) -> Actor {
    match reason {
        LogoutReason::DeviceRemoved
        | LogoutReason::ProfileRemoved
        | LogoutReason::UserRemoved
        | LogoutReason::DeviceDisabled
        | LogoutReason::ProfileUnassigned => actor.through(Via::Cascade),
        LogoutReason::User
        | LogoutReason::Expired
        | LogoutReason::Elsewhere
        | LogoutReason::Schedule
        | LogoutReason::NextUser
        | LogoutReason::Administrator
        | LogoutReason::LogoutAll => actor.clone(),
    }
}

/// Empties the default device of every intercom line that has the phone, before the phone is removed. The lines come back too: each
/// of them has changed.
pub fn clear_default_device(
    tx: &mut Tx<'_>,
    phone: PhonePk,
    cause: &Cause,
) -> Result<(Vec<Occurred>, Vec<LinePk>), StoreError> {
    let lines = intercom::load(tx, IntercomOf::DefaultPhone(phone))?;
    let actor = cause.actor.through(Via::Cascade);
    let mut events = Vec::new();
    for line in &lines {
        events.push(change(tx, line, None, IntercomChange::ClearedDeviceRemoved, &actor)?);
    }
    Ok((events, lines.into_iter().map(|l| l.pk).collect()))
}

/// Chooses default devices after intercom lines were put on a phone or profile: the phone itself, or the one on which the profile is
/// active. Chooses nothing where the parameter says so. All intercom lines that stand there come back too: each may have another owner.
pub fn assign_intercom(
    tx: &mut Tx<'_>,
    owner: ObjectPk,
    cause: &Cause,
) -> Result<(Vec<Occurred>, Vec<LinePk>), StoreError> {
    let there = intercom::load(tx, IntercomOf::Owner(owner))?;
    let lines = there.iter().map(|line| line.pk).collect();
    let open: Vec<Intercom> = there.into_iter().filter(|line| line.default_phone.is_none()).collect();
    if open.is_empty() || !chooses(tx)? {
        return Ok((Vec::new(), lines));
    }
    let itself = intercom::find_event_phone(tx, PhonePk(owner.0))?.map(|_| PhonePk(owner.0));
    let chosen = match itself {
        Some(phone) => Some(phone),
        None => intercom::find_active_phone(tx, owner)?,
    };
    let mut events = Vec::new();
    if let Some(phone) = chosen {
        for line in &open {
            events.push(change(tx, line, Some(phone), IntercomChange::AutoSelected, &cause.actor)?);
            objects::touch(tx, line.pk.into())?;
        }
    }
    Ok((events, lines))
}

fn chooses(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    match parameter::find("IntercomDefaultDeviceByAXL") {
        Some(parameter) => Ok(parameters::effective(tx, parameter, CLUSTER_NODE)? == "T"),
        None => Ok(true),
    }
}

/// Sets or empties the default device of one intercom line outright; no event when it stays as it was.
pub fn set_default_device(
    tx: &mut Tx<'_>,
    line: LinePk,
    phone: Option<PhonePk>,
    cause: &Cause,
) -> Result<Vec<Occurred>, StoreError> {
    let mut events = Vec::new();
    for line in intercom::load(tx, IntercomOf::Line(line))? {
        let kind = match (line.default_phone, phone) {
            (before, now) if before == now => continue,
            (None, _) => IntercomChange::Assigned,
            (Some(_), Some(_)) => IntercomChange::Reassigned,
            (Some(_), None) => IntercomChange::Cleared,
        };
        events.push(change(tx, &line, phone, kind, &cause.actor)?);
    }
    Ok(events)
}

fn change(
    tx: &mut Tx<'_>,
    line: &Intercom,
    phone: Option<PhonePk>,
    kind: IntercomChange,
    actor: &Actor,
) -> Result<Occurred, StoreError> {
    let previous = match line.default_phone {
        Some(before) => intercom::find_event_phone(tx, before)?,
        None => None,
    };
    let current = match phone {
        Some(now) => intercom::find_event_phone(tx, now)?,
        None => None,
    };
    intercom::set_default_phone(tx, line, phone)?;
    Ok(Occurred::of(Event::IntercomDefaultDeviceChanged(IntercomDefaultDeviceChanged {
        line: line.line.clone(),
        owner: line.owner.clone(),
        previous,
        current,
        change: kind,
        requested_by: actor.clone(),
    })))
}
