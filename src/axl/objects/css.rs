//! Css: a calling search space, an ordered list of partitions.

use serde_json::Value;

use crate::axl::object::{AxlObject, Fields, Filter, Members, NoCore, Pattern};
use crate::soap::document::TagFilter;
use crate::store::objects::{Object, carried_like};
use crate::store::shown::{Part, Parts, Shown};

/// A calling search space.
pub struct Css;

impl AxlObject for Css {
    const TYPE: &'static str = "Css";
    const MEMBERS: &'static [Members] = &[Members {
        collection: "members",
        member: "member",
        add: "addMembers",
        remove: "removeMembers",
        keys: &["routePartitionName"],
    }];
    const COMPUTED_FROM: &'static [&'static str] = &["members"];
    type Core = NoCore;

    fn parts(wanted: &TagFilter) -> Parts {
        wanted.wants("clause").then_some(Part::Names).into_iter().collect()
    }

    fn view(shown: &Shown, object: &Object, fields: &mut Fields<'_>) {
        fields.put("clause", || Value::from(clause(shown, object)));
    }

    fn criterion(tag: &str, pattern: &Pattern) -> Option<Filter> {
        (tag == "partitionUsage").then(|| carried_like("partitionUsage", pattern))
    }
}

/// The partitions in order, joined by colons.
fn clause(shown: &Shown, object: &Object) -> String {
    let members = object.carried.get("members").and_then(|m| m.get("member")).and_then(Value::as_array);
    let mut members: Vec<&Value> = members.into_iter().flatten().collect();
    members.sort_by_key(|m| m.get("index").and_then(Value::as_str).and_then(|i| i.parse::<i64>().ok()));
    let key = |m: &&Value| m.get("routePartitionName")?.get("ref")?.as_i64();
    let partitions = members.iter().filter_map(key).filter_map(|k| shown.names.get(k)).map(|(name, _)| name);
    partitions.collect::<Vec<_>>().join(":")
}
