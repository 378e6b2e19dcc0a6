//! ServiceParameter: administrator settings that take effect on the next request (axl.md 19.6, EM-062 to EM-070).
//!
//! Not rows of `objects`: there is nothing to add or remove, a value is kept only where it was set, and one change may imply another.
//! A parameter that was never set has a uuid all the same, made from its name and node, so that clients can select by it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Entry;
use crate::axl::answer::{Page, Rows};
use crate::axl::error::AxlError;
use crate::axl::listing::{criteria_of, page_of};
use crate::axl::object::Ctx;
use crate::axl::request::Request;
use crate::axl::settings::names_of;
use crate::axl::verb::{Answer, Work};
use crate::domain::event::{Actor, ActorKind, Event, Occurred, ServiceParameterChanged, Via};
use crate::domain::parameter::{self, CLUSTER_NODE, SERVICE, ValueKind};
use crate::soap::document::{Document, RowShape, TagFilter};
use crate::soap::scalar::{format_uuid, parse_uuid};
use crate::soap::tree::Element;
use crate::store::objects::{self, Pattern, Selector};
use crate::store::parameters::{self, ParameterChange, ParameterValue};

/// Get, list and update.
pub const ENTRY: Entry = Entry {
    name: "ServiceParameter",
    add: None,
    update: Some(update),
    get: Some(get),
    remove: None,
    list: Some(list),
};

fn uuid_of(value: &ParameterValue) -> Uuid {
    let name = format!("ServiceParameter/{}/{}", value.node, value.parameter.name);
    Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
}

fn document(ctx: &mut Ctx<'_, '_>, value: &ParameterValue) -> Result<Document, AxlError> {
    let node = objects::find(ctx.tx, "ProcessNode", &Selector::name(&value.node))?;
    let node = node.map_or(serde_json::Value::Null, |n| serde_json::json!({ "ref": n.pk.0 }));
    Ok(Document::from_iter([
        ("@uuid".to_owned(), format_uuid(uuid_of(value)).into()),
        ("processNodeName".to_owned(), node),
        ("name".to_owned(), value.parameter.name.into()),
        ("service".to_owned(), SERVICE.into()),
        ("value".to_owned(), value.value.clone().into()),
        ("valueType".to_owned(), value.parameter.value_type().into()),
    ]))
}

/// The value that a request names: by uuid, or by name with any node that has it.
fn find(ctx: &mut Ctx<'_, '_>, body: &Element) -> Result<Option<ParameterValue>, AxlError> {
    if let Some(uuid) = body.text_of("uuid").filter(|u| !u.is_empty()).and_then(parse_uuid) {
        return Ok(parameters::list_parameters(ctx.tx)?.into_iter().find(|v| uuid_of(v) == uuid));
    }
    let given = |tag: &str| body.text_of(tag).map(str::trim).unwrap_or_default();
    let name = given("name");
    if name.is_empty() {
        return Err(AxlError::invalid("name", "name the parameter, or give uuid"));
    }
    if !given("service").is_empty() && !given("service").eq_ignore_ascii_case(SERVICE) {
        return Ok(None);
    }
    let Some(parameter) = parameter::find(name) else { return Ok(None) };
    let node = node_named(ctx, body)?;
    Ok(parameters::find_parameter(ctx.tx, parameter, &node)?)
}

fn node_named(ctx: &mut Ctx<'_, '_>, body: &Element) -> Result<String, AxlError> {
    let Some(node) = body.child("processNodeName") else { return Ok(CLUSTER_NODE.to_owned()) };
    if let Some(uuid) = node.attribute("uuid").and_then(parse_uuid) {
        let found = objects::find(ctx.tx, "ProcessNode", &Selector::Uuid(uuid))?;
        return Ok(found.map_or_else(String::new, |n| n.name));
    }
    let name = node.text.trim();
    Ok(if name.is_empty() { CLUSTER_NODE } else { name }.to_owned())
}

fn get(request: Request) -> Result<Work, AxlError> {
    let tags = TagFilter::from_tags(request.body.child("returnedTags"));
    let (row, group) = request.row()?;
    let Request { body, version, .. } = request;
    Ok(Work::transaction(move |ctx| {
        let value = find(ctx, &body)?
            .ok_or_else(|| AxlError::ItemNotFound { named: "ServiceParameter".to_owned() })?;
        let shown = document(ctx, &value)?;
        let names = names_of(ctx, shown.values())?;
        let shape = RowShape::of(&row.name, &group, &tags, version);
        Ok(Answer::Written(Page { shape: &shape, names: &names }.write(|tag| shown.get(tag))))
    }))
}

