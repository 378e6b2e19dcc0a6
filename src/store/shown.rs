//! What answers show of objects, read in one statement and so of one state of the database: their rows, typed cores, lines, sessions,
//! and the names of what they point at.
//!
//! The statement is constant, so each connection prepares it once. What its rows mean is written here and in the SQL function
//! `show_objects`; how they are shown is decided by whoever asks.

mod row;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::lines::LineRow;
use super::objects::{Names, Object, ObjectName, Selector};
use super::phones::PhoneRow;
use super::users::UserRow;
use super::{StoreError, Tx};
use crate::domain::ids::{LinePk, ObjectPk, PhonePk, ProfilePk};
use row::{Row, ShowObjects};

/// A part of objects that stands in tables of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Typed cores of phones.
    Phones,
    /// Models of device profiles and default profiles.
    Models,
    /// Typed cores of lines.
    Lines,
    /// The phones on which lines stand.
    LinePhones,
    /// Typed cores of users.
    Users,
    /// What users and application users may use or control.
    Associations,
    /// Lines on the buttons of phones and profiles.
    Buttons,
    /// The sessions on phones and with profiles.
    Sessions,
    /// What decides what phones show now.
    Configs,
    /// What is set for the credentials of users and application users.
    Credentials,
    /// The names of all that objects and these parts point at.
    Names,
}

/// Parts that are wanted.
pub type Parts = BTreeSet<Part>;

/// A line on one button, with the directory number as line entries show it.
#[derive(Debug, Clone)]
pub struct Button {
    /// The button, from 1.
    pub index: i32,
    /// The directory number.
    pub line: LinePk,
    /// The digits.
    pub pattern: String,
    /// Its partition.
    pub partition: Option<ObjectPk>,
    /// Identity of the directory number on the wire.
    pub line_uuid: Uuid,
    /// Identity of the entry on the wire.
    pub uuid: Uuid,
    /// What is set for it there.
    pub settings: Value,
}

/// An active session as objects show it.
#[derive(Debug, Clone)]
pub struct ShownSession {
    /// The phone.
    pub phone: PhonePk,
    /// The profile.
    pub profile: ProfilePk,
    /// Who is logged in.
    pub user_id: String,
    /// Since when.
    pub started_at: DateTime<Utc>,
    /// Limit in force.
    pub max_login_seconds: Option<i32>,
}

/// What decides what a phone shows now; settings of phone and profiles are [`Layer`]s.
#[derive(Debug, Clone)]
pub struct Config {
    /// The profile that is logged in, else the logout profile.
    pub profile: Option<ObjectPk>,
    /// The default profile of its model.
    pub default_profile: Option<ObjectPk>,
    /// Whether its model shows phone services.
    pub has_services: bool,
    /// Spelling of the API.
    pub model: String,
    /// `SIP` or `SCCP`.
    pub protocol: String,
    /// Locale of the person who is logged in.
    pub user_locale: Option<String>,
}

/// Settings of a phone or profile that show on a phone.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Name of the object.
    pub name: String,
    /// Model of a device profile.
    pub model: Option<String>,
    /// Carried settings.
    pub carried: Value,
}

/// What is set for one credential.
#[derive(Debug, Clone)]
pub struct ShownCredential {
    /// The kind as stored.
    pub kind: String,
    /// The policy that was named for it.
    pub policy: Option<ObjectPk>,
    /// When its secret was set; none where there is none.
    pub changed_at: Option<DateTime<Utc>>,
    /// Its holder may not change it.
    pub cant_change: bool,
    /// Its holder must change it first.
    pub must_change: bool,
    /// It holds for ever.
    pub never_expires: bool,
    /// Since when an administrator has locked it.
    pub admin_locked_at: Option<DateTime<Utc>>,
}

