//! Carried settings on their way in and out: defaults and references.
//!
//! In the database a reference is the key of a row; here names and uuids become keys (one query a message) and back.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::error::AxlError;
use super::object::{AxlObject as _, Ctx};
use super::objects::line::{self, Line};
use crate::domain::names::fold;
use crate::soap::document::{references, to_document};
use crate::soap::scalar::format_uuid;
use crate::soap::shape::{Group, Kind};
use crate::soap::tree::Element;
use crate::store::objects::{self, Carried, Names, ObjectName, Selector};

/// What a reference in a request means.
#[derive(Debug, Clone)]
pub struct Target {
    /// Element that refers.
    pub field: String,
    /// Type it refers to.
    pub refers: String,
    /// Name as given; empty when only a uuid is.
    pub name: String,
    /// Uuid; decides when given.
    pub uuid: Option<Uuid>,
    /// Name of the partition that stands beside the number of a line.
    pub partition: Option<String>,
}

/// Turns a normalised element into carried settings; unknown names are refused with their element and type.
pub fn carry(ctx: &mut Ctx<'_, '_>, group: &Group, body: &Element) -> Result<Carried, AxlError> {
    let mut wanted: Vec<Target> = Vec::new();
    let mut document = to_document::<AxlError>(group, body, &mut |field, holder, name, uuid| {
        let refers = field.refers.clone().unwrap_or_else(|| field.name.clone());
        let partition = ["routePartition", "partition"].iter().find_map(|tag| holder.text_of(tag));
        let partition = partition.map(str::to_owned);
        wanted.push(Target { field: field.name.clone(), refers, name: name.to_owned(), uuid, partition });
        Ok(i64::try_from(wanted.len()).unwrap_or(i64::MAX) - 1)
    })?;
    let keys = resolve(ctx, &wanted)?;
    replace_references(&mut document, &keys);
    Ok(document)
}

/// Finds the rows that references name, in the order given: one query for all of them.
pub fn resolve(ctx: &mut Ctx<'_, '_>, wanted: &[Target]) -> Result<Vec<i64>, AxlError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let selector = |t: &Target| t.uuid.map_or_else(|| Selector::Key(fold(&t.name)), Selector::Uuid);
    let queries: Vec<(&str, Selector)> = wanted.iter().map(|t| (t.refers.as_str(), selector(t))).collect();
    let found = objects::resolve(ctx.tx, &queries)?;
    let mut keys = Vec::with_capacity(wanted.len());
    for (target, found) in wanted.iter().zip(found) {
        keys.push(match found {
            Some(key) => key,
            None if target.refers == Line::TYPE && target.uuid.is_none() => {
                line::find_by_number(ctx, target)?.ok_or_else(|| unresolved(target))?.0
            }
            None => join_catalogue(ctx, target)?,
        });
    }
    Ok(keys)
}

fn unresolved(target: &Target) -> AxlError {
    let by_uuid = || target.uuid.map(format_uuid).unwrap_or_default();
    let name = if target.name.is_empty() { by_uuid() } else { target.name.clone() };
    AxlError::Unresolved { field: target.field.clone(), kind: target.refers.clone(), name }
}

/// A name of a type that is neither served nor seeded joins the catalogue; any other unknown name is refused (design.md).
fn join_catalogue(ctx: &mut Ctx<'_, '_>, target: &Target) -> Result<i64, AxlError> {
    let open = !super::objects::is_served(&target.refers) && !objects::is_seeded(ctx.tx, &target.refers)?;
    if !open || target.name.is_empty() {
        return Err(unresolved(target));
    }
    Ok(objects::insert_if_absent(ctx.tx, &target.refers, &target.name)?.0)
}

