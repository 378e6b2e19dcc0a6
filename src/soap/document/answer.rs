//! A document as elements of an answer: exactly those of the response shape, in its order (axl.md 7).
//!
//! Promises: a tag that was asked for is always there, empty when null; booleans always have a value; a null reference has
//! no uuid; secrets are empty; nothing newer than the version that was asked.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::{Document, reference_key};
use crate::soap::scalar::format_uuid;
use crate::soap::shape::{Attribute, Field, Group, Kind, Version};
use crate::soap::tree::Element;
use crate::soap::write::Writer;

/// Name and uuid of the row behind a key.
pub type NameOf<'a> = dyn Fn(i64) -> Option<(&'a str, Uuid)> + 'a;

/// Which elements of a row are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagFilter {
    /// All that are answered unasked.
    All,
    /// Those named; a group that is named comes with all its members.
    Only(BTreeSet<String>),
}

impl TagFilter {
    /// Reads `returnedTags`; absent or empty asks for everything.
    pub fn from_tags(tags: Option<&Element>) -> Self {
        match tags {
            Some(tags) if !tags.children.is_empty() => {
                Self::Only(tags.children.iter().map(|tag| tag.name.clone()).collect())
            }
            Some(_) | None => Self::All,
        }
    }

    /// The same filter for rows of a shape: everything means what the shape has.
    pub fn within(self, shape: &Group) -> Self {
        let named = shape.fields.iter().filter(|field| self.selects(field));
        Self::Only(named.map(|field| field.name.clone()).collect())
    }

    /// Whether a top-level element of this name is to be read at all.
    pub fn wants(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }

    fn selects(&self, field: &Field) -> bool {
        match self {
            Self::All => !field.only_when_named,
            Self::Only(names) => names.contains(&field.name),
        }
    }
}

/// How rows of one shape are written: which elements, for which version.
pub struct RowShape<'a> {
    tag: &'a str,
    attributes: Vec<(&'a str, String)>,
    fields: Vec<&'a Field>,
    version: Version,
}

impl<'a> RowShape<'a> {
    /// Chooses the elements that are asked for.
    pub fn of(tag: &'a str, group: &'a Group, tags: &TagFilter, version: Version) -> Self {
        let fields = group.fields.iter().filter(|field| tags.selects(field)).collect();
        let keyed = |attribute: &'a Attribute| (attribute.name.as_str(), format!("@{}", attribute.name));
        let attributes = group.attributes.iter().map(keyed).collect();
        Self { tag, attributes, fields, version }
    }

    /// Writes a row: the element with its attributes, then what it holds; `value_of` is asked for elements and, as `@name`, attributes.
    pub fn write<'d>(
        &self,
        writer: &mut Writer,
        value_of: impl Fn(&str) -> Option<&'d Value>,
        name_of: &NameOf<'_>,
    ) {
        let row = Row { version: self.version, name_of };
        writer.start(self.tag);
        for (name, key) in &self.attributes {
            write_attribute(writer, name, value_of(key));
        }
        self.fields.iter().for_each(|field| row.field(writer, field, value_of(&field.name)));
        writer.end();
    }
}

struct Row<'a, 'b> {
    version: Version,
    name_of: &'a NameOf<'b>,
}

impl Row<'_, '_> {
    fn field(&self, writer: &mut Writer, field: &Field, value: Option<&Value>) {
        if field.since.is_some_and(|since| since > self.version) {
            return;
        }
        match value {
            _ if field.secret => {
                writer.element(&field.name, "");
            }
            Some(Value::Array(items)) if field.is_repeated() => {
                items.iter().for_each(|item| self.element(writer, field, item));
            }
            None | Some(Value::Null) if field.is_repeated() => {}
            None => self.element(writer, field, &field.default.as_deref().map_or(Value::Null, Value::from)),
            Some(value) => self.element(writer, field, value),
        }
    }

    fn element(&self, writer: &mut Writer, field: &Field, value: &Value) {
        writer.start(&field.name);
        match (&field.kind, value) {
            (Kind::Text(_), Value::Null) if field.is_boolean() => {
                writer.text(field.default.as_deref().unwrap_or("false"));
            }
            (Kind::Reference, Value::Object(reference)) => self.reference(writer, reference),
            (Kind::TextWithAttributes(known), Value::Object(map)) => {
                write_attributes(writer, known, map);
                writer.text(&scalar(map.get("$").unwrap_or(&Value::Null)));
            }
            (Kind::Group(group), Value::Object(map)) => {
                write_attributes(writer, &group.attributes, map);
                for field in &group.fields {
                    self.field(writer, field, map.get(&field.name));
                }
            }
            (Kind::Any, Value::Array(items)) => items.iter().for_each(|item| write_free(writer, item)),
            (Kind::Text(_) | Kind::Reference | Kind::TextWithAttributes(_), value) => {
                writer.text(&scalar(value));
            }
            (Kind::Group(_) | Kind::Any, _) => {}
        }
        writer.end();
    }

    /// `{"ref": key}`, or `{"name", "uuid"}` where the caller has resolved it already.
    fn reference(&self, writer: &mut Writer, reference: &Document) {
        if let Some(key) = reference_key(reference) {
            if let Some((name, uuid)) = (self.name_of)(key) {
                writer.attribute("uuid", &format_uuid(uuid)).text(name);
            }
            return;
        }
        if let Some(uuid) = reference.get("uuid").and_then(Value::as_str) {
            writer.attribute("uuid", uuid);
        }
        writer.text(&scalar(reference.get("name").unwrap_or(&Value::Null)));
    }
}

fn write_attributes(writer: &mut Writer, known: &[Attribute], document: &Document) {
    for attribute in known {
        write_attribute(writer, &attribute.name, document.get(&format!("@{}", attribute.name)));
    }
}

fn write_attribute(writer: &mut Writer, name: &str, value: Option<&Value>) {
    if let Some(value) = value.map(scalar).filter(|value| !value.is_empty()) {
        writer.attribute(name, &value);
    }
}

fn scalar(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => text.into(),
        Value::Bool(value) => value.to_string().into(),
        Value::Number(number) => number.to_string().into(),
        Value::Null | Value::Array(_) | Value::Object(_) => Cow::default(),
    }
}

fn write_free(writer: &mut Writer, item: &Value) {
    let Value::Array(parts) = item else { return };
    let Some(name) = parts.first().and_then(Value::as_str) else { return };
    writer.start(name);
    if let Some(Value::Object(attributes)) = parts.get(2) {
        for (name, value) in attributes {
            writer.attribute(name, &scalar(value));
        }
    }
    match parts.get(1) {
        Some(Value::Array(children)) => {
            for child in children {
                match child {
                    Value::String(text) => {
                        writer.text(text);
                    }
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                        write_free(writer, child);
                    }
                }
            }
        }
        Some(content) => {
            writer.text(&scalar(content));
        }
        None => {}
    }
    writer.end();
}
