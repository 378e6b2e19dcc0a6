//! Intercom lines and their default devices, as provisioning needs them.

use diesel::prelude::*;

use super::schema::{line_appearances, lines, objects, phones, sessions};
use super::{StoreError, Tx};
use crate::domain::event::{EventPhone, IntercomLine, IntercomOwner, OwnerKind};
use crate::domain::ids::{LinePk, ObjectPk, PhonePk};

/// How an intercom line is marked in `lines.usage`.
pub const USAGE: &str = "Device Intercom";

/// An intercom line and its default device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intercom {
    /// Row key.
    pub pk: LinePk,
    /// The line as events show it.
    pub line: IntercomLine,
    /// What it appears on first, a profile before a phone.
    pub owner: Option<IntercomOwner>,
    /// Its default device.
    pub default_phone: Option<PhonePk>,
}

impl Intercom {
    /// What orders the events of several lines: the record key.
    pub fn key(&self) -> String {
        self.line.key()
    }
}

/// Which intercom lines are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntercomOf {
    /// One line.
    Line(LinePk),
    /// Those on the buttons of a phone or profile.
    Owner(ObjectPk),
    /// Those whose default device is a phone.
    DefaultPhone(PhonePk),
}

/// Reads intercom lines, in order of their record keys.
pub fn load(tx: &mut Tx<'_>, which: IntercomOf) -> Result<Vec<Intercom>, StoreError> {
    let all = lines::table.filter(lines::usage.eq(USAGE)).select(lines::pk).into_boxed();
    let keys: Vec<i64> = match which {
        IntercomOf::Line(line) => all.filter(lines::pk.eq(line.0)).load(tx.connection())?,
        IntercomOf::DefaultPhone(phone) => {
            all.filter(lines::default_device_pk.eq(phone.0)).load(tx.connection())?
        }
        IntercomOf::Owner(owner) => {
            let on_buttons = line_appearances::table
                .filter(line_appearances::owner_pk.eq(owner.0))
                .select(line_appearances::line_pk);
            all.filter(lines::pk.eq_any(on_buttons)).load(tx.connection())?
        }
    };
    let mut found = Vec::new();
    for key in keys {
        found.push(load_one(tx, key)?);
    }
    found.sort_by_key(Intercom::key);
    Ok(found)
}

fn load_one(tx: &mut Tx<'_>, key: i64) -> Result<Intercom, StoreError> {
    let (dn, partition_pk, default): (String, Option<i64>, Option<i64>) = lines::table
        .find(key)
        .select((lines::pattern, lines::partition_pk, lines::default_device_pk))
        .first(tx.connection())?;
    let uuid = objects::table.find(ObjectPk(key)).select(objects::uuid).first(tx.connection())?;
    let partition = match partition_pk {
        Some(pk) => objects::table
            .find(ObjectPk(pk))
            .select(objects::name)
            .first::<String>(tx.connection())
            .optional()?,
        None => None,
    };
    let owner: Option<(String, String, uuid::Uuid)> = line_appearances::table
        .inner_join(objects::table.on(objects::pk.eq(line_appearances::owner_pk)))
        .filter(line_appearances::line_pk.eq(key))
        .order((objects::type_, objects::name_key))
        .select((objects::type_, objects::name, objects::uuid))
        .first(tx.connection())
        .optional()?;
    let owner = owner.map(|(type_, name, uuid)| {
        let kind = if type_ == "Phone" { OwnerKind::Device } else { OwnerKind::DeviceProfile };
        IntercomOwner { kind, name, uuid }
    });
    Ok(Intercom {
        pk: LinePk(key),
        line: IntercomLine { dn, partition, uuid },
        owner,
        default_phone: default.map(PhonePk),
    })
}

/// A phone as events show it; none when it is none.
pub fn find_event_phone(tx: &mut Tx<'_>, phone: PhonePk) -> Result<Option<EventPhone>, StoreError> {
    let found: Option<(String, uuid::Uuid, String, String)> = phones::table
        .inner_join(objects::table.on(objects::pk.eq(phones::pk)))
        .filter(phones::pk.eq(phone.0))
        .select((objects::name, objects::uuid, phones::model, phones::protocol))
        .first(tx.connection())
        .optional()?;
    Ok(found.map(|(name, uuid, model, protocol)| EventPhone { name, uuid, model, protocol }))
}

/// The first phone, by name, on which a profile is active.
pub fn find_active_phone(tx: &mut Tx<'_>, profile: ObjectPk) -> Result<Option<PhonePk>, StoreError> {
    let found: Option<i64> = sessions::table
        .inner_join(objects::table.on(objects::pk.eq(sessions::phone_pk)))
        .filter(sessions::profile_pk.eq(profile.0))
        .order(objects::name_key)
        .select(sessions::phone_pk)
        .first(tx.connection())
        .optional()?;
    Ok(found.map(PhonePk))
}

/// Sets or empties the default device of an intercom line that still has the one that was read; another one makes the transaction
/// start over, so that an event never tells of a device that was not there.
pub fn set_default_phone(tx: &mut Tx<'_>, line: &Intercom, phone: Option<PhonePk>) -> Result<(), StoreError> {
    let unchanged = lines::default_device_pk.is_not_distinct_from(line.default_phone.map(|p| p.0));
    let changed = diesel::update(lines::table.find(line.pk.0).filter(unchanged))
        .set(lines::default_device_pk.eq(phone.map(|p| p.0)))
        .execute(tx.connection())?;
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::Busy("the default device changed meanwhile".into())),
    }
}
