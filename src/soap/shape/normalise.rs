//! The canonical form of a request: tolerant in, exact for everyone behind (axl.md 5 and 6, XML-6).
//!
//! Promises: what comes out holds only elements and attributes of the schema, in schema order, each no more often than the
//! schema says, one branch of each choice, scalars in their one spelling; empty and nil have become an element without
//! text and children. Paths and problems in errors are made of schema names and numbers, never of input.

use std::borrow::Cow;

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

/// Brings an element into the canonical form of its shape; what stays as it was sent is moved, not copied.
pub fn normalise(group: &Group, element: Element) -> Result<Normalised, ShapeError> {
    let mut unknown = Vec::new();
    let operation = Place { within: None, name: "", number: None, removing: false, whole: true };
    let element = operation.group(group, element, &mut unknown)?;
    Ok(Normalised { element, unknown })
}

/// Where in the request the work is.
#[derive(Clone, Copy)]
struct Place<'p> {
    within: Option<&'p Place<'p>>,
    name: &'p str,
    /// Which of several, from 0.
    number: Option<usize>,
    /// Inside `remove…`: a member is named, not described.
    removing: bool,
    /// At the operation itself, where `returnedTags` stands.
    whole: bool,
}

/// The known children of an element, each with the number of its field, in schema order.
struct Given(Vec<(usize, Element)>);

impl Given {
    /// The children of one field.
    fn of(&self, field: usize) -> &[(usize, Element)] {
        let from = self.0.partition_point(|(at, _)| *at < field);
        let rest = self.0.get(from..).unwrap_or_default();
        rest.get(..rest.partition_point(|(at, _)| *at == field)).unwrap_or_default()
    }
}

impl<'p> Place<'p> {
    fn to<'s>(&'s self, field: &'s Field, number: usize) -> Place<'s>
    where
        'p: 's,
    {
        let removing = self.removing || field.name.starts_with("remove");
        let number = field.is_repeated().then_some(number);
        Place { within: Some(self), name: &field.name, number, removing, whole: false }
    }

    fn path(&self) -> String {
        let mut path = self.within.map(Place::path).unwrap_or_default();
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(self.name);
        if let Some(number) = self.number {
            path.push_str(&format!("[{}]", number + 1));
        }
        path
    }

    fn refuse<T>(&self, problem: Problem) -> Result<T, ShapeError> {
        Err(ShapeError { path: self.path(), problem })
    }

    fn group(
        &self,
        group: &Group,
        mut element: Element,
        unknown: &mut Vec<String>,
    ) -> Result<Element, ShapeError> {
        let given = self.given(group, std::mem::take(&mut element.children), unknown)?;
        let made = self.choose(group, &given)?;
        let mut children = Vec::with_capacity(given.0.len());
        let mut rest = given.0.into_iter().peekable();
        for (at, field) in group.fields.iter().enumerate() {
            if field.min == 0 && rest.peek().is_none_or(|(of, _)| *of != at) {
                continue;
            }
            let taken = field.branches.iter().all(|b| made.takes(b.choice, b.branch));
            let (before, mut number) = (children.len(), 0);
            while let Some((_, child)) = rest.next_if(|(of, _)| *of == at) {
                let place = self.to(field, number);
                number += 1;
                if taken && let Some(value) = place.value(field, child, self.whole, unknown)? {
                    children.push(value);
                }
            }
            let filled = children.iter().skip(before).any(|child| !is_cleared(child));
            let wanted = field.min > 0 && field.branches.iter().all(|b| made.made(b.choice, b.branch));
            // Tags that are not named ask for everything; a member to be removed is named by the rest.
            let spared = field.name == RETURNED_TAGS || (self.removing && field.name == "index");
            if wanted && !filled && !spared {
                return self.to(field, 0).refuse(Problem::Missing);
            }
        }
        let attributes = attributes(&group.attributes, &element);
        Ok(Element { name: element.name, attributes, children, ..Element::default() })
    }

    /// The known children by field: all where the schema allows several, else the last.
    fn given(
        &self,
        group: &Group,
        children: Vec<Element>,
        unknown: &mut Vec<String>,
    ) -> Result<Given, ShapeError> {
        let mut given: Vec<(usize, Element)> = Vec::with_capacity(children.len());
        let mut search = group.search();
        for child in children {
            match search.find(&child.name) {
                Some((at, _)) => given.push((at, child)),
                None if unknown.len() < UNKNOWN_NAMED => {
                    let path = self.path();
                    let separator = if path.is_empty() { "" } else { "/" };
                    unknown.push(format!("{path}{separator}{}", child.name));
                }
                None => {}
            }
        }
        given.sort_by_key(|(at, _)| *at);
        for several in given.chunk_by(|(one, _), (other, _)| one == other).filter(|same| same.len() > 1) {
            let Some(field) = several.first().and_then(|(at, _)| group.fields.get(*at)) else { continue };
            // A wrapper of the operation is its target.
            let once = field.secret || field.min > 0 || ONLY_ONCE.contains(&field.name.as_str());
            match field.max {
                Some(1) if once => return self.to(field, 0).refuse(Problem::Repeated),
                Some(max) if max > 1 && several.len() > max as usize => {
                    return self.to(field, max as usize).refuse(Problem::TooMany(max));
                }
                Some(_) | None => {}
            }
        }
        given.dedup_by(|later, earlier| {
            let replaces =
                later.0 == earlier.0 && group.fields.get(later.0).is_some_and(|f| !f.is_repeated());
            if replaces {
                std::mem::swap(later, earlier);
            }
            replaces
        });
        Ok(Given(given))
    }

