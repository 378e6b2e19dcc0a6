//! Css: a calling search space, an ordered list of partitions.

use serde_json::Value;

use crate::axl::error::AxlError;
use crate::axl::object::{AxlObject, Ctx, Filter, Members, NoCore};
use crate::axl::settings::Names;
use crate::soap::document::TagFilter;
use crate::store::objects::{Carried, Object, carried_like};

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
    type Core = NoCore;

    /// `clause` is computed: the partitions in order, joined by colons.
    fn view(
        ctx: &mut Ctx<'_, '_>,
        objects: &[Object],
        wanted: &TagFilter,
        documents: &mut [Carried],
    ) -> Result<(), AxlError> {
        if !wanted.wants("clause") {
            return Ok(());
        }
        for (object, document) in objects.iter().zip(documents) {
            let carried = object.carried.as_object().cloned().unwrap_or_default();
            let names = Names::of(ctx, std::slice::from_ref(&carried))?;
            let members =
                carried.get("members").and_then(|m| m.get("member")).and_then(Value::as_array).cloned();
            let mut members = members.unwrap_or_default();
            members
                .sort_by_key(|m| m.get("index").and_then(Value::as_str).and_then(|i| i.parse::<i64>().ok()));
            let key = |m: &Value| m.get("routePartitionName")?.get("ref")?.as_i64();
            let partitions =
                members.iter().filter_map(key).filter_map(|k| names.get(k)).map(|(name, _)| name);
            let clause = partitions.collect::<Vec<_>>().join(":");
            document.insert("clause".into(), Value::from(clause));
        }
        Ok(())
    }

    fn criterion(tag: &str, pattern: &str) -> Option<Filter> {
        (tag == "partitionUsage").then(|| carried_like("partitionUsage", pattern))
    }
}
