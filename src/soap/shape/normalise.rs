//! The canonical form of a request: tolerant in, exact for everyone behind (axl.md 5 and 6, XML-6).
//!
//! Promises: what comes out holds only elements and attributes of the schema, in schema order, each no more often than the
//! schema says, one branch of each choice, scalars in their one spelling; empty and nil have become an element without
//! text and children. Paths and problems in errors are made of schema names and numbers, never of input.

use super::{Attribute, Field, Group, Kind, Problem, TextRule};
use crate::soap::scalar::{format_uuid, parse_uuid};
use crate::soap::tree::Element;

/// How long the name in a reference may be.
const REFERENCE_NAME: TextRule = TextRule::plain(Some(255));

/// The element that selects what is answered; only the names inside count.
const RETURNED_TAGS: &str = "returnedTags";

/// How many unknown elements are named in the log.
const UNKNOWN_NAMED: usize = 16;

/// Elements that carry an identity, a credential, a role or a target: a second one is refused (XML-6).
const ONLY_ONCE: [&str; 21] = [
    "name",
    "newName",
    "userid",
    "newUserid",
    "userId",
    "uuid",
    "pattern",
    "newPattern",
    "routePartitionName",
    "newRoutePartitionName",
    "serviceName",
    "newServiceName",
    "service",
    "processNodeName",
    "deviceName",
    "profileName",
    "defaultProfile",
    "dirn",
    "selfService",
    "sql",
    "clusterId",
];

/// A request that the schema does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ShapeError {
    /// Where, in schema names, such as `phone/lines/line[2]/index`.
    pub path: String,
    /// What.
    pub problem: Problem,
}

/// A request in canonical form.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalised {
    /// The request.
    pub element: Element,
    /// Paths of elements that the schema does not know and that were dropped; for the log, the first few only.
    pub unknown: Vec<String>,
}

/// Brings an element into the canonical form of its shape.
pub fn normalise(group: &Group, element: &Element) -> Result<Normalised, ShapeError> {
    let mut unknown = Vec::new();
    let element =
        Place { path: String::new(), removing: false, whole: true }.group(group, element, &mut unknown)?;
    Ok(Normalised { element, unknown })
}

/// Where in the request the work is.
#[derive(Clone)]
struct Place {
    path: String,
    /// Inside `remove…`: a member is named, not described.
    removing: bool,
    /// At the operation itself, where `returnedTags` stands.
    whole: bool,
}

impl Place {
    fn to(&self, field: &Field, number: usize) -> Self {
        let mut path = self.path.clone();
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(&field.name);
        if field.is_repeated() {
            path.push_str(&format!("[{}]", number + 1));
        }
        Self { path, removing: self.removing || field.name.starts_with("remove"), whole: false }
    }

    fn refuse<T>(&self, problem: Problem) -> Result<T, ShapeError> {
        Err(ShapeError { path: self.path.clone(), problem })
    }

    fn group(
        &self,
        group: &Group,
        element: &Element,
        unknown: &mut Vec<String>,
    ) -> Result<Element, ShapeError> {
        let mut result = Element::new(&element.name);
        result.attributes = attributes(&group.attributes, element);
        self.note_unknown(group, element, unknown);
        let given =
            group.fields.iter().map(|field| self.given(field, element)).collect::<Result<Vec<_>, _>>()?;
        let made = self.choose(group, &given)?;
        for (field, given) in group.fields.iter().zip(given) {
            let given = if field.branches.iter().all(|b| made.takes(b.choice, b.branch)) {
                given
            } else {
                Vec::new()
            };
            let before = result.children.len();
            for (number, child) in given.into_iter().enumerate() {
                let place = self.to(field, number);
                if let Some(value) = place.value(field, child, self.whole, unknown)? {
                    result.children.push(value);
                }
            }
            let filled = result.children.iter().skip(before).any(|child| !is_cleared(child));
            let wanted = field.min > 0 && field.branches.iter().all(|b| made.made(b.choice, b.branch));
            // Tags that are not named ask for everything; a member to be removed is named by the rest.
            let spared = field.name == RETURNED_TAGS || (self.removing && field.name == "index");
            if wanted && !filled && !spared {
                return self.to(field, 0).refuse(Problem::Missing);
            }
        }
        Ok(result)
    }

