//! Reads our XSD subset: include, named complex type, sequence, choice, element with occurrence, attribute, simple
//! content with attributes, union with the empty string, pattern, length, `any` in one place. Beside the XSD stand
//! attributes of our own namespace, prefix `em`.
//!
//! Anything outside the subset is an error: a schema file that this reader half understands would check half of a request.

use std::collections::BTreeMap;
use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::{
    Attribute, Branch, Field, Group, Kind, Operation, OperationKind, Schema, TextClass, TextRule, Version,
};
use crate::soap::tree::Element;

/// A schema file is outside the subset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("schema: {0}")]
pub struct SchemaError(String);

fn error<T>(what: impl Into<String>) -> Result<T, SchemaError> {
    Err(SchemaError(what.into()))
}

/// Reads the schema files into operations and shapes.
pub(super) fn parse(files: &[(&str, &str)]) -> Result<Schema, SchemaError> {
    let mut types = BTreeMap::new();
    let mut elements = Vec::new();
    for (path, text) in files {
        let root = read_file(text).map_err(|SchemaError(what)| SchemaError(format!("{path}: {what}")))?;
        for item in root.children {
            match (item.name.as_str(), item.attribute("name")) {
                ("include", None) => {}
                ("complexType" | "simpleType", Some(name)) => {
                    if types.insert(name.to_owned(), item.clone()).is_some() {
                        return error(format!("{path}: {name} is declared twice"));
                    }
                }
                ("element", Some(name)) => elements.push((name.to_owned(), type_name(&item)?)),
                (other, _) => return error(format!("{path}: {other}")),
            }
        }
    }
    let mut reader = SchemaReader { types, groups: BTreeMap::new(), depth: 0 };
    let mut operations = Vec::new();
    for (name, request) in &elements {
        let Some((_, response)) = elements.iter().find(|(other, _)| *other == format!("{name}Response"))
        else {
            continue;
        };
        let (kind, object) = classify(name);
        let (request, response) = (reader.named_group(request)?, reader.named_group(response)?);
        operations.push(Operation { name: name.clone(), kind, object, request, response });
    }
    let names: Vec<String> = reader.types.keys().cloned().collect();
    for name in names {
        reader.kind(&name)?;
    }
    Ok(Schema { operations, groups: reader.groups })
}

fn classify(name: &str) -> (OperationKind, Option<String>) {
    let verbs = [
        ("add", OperationKind::Add),
        ("update", OperationKind::Update),
        ("get", OperationKind::Get),
        ("remove", OperationKind::Remove),
        ("list", OperationKind::List),
    ];
    for (verb, kind) in verbs {
        if let Some(object) = name.strip_prefix(verb)
            && object.starts_with(|c: char| c.is_ascii_uppercase())
            && object != "CCMVersion"
        {
            return (kind, Some(object.to_owned()));
        }
    }
    (OperationKind::Named, None)
}

/// Reads one file into a tree whose names have lost the `xsd` prefix; our own attributes keep theirs.
fn read_file(text: &str) -> Result<Element, SchemaError> {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::new("")];
    loop {
        match reader.read_event().map_err(|e| SchemaError(e.to_string()))? {
            Event::Eof => break,
            Event::Start(start) => open.push(read_start(&start)?),
            Event::Empty(start) => {
                let element = read_start(&start)?;
                close(&mut open, element);
            }
            Event::End(_) => {
                if let Some(element) = open.pop() {
                    close(&mut open, element);
                }
            }
            Event::Text(_) | Event::CData(_) | Event::Comment(_) | Event::Decl(_) => {}
            Event::DocType(_) | Event::PI(_) | Event::GeneralRef(_) => return error("unexpected markup"),
        }
    }
    let root = open.pop().and_then(|mut top| top.children.pop());
    root.ok_or_else(|| SchemaError("no root element".to_owned()))
}

fn close(open: &mut [Element], element: Element) {
    if let Some(parent) = open.last_mut()
        && element.name != "annotation"
    {
        parent.children.push(element);
    }
}

