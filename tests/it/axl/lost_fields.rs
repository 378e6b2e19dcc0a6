//! Nothing that is sent is lost: for every type that can be added, the largest message comes back whole.
//!
//! Walks the registry, so that a new type is covered by itself.

use emgate::soap::shape::sample::{self, Picks};
use emgate::soap::shape::{Field, Group, Kind, OperationKind};
use emgate::soap::tree::Element;

use super::samples::{Stage, addable, identity, operation};
use crate::support::axl::{Caller, inner_xml, to_xml};

/// What is ours to say: roles come from the group, stamps from the change, times of credentials from what was done with them, and a line
/// identifier is shown as a line. A reset of a count is done and not kept.
const OWN: [&str; 9] = [
    "userRoles",
    "versionStamp",
    "lineIdentifier",
    "pinCredTimeChanged",
    "pwdCredTimeChanged",
    "pinCredTimeAdminLockout",
    "pwdCredTimeAdminLockout",
    "pinResetHackCount",
    "pwdResetHackCount",
];

/// What a rule refuses when it is emptied and the rest is not.
const RULES: [&str; 3] = ["User/phoneProfiles", "User/phoneProfiles/profileName[2]", "Line/usage"];

/// What an empty element of an update leaves as it is: only `false` takes back what is decided about credentials.
const KEPT: [&str; 2] = ["passwordCredentials", "pinCredentials"];

/// Runs a walk for every type at once.
fn for_every_type(walk: impl Fn(&str, &Group) -> Vec<String> + Sync) {
    // Two at a time: each stands on a database of its own.
    let (types, next) = (addable(), std::sync::atomic::AtomicUsize::new(0));
    let work = || {
        let mut found = Vec::new();
        while let Some((type_, group)) = types.get(next.fetch_add(1, std::sync::atomic::Ordering::SeqCst)) {
            found.extend(walk(type_, group));
        }
        found
    };
    let found: Vec<String> = std::thread::scope(|scope| {
        let started = [scope.spawn(work), scope.spawn(work)];
        started.into_iter().flat_map(|walk| walk.join().unwrap()).collect()
    });
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}

/// What of `sent` is not in `shown`.
fn compare(
    group: &Group,
    answer: &Group,
    sent: &Element,
    shown: &Element,
    path: &str,
    lost: &mut Vec<String>,
) {
    for field in group.fields.iter().filter(|field| !OWN.contains(&field.name.as_str())) {
        let path = format!("{path}/{}", field.name);
        let Some(answered) = answer.field(&field.name) else { continue };
        let (sent, shown): (Vec<_>, Vec<_>) =
            (sent.children_named(&field.name).collect(), shown.children_named(&field.name).collect());
        if answered.only_when_named || sent.is_empty() {
            continue;
        }
        if sent.len() != shown.len() {
            lost.push(format!("{path}: {} sent, {} shown", sent.len(), shown.len()));
            continue;
        }
        for (sent, shown) in sent.into_iter().zip(shown) {
            compare_one(field, answered, sent, shown, &path, lost);
        }
    }
}

fn compare_one(
    field: &Field,
    answered: &Field,
    sent: &Element,
    shown: &Element,
    path: &str,
    lost: &mut Vec<String>,
) {
    match (&field.kind, &answered.kind) {
        _ if field.secret => {
            if !shown.text.is_empty() {
                lost.push(format!("{path}: a secret is shown"));
            }
        }
        (Kind::Group(group), Kind::Group(answer)) => compare(group, answer, sent, shown, path, lost),
        (Kind::Any, Kind::Any) => {
            if sent.children != shown.children {
                lost.push(format!("{path}: {} shown for {}", to_xml(shown), to_xml(sent)));
            }
        }
        _ => {
            let name_only = matches!(field.kind, Kind::Reference)
                && shown.attribute("uuid").is_none()
                && matches!(answered.kind, Kind::Reference);
            if sent.text != shown.text || name_only {
                lost.push(format!("{path}: {} shown for {}", to_xml(shown), to_xml(sent)));
            }
        }
    }
}

fn shape_of_get(type_: &str) -> &'static Group {
    operation("get", type_).object_field().unwrap().group().unwrap()
}

#[test]
fn the_largest_add_comes_back_whole() {
    for_every_type(|type_, group| {
        let stage = Stage::new();
        let mut lost = Vec::new();
        let picks = std::iter::once(Picks::new()).chain(sample::branches(group));
        for picks in picks {
            let sent = stage.largest(type_, group, &picks, 3);
            let uuid = stage.add(type_, &sent);
            let shown = get_by_uuid(&stage, type_, &uuid, "");
            compare(group, shape_of_get(type_), &sent, &shown, type_, &mut lost);
            stage.axl.uuid(&format!("remove{type_}"), &format!("<uuid>{uuid}</uuid>"));
        }
        lost
    });
}

fn get_by_uuid(stage: &Stage, type_: &str, uuid: &str, tags: &str) -> Element {
    let page = stage.axl.tree(&format!("get{type_}"), &format!("<uuid>{uuid}</uuid>{tags}"));
    page.children.into_iter().next().unwrap()
}

/// What an add cannot do without: the last element of the path.
const NEEDED: [&str; 9] =
    ["name", "product", "protocol", "userid", "lastName", "pattern", "serviceName", "serviceUrl", "index"];

