//! What an object type of the provisioning API is: its names, its typed core, its rules.
//!
//! [`AxlObject`] is implemented once a type; everything that all types share (names, uuids, references, carried settings, tags,
//! paging, events) stands in [`super::verb`] and is never repeated. A type without rules implements nothing but its constants.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::error::AxlError;
use crate::domain::credential::{HolderKind, SecretKind};
use crate::domain::event::{Actor, Cause, IntercomState, Occurred};
use crate::domain::ids::LinePk;
use crate::domain::names::fold;
use crate::soap::document::TagFilter;
use crate::soap::tree::Element;
use crate::store::Tx;
use crate::store::locks::Locks;
use crate::store::objects::{Object, Selector};
use crate::store::shown::{Parts, Shown};

pub use crate::store::objects::{ObjectFilter as Filter, Pattern};

/// One provisioning call inside its transaction: where it reads and writes, who asked, and what it led to.
pub struct Ctx<'t, 'c> {
    /// The open transaction.
    pub tx: &'t mut Tx<'c>,
    /// Identity of the call and who asked.
    pub cause: &'t Cause,
    /// Events that come before the object's own: what ends.
    pub before: Vec<Occurred>,
    /// Events that come after the object's own: what begins.
    pub after: Vec<Occurred>,
    /// Intercom lines on which the call may show, as they were; none: they were not, or elsewhere.
    pub intercom: BTreeMap<LinePk, Option<IntercomState>>,
}

impl<'t, 'c> Ctx<'t, 'c> {
    /// Starts a call.
    pub fn new(tx: &'t mut Tx<'c>, cause: &'t Cause) -> Self {
        Self { tx, cause, before: Vec::new(), after: Vec::new(), intercom: BTreeMap::new() }
    }

    /// Who asked, as events repeat it.
    pub fn actor(&self) -> Actor {
        self.cause.actor.clone()
    }

    /// The events of this call in order: what ends, the object's own, what begins.
    pub(super) fn take_events(&mut self) -> Vec<Occurred> {
        let mut events = std::mem::take(&mut self.before);
        let shift = events.len();
        let after = std::mem::take(&mut self.after);
        events.extend(after.into_iter().map(|e| Occurred { caused_by: e.caused_by.map(|c| c + shift), ..e }));
        events
    }

    /// The moment of this call.
    pub fn now(&mut self) -> Result<DateTime<Utc>, AxlError> {
        Ok(self.tx.now()?)
    }
}

/// The key of an object in what it locks; one that is being added has none and needs none.
pub fn own_key(object: Option<&Object>) -> BTreeSet<i64> {
    object.map(|o| o.pk.0).into_iter().collect()
}

/// Fields of an object beside those it carries, as far as they are asked for.
pub struct Fields<'w> {
    wanted: &'w TagFilter,
    shown: Own,
}

/// Elements and, under `@name`, attributes of an object beside those it carries; few, so that they are searched one by one.
pub type Own = Vec<(&'static str, Value)>;

impl<'w> Fields<'w> {
    /// Begins with none.
    pub fn new(wanted: &'w TagFilter) -> Self {
        Self { wanted, shown: Own::new() }
    }

    /// Shows an element when it is asked for.
    pub fn put(&mut self, tag: &'static str, value: impl FnOnce() -> Value) {
        if self.wanted.wants(tag) {
            self.shown.push((tag, value()));
        }
    }

    /// Shows an attribute, whose name begins with `@`.
    pub fn put_attribute(&mut self, name: &'static str, value: String) {
        self.shown.push((name, Value::from(value)));
    }

    /// All that is shown.
    pub fn into_own(self) -> Own {
        self.shown
    }
}

/// A collection among the carried settings whose members can be added and removed one by one in an update.
#[derive(Debug)]
pub struct Members {
    /// Element of the whole collection.
    pub collection: &'static str,
    /// Element of one member.
    pub member: &'static str,
    /// Element that adds members.
    pub add: &'static str,
    /// Element that removes members.
    pub remove: &'static str,
    /// Elements that tell members apart.
    pub keys: &'static [&'static str],
}

/// The typed core of a type on which nothing is decided.
#[derive(Debug, Default, yaserde::YaDeserialize)]
pub struct NoCore {}