/// The parts of some objects, as far as they were asked for.
#[derive(Debug, Default)]
pub struct Shown {
    /// Objects that were looked for.
    objects: HashMap<ObjectPk, Object>,
    /// Which of them each request named, by its place.
    places: HashMap<usize, ObjectPk>,
    /// Typed cores of phones.
    pub phones: HashMap<ObjectPk, PhoneRow>,
    /// Model and protocol of device profiles and default profiles.
    pub models: HashMap<ObjectPk, (String, String)>,
    /// Typed cores of lines.
    pub lines: HashMap<ObjectPk, LineRow>,
    /// Names of the phones on which a line stands, in their order.
    pub line_phones: HashMap<ObjectPk, Vec<String>>,
    /// Typed cores of users.
    pub users: HashMap<ObjectPk, UserRow>,
    /// What a holder is associated with, by the kind as stored, in order.
    pub associations: HashMap<ObjectPk, Vec<(String, ObjectName)>>,
    /// Lines on the buttons of an owner, in their order.
    pub buttons: HashMap<ObjectPk, Vec<Button>>,
    /// Sessions, each under its phone and its profile; of several with a profile the one that came last by phone.
    pub sessions: HashMap<ObjectPk, ShownSession>,
    /// What decides what phones show now.
    pub configs: HashMap<ObjectPk, Config>,
    /// Settings that show on these phones.
    pub layers: HashMap<ObjectPk, Layer>,
    /// What is set for the credentials of a holder.
    pub credentials: HashMap<ObjectPk, Vec<ShownCredential>>,
    /// Names and uuids of what all this points at.
    pub names: Names,
}

/// One object to be found, with its parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// Type name of the API.
    pub type_: &'static str,
    /// Which one.
    pub selector: Selector,
    /// What to read beyond its own row.
    pub parts: Parts,
}

/// One object that was found, with its parts; those of others may stand beside them.
#[derive(Debug, Clone)]
pub struct Found {
    shown: Arc<Shown>,
    pk: ObjectPk,
}

impl Found {
    /// The object and its parts.
    pub fn get(&self) -> Option<(&Object, &Shown)> {
        Some((self.shown.objects.get(&self.pk)?, &self.shown))
    }

    /// How many lines, associations and phones it shows: what makes an answer long.
    pub fn members(&self) -> usize {
        let (shown, pk) = (&self.shown, &self.pk);
        shown.buttons.get(pk).map_or(0, Vec::len)
            + shown.associations.get(pk).map_or(0, Vec::len)
            + shown.line_phones.get(pk).map_or(0, Vec::len)
    }
}

impl Shown {
    /// Name and carried settings of a phone whose current configuration was read.
    pub(super) fn settings(&self, phone: ObjectPk) -> Option<(&str, &Value)> {
        let own = self.objects.get(&phone).map(|o| (o.name.as_str(), &o.carried));
        own.or_else(|| self.layers.get(&phone).map(|l| (l.name.as_str(), &l.carried)))
    }
}

/// Finds some objects with their parts; none where there is none of that type and name.
pub fn find(tx: &mut Tx<'_>, wanted: &[Wanted]) -> Result<Vec<Option<Found>>, StoreError> {
    let key = |w: &Wanted| if let Selector::Key(key) = &w.selector { Some(key.clone()) } else { None };
    let uuid = |w: &Wanted| if let Selector::Uuid(uuid) = &w.selector { Some(*uuid) } else { None };
    let statement = ShowObjects {
        types: wanted.iter().map(|w| w.type_).collect(),
        keys: wanted.iter().map(key).collect(),
        uuids: wanted.iter().map(uuid).collect(),
        pks: Vec::new(),
        parts: names_of(wanted.iter().flat_map(|w| &w.parts)),
    };
    let shown = Arc::new(run(tx, statement)?);
    let found = |place| shown.places.get(&place).map(|pk| Found { shown: Arc::clone(&shown), pk: *pk });
    Ok((0..wanted.len()).map(found).collect())
}

/// Reads parts of objects that are known.
pub fn load(tx: &mut Tx<'_>, objects: &[ObjectPk], parts: &Parts) -> Result<Shown, StoreError> {
    if objects.is_empty() || parts.is_empty() {
        return Ok(Shown::default());
    }
    let pks = objects.iter().map(|o| o.0).collect();
    run(tx, ShowObjects { pks, parts: names_of(parts), ..ShowObjects::default() })
}

fn names_of<'p>(parts: impl IntoIterator<Item = &'p Part>) -> Vec<&'static str> {
    let distinct: BTreeSet<&'static str> = parts.into_iter().map(|part| part.as_str()).collect();
    distinct.into_iter().collect()
}

fn run(tx: &mut Tx<'_>, statement: ShowObjects) -> Result<Shown, StoreError> {
    let rows: Vec<Row> = statement.load(tx.connection())?;
    let mut shown = Shown::default();
    for row in rows {
        let part = row.part.clone();
        let taken = row.put_into(&mut shown);
        taken.ok_or_else(|| StoreError::Broken(format!("show_objects: a row of another shape: {part}")))?;
    }
    Ok(shown)
}
