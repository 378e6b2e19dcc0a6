//! Sample messages made from the schema, for tests that walk every operation.
//!
//! Owns the smallest and largest message, one for each branch of a choice, and edits of one element at a time. What a
//! sample says is meaningless; its names, order, counts and types are those of the schema.

use std::collections::BTreeMap;

use super::{Branch, Field, Group, Kind, Operation, Problem, TextClass, TextRule};
use crate::soap::tree::Element;

/// The uuid in samples.
pub const UUID: &str = "{1B2C0000-0000-0000-0000-0000000000FF}";

/// The group that must name something although nothing in it is required.
const CRITERIA: &str = "searchCriteria";

/// How much a sample holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Only what must be there.
    Smallest,
    /// Everything, two members where several may be.
    Largest,
}

/// Which branch is taken of the choice with this number in the group at this path; the first one where nothing is said.
pub type Picks = BTreeMap<(String, usize), usize>;

/// A place in a message: the element that a field of the schema stands for.
#[derive(Debug, Clone)]
pub struct Position<'a> {
    /// The path as errors have it.
    pub path: String,
    /// The indexes of the children that lead there.
    pub steps: Vec<usize>,
    /// The field.
    pub field: &'a Field,
}

/// A request of an operation.
pub fn request(operation: &Operation, size: Size, picks: &Picks) -> Element {
    filled(&operation.name, &operation.request, size, picks, "")
}

/// An element that holds a sample of this group.
pub fn filled(name: &str, group: &Group, size: Size, picks: &Picks, path: &str) -> Element {
    let mut element = Element::new(name);
    for field in &group.fields {
        let wanted = field.branches.iter().all(|at| takes(group, at, size, picks, path));
        let count = match (size, field.max) {
            (Size::Smallest, _) => field.min,
            (Size::Largest, Some(max)) => max.min(2),
            (Size::Largest, None) => 2,
        };
        let needed = element.children.is_empty() && size == Size::Smallest && group.choices.is_empty();
        let count = if path == CRITERIA && needed { 1 } else { count };
        if wanted {
            element.children.extend((0..count).map(|_| sample(field, size, picks, &join(path, &field.name))));
        }
    }
    element
}

fn takes(group: &Group, at: &Branch, size: Size, picks: &Picks, path: &str) -> bool {
    let required = group.choices.get(at.choice).copied().unwrap_or(false);
    let picked = picks.get(&(path.to_owned(), at.choice));
    (size == Size::Largest || required || picked.is_some()) && at.branch == picked.copied().unwrap_or(0)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

fn sample(field: &Field, size: Size, picks: &Picks, path: &str) -> Element {
    match &field.kind {
        Kind::Text(rule) => Element::with_text(&field.name, &text(rule)),
        Kind::Reference => {
            let mut element = Element::with_text(&field.name, "Sample");
            if size == Size::Largest {
                element.attributes.push(("uuid".to_owned(), UUID.to_owned()));
            }
            element
        }
        Kind::TextWithAttributes(attributes) => {
            let mut element = Element::with_text(&field.name, "sample");
            element.attributes = attributes.iter().map(|a| (a.name.clone(), text(&a.rule))).collect();
            element
        }
        Kind::Group(group) => filled(&field.name, group, size, picks, path),
        Kind::Any => {
            let nested = Element::with_children(
                "nested",
                vec![Element::with_text("leaf", " 1 "), Element::new("empty")],
            );
            Element::with_children(&field.name, vec![Element::with_text("setting", "0"), nested])
        }
    }
}

/// Text that a rule allows.
fn text(rule: &TextRule) -> String {
    match rule.class {
        TextClass::Plain => "s".repeat(rule.max_length.unwrap_or(3).min(3)),
        TextClass::Boolean => "true".to_owned(),
        TextClass::Integer(min, max) => 7.clamp(min, max).to_string(),
        TextClass::Uuid => UUID.to_owned(),
        TextClass::MusicSource => "51".to_owned(),
        TextClass::MacAddress => "0011AABBCCDD".to_owned(),
    }
}

/// The picks that take each branch of each choice once, besides the first ones.
pub fn branches(group: &Group) -> Vec<Picks> {
    let mut found = Vec::new();
    find_branches(group, "", &Picks::new(), &mut found);
    found
}

fn find_branches(group: &Group, path: &str, lead: &Picks, found: &mut Vec<Picks>) {
    for field in &group.fields {
        let mut here = lead.clone();
        here.extend(field.branches.iter().map(|at| ((path.to_owned(), at.choice), at.branch)));
        if field.branches.iter().any(|at| at.branch > 0) && !found.contains(&here) {
            found.push(here.clone());
        }
        if let Kind::Group(inner) = &field.kind {
            find_branches(inner, &join(path, &field.name), &here, found);
        }
    }
}

/// The same message with all elements in reverse order; members of one name and free content keep theirs.
pub fn shuffled(group: &Group, element: &Element) -> Element {
    let mut copy = Element { children: Vec::new(), ..element.clone() };
    for field in group.fields.iter().rev() {
        let inner = field.group();
        let children = element.children_named(&field.name);
        copy.children.extend(
            children.map(|child| inner.map_or_else(|| child.clone(), |group| shuffled(group, child))),
        );
    }
    copy
}

/// Every element of a message, except those inside `returnedTags`, where only names count.
pub fn positions<'a>(group: &'a Group, element: &Element) -> Vec<Position<'a>> {
    let mut found = Vec::new();
    find_positions(group, element, "", &[], &mut found);
    found
}

