//! Carried settings: the part of an object that no rule decides on, as JSON that loses nothing.
//!
//! Owns both directions: a normalised element to a document, and a document to the elements of an answer in schema order.
//! Promises: every element that the schema has in both shapes comes back, references are row keys and never text, and
//! secrets are in no document. Does not know objects or tables: the caller resolves names to keys and keys to names.

mod answer;

use serde_json::{Map, Value, json};
use uuid::Uuid;

pub use answer::{NameOf, RowShape, TagFilter};

use super::scalar::parse_uuid;
use super::shape::{Field, Group, Kind};
use super::tree::Element;

/// A document: element names to values, attributes of a group under `@name`.
pub type Document = Map<String, Value>;

/// Finds the row that a reference means: the field, the element that holds it, the name, the uuid; it counts before the name.
pub type Resolve<'a, E> = dyn FnMut(&Field, &Element, &str, Option<Uuid>) -> Result<i64, E> + 'a;

/// Turns a normalised element into a document. What is cleared is null; what is secret is left out.
pub fn to_document<E>(group: &Group, element: &Element, resolve: &mut Resolve<'_, E>) -> Result<Document, E> {
    group_document(group, element, resolve)
}

fn group_document<E>(group: &Group, element: &Element, resolve: &mut Resolve<'_, E>) -> Result<Document, E> {
    let mut document = Document::new();
    for (name, value) in &element.attributes {
        document.insert(format!("@{name}"), Value::from(value.as_str()));
    }
    for field in group.fields.iter().filter(|field| !field.secret) {
        let mut values = Vec::new();
        for child in element.children_named(&field.name) {
            values.push(field_value(field, child, element, resolve)?);
        }
        if field.is_repeated() {
            if !values.is_empty() {
                document.insert(field.name.clone(), Value::Array(values));
            }
        } else if let Some(value) = values.pop() {
            document.insert(field.name.clone(), value);
        }
    }
    Ok(document)
}

fn field_value<E>(
    field: &Field,
    child: &Element,
    holder: &Element,
    resolve: &mut Resolve<'_, E>,
) -> Result<Value, E> {
    let cleared = child.text.is_empty() && child.children.is_empty();
    Ok(match &field.kind {
        Kind::Text(_) | Kind::TextWithAttributes(_) if cleared => Value::Null,
        Kind::Text(_) => Value::from(child.text.as_str()),
        Kind::TextWithAttributes(_) => {
            let mut value = Document::new();
            value.insert("$".to_owned(), Value::from(child.text.as_str()));
            for (name, attribute) in &child.attributes {
                value.insert(format!("@{name}"), Value::from(attribute.as_str()));
            }
            Value::Object(value)
        }
        Kind::Reference => {
            let uuid = child.attribute("uuid").and_then(parse_uuid);
            if cleared && uuid.is_none() {
                Value::Null
            } else {
                json!({ "ref": resolve(field, holder, &child.text, uuid)? })
            }
        }
        Kind::Group(_) if cleared && child.attributes.is_empty() => Value::Null,
        Kind::Group(group) => Value::Object(group_document(group, child, resolve)?),
        Kind::Any if cleared => Value::Null,
        Kind::Any => Value::Array(child.children.iter().map(free_value).collect()),
    })
}

/// Free content as `[name, text or children]`, attributes as a third item; text beside children comes first among them.
fn free_value(element: &Element) -> Value {
    let content = if element.children.is_empty() {
        Value::from(element.text.as_str())
    } else {
        let text = (!element.text.is_empty()).then(|| Value::from(element.text.as_str()));
        Value::Array(text.into_iter().chain(element.children.iter().map(free_value)).collect())
    };
    let mut items = vec![Value::from(element.name.as_str()), content];
    if !element.attributes.is_empty() {
        let attributes =
            element.attributes.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        items.push(Value::Object(attributes.collect()));
    }
    Value::Array(items)
}

/// Every row key in some values.
pub fn references<'d>(values: impl IntoIterator<Item = &'d Value>) -> Vec<i64> {
    let mut found = Vec::new();
    values.into_iter().for_each(|value| collect(value, &mut found));
    found
}

fn collect(value: &Value, found: &mut Vec<i64>) {
    match value {
        Value::Object(map) => {
            found.extend(reference_key(map));
            map.values().for_each(|inner| collect(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| collect(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The key in `{"ref": key}`: a group with an element of that name would hold text there, never a number.
fn reference_key(map: &Document) -> Option<i64> {
    map.get("ref").and_then(Value::as_i64)
}

#[cfg(test)]
#[path = "document/document_tests.rs"]
mod tests;
