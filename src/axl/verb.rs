//! Add, get, update, remove and list, once for all object types.
//!
//! Each verb reads its request outside the transaction and gives back [`Work`]: what is left to do inside it, which may run more
//! than once. Events are appended by the caller, after everything else.

mod fields;
mod target;

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use self::fields::{document, into_carried, own_fields, value_of};
use self::target::{missing, not_found, nothing_to_update, select, selector};
use super::error::AxlError;
use super::listing;
use super::object::{AxlObject, Ctx, Own, own_key};
use super::objects::parts::holder;
use super::request::{Request, shown_by_get};
use super::settings;
use super::{announce, answer, member_ids, mobility};
use crate::domain::event::ProvisioningAction;
use crate::domain::ids::ObjectPk;
use crate::soap::document::{RowShape, TagFilter};
use crate::soap::shape::{Field, Group, Operation, Schema};
use crate::soap::tree::Element;
use crate::soap::typed;
use crate::store::StoreError;
use crate::store::locks::Locks;
use crate::store::objects::{self, Carried, NewObject, Object};
use crate::store::shown::{self, Found, Part, Wanted};

/// What a call answers with.
#[derive(Debug)]
pub enum Answer {
    /// The uuid of the object touched.
    Uuid(Uuid),
    /// The word `true`.
    True,
    /// What stands inside the response element, already written.
    Written(Vec<u8>),
}

/// The part of a call that runs inside a transaction; it may run more than once.
pub type Transaction = Box<dyn Fn(&mut Ctx<'_, '_>) -> Result<Answer, AxlError> + Send>;

/// What answers with an object that was looked up, or says that there is none.
pub type Lookup = Box<dyn Fn(Option<&Found>) -> Result<Answer, AxlError> + Send>;

/// What is left of a call once its request is read.
pub enum Work {
    /// To run inside a transaction of its own.
    Transaction(Transaction),
    /// To be answered with one object, looked up together with what others look up.
    Lookup(Wanted, Lookup),
}

impl Work {
    /// Wraps what is to run inside a transaction.
    pub fn transaction(work: impl Fn(&mut Ctx<'_, '_>) -> Result<Answer, AxlError> + Send + 'static) -> Self {
        Self::Transaction(Box::new(work))
    }
}

fn read_core<O: AxlObject>(body: &Element) -> Result<O::Core, AxlError> {
    if O::TYPED.is_empty() {
        return Ok(O::Core::default());
    }
    typed::read(&typed::to_canonical_bytes(body, O::TYPED))
        .map_err(|e| AxlError::invalid(O::TYPE, e.to_string()))
}

/// Whether an element is a name, the description or part of the typed core, which have columns of their own.
fn has_column<O: AxlObject>(name: &str) -> bool {
    let own = [Some(O::IDENTITY), O::DESCRIPTION, O::RENAME, Some("uuid")];
    own.contains(&Some(name)) || O::TYPED.iter().any(|path| typed::within(path, name).is_some())
}

/// Takes out of a body what is carried: everything but names, typed elements and secrets.
fn take_carried<O: AxlObject>(group: &Group, body: &mut Element) -> Element {
    let mut search = group.search();
    let is_carried = |child: &Element| {
        let name = child.name.as_str();
        let member_change = || O::MEMBERS.iter().any(|m| name == m.add || name == m.remove);
        let secret = search.find(name).is_some_and(|(_, field)| field.secret);
        !(secret || has_column::<O>(name) || member_change())
    };
    let (carried, own) = std::mem::take(&mut body.children).into_iter().partition(is_carried);
    body.children = own;
    Element::with_children(&body.name, carried)
}