/// A provisionable type.
pub trait AxlObject {
    /// Name in operations and events, such as `Phone`.
    const TYPE: &'static str;
    /// Element that names an object of this type.
    const IDENTITY: &'static str = "name";
    /// Element that renames it, when it can be renamed.
    const RENAME: Option<&'static str> = Some("newName");
    /// Element kept as the description, when the type has one.
    const DESCRIPTION: Option<&'static str> = Some("description");
    /// Elements of add and update that [`Self::Core`] reads; they are not carried. A path such as `lines/line/index` says what of an
    /// element it reads.
    const TYPED: &'static [&'static str] = &[];
    /// Elements without which there is nothing to add.
    const REQUIRED: &'static [&'static str] = &[];
    /// Secrets that are hashed and never carried.
    const SECRETS: &'static [SecretKind] = &[];
    /// Whose secrets they are, in the words of events.
    const HOLDER: HolderKind = HolderKind::AppUser;
    /// Elements of an update that change another element of the answer: theirs and that one.
    const CHANGES: &'static [(&'static str, &'static str)] = &[];
    /// Carried settings that [`Self::view`] computes from, for lists that do not show them.
    const COMPUTED_FROM: &'static [&'static str] = &[];
    /// Collections that can be added to and removed from.
    const MEMBERS: &'static [Members] = &[];

    /// What rules decide on, as read from an add or update.
    type Core: yaserde::YaDeserialize + Default + Send + Sync;

    /// Checks a new name and gives its stored spelling.
    fn accept_name(name: &str) -> Result<String, AxlError> {
        let legal = !name.trim().is_empty() && !name.chars().any(char::is_control);
        if legal {
            Ok(name.trim().to_owned())
        } else {
            Err(AxlError::invalid(Self::IDENTITY, "give a name without control characters"))
        }
    }

    /// The name and key of a new object.
    fn identify(_ctx: &mut Ctx<'_, '_>, body: &Element) -> Result<(String, String), AxlError> {
        let name = Self::accept_name(body.text_of(Self::IDENTITY).unwrap_or_default())?;
        let key = fold(&name);
        Ok((name, key))
    }

    /// The name and key after an update.
    fn rename(_ctx: &mut Ctx<'_, '_>, object: &Object, body: &Element) -> Result<(String, String), AxlError> {
        match Self::RENAME.and_then(|tag| body.text_of(tag)).filter(|name| !name.is_empty()) {
            Some(name) => {
                Self::accept_name(name).map(|name| (fold(&name), name)).map(|(key, name)| (name, key))
            }
            None => Ok((object.name.clone(), object.name_key.clone())),
        }
    }

    /// Which object a get, update or remove means, when not by uuid; none: only [`Self::select`] can say.
    fn selector(body: &Element) -> Result<Option<Selector>, AxlError> {
        match body.text_of(Self::IDENTITY).filter(|name| !name.is_empty()) {
            Some(name) => Ok(Some(Selector::name(name))),
            None => Err(AxlError::invalid(Self::IDENTITY, "give this or uuid")),
        }
    }

    /// The same where the database has to be asked for a part of the name.
    fn select(_ctx: &mut Ctx<'_, '_>, _body: &Element) -> Result<Selector, AxlError> {
        Err(AxlError::Internal("an object that no selector means".into()))
    }

    /// What the fault for a missing target names; `given` is the name or uuid of the request.
    fn not_found_as(_given: &str) -> String {
        Self::TYPE.to_owned()
    }

    /// The name that events give it.
    fn event_name(_ctx: &mut Ctx<'_, '_>, object: &Object) -> Result<String, AxlError> {
        Ok(object.name.clone())
    }

    /// Refuses an add for what its typed core says, before anything that it names is looked up.
    fn check(_ctx: &mut Ctx<'_, '_>, _core: &Self::Core) -> Result<(), AxlError> {
        Ok(())
    }

    /// Fills in what an add left out and no table gives: before carried settings are resolved.
    fn complete(_body: &mut Element) {}

    /// Rows to lock before anything is read for a decision; `object` is none for an add, `core` for a removal.
    fn locks(
        _ctx: &mut Ctx<'_, '_>,
        _object: Option<&Object>,
        _core: Option<&Self::Core>,
    ) -> Result<Locks, AxlError> {
        Ok(Locks::default())
    }

    /// Writes the typed core of a new object.
    fn created(
        _ctx: &mut Ctx<'_, '_>,
        _object: &Object,
        _core: &Self::Core,
        _body: &Element,
    ) -> Result<(), AxlError> {
        Ok(())
    }

    /// Writes what an update says about the typed core.
    fn changed(
        _ctx: &mut Ctx<'_, '_>,
        _object: &Object,
        _core: &Self::Core,
        _body: &Element,
    ) -> Result<(), AxlError> {
        Ok(())
    }

    /// Refuses a removal, or undoes what stands in its way, with events.
    fn removing(_ctx: &mut Ctx<'_, '_>, _object: &Object) -> Result<(), AxlError> {
        Ok(())
    }

    /// The parts that [`Self::view`] needs for what is asked for.
    fn parts(_wanted: &TagFilter) -> Parts {
        Parts::new()
    }

    /// Shows the typed and computed fields of an object.
    fn view(_shown: &Shown, _object: &Object, _fields: &mut Fields<'_>) {}

    /// The condition of a list criterion that the name, the description and carried references do not answer.
    fn criterion(_tag: &str, _pattern: &Pattern) -> Option<Filter> {
        None
    }
}