/// Criteria are the node and the service, never the name (axl.md 9).
fn list(request: Request) -> Result<Work, AxlError> {
    let tags = TagFilter::from_tags(request.body.child("returnedTags"));
    let (row, group) = request.row()?;
    let criteria = criteria_of(&request.body)?;
    let (skip, first) = page_of(&request.body)?;
    let first = first.unwrap_or(usize::MAX);
    let Request { version, largest_answer, .. } = request;
    Ok(Work::transaction(move |ctx| {
        // all a criterion can ask of a value is its node
        let mut nodes = BTreeMap::new();
        let mut matching = Vec::new();
        for value in parameters::list_parameters(ctx.tx)? {
            let wanted = match nodes.get(&value.node) {
                Some(wanted) => *wanted,
                None => {
                    let wanted = matches(ctx, &criteria, &value)?;
                    nodes.insert(value.node.clone(), wanted);
                    wanted
                }
            };
            if wanted {
                matching.push(value);
            }
        }
        let page = matching.iter().skip(skip).take(first);
        let shown = page.map(|value| document(ctx, value)).collect::<Result<Vec<_>, _>>()?;
        let names = names_of(ctx, shown.iter().flat_map(|document| document.values()))?;
        let mut rows = Rows::begin(largest_answer);
        let shape = RowShape::of(&row.name, &group, &tags, version);
        let page = Page { shape: &shape, names: &names };
        rows.append(&page, shown.iter().map(|document| |tag: &str| document.get(tag)))
            .map_err(|overflow| overflow.refuse(matching.len()))?;
        Ok(Answer::Written(rows.finish()))
    }))
}

fn matches(
    ctx: &mut Ctx<'_, '_>,
    criteria: &[(String, Pattern)],
    value: &ParameterValue,
) -> Result<bool, AxlError> {
    for (tag, pattern) in criteria {
        let text = if tag == "service" { SERVICE } else { &value.node };
        if !objects::is_like(ctx.tx, text, pattern)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Without a value it goes back to its default; the one that must have a value says so (axl.md 19.6, EM-076).
fn update(request: Request) -> Result<Work, AxlError> {
    let body = request.body;
    Ok(Work::transaction(move |ctx| {
        let given = ["uuid", "name"].into_iter().find_map(|tag| body.text_of(tag).filter(|t| !t.is_empty()));
        let missing = || AxlError::UpdateTargetMissing {
            kind: "ServiceParameter",
            name: given.unwrap_or_default().to_owned(),
        };
        let found = find(ctx, &body)?.ok_or_else(missing)?;
        let text = body.text_of("value").map(str::trim).unwrap_or_default();
        let parsed = found.parameter.parse(text);
        let value = match parsed {
            Ok(value) => Some(value),
            Err(_) if text.is_empty() && found.parameter.kind != ValueKind::MultipleLogin => None,
            Err(error) => return Err(AxlError::invalid("value", error.to_string())),
        };
        let changes = parameters::set_parameter(ctx.tx, found.parameter, &found.node, value.as_deref())?
            .ok_or_else(missing)?;
        for (index, change) in changes.into_iter().enumerate() {
            announce(ctx, change, index);
        }
        Ok(Answer::Uuid(uuid_of(&found)))
    }))
}

/// The requested change first; one that it implies names it as its cause.
fn announce(ctx: &mut Ctx<'_, '_>, change: ParameterChange, index: usize) {
    let is_implied = change.implied;
    let system = Actor { kind: ActorKind::System, id: None, address: None, via: Via::Cascade };
    let requested_by = if change.implied { system } else { ctx.actor() };
    let event = Event::ServiceParameterChanged(ServiceParameterChanged {
        service: SERVICE.to_owned(),
        name: change.parameter.name.to_owned(),
        node: change.node,
        previous_value: change.previous,
        value: change.value,
        default_value: change.parameter.default.to_owned(),
        implied: change.implied,
        requested_by,
    });
    ctx.before.push(match is_implied && index > 0 {
        true => Occurred::because_of(0, event),
        false => Occurred::of(event),
    });
}