/// Reads an add and gives back what is left to do.
pub fn add<O: AxlObject + 'static>(mut request: Request) -> Result<Work, AxlError> {
    let (group, mut body) = request.take_wrapped()?;
    for tag in O::REQUIRED {
        if body.child(tag).is_none_or(Element::is_blank) {
            return Err(AxlError::invalid(tag, "give a value, there is no default"));
        }
    }
    O::complete(&mut body);
    settings::complete(&group, &mut body);
    let carried = take_carried::<O>(&group, &mut body);
    let core = read_core::<O>(&body)?;
    let answer = shown_by_get(O::TYPE);
    let Request { secrets, .. } = request;
    Ok(Work::transaction(move |ctx| {
        let (name, key) = O::identify(ctx, &body)?;
        O::check(ctx, &core)?;
        O::locks(ctx, None, Some(&core))?.take(ctx.tx)?;
        let mut document = settings::carry(ctx, &group, &carried)?;
        if let Some(answer) = &answer {
            member_ids::give(ctx, answer, &mut document, &Carried::new());
        }
        let description = O::DESCRIPTION.and_then(|tag| body.text_of(tag)).filter(|d| !d.is_empty());
        let new = NewObject { type_: O::TYPE, name: &name, name_key: &key, description, carried: &document };
        let object = objects::insert(ctx.tx, &new).map_err(|e| duplicate::<O>(e, &name))?;
        O::created(ctx, &object, &core, &body)?;
        announce::store_secrets::<O>(ctx, &object, &secrets)?;
        announce::own::<O>(ctx, &object, ProvisioningAction::Add, Vec::new(), true)?;
        Ok(Answer::Uuid(object.uuid))
    }))
}

/// Reads an update and gives back what is left to do.
pub fn update<O: AxlObject + 'static>(request: Request) -> Result<Work, AxlError> {
    let group = Arc::clone(&request.operation.request);
    let Request { secrets, mut body, .. } = request;
    settings::complete_mentioned(&group, &mut body);
    let wanted = TagFilter::Only(body.children.iter().filter_map(|c| shown_as::<O>(&c.name)).collect());
    let carried = take_carried::<O>(&group, &mut body);
    let core = read_core::<O>(&body)?;
    let answer = shown_by_get(O::TYPE);
    Ok(Work::transaction(move |ctx| {
        let found = select::<O>(ctx, &body, nothing_to_update::<O>)?;
        O::locks(ctx, Some(&found), Some(&core))?.take(ctx.tx)?;
        let before = objects::lock(ctx.tx, found.pk)?;
        let before = before.ok_or_else(|| nothing_to_update::<O>(None, &found.name))?;
        mobility::remember_intercom(ctx, &before)?;
        let was = document::<O>(ctx, &before, &wanted)?;
        let mut object = before.clone();
        (object.name, object.name_key) = O::rename(ctx, &before, &body)?;
        if let Some(text) = O::DESCRIPTION.and_then(|tag| body.text_of(tag)) {
            object.description = Some(text.to_owned()).filter(|t| !t.is_empty());
        }
        let held = into_carried(object.carried);
        let mut settings = held.clone();
        settings.extend(settings::carry(ctx, &group, &carried)?);
        change_members::<O>(ctx, &group, &body, &mut settings)?;
        if let Some(answer) = &answer {
            member_ids::give(ctx, answer, &mut settings, &held);
        }
        object.carried = Value::Object(settings);
        O::changed(ctx, &object, &core, &body)?;
        let now_is = document::<O>(ctx, &object, &wanted)?;
        let changed = announce::differences(ctx, &was, &now_is)?;
        if !changed.is_empty() {
            objects::update(ctx.tx, &object).map_err(|e| duplicate::<O>(e, &object.name))?;
            announce::own::<O>(ctx, &object, ProvisioningAction::Update, changed, false)?;
        }
        announce::reset_secrets::<O>(ctx, &object, &secrets)?;
        Ok(Answer::Uuid(object.uuid))
    }))
}

/// The elements of an answer that an element of an update changes.
fn shown_as<O: AxlObject>(tag: &str) -> Option<String> {
    if O::RENAME == Some(tag) {
        return Some(O::IDENTITY.to_owned());
    }
    if let Some(members) = O::MEMBERS.iter().find(|m| m.add == tag || m.remove == tag) {
        return Some(members.collection.to_owned());
    }
    let changed = O::CHANGES.iter().find(|(sent, _)| *sent == tag).map_or(tag, |(_, shown)| *shown);
    Some(changed.to_owned()).filter(|t| t != "uuid")
}