fn read_start(start: &BytesStart<'_>) -> Result<Element, SchemaError> {
    let mut element = Element::new(start.local_name().into_inner());
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| SchemaError(e.to_string()))?;
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| SchemaError(e.to_string()))?;
        element.attributes.push((attribute.key.into_inner().to_owned(), value.into_owned()));
    }
    Ok(element)
}

fn type_name(element: &Element) -> Result<String, SchemaError> {
    match element.attribute("type") {
        Some(name) => Ok(name.strip_prefix("axl:").unwrap_or(name).to_owned()),
        None => error(format!("{:?} has no type", element.attribute("name"))),
    }
}

struct SchemaReader {
    types: BTreeMap<String, Element>,
    groups: BTreeMap<String, Arc<Group>>,
    depth: usize,
}

impl SchemaReader {
    fn named_group(&mut self, name: &str) -> Result<Arc<Group>, SchemaError> {
        match self.kind(name)? {
            Kind::Group(group) => Ok(group),
            Kind::Text(_) | Kind::Reference | Kind::TextWithAttributes(_) | Kind::Any => {
                error(format!("{name} holds no elements"))
            }
        }
    }

    fn kind(&mut self, name: &str) -> Result<Kind, SchemaError> {
        if let Some(rule) = builtin(name) {
            return Ok(Kind::Text(rule));
        }
        if let Some(group) = self.groups.get(name) {
            return Ok(Kind::Group(Arc::clone(group)));
        }
        let Some(declared) = self.types.get(name).cloned() else { return error(format!("no type {name}")) };
        if declared.name == "simpleType" {
            return Ok(Kind::Text(simple_type(name, &declared)?));
        }
        let kind = self.complex_type(name, &declared)?;
        if let Kind::Group(group) = &kind {
            self.groups.insert(name.to_owned(), Arc::clone(group));
        }
        Ok(kind)
    }

    fn complex_type(&mut self, name: &str, declared: &Element) -> Result<Kind, SchemaError> {
        self.depth += 1;
        if self.depth > 24 {
            return error(format!("{name} contains itself"));
        }
        let mut group = Group { name: name.to_owned(), ..Group::default() };
        let mut kind = None;
        for part in &declared.children {
            match part.name.as_str() {
                "simpleContent" => kind = Some(self.simple_content(name, part)?),
                "sequence" if part.children.iter().any(|child| child.name == "any") => kind = Some(Kind::Any),
                "sequence" | "choice" => self.particle(part, &mut group, &[], false)?,
                "attribute" => group.attributes.push(self.attribute(part)?),
                other => return error(format!("{name}: {other}")),
            }
        }
        self.depth -= 1;
        Ok(kind.unwrap_or_else(|| Kind::Group(Arc::new(group))))
    }

    fn simple_content(&mut self, name: &str, content: &Element) -> Result<Kind, SchemaError> {
        let Some(extension) = content.child("extension") else {
            return error(format!("{name}: no extension"));
        };
        if name == "XFkType" {
            return Ok(Kind::Reference);
        }
        let attributes =
            extension.children.iter().map(|part| self.attribute(part)).collect::<Result<_, _>>()?;
        Ok(Kind::TextWithAttributes(attributes))
    }

    fn attribute(&mut self, part: &Element) -> Result<Attribute, SchemaError> {
        match (part.attribute("name"), self.kind(&type_name(part)?)?) {
            (Some(name), Kind::Text(rule)) => Ok(Attribute { name: name.to_owned(), rule }),
            (name, _) => error(format!("attribute {name:?}")),
        }
    }

