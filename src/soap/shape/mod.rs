//! The schema in `wsdl/` as data: which operations exist and what each element may hold.
//!
//! Owns the reading of our XSD subset (`parse`), the check and canonical form of a request (`normalise`), and sample
//! messages (`sample`). The files are compiled in and read once. Everything here is names and rules; objects, references
//! and storage are above.

mod normalise;
mod parse;
mod rule;
pub mod sample;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

pub use normalise::{Normalised, ShapeError, normalise};
pub use parse::SchemaError;
pub use rule::{Problem, TextClass, TextRule};

/// A schema version, such as 14.0.
pub type Version = (u8, u8);

/// All operations and all named shapes.
#[derive(Debug)]
pub struct Schema {
    operations: Vec<Operation>,
    groups: BTreeMap<String, Arc<Group>>,
}

/// What an operation does, told by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// Adds an object.
    Add,
    /// Changes an object.
    Update,
    /// Reads one object.
    Get,
    /// Removes an object.
    Remove,
    /// Reads a page of objects.
    List,
    /// Anything else.
    Named,
}

/// One operation: its request and its response.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Name of the request element.
    pub name: String,
    /// What it does.
    pub kind: OperationKind,
    /// The object type it is about, in schema spelling; none for named operations.
    pub object: Option<String>,
    /// Content of the request element.
    pub request: Arc<Group>,
    /// Content of the response element.
    pub response: Arc<Group>,
}

/// The content of an element that holds elements, in schema order.
#[derive(Debug, Default)]
pub struct Group {
    /// Name of the type; empty for a type without one.
    pub name: String,
    /// The elements it may hold; nested sequences and choices are flattened into their members.
    pub fields: Vec<Field>,
    /// The attributes it may carry.
    pub attributes: Vec<Attribute>,
    /// Whether each choice, by its number, must be made.
    pub choices: Vec<bool>,
}

/// Finds fields of a group by their names: at once where they are asked for in schema order, which is how nearly every client sends
/// them.
#[derive(Debug)]
pub struct Search<'g> {
    fields: &'g [Field],
    last: usize,
}

/// One attribute.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// What its value may be.
    pub rule: TextRule,
}

/// One element of a group.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// How often it must occur.
    pub min: u32,
    /// How often it may occur; none for any number.
    pub max: Option<u32>,
    /// What it is when it is not given, or given empty.
    pub default: Option<String>,
    /// The first schema version that has it, where that is newer than 11.5.
    pub since: Option<Version>,
    /// The object type that a reference names.
    pub refers: Option<String>,
    /// Whether it is never stored in clear, never trimmed and always answered empty.
    pub secret: bool,
    /// Whether an answer has it only when `returnedTags` names it.
    pub only_when_named: bool,
    /// The branches of choices that it stands in, outermost first.
    pub branches: Vec<Branch>,
}

/// A branch of a choice of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Branch {
    /// Number of the choice in its group.
    pub choice: usize,
    /// Number of the branch in its choice.
    pub branch: usize,
}

/// What an element holds.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Text.
    Text(TextRule),
    /// The name of another object, its uuid as an attribute.
    Reference,
    /// Text with attributes that belong to it.
    TextWithAttributes(Vec<Attribute>),
    /// Elements.
    Group(Arc<Group>),
    /// Any elements, kept as they are.
    Any,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| match parse::parse(super::wsdl::SCHEMA_FILES) {
    Ok(schema) => schema,
    #[expect(
        clippy::panic,
        reason = "the files are compiled in; the first unit test would not pass with a bad one"
    )]
    Err(error) => panic!("{error}"),
});

impl Schema {
    /// The schema of the compiled-in files.
    pub fn get() -> &'static Schema {
        &SCHEMA
    }

    /// The operation of this name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    /// All operations, in the order of the files.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The shape of a named type, such as `XPhone` or `RPhone`.
    pub fn group_of(&self, type_name: &str) -> Option<&Arc<Group>> {
        self.groups.get(type_name)
    }
}

impl Group {
    /// The element of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// A search for several elements.
    pub fn search(&self) -> Search<'_> {
        Search { fields: &self.fields, last: 0 }
    }
}

impl<'g> Search<'g> {
    /// The number of the field of this name, and the field.
    pub fn find(&mut self, name: &str) -> Option<(usize, &'g Field)> {
        let (before, after) = self.fields.split_at_checked(self.last)?;
        let mut numbered = (self.last..).zip(after).chain((0..).zip(before));
        let found = numbered.find(|(_, field)| field.name == name)?;
        self.last = found.0;
        Some(found)
    }
}

impl Field {
    /// The content, where this is a group.
    pub fn group(&self) -> Option<&Arc<Group>> {
        match &self.kind {
            Kind::Group(group) => Some(group),
            Kind::Text(_) | Kind::Reference | Kind::TextWithAttributes(_) | Kind::Any => None,
        }
    }

    /// Whether it may occur more than once.
    pub fn is_repeated(&self) -> bool {
        self.max != Some(1)
    }

    /// Whether it holds a boolean.
    pub fn is_boolean(&self) -> bool {
        matches!(&self.kind, Kind::Text(TextRule { class: TextClass::Boolean, .. }))
    }
}

impl Operation {
    /// The element that holds the object: the wrapper of an add, the row of a get or list.
    pub fn object_field(&self) -> Option<&Field> {
        match self.kind {
            OperationKind::Add => self.request.fields.first(),
            OperationKind::Get | OperationKind::List => {
                self.response.field("return").and_then(Field::group).and_then(|group| group.fields.first())
            }
            OperationKind::Update | OperationKind::Remove | OperationKind::Named => None,
        }
    }
}

#[cfg(test)]
mod registry_tests;

#[cfg(test)]
mod xsd_tests;