fn find_positions<'a>(
    group: &'a Group,
    element: &Element,
    path: &str,
    steps: &[usize],
    found: &mut Vec<Position<'a>>,
) {
    let mut number = 0;
    for (index, child) in element.children.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| element.children.get(before));
        number = if before.is_some_and(|before| before.name == child.name) { number + 1 } else { 1 };
        let Some(field) = group.field(&child.name) else { continue };
        let mut path = join(path, &field.name);
        if field.is_repeated() {
            path.push_str(&format!("[{number}]"));
        }
        let steps: Vec<usize> = steps.iter().copied().chain([index]).collect();
        found.push(Position { path: path.clone(), steps: steps.clone(), field });
        if let Kind::Group(inner) = &field.kind
            && field.name != "returnedTags"
        {
            find_positions(inner, child, &path, &steps, found);
        }
    }
}

/// The message with one element changed.
pub fn edited(message: &Element, steps: &[usize], edit: impl FnOnce(&mut Element)) -> Element {
    let mut copy = message.clone();
    let mut at = Some(&mut copy);
    for step in steps {
        at = at.and_then(|element| element.children.get_mut(*step));
    }
    if let Some(element) = at {
        edit(element);
    }
    copy
}

/// Texts that are just allowed.
pub fn at_bound(rule: &TextRule) -> Vec<String> {
    match rule.class {
        TextClass::Plain => rule.max_length.map(|max| "ä".repeat(max)).into_iter().collect(),
        TextClass::Boolean => {
            ["t", "f", "true", "false", "True", "False", "0", "1"].map(str::to_owned).to_vec()
        }
        TextClass::Integer(min, max) => vec![min.to_string(), max.to_string()],
        TextClass::Uuid => vec![UUID.to_lowercase(), UUID.trim_matches(['{', '}']).to_owned()],
        TextClass::MusicSource => ["0", "51", "null"].map(str::to_owned).to_vec(),
        TextClass::MacAddress => vec!["0011aabbccdd".to_owned()],
    }
}

/// Texts that are just not allowed any more, and what is wrong with them.
pub fn beyond_bound(rule: &TextRule) -> Vec<(String, Problem)> {
    match rule.class {
        TextClass::Plain => {
            rule.max_length.map(|max| ("ä".repeat(max + 1), Problem::TooLong(max))).into_iter().collect()
        }
        TextClass::Boolean => vec![("yes".to_owned(), Problem::NotBoolean)],
        TextClass::Integer(min, max) => [i128::from(min) - 1, i128::from(max) + 1]
            .map(|number| (number.to_string(), Problem::NotInteger(min, max)))
            .to_vec(),
        TextClass::Uuid => vec![(format!("{UUID}0"), Problem::NotUuid)],
        TextClass::MusicSource => vec![("52".to_owned(), Problem::NotMusicSource)],
        TextClass::MacAddress => vec![("0011AABBCCD".to_owned(), Problem::NotMacAddress)],
    }
}