    /// Flattens a sequence or choice into the group; `branches` says which branches lead to it.
    fn particle(
        &mut self,
        particle: &Element,
        group: &mut Group,
        branches: &[Branch],
        optional: bool,
    ) -> Result<(), SchemaError> {
        let optional = optional || particle.attribute("minOccurs") == Some("0");
        let choice = (particle.name == "choice").then(|| {
            group.choices.push(!optional);
            group.choices.len() - 1
        });
        for (number, part) in particle.children.iter().enumerate() {
            let mut branches = branches.to_vec();
            branches.extend(choice.map(|choice| Branch { choice, branch: number }));
            match part.name.as_str() {
                "element" => {
                    let field = self.field(part, branches, optional && choice.is_none())?;
                    group.fields.push(field);
                }
                "sequence" | "choice" => {
                    self.particle(part, group, &branches, optional && choice.is_none())?
                }
                other => return error(format!("{}: {other}", group.name)),
            }
        }
        Ok(())
    }

    fn field(&mut self, part: &Element, branches: Vec<Branch>, optional: bool) -> Result<Field, SchemaError> {
        let Some(name) = part.attribute("name") else { return error("an element without a name") };
        let kind = match part.child("complexType") {
            Some(inline) => self.complex_type("", inline)?,
            None => self.kind(&type_name(part)?)?,
        };
        let refers = part.attribute("em:refers").map(str::to_owned);
        if matches!(kind, Kind::Reference) != refers.is_some() {
            return error(format!("{name}: a reference, and nothing else, says what it refers to"));
        }
        let default = part.attribute("em:default").map(str::to_owned);
        if default.is_some() && !matches!(kind, Kind::Text(_) | Kind::Reference) {
            return error(format!("{name}: only text and references have a default"));
        }
        let max = match part.attribute("maxOccurs") {
            Some("unbounded") => None,
            given => Some(number(given)?),
        };
        Ok(Field {
            name: name.to_owned(),
            kind,
            min: if optional { 0 } else { number(part.attribute("minOccurs"))? },
            max,
            default,
            since: part.attribute("em:since").map(version).transpose()?,
            refers,
            secret: part.attribute("em:secret") == Some("true"),
            only_when_named: part.attribute("em:onlyWhenNamed") == Some("true"),
            branches,
        })
    }
}

fn number(text: Option<&str>) -> Result<u32, SchemaError> {
    text.unwrap_or("1").parse().map_err(|_| SchemaError("occurrence".to_owned()))
}

fn version(text: &str) -> Result<Version, SchemaError> {
    let parts =
        text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    parts.ok_or_else(|| SchemaError(format!("version {text}")))
}

fn builtin(name: &str) -> Option<TextRule> {
    let class = match name.strip_prefix("xsd:")? {
        "string" | "anyURI" => TextClass::Plain,
        "integer" => TextClass::Integer(i64::MIN, i64::MAX),
        "int" => TextClass::Integer(i32::MIN.into(), i32::MAX.into()),
        "nonNegativeInteger" | "unsignedLong" => TextClass::Integer(0, i64::MAX),
        "positiveInteger" => TextClass::Integer(1, i64::MAX),
        _ => return None,
    };
    Some(TextRule::of(class))
}

/// A simple type; one with a pattern is known by its name, so that no regular expression is needed.
fn simple_type(name: &str, declared: &Element) -> Result<TextRule, SchemaError> {
    if let Some(union) = declared.child("union") {
        let base = union.attribute("memberTypes").and_then(builtin);
        return base.ok_or_else(|| SchemaError(format!("{name}: union")));
    }
    let Some(restriction) = declared.child("restriction") else {
        return error(format!("{name}: no restriction"));
    };
    let facet = |facet: &str| restriction.child(facet).and_then(|found| found.attribute("value"));
    let class = match (name, facet("pattern")) {
        (_, None) => TextClass::Plain,
        ("boolean", Some(_)) => TextClass::Boolean,
        ("XUUID", Some(_)) => TextClass::Uuid,
        ("XMOHAudioSourceId", Some(_)) => TextClass::MusicSource,
        ("XMacAddress", Some(_)) => TextClass::MacAddress,
        (_, Some(_)) => return error(format!("{name}: a pattern that no rule stands for")),
    };
    let max_length = facet("maxLength").map(|text| text.parse()).transpose();
    Ok(TextRule { class, max_length: max_length.map_err(|_| SchemaError(format!("{name}: maxLength")))? })
}
