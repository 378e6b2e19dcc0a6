//! Tests that walk every operation of the schema: what the shape allows is taken, one step beyond is refused with its path.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::sample::{self, Picks, Size};
use super::*;
use crate::soap::document::{RowShape, TagFilter, references, to_document};
use crate::soap::envelope::read_call;
use crate::soap::tree::Element;
use crate::soap::write::{Writer, response};

/// Every message that a test starts from: operation, message, in all branches.
fn largest() -> Vec<(&'static Operation, Element)> {
    let mut all = Vec::new();
    for operation in Schema::get().operations() {
        for picks in [Picks::new()].into_iter().chain(sample::branches(&operation.request)) {
            all.push((operation, sample::request(operation, Size::Largest, &picks)));
        }
    }
    all
}

/// Every position once: messages in other branches repeat most of the first one's.
fn each_position(mut check: impl FnMut(&Operation, &Element, &sample::Position<'_>)) {
    let mut seen = BTreeSet::new();
    for (operation, message) in largest() {
        for position in sample::positions(&operation.request, &message) {
            let second = position.path.contains("[2]");
            if !second && seen.insert((operation.name.clone(), position.path.clone())) {
                check(operation, &message, &position);
            }
        }
    }
}

fn accepted(operation: &Operation, message: &Element) -> Element {
    let normalised =
        normalise(&operation.request, message.clone()).unwrap_or_else(|e| panic!("{}: {e}", operation.name));
    assert!(normalised.unknown.is_empty(), "{}: {:?}", operation.name, normalised.unknown);
    normalised.element
}

fn refused(operation: &Operation, message: &Element) -> ShapeError {
    match normalise(&operation.request, message.clone()) {
        Ok(_) => panic!("{} took {message:?}", operation.name),
        Err(error) => error,
    }
}

#[test]
fn the_registry_holds_every_offered_operation() {
    let names: Vec<&str> =
        Schema::get().operations().iter().map(|operation| operation.name.as_str()).collect();
    assert_eq!(names.len(), 60);
    for name in [
        "addPhone",
        "updateServiceParameter",
        "listProcessNode",
        "getRegistrationDynamic",
        "doDeviceLogout",
        "getCCMVersion",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    assert!(!names.contains(&"addServiceParameter") && !names.contains(&"updateProcessNode"));
    for operation in Schema::get().operations() {
        assert_eq!(operation.object.is_some(), operation.kind != OperationKind::Named, "{}", operation.name);
    }
}

#[test]
fn smallest_largest_and_shuffled_messages_are_accepted() {
    for operation in Schema::get().operations() {
        let smallest = sample::request(operation, Size::Smallest, &Picks::new());
        assert_eq!(
            accepted(operation, &smallest).children.len(),
            smallest.children.len(),
            "{}",
            operation.name
        );
    }
    for (operation, message) in largest() {
        let in_order = accepted(operation, &message);
        let shuffled = sample::shuffled(&operation.request, &message);
        assert!(accepted(operation, &shuffled) == in_order, "{}", operation.name);
        assert!(accepted(operation, &in_order) == in_order, "{} is not stable", operation.name);
    }
}

/// Whether a message without content at this position is still one that the shape takes.
fn may_be_empty(position: &sample::Position<'_>) -> bool {
    let (field, removing) = (position.field, position.path.starts_with("remove"));
    let required = |field: &Field| field.min > 0 && !(removing && field.name == "index");
    let holds_required = field.group().is_some_and(|group| group.fields.iter().any(required));
    // A member that cannot be empty is none, and the sample has another.
    let needed = required(field) && !(field.is_repeated() && holds_required);
    !needed || field.name == "returnedTags"
}

#[test]
fn an_optional_element_may_be_empty_or_nil_and_a_required_one_must_say_something() {
    each_position(|operation, message, position| {
        if !position.field.branches.is_empty() {
            return;
        }
        let empty = sample::edited(message, &position.steps, |child| *child = Element::new(&child.name));
        let nil = sample::edited(message, &position.steps, |child| child.nil = true);
        if may_be_empty(position) {
            assert!(accepted(operation, &empty) == accepted(operation, &nil), "{}", position.path);
            return;
        }
        for message in [&empty, &nil] {
            let error = refused(operation, message);
            assert_eq!(error.problem, Problem::Missing, "{error}");
            assert!(error.path.starts_with(&position.path), "{error}");
        }
    });
}

#[test]
fn values_at_a_bound_are_accepted_and_one_step_beyond_refused_with_the_path() {
    each_position(|operation, message, position| {
        let Kind::Text(rule) = &position.field.kind else { return };
        let with =
            |text: &str| sample::edited(message, &position.steps, |child| child.text = text.to_owned());
        for text in sample::at_bound(rule) {
            accepted(operation, &with(&text));
        }
        for (text, problem) in sample::beyond_bound(rule) {
            let error = ShapeError { path: position.path.clone(), problem };
            assert_eq!(refused(operation, &with(&text)), error);
        }
        let nested = sample::edited(message, &position.steps, |child| child.children.push(Element::new("x")));
        let error = ShapeError { path: position.path.clone(), problem: Problem::NotText };
        assert_eq!(refused(operation, &nested), error);
    });
}

#[test]
fn both_branches_of_a_choice_are_refused_unless_one_is_the_uuid() {
    let mut refusals = 0;
    for operation in Schema::get().operations() {
        let first = sample::request(operation, Size::Largest, &Picks::new());
        for picks in sample::branches(&operation.request) {
            if picks.keys().any(|(path, _)| !path.is_empty()) {
                continue;
            }
            let other = sample::request(operation, Size::Largest, &picks);
            let mut both = first.clone();
            let more = other.children.into_iter().filter(|child| first.child(&child.name).is_none());
            both.children.extend(more);
            let picked = |field: &&Field| {
                picks.keys().any(|(_, choice)| field.branches.iter().any(|b| b.choice == *choice))
            };
            if operation.request.fields.iter().filter(picked).any(|field| field.name == "uuid") {
                assert_eq!(
                    accepted(operation, &both).text_of("uuid"),
                    Some(sample::UUID),
                    "{}",
                    operation.name
                );
            } else {
                assert!(
                    matches!(refused(operation, &both).problem, Problem::Exclusive(_)),
                    "{}",
                    operation.name
                );
                refusals += 1;
            }
        }
    }
    assert!(refusals >= 4, "only {refusals} choices were tried");
}

/// PHP takes the first branch that nothing contradicts, also when it writes nothing of it: `lines` never left that client while
/// `removeLines` and `addLines`, which may both be absent, stood before it.
#[test]
fn a_branch_of_which_everything_may_be_absent_is_the_last_of_its_choice() {
    fn check(operation: &str, group: &Group) -> usize {
        let mut seen = 0;
        for choice in 0..group.choices.len() {
            let of = |branch: usize| {
                let at = Branch { choice, branch };
                group.fields.iter().filter(move |field| field.branches.contains(&at))
            };
            let several: Vec<usize> = (0..)
                .take_while(|branch| of(*branch).count() > 0)
                .filter(|branch| of(*branch).count() > 1)
                .collect();
            for branch in several.into_iter().filter(|branch| of(*branch).all(|field| field.min == 0)) {
                let names: Vec<&str> = of(branch).map(|field| field.name.as_str()).collect();
                assert_eq!(of(branch + 1).count(), 0, "{operation}: {names:?} may all be absent");
                seen += 1;
            }
        }
        seen + group
            .fields
            .iter()
            .filter_map(Field::group)
            .map(|inner| check(operation, inner))
            .sum::<usize>()
    }
    let seen: usize = Schema::get().operations().iter().map(|o| check(&o.name, &o.request)).sum();
    assert!(seen >= 5, "only {seen} such branches were seen");
}

#[test]
fn what_is_added_comes_back() {
    let schema = Schema::get();
    for add in schema.operations().iter().filter(|operation| operation.kind == OperationKind::Add) {
        let object = add.object.as_deref().unwrap();
        let get = schema.operation(&format!("get{object}")).unwrap();
        let (sent_shape, answer_shape) = (add.object_field().unwrap(), get.object_field().unwrap());
        let (sent_group, answer_group) = (sent_shape.group().unwrap(), answer_shape.group().unwrap());
        for picks in [Picks::new()].into_iter().chain(sample::branches(&add.request)) {
            let call = accepted(add, &sample::request(add, Size::Largest, &picks));
            let sent = call.child(&sent_shape.name).unwrap();
            let document = to_document::<()>(sent_group, sent, &mut |_, _, _, _| Ok(41)).unwrap();
            assert!(
                !Value::Object(document.clone()).to_string().contains("Sample"),
                "a reference is kept as text"
            );
            let referred =
                sample::positions(sent_group, sent).iter().filter(|p| p.field.refers.is_some()).count();
            assert_eq!(references(document.values()).len(), referred, "{object}");
            let tags = TagFilter::Only(answer_group.fields.iter().map(|field| field.name.clone()).collect());
            let uuid: Uuid = sample::UUID.parse().unwrap();
            let bytes = response("15.0", &get.name, None, |writer: &mut Writer| {
                let name_of = |key| (key == 41).then_some(("Sample", uuid));
                RowShape::of(&answer_shape.name, answer_group, &tags, (15, 0)).write(
                    writer,
                    |tag| document.get(tag),
                    &name_of,
                );
            });
            let answer = read_call(&bytes).unwrap().body;
            compare(sent_group, sent, answer_group, answer.child(&answer_shape.name).unwrap(), object);
        }
    }
}

fn compare(sent_group: &Group, sent: &Element, answer_group: &Group, answer: &Element, path: &str) {
    for field in &sent_group.fields {
        let Some(answered) = answer_group.field(&field.name) else { continue };
        let (before, after): (Vec<_>, Vec<_>) =
            (sent.children_named(&field.name).collect(), answer.children_named(&field.name).collect());
        let path = format!("{path}/{}", field.name);
        if before.is_empty() {
            continue;
        }
        assert_eq!(before.len(), after.len(), "{path}");
        for (before, after) in before.into_iter().zip(after) {
            match (&field.kind, &answered.kind) {
                _ if field.secret => {
                    assert_eq!((after.text.as_str(), after.children.len()), ("", 0), "{path}")
                }
                (Kind::Group(sent), Kind::Group(answer)) => compare(sent, before, answer, after, &path),
                (Kind::Text(_), Kind::Text(_)) => assert_eq!(before.text, after.text, "{path}"),
                _ => assert_eq!(before, after, "{path}"),
            }
        }
    }
}

#[test]
fn what_can_be_sent_can_be_read_back_except_what_only_requests_have() {
    let schema = Schema::get();
    let mut lost = Vec::new();
    for add in schema.operations().iter().filter(|operation| operation.kind == OperationKind::Add) {
        let object = add.object.as_deref().unwrap();
        let get = schema.operation(&format!("get{object}")).unwrap();
        let (sent, answer) = (add.object_field().unwrap(), get.object_field().unwrap());
        missing(sent.group().unwrap(), answer.group().unwrap(), object, &mut lost);
    }
    assert_eq!(lost, Vec::<String>::new());
}

fn missing(sent: &Group, answer: &Group, path: &str, lost: &mut Vec<String>) {
    for field in &sent.fields {
        let path = format!("{path}/{}", field.name);
        match (answer.field(&field.name), field.group()) {
            (None, _) => lost.push(path),
            (Some(answered), Some(group)) => match answered.group() {
                Some(answered) => missing(group, answered, &path, lost),
                None => lost.push(path),
            },
            (Some(_), None) => {}
        }
    }
}