/// Reads a get and gives back what is left to do.
pub fn get<O: AxlObject + 'static>(request: Request) -> Result<Work, AxlError> {
    let tags = TagFilter::from_tags(request.body.child("returnedTags"));
    let (row, group) = request.row()?;
    let Request { body, version, .. } = request;
    let mut parts = O::parts(&tags);
    parts.insert(Part::Names);
    let selector = selector::<O>(&body)?;
    let wanted = move |selector| Wanted { type_: O::TYPE, selector, parts: parts.clone() };
    let asked = body.clone();
    let answer = move |found: Option<&Found>| {
        let (object, shown) =
            found.and_then(Found::get).ok_or_else(|| missing::<O>(&body, not_found::<O>))?;
        let shape = RowShape::of(&row.name, &group, &tags, version);
        let page = answer::Page { shape: &shape, names: &shown.names };
        let own = own_fields::<O>(object, &tags, shown);
        Ok(Answer::Written(page.write(|tag| value_of(&own, object, tag))))
    };
    Ok(match selector {
        Some(selector) => Work::Lookup(wanted(selector), Box::new(answer)),
        None => Work::transaction(move |ctx| {
            let selector = O::select(ctx, &asked)?;
            answer(shown::find(ctx.tx, &[wanted(selector)])?.pop().flatten().as_ref())
        }),
    })
}

/// Reads a removal and gives back what is left to do.
pub fn remove<O: AxlObject + 'static>(request: Request) -> Result<Work, AxlError> {
    let body = request.body;
    Ok(Work::transaction(move |ctx| {
        let found = select::<O>(ctx, &body, not_found::<O>)?;
        Locks { going: own_key(Some(&found)), ..O::locks(ctx, Some(&found), None)? }.take(ctx.tx)?;
        let object = objects::lock(ctx.tx, found.pk)?.ok_or_else(|| not_found::<O>(None, &found.name))?;
        mobility::remember_intercom(ctx, &object)?;
        let name = O::event_name(ctx, &object)?;
        O::removing(ctx, &object)?;
        holder::announce_loss(ctx, &object)?;
        if let Err(error) = in_savepoint(ctx, |ctx| objects::remove(ctx.tx, object.pk)) {
            return Err(in_use::<O>(ctx, &object, error)?);
        }
        announce::own_as::<O>(ctx, &object, name, ProvisioningAction::Remove, Vec::new(), false);
        Ok(Answer::Uuid(object.uuid))
    }))
}

/// Reads a list and gives back what is left to do.
pub fn list<O: AxlObject + 'static>(request: Request) -> Result<Work, AxlError> {
    let query = listing::Query::read::<O>(&request)?;
    let tags = TagFilter::from_tags(request.body.child("returnedTags"));
    let (row, group) = request.row()?;
    let tags = tags.within(&group);
    let Request { version, largest_answer, .. } = request;
    Ok(Work::transaction(move |ctx| {
        let mut rows = answer::Rows::begin(largest_answer);
        let shape = RowShape::of(&row.name, &group, &tags, version);
        let carried: Vec<&str> = group
            .fields
            .iter()
            .map(|f| f.name.as_str())
            .filter(|tag| tags.wants(tag) && !has_column::<O>(tag))
            .chain(O::COMPUTED_FROM.iter().copied())
            .collect();
        let (mut done, mut last) = (0, None);
        loop {
            let chunk = query.chunk::<O>(ctx, &carried, done, last.as_deref())?;
            if chunk.is_empty() {
                return Ok(Answer::Written(rows.finish()));
            }
            done += chunk.len();
            last = chunk.last().map(|object| object.name_key.clone());
            let keys: Vec<ObjectPk> = chunk.iter().map(|object| object.pk).collect();
            let shown = shown::load(ctx.tx, &keys, &O::parts(&tags))?;
            let own: Vec<Own> = chunk.iter().map(|o| own_fields::<O>(o, &tags, &shown)).collect();
            let carried_values = chunk.iter().filter_map(|o| o.carried.as_object()).flat_map(Carried::values);
            let values = own.iter().flatten().map(|(_, value)| value).chain(carried_values);
            let names = settings::names_of(ctx, values)?;
            let page = answer::Page { shape: &shape, names: &names };
            let finders = own.iter().zip(&chunk).map(|(own, object)| |tag: &str| value_of(own, object, tag));
            if let Err(overflow) = rows.append(&page, finders) {
                return Err(overflow.refuse(query.count::<O>(ctx)?));
            }
        }
    }))
}