fn replace_references(document: &mut Carried, keys: &[i64]) {
    fn walk(value: &mut Value, keys: &[i64]) {
        match value {
            Value::Object(group) => {
                let index = group.get("ref").and_then(Value::as_u64).and_then(|i| usize::try_from(i).ok());
                if let Some(key) = index.and_then(|i| keys.get(i)) {
                    group.insert("ref".into(), Value::from(*key));
                } else {
                    group.values_mut().for_each(|v| walk(v, keys));
                }
            }
            Value::Array(members) => members.iter_mut().for_each(|v| walk(v, keys)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    document.values_mut().for_each(|v| walk(v, keys));
}

/// Puts the default where a field with one is absent or empty, in `body` and in the groups it holds.
pub fn complete(group: &Group, body: &mut Element) {
    let mut missing: Vec<Option<&str>> = group.fields.iter().map(|field| field.default.as_deref()).collect();
    let mut search = group.search();
    for (mentioned, _) in body.children.iter().filter_map(|child| search.find(&child.name)) {
        if let Some(default) = missing.get_mut(mentioned) {
            *default = None;
        }
    }
    for (field, default) in group.fields.iter().zip(missing) {
        body.children.extend(default.map(|default| Element::with_text(&field.name, default)));
    }
    complete_mentioned(group, body);
}

/// The same for fields that are mentioned empty, and for every member of the groups that are mentioned.
pub fn complete_mentioned(group: &Group, body: &mut Element) {
    let mut search = group.search();
    for child in &mut body.children {
        let Some((_, field)) = search.find(&child.name) else { continue };
        match &field.kind {
            Kind::Group(inner) => {
                let members = field.is_repeated();
                if members || !child.children.is_empty() {
                    descend(inner, members, child);
                }
            }
            Kind::Text(_) | Kind::Reference => fill(child, field.default.as_deref().unwrap_or_default()),
            Kind::TextWithAttributes(_) | Kind::Any => {}
        }
    }
}

/// Gives an element that says nothing the text of a default; a reference may say it by uuid alone.
fn fill(child: &mut Element, default: &str) {
    if child.is_blank() && child.attribute("uuid").is_none_or(str::is_empty) {
        child.text = default.to_owned();
    }
}

/// A member of a collection is complete in itself; a plain group only where its fields are mentioned.
fn descend(inner: &Group, is_member: bool, child: &mut Element) {
    if is_member { complete(inner, child) } else { complete_mentioned(inner, child) }
}

/// Reads the names of everything that some values point at.
pub fn names_of<'d>(
    ctx: &mut Ctx<'_, '_>,
    values: impl Iterator<Item = &'d Value>,
) -> Result<Names, AxlError> {
    let keys: BTreeSet<i64> = references(values).into_iter().collect();
    Ok(objects::names(ctx.tx, &keys)?)
}

/// A reference as a document holds it when its name is already known.
pub fn reference_to(named: &ObjectName) -> Value {
    serde_json::json!({ "name": named.name, "uuid": format_uuid(named.uuid) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soap::shape::Schema;

    fn text<'e>(element: &'e Element, path: &[&str]) -> Option<&'e str> {
        let (last, groups) = path.split_last()?;
        groups.iter().try_fold(element, |e, name| e.child(name))?.text_of(last)
    }

    #[test]
    fn defaults_stand_in_for_what_is_cleared_and_on_add_for_what_is_absent() {
        let group = Schema::get().group_of("XPhone").unwrap();
        let line = Element::with_children(
            "line",
            vec![Element::with_text("index", "1"), Element::new("ringSetting")],
        );
        let given = Element::with_children(
            "phone",
            vec![
                Element::new("protocolSide"),
                Element::with_text("isProtected", "true"),
                Element::with_children("lines", vec![line]),
            ],
        );
        let mut update = given.clone();
        complete_mentioned(group, &mut update);
        assert_eq!(text(&update, &["protocolSide"]), Some("User"));
        assert_eq!(text(&update, &["isActive"]), None);
        assert_eq!(text(&update, &["lines", "line", "ringSetting"]), Some("Ring"));
        assert_eq!(text(&update, &["lines", "line", "maxNumCalls"]), Some("2"));
        let mut add = given;
        complete(group, &mut add);
        assert_eq!(text(&add, &["isActive"]), Some("true"));
        assert_eq!(text(&add, &["isProtected"]), Some("true"));
    }
}
