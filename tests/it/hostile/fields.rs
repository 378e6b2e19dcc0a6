//! Every field of every operation with what its type does not allow, and every identity twice (XML-6).

use std::collections::BTreeSet;

use emgate::soap::shape::sample::{self, Picks, Size};
use emgate::soap::shape::{Kind, Operation, Schema};
use emgate::soap::tree::Element;

use super::target::{MARK, Target, envelope};

/// What names somebody or something, or proves it.
const IDENTITIES: [&str; 17] = [
    "name",
    "newName",
    "userid",
    "newUserid",
    "userId",
    "uuid",
    "pattern",
    "newPattern",
    "routePartitionName",
    "serviceName",
    "newServiceName",
    "service",
    "processNodeName",
    "deviceName",
    "profileName",
    "pin",
    "password",
];

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

pub(super) fn written(element: &Element) -> String {
    let attributes: String =
        element.attributes.iter().map(|(n, v)| format!(" {n}=\"{}\"", escaped(v))).collect();
    let inside: String = element.children.iter().map(written).collect();
    format!("<{0}{attributes}>{1}{inside}</{0}>", element.name, escaped(&element.text))
}

pub(super) fn call(message: &Element) -> String {
    envelope(&message.name, &message.children.iter().map(written).collect::<String>())
}

fn each_position(mut f: impl FnMut(&Operation, &Element, &sample::Position<'_>)) {
    let mut seen = BTreeSet::new();
    for operation in Schema::get().operations() {
        let all = [Picks::new()].into_iter().chain(sample::branches(&operation.request));
        for message in all.map(|picks| sample::request(operation, Size::Largest, &picks)) {
            for position in sample::positions(&operation.request, &message) {
                let first = !position.path.contains("[2]");
                if first && seen.insert((operation.name.clone(), position.path.clone())) {
                    f(operation, &message, &position);
                }
            }
        }
    }
}

#[test]
fn a_value_of_a_wrong_type_or_too_long_is_named_and_not_repeated() {
    let mut target = Target::start();
    target.unchanged(|target| {
        each_position(|operation, message, position| {
            let mut wrong: Vec<(String, String)> = match &position.field.kind {
                Kind::Text(rule) => sample::beyond_bound(rule)
                    .into_iter()
                    .map(|(text, problem)| (text, problem.to_string()))
                    .collect(),
                Kind::Reference => vec![(MARK.repeat(40), "is longer than 255 characters".to_owned())],
                Kind::TextWithAttributes(_) | Kind::Group(_) | Kind::Any => return,
            };
            wrong.truncate(if operation.name.starts_with("add") { 2 } else { 1 });
            for (text, problem) in wrong {
                let input = call(&sample::edited(message, &position.steps, |e| e.text.clone_from(&text)));
                let what = format!("{} {}", operation.name, position.path);
                let fault = target.client_fault(&what, input);
                let expected = (format!("{}: {problem}", position.path), operation.name.clone());
                if (fault.text.clone(), fault.request.clone()) != expected {
                    target.wrong(format!("{what}: {fault:?}"));
                }
            }
        });
    });
}

#[test]
fn elements_where_text_belongs_are_refused() {
    let mut target = Target::start();
    target.unchanged(|target| {
        each_position(|operation, message, position| {
            if !matches!(position.field.kind, Kind::Text(_) | Kind::Reference)
                || !operation.name.starts_with("add")
            {
                return;
            }
            let input =
                call(&sample::edited(message, &position.steps, |e| e.children.push(Element::new(MARK))));
            target.client_fault(&format!("{} {}", operation.name, position.path), input);
        });
    });
}

#[test]
fn an_identity_or_credential_given_twice_is_refused() {
    let mut target = Target::start();
    let mut tried = BTreeSet::new();
    target.unchanged(|target| {
        each_position(|operation, message, position| {
            if position.field.max != Some(1) || !IDENTITIES.contains(&position.field.name.as_str()) {
                return;
            }
            let (last, parents) = position.steps.split_last().unwrap();
            let again = |parent: &mut Element| {
                let mut second = parent.children[*last].clone();
                second.text = MARK.to_owned();
                parent.children.push(second);
            };
            let fault = target.client_fault(
                &format!("{} {} twice", operation.name, position.path),
                call(&sample::edited(message, parents, again)),
            );
            if fault.text != format!("{}: may be given only once", position.path) {
                target.wrong(format!("{} {}: {fault:?}", operation.name, position.path));
            }
            tried.insert(position.field.name.clone());
        });
    });
    assert!(
        ["pin", "password", "userid", "name", "uuid", "pattern"].iter().all(|t| tried.contains(*t)),
        "{tried:?}"
    );
}