/// Applies the adding and removing branches of carried collections.
fn change_members<O: AxlObject>(
    ctx: &mut Ctx<'_, '_>,
    group: &Group,
    body: &Element,
    settings: &mut Carried,
) -> Result<(), AxlError> {
    for members in O::MEMBERS {
        let mut read = |tag: &str| -> Result<Vec<Value>, AxlError> {
            let Some(given) = body.child(tag) else { return Ok(Vec::new()) };
            let mut only = Element::new(&body.name);
            only.children.push(given.clone());
            let document = settings::carry(ctx, group, &only)?;
            let list = document.get(tag).and_then(|c| c.get(members.member)).and_then(Value::as_array);
            Ok(list.cloned().unwrap_or_default())
        };
        let (removed, added) = (read(members.remove)?, read(members.add)?);
        if removed.is_empty() && added.is_empty() {
            continue;
        }
        let same = |a: &Value, b: &Value| members.keys.iter().all(|k| a.get(k) == b.get(k));
        let held =
            settings.get(members.collection).and_then(|c| c.get(members.member)).and_then(Value::as_array);
        let mut list = held.cloned().unwrap_or_default();
        list.retain(|m| !removed.iter().any(|other| same(m, other)));
        for one in added {
            let place = list.iter().position(|held| same(held, &one)).unwrap_or(list.len());
            list.retain(|held| !same(held, &one));
            list.insert(place, one);
        }
        let collection = Carried::from_iter([(members.member.to_owned(), Value::Array(list))]);
        settings.insert(members.collection.into(), Value::Object(collection));
    }
    Ok(())
}

/// The carried settings of an object that is added with nothing but its name.
pub fn defaults_of_add<O: AxlObject>(ctx: &mut Ctx<'_, '_>) -> Result<Carried, AxlError> {
    let operation = Schema::get().operation(&format!("add{}", O::TYPE)).and_then(Operation::object_field);
    let Some(group) = operation.and_then(Field::group) else { return Ok(Carried::new()) };
    let mut body = Element::new(O::TYPE);
    settings::complete(group, &mut body);
    let carried = take_carried::<O>(group, &mut body);
    settings::carry(ctx, group, &carried)
}

fn duplicate<O: AxlObject>(error: StoreError, name: &str) -> AxlError {
    if error.is_conflict_with("one_name_per_type") {
        return AxlError::Duplicate { kind: O::TYPE.to_owned(), name: name.to_owned() };
    }
    error.into()
}

/// Runs something whose failure must not end the transaction, so that the refusal can say who is in the way.
fn in_savepoint<T>(
    ctx: &mut Ctx<'_, '_>,
    f: impl FnOnce(&mut Ctx<'_, '_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    ctx.tx.begin_savepoint()?;
    let outcome = f(ctx);
    ctx.tx.end_savepoint(outcome.is_ok())?;
    outcome
}

fn in_use<O: AxlObject>(
    ctx: &mut Ctx<'_, '_>,
    object: &Object,
    error: StoreError,
) -> Result<AxlError, AxlError> {
    if !matches!(error, StoreError::Conflict { .. }) {
        return Ok(error.into());
    }
    let what = format!("{} {}", O::TYPE, object.name);
    let by = objects::one_user_of(ctx.tx, object.pk)?
        .map_or_else(|| "another object".to_owned(), |u| format!("{} {}", u.type_, u.name));
    Ok(AxlError::InUse { what, by })
}
