//! Css: a calling search space, an ordered list of partitions.

use serde_json::Value;

use crate::axl::object::{AxlObject, Filter, Members, NoCore, Pattern};
use crate::soap::document::TagFilter;
use crate::store::objects::{Carried, Object, carried_like};
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

    /// `clause` is computed: the partitions in order, joined by colons.
    fn view(shown: &Shown, object: &Object, wanted: &TagFilter, document: &mut Carried) {
        if !wanted.wants("clause") {
            return;
        }
        let members = object.carried.get("members").and_then(|m| m.get("member")).and_then(Value::as_array);
        let mut members: Vec<&Value> = members.into_iter().flatten().collect();
        members.sort_by_key(|m| m.get("index").and_then(Value::as_str).and_then(|i| i.parse::<i64>().ok()));
        let key = |m: &&Value| m.get("routePartitionName")?.get("ref")?.as_i64();
        let partitions =
            members.iter().filter_map(key).filter_map(|k| shown.names.get(k)).map(|(name, _)| name);
        document.insert("clause".into(), Value::from(partitions.collect::<Vec<_>>().join(":")));
    }

    fn criterion(tag: &str, pattern: &Pattern) -> Option<Filter> {
        (tag == "partitionUsage").then(|| carried_like("partitionUsage", pattern))
    }
}
