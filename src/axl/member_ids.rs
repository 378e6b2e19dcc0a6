//! Identities of the members of carried collections.
//!
//! Promises a `uuid` to every member that has one in answers, and that a member which is sent again as it was keeps its own, so that a
//! change which changes nothing looks like none.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::Value;

use super::object::Ctx;
use crate::soap::scalar::format_uuid;
use crate::soap::shape::{Group, Kind};
use crate::store::objects::Carried;

/// The attribute of a member that holds its identity.
const UUID: &str = "@uuid";

/// Gives every member of a collection that has none an identity: that of an equal member before the change, else a new one.
pub fn give(ctx: &Ctx<'_, '_>, answer: &Group, document: &mut Carried, before: &Carried) {
    let nothing = Carried::new();
    for field in &answer.fields {
        let Kind::Group(inner) = &field.kind else { continue };
        let was = before.get(&field.name);
        match document.get_mut(&field.name) {
            Some(Value::Object(group)) => {
                give(ctx, inner, group, was.and_then(Value::as_object).unwrap_or(&nothing));
            }
            Some(Value::Array(members)) => {
                let was = was.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                give_each(ctx, inner, members, was);
            }
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {}
        }
    }
}

fn give_each(ctx: &Ctx<'_, '_>, inner: &Group, members: &mut [Value], before: &[Value]) {
    let nothing = Carried::new();
    let has_id = inner.attributes.iter().any(|attribute| attribute.name == "uuid");
    let mut free = Free::of(before, members);
    for member in members.iter_mut().filter_map(Value::as_object_mut) {
        let was = if member.contains_key(UUID) { None } else { free.take(member) };
        if has_id && !member.contains_key(UUID) {
            let kept = was.and_then(|was| was.get(UUID)).cloned();
            member.insert(UUID.into(), kept.unwrap_or_else(|| Value::from(format_uuid(ctx.tx.new_id()))));
        }
        give(ctx, inner, member, was.unwrap_or(&nothing));
    }
}

/// Members as they were whose identity nobody has after the change, by what they say.
struct Free<'d>(HashMap<Value, VecDeque<&'d Carried>>);

impl<'d> Free<'d> {
    fn of(before: &'d [Value], after: &[Value]) -> Self {
        let taken: HashSet<&Value> = after.iter().filter_map(|member| member.get(UUID)).collect();
        let mut free: HashMap<Value, VecDeque<&Carried>> = HashMap::new();
        for member in before.iter().filter_map(Value::as_object) {
            if member.get(UUID).is_none_or(|uuid| !taken.contains(uuid)) {
                free.entry(without_ids(member)).or_default().push_back(member);
            }
        }
        Self(free)
    }

    fn take(&mut self, member: &Carried) -> Option<&'d Carried> {
        self.0.get_mut(&without_ids(member))?.pop_front()
    }
}

fn without_ids(group: &Carried) -> Value {
    fn walk(value: &Value) -> Value {
        match value {
            Value::Object(group) => without_ids(group),
            Value::Array(members) => members.iter().map(walk).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }
    let rest = group.iter().filter(|(name, _)| *name != UUID);
    rest.map(|(name, value)| (name.clone(), walk(value))).collect()
}