    fn note_unknown(&self, group: &Group, element: &Element, unknown: &mut Vec<String>) {
        for child in &element.children {
            if unknown.len() < UNKNOWN_NAMED && group.field(&child.name).is_none() {
                let separator = if self.path.is_empty() { "" } else { "/" };
                unknown.push(format!("{}{separator}{}", self.path, child.name));
            }
        }
    }

    /// The children of one name: all where the schema allows several, else the last.
    fn given<'a>(&self, field: &Field, element: &'a Element) -> Result<Vec<&'a Element>, ShapeError> {
        let mut given: Vec<&Element> =
            element.children.iter().filter(|child| child.name == field.name).collect();
        match field.max {
            None => {}
            Some(1) if given.len() > 1 => {
                // A wrapper of the operation is its target.
                if field.secret || field.min > 0 || ONLY_ONCE.contains(&field.name.as_str()) {
                    return self.to(field, 0).refuse(Problem::Repeated);
                }
                given.drain(..given.len() - 1);
            }
            Some(max) if given.len() > max as usize => {
                return self.to(field, max as usize).refuse(Problem::TooMany(max));
            }
            Some(_) => {}
        }
        Ok(given)
    }

    /// Decides every choice of the group: the branch with content, of a selector the uuid, else the first one given.
    fn choose(&self, group: &Group, given: &[Vec<&Element>]) -> Result<Made, ShapeError> {
        let mut made = Made(Vec::new());
        for (choice, required) in group.choices.iter().enumerate() {
            let members = || {
                let fields = group.fields.iter().zip(given);
                fields.filter_map(move |(field, given)| {
                    let at = field.branches.iter().find(|branch| branch.choice == choice)?;
                    Some((at.branch, field, given))
                })
            };
            let filled =
                || members().filter(|(_, _, given)| given.iter().any(|child| !is_blank_input(child)));
            let by_uuid = filled().find(|(_, field, _)| field.name == "uuid").map(|(branch, ..)| branch);
            let first = filled().next();
            let branch = match (first, by_uuid) {
                (_, Some(branch)) => Some(branch),
                (Some((branch, field, _)), None) => {
                    if let Some((_, other, _)) = filled().find(|(other, ..)| *other != branch) {
                        return self.to(other, 0).refuse(Problem::Exclusive(field.name.clone()));
                    }
                    Some(branch)
                }
                (None, None) => {
                    if *required && let Some((_, field, _)) = members().next() {
                        return self.to(field, 0).refuse(Problem::Missing);
                    }
                    members().filter(|(_, _, given)| !given.is_empty()).map(|(branch, ..)| branch).min()
                }
            };
            made.0.push((branch, first.is_some()));
        }
        Ok(made)
    }

    /// One child in canonical form; none when it says nothing.
    fn value(
        &self,
        field: &Field,
        child: &Element,
        of_operation: bool,
        unknown: &mut Vec<String>,
    ) -> Result<Option<Element>, ShapeError> {
        match &field.kind {
            Kind::Text(rule) => self.text(field, rule, child).map(Some),
            Kind::Reference => self.reference(child).map(Some),
            Kind::TextWithAttributes(known) => {
                let mut value = self.text(field, &TextRule::plain(None), child)?;
                if !value.text.is_empty() {
                    value.attributes = attributes(known, child);
                }
                Ok(Some(value))
            }
            Kind::Group(group) if of_operation && field.name == RETURNED_TAGS => {
                Ok(Some(if child.nil { Element::new(&child.name) } else { tags(group, child) }))
            }
            Kind::Group(group) if field.is_repeated() && requires(group) && says_nothing(child) => Ok(None),
            Kind::Group(group) if empties(field, group, child) => Ok(Some(Element::new(&child.name))),
            Kind::Group(group) => {
                let emptied = child.nil.then(|| Element::new(&child.name));
                let value = self.group(group, emptied.as_ref().unwrap_or(child), unknown)?;
                let lost = value.children.is_empty() && !child.nil && !child.children.is_empty();
                // A group of unknown elements only says nothing about the known ones: it must not empty them.
                Ok(if lost && field.min == 0 && !field.is_repeated() { None } else { Some(value) })
            }
            Kind::Any => Ok(Some(if child.nil { Element::new(&child.name) } else { any(child) })),
        }
    }

    fn text(&self, field: &Field, rule: &TextRule, child: &Element) -> Result<Element, ShapeError> {
        if child.nil {
            return Ok(Element::new(&child.name));
        }
        if !child.children.is_empty() {
            return self.refuse(Problem::NotText);
        }
        let text = if field.secret { child.text.as_str() } else { child.text.trim() };
        if text.is_empty() {
            return Ok(Element::new(&child.name));
        }
        let text = rule.canonical(text).or_else(|problem| self.refuse(problem))?;
        Ok(Element { text, ..Element::new(&child.name) })
    }

    fn reference(&self, child: &Element) -> Result<Element, ShapeError> {
        let mut value = Element::new(&child.name);
        if child.nil {
            return Ok(value);
        }
        if !child.children.is_empty() {
            return self.refuse(Problem::NotText);
        }
        let name = child.text.trim();
        value.text = REFERENCE_NAME.canonical(name).or_else(|problem| self.refuse(problem))?;
        if let Some(uuid) = child.attribute("uuid").map(str::trim).filter(|uuid| !uuid.is_empty()) {
            match parse_uuid(uuid) {
                Some(uuid) => value.attributes.push(("uuid".to_owned(), format_uuid(uuid))),
                None => {
                    let path = format!("{}/@uuid", self.path);
                    return Err(ShapeError { path, problem: Problem::NotUuid });
                }
            }
        }
        Ok(value)
    }
}

