//! Our reading of the schema against a validator's: samples and answers made from the shape are valid by the XSD itself.

use serde_json::{Map, Value};
use uppsala::{XsdValidator, parse};
use uuid::Uuid;

use super::sample::{self, Picks, Size};
use super::*;
use crate::soap::document::{Document, RowShape, TagFilter};
use crate::soap::tree::Element;
use crate::soap::typed::to_canonical_bytes;
use crate::soap::write::{Writer, version_namespace};
use crate::soap::wsdl::{SCHEMA_FILES, files};

const ROOT: &str = "<xsd:schema xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:axl=\"http://www.cisco.com/AXL/API/15.0\" targetNamespace=\"http://www.cisco.com/AXL/API/15.0\">";

/// All served schema files as one document, because the validator reads no files.
fn whole_schema() -> String {
    let mut whole = ROOT.to_owned();
    for (path, text) in files("15.0", "https://localhost:8443/axl/") {
        if SCHEMA_FILES.iter().any(|(name, _)| *name == path) {
            let start = text.find("<xsd:schema").and_then(|at| Some(at + text[at..].find('>')? + 1)).unwrap();
            let content = &text[start..text.rfind("</xsd:schema>").unwrap()];
            whole.extend(
                content.lines().filter(|line| !line.contains("<xsd:include")).flat_map(|line| [line, "\n"]),
            );
        }
    }
    whole + "</xsd:schema>"
}

/// A request as a client writes it.
fn as_sent(operation: &str, message: &Element) -> String {
    let names: Vec<&str> = message.children.iter().map(|child| child.name.as_str()).collect();
    let inner = String::from_utf8(to_canonical_bytes(message, &names)).unwrap();
    let opening = format!("<n:{operation} xmlns:n=\"{}\"", version_namespace("15.0"));
    let inner = inner.replacen(&format!("<{operation}"), &opening, 1);
    inner.replace(&format!("</{operation}>"), &format!("</n:{operation}>"))
}

/// An answer to a get that says everything or nothing.
fn answer(operation: &Operation, document: &Document) -> String {
    let row = operation.object_field().unwrap();
    let group = row.group().unwrap();
    let tags = TagFilter::Only(group.fields.iter().map(|field| field.name.clone()).collect());
    let mut writer = Writer::new();
    writer.start(&format!("n:{}Response", operation.name)).attribute("xmlns:n", &version_namespace("15.0"));
    writer.start("return");
    let uuid: Uuid = sample::UUID.parse().unwrap();
    let shape = RowShape::of(&row.name, group, &tags, (15, 0));
    shape.write(&mut writer, |tag| document.get(tag), &|_| Some(("Sample", uuid)));
    String::from_utf8(writer.finish()).unwrap()
}

#[test]
fn samples_and_answers_are_valid_by_the_xsd() {
    let schema = whole_schema();
    let validator = XsdValidator::from_schema(&parse(&schema).unwrap()).unwrap();
    let valid = |text: &str| {
        let errors = validator.validate(&parse(text).unwrap());
        assert!(errors.is_empty(), "{errors:?} in {text}");
    };
    for operation in Schema::get().operations() {
        valid(&as_sent(&operation.name, &sample::request(operation, Size::Smallest, &Picks::new())));
        for picks in [Picks::new()].into_iter().chain(sample::branches(&operation.request)) {
            valid(&as_sent(&operation.name, &sample::request(operation, Size::Largest, &picks)));
        }
        if matches!(operation.kind, OperationKind::Get | OperationKind::List) {
            valid(&answer(operation, &Document::new()));
            let Value::Object(full) = full_group(operation.object_field().unwrap().group().unwrap()) else {
                panic!("not an object")
            };
            valid(&answer(operation, &full));
        }
    }
}

#[test]
fn the_validator_refuses_what_the_shape_refuses() {
    let schema = whole_schema();
    let validator = XsdValidator::from_schema(&parse(&schema).unwrap()).unwrap();
    let operation = Schema::get().operation("addPhone").unwrap();
    let message = sample::request(operation, Size::Largest, &Picks::new());
    for position in sample::positions(&operation.request, &message) {
        let Kind::Text(rule) = &position.field.kind else { continue };
        // The integers of the XSD have no upper bound.
        if matches!(rule.class, TextClass::Integer(..)) || position.path.contains("[2]") {
            continue;
        }
        for (text, _) in sample::beyond_bound(rule) {
            let bad = sample::edited(&message, &position.steps, |child| child.text.clone_from(&text));
            let errors = validator.validate(&parse(&as_sent("addPhone", &bad)).unwrap());
            assert!(!errors.is_empty(), "{}", position.path);
        }
    }
}

fn full_group(group: &Group) -> Value {
    let mut document = Map::new();
    for attribute in &group.attributes {
        let value =
            if attribute.rule.class == TextClass::Uuid { Value::from(sample::UUID) } else { Value::from(12) };
        document.insert(format!("@{}", attribute.name), value);
    }
    for field in &group.fields {
        let value = match &field.kind {
            // The validator counts bytes where the XSD counts characters.
            Kind::Text(rule) => {
                Value::from(sample::at_bound(rule).pop().unwrap_or_else(|| "x".to_owned()).replace('ä', "a"))
            }
            Kind::Reference => serde_json::json!({"ref": 1}),
            Kind::TextWithAttributes(_) => serde_json::json!({"$": "x", "@special": "true"}),
            Kind::Group(inner) => full_group(inner),
            Kind::Any => serde_json::json!([["a", "b"], ["c", [["d", ""]]]]),
        };
        let value = if field.is_repeated() { Value::Array(vec![value.clone(), value]) } else { value };
        document.insert(field.name.clone(), value);
    }
    Value::Object(document)
}