    /// Decides every choice of the group: the branch with content, of a selector the uuid, else the first one given.
    fn choose(&self, group: &Group, given: &Given) -> Result<Made, ShapeError> {
        let mut made = Made(Vec::with_capacity(group.choices.len()));
        for (choice, required) in group.choices.iter().enumerate() {
            let members = || {
                group.fields.iter().enumerate().filter_map(move |(number, field)| {
                    let at = field.branches.iter().find(|branch| branch.choice == choice)?;
                    Some((at.branch, field, given.of(number)))
                })
            };
            let filled =
                || members().filter(|(_, _, given)| given.iter().any(|(_, child)| !is_blank_input(child)));
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
        child: Element,
        of_operation: bool,
        unknown: &mut Vec<String>,
    ) -> Result<Option<Element>, ShapeError> {
        match &field.kind {
            Kind::Text(rule) => self.text(field, rule, child).map(Some),
            Kind::Reference => self.reference(child).map(Some),
            Kind::TextWithAttributes(known) => {
                let attributes = attributes(known, &child);
                let mut value = self.text(field, &TextRule::plain(None), child)?;
                if !value.text.is_empty() {
                    value.attributes = attributes;
                }
                Ok(Some(value))
            }
            Kind::Any if child.nil => Ok(Some(cleared(child))),
            Kind::Any => Ok(Some(any(child))),
            Kind::Group(_) if of_operation && field.name == RETURNED_TAGS && child.nil => {
                Ok(Some(cleared(child)))
            }
            Kind::Group(group) if of_operation && field.name == RETURNED_TAGS => {
                Ok(Some(tags(group, &child)))
            }
            Kind::Group(group) if field.is_repeated() && requires(group) && says_nothing(&child) => Ok(None),
            Kind::Group(group) if empties(field, group, &child) => Ok(Some(cleared(child))),
            Kind::Group(group) => {
                let had_children = !child.nil && !child.children.is_empty();
                let child = if child.nil { cleared(child) } else { child };
                let value = self.group(group, child, unknown)?;
                let lost = value.children.is_empty() && had_children;
                // A group of unknown elements only says nothing about the known ones: it must not empty them.
                Ok(if lost && field.min == 0 && !field.is_repeated() { None } else { Some(value) })
            }
        }
    }

    fn text(&self, field: &Field, rule: &TextRule, child: Element) -> Result<Element, ShapeError> {
        if child.nil {
            return Ok(cleared(child));
        }
        if !child.children.is_empty() {
            return self.refuse(Problem::NotText);
        }
        self.respelled(rule, field.secret, child)
    }

    /// The element with nothing but its text, in canonical form; blanks around it count only in a secret.
    fn respelled(&self, rule: &TextRule, secret: bool, child: Element) -> Result<Element, ShapeError> {
        let Element { name, text: sent, .. } = child;
        let text = if secret { sent.as_str() } else { sent.trim() };
        if text.is_empty() {
            return Ok(Element { name, ..Element::default() });
        }
        let canonical = match rule.canonical(text).or_else(|problem| self.refuse(problem))? {
            Cow::Borrowed(same) if same == sent => None,
            other @ (Cow::Borrowed(_) | Cow::Owned(_)) => Some(other.into_owned()),
        };
        Ok(Element { name, text: canonical.unwrap_or(sent), ..Element::default() })
    }

    fn reference(&self, child: Element) -> Result<Element, ShapeError> {
        if child.nil {
            return Ok(cleared(child));
        }
        if !child.children.is_empty() {
            return self.refuse(Problem::NotText);
        }
        let mut attributes = Vec::new();
        if let Some(uuid) = child.attribute("uuid").map(str::trim).filter(|uuid| !uuid.is_empty()) {
            match parse_uuid(uuid) {
                Some(uuid) => attributes.push(("uuid".to_owned(), format_uuid(uuid))),
                None => {
                    let path = format!("{}/@uuid", self.path());
                    return Err(ShapeError { path, problem: Problem::NotUuid });
                }
            }
        }
        let value = self.respelled(&REFERENCE_NAME, false, child)?;
        Ok(Element { attributes, ..value })
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
        Some((attribute.name.clone(), attribute.rule.canonical(text).ok()?.into_owned()))
    };
    known.iter().filter_map(value).collect()
}

/// `returnedTags`: names select, whatever stands inside (axl.md 8).
fn tags(group: &Group, element: &Element) -> Element {
    let named = group.fields.iter().filter(|field| element.child(&field.name).is_some());
    Element::with_children(&element.name, named.map(|field| Element::new(&field.name)).collect())
}

/// Free content: text of leaves as sent, blanks between elements dropped.
fn any(mut element: Element) -> Element {
    element.nil = false;
    element.children = element.children.into_iter().map(any).collect();
    if !element.children.is_empty() && element.text.trim().is_empty() {
        element.text.clear();
    }
    element
}

/// The element without what was in it.
fn cleared(element: Element) -> Element {
    Element { name: element.name, ..Element::default() }
}

#[cfg(test)]
#[path = "normalise_tests.rs"]
mod tests;