/// The branch taken of each choice, and whether it has content.
struct Made(Vec<(Option<usize>, bool)>);

impl Made {
    fn takes(&self, choice: usize, branch: usize) -> bool {
        self.0.get(choice).is_some_and(|(made, _)| *made == Some(branch))
    }

    fn made(&self, choice: usize, branch: usize) -> bool {
        self.0.get(choice).is_some_and(|(made, filled)| *filled && *made == Some(branch))
    }
}

/// Whether a child empties a group that could not be sent empty otherwise, because something inside is required.
fn empties(field: &Field, group: &Group, child: &Element) -> bool {
    field.min == 0 && !field.is_repeated() && requires(group) && says_nothing(child)
}

/// Whether something inside must be given: tools send a member of which nothing is, and mean none.
fn requires(group: &Group) -> bool {
    group.fields.iter().any(|field| field.min > 0 && field.branches.is_empty())
}

fn says_nothing(child: &Element) -> bool {
    is_blank_input(child)
        || (child.text.trim().is_empty()
            && child.children.iter().all(says_nothing)
            && !child.children.is_empty())
}

/// Whether a child as sent says nothing: no text, no child, and no uuid in place of a name.
fn is_blank_input(child: &Element) -> bool {
    child.is_blank() && (child.nil || child.attribute("uuid").is_none_or(|uuid| uuid.trim().is_empty()))
}

fn is_cleared(child: &Element) -> bool {
    child.text.is_empty() && child.children.is_empty() && child.attributes.is_empty()
}

/// The attributes that the schema knows, with values that it allows; what tools put into them besides is dropped.
fn attributes(known: &[Attribute], element: &Element) -> Vec<(String, String)> {
    let value = |attribute: &Attribute| {
        let text = element.attribute(&attribute.name).map(str::trim).filter(|text| !text.is_empty())?;
        Some((attribute.name.clone(), attribute.rule.canonical(text).ok()?))
    };
    known.iter().filter_map(value).collect()
}

/// `returnedTags`: names select, whatever stands inside (axl.md 8).
fn tags(group: &Group, element: &Element) -> Element {
    let named = group.fields.iter().filter(|field| element.child(&field.name).is_some());
    Element::with_children(&element.name, named.map(|field| Element::new(&field.name)).collect())
}

/// Free content: text of leaves as sent, blanks between elements dropped.
fn any(element: &Element) -> Element {
    let mut copy = Element::new(&element.name);
    copy.attributes.clone_from(&element.attributes);
    copy.children = element.children.iter().map(any).collect();
    if copy.children.is_empty() || !element.text.trim().is_empty() {
        copy.text.clone_from(&element.text);
    }
    copy
}

#[cfg(test)]
#[path = "normalise_tests.rs"]
mod tests;