#[test]
fn every_element_of_an_add_may_be_empty_or_nil() {
    for_every_type(|type_, group| {
        let stage = Stage::new();
        let sent = stage.largest(type_, group, &Picks::new(), 3);
        let mut found = Vec::new();
        for (number, position) in sample::positions(group, &sent).into_iter().enumerate() {
            // Both say the same, so each element is tried with one of them; the unit tests try it with both.
            let nil = number % 2 == 1;
            let emptied = sample::edited(&sent, &position.steps, |element| {
                *element = Element { nil, ..Element::new(&element.name) };
            });
            let path = format!("{type_}/{}", position.path);
            let answer = stage.axl.call(&format!("add{type_}"), &to_xml(&emptied));
            if answer.status == 200 {
                let content = answer.content(&format!("add{type_}"));
                let uuid = content.trim_start_matches("<return>").trim_end_matches("</return>");
                let shown = get_by_uuid(&stage, type_, uuid, "");
                if position.steps.len() == 1 {
                    found.extend(not_cleared(position.field, &shown).map(|what| format!("{path}: {what}")));
                }
                stage.axl.uuid(&format!("remove{type_}"), &format!("<uuid>{uuid}</uuid>"));
            } else {
                let needed = NEEDED.contains(&position.field.name.as_str()) || position.field.min > 0;
                if !needed && !RULES.contains(&path.as_str()) {
                    found.push(format!("{path}: {}", answer.fault().message));
                }
            }
        }
        found
    });
}

/// What an element that was emptied still says, besides its default.
fn not_cleared(field: &Field, shown: &Element) -> Option<String> {
    let shown = shown.child(&field.name)?;
    let default = field.default.clone().unwrap_or_default();
    if OWN.contains(&field.name.as_str()) {
        return None;
    }
    let cleared = match &field.kind {
        Kind::Group(inner) => inner.fields.iter().all(|field| not_cleared(field, shown).is_none()),
        Kind::Any => shown.children.is_empty(),
        Kind::Text(_) | Kind::Reference | Kind::TextWithAttributes(_) => {
            shown.text == default
                || (field.is_boolean() && shown.text == "false" && default.is_empty())
                || (["phoneTemplateName", "securityProfileName", "phoneButtonTemplate"]
                    .contains(&field.name.as_str()))
        }
    };
    (!cleared).then(|| to_xml(shown))
}

#[test]
fn every_field_can_be_set_and_cleared_by_an_update_of_its_own() {
    for_every_type(|type_, group| {
        let stage = Stage::new();
        let update = operation("update", type_);
        assert_eq!(update.kind, OperationKind::Update);
        let request = &update.request;
        let mut sample = sample::filled(&update.name, request, sample::Size::Largest, &Picks::new(), "");
        stage.realise(type_, request, &mut sample, 2);
        let mut found = Vec::new();
        let mut object = stage.smallest(type_, group, 3);
        if type_ == "Line" {
            object.children.push(Element::with_text("usage", "Device Intercom"));
        }
        let uuid = stage.add(type_, &object);
        for field in request.fields.iter().filter(|field| is_plain(type_, &field.name)) {
            let Some(answered) = shape_of_get(type_).field(&field.name) else { continue };
            let sent: Vec<Element> = sample.children_named(&field.name).cloned().collect();
            if sent.is_empty() || answered.only_when_named {
                continue;
            }
            let operation = format!("update{type_}");
            let tags = format!("<returnedTags><{}/></returnedTags>", field.name);
            let message = Element::with_children(&operation, sent);
            let before = if field.name == "defaultProfile" { PROFILES } else { "" };
            let set = format!("<uuid>{uuid}</uuid>{before}{}", inner_xml(&message));
            let answer = stage.axl.call(&operation, &set);
            if answer.status != 200 {
                found.push(format!("{type_}/{}: {}", field.name, answer.fault().message));
                continue;
            }
            let shown = get_by_uuid(&stage, type_, &uuid, &tags);
            compare_one(
                field,
                answered,
                &message.children[0],
                shown.child(&field.name).unwrap(),
                &format!("{type_}/{}", field.name),
                &mut found,
            );
            for cleared in [format!("<{0}/>", field.name), format!("<{} xsi:nil=\"true\"/>", field.name)] {
                stage.axl.uuid(&operation, &set);
                let answer = stage.axl.call(&operation, &format!("<uuid>{uuid}</uuid>{cleared}"));
                if answer.status != 200 {
                    found.push(format!("{type_}/{} cleared: {}", field.name, answer.fault().message));
                    continue;
                }
                let shown = get_by_uuid(&stage, type_, &uuid, &tags);
                let path = format!("{type_}/{} cleared", field.name);
                if KEPT.contains(&field.name.as_str()) {
                    let shown = shown.child(&field.name).unwrap();
                    compare_one(field, answered, &message.children[0], shown, &path, &mut found);
                } else {
                    found.extend(not_cleared(field, &shown).map(|what| format!("{path}: {what}")));
                }
            }
        }
        found
    });
}

/// A default profile must be one of these.
const PROFILES: &str =
    "<phoneProfiles><profileName>Sample 1</profileName><profileName>Sample 2</profileName></phoneProfiles>";

/// Whether an element of an update only sets a field of that name.
fn is_plain(type_: &str, name: &str) -> bool {
    name != identity(type_)
        && !OWN.contains(&name)
        && name != "uuid"
        && !["new", "add", "remove"].iter().any(|verb| name.starts_with(verb))
}
