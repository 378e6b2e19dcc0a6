//! Css: a calling search space, an ordered list of partitions.

use serde_json::Value;

use crate::axl::error::AxlError;
use crate::axl::object::{AxlObject, Ctx, Filter, Members, NoCore, Pattern};
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
    const COMPUTED_FROM: &'static [&'static str] = &["members"];
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
        let members_of = |object: &Object| object.carried.get("members").cloned().unwrap_or_default();
        let members: Vec<Carried> =
            objects.iter().map(|o| Carried::from_iter([("members".to_owned(), members_of(o))])).collect();
        let names = Names::of(ctx, &members)?;
        for (members, document) in members.iter().zip(documents) {
            let members = members.get("members").and_then(|m| m.get("member")).and_then(Value::as_array);
            let mut members: Vec<&Value> = members.into_iter().flatten().collect();
            members
                .sort_by_key(|m| m.get("index").and_then(Value::as_str).and_then(|i| i.parse::<i64>().ok()));
            let key = |m: &&Value| m.get("routePartitionName")?.get("ref")?.as_i64();
            let partitions =
                members.iter().filter_map(key).filter_map(|k| names.get(k)).map(|(name, _)| name);
            let clause = partitions.collect::<Vec<_>>().join(":");
            document.insert("clause".into(), Value::from(clause));
        }
        Ok(())
    }

    fn criterion(tag: &str, pattern: &Pattern) -> Option<Filter> {
        (tag == "partitionUsage").then(|| carried_like("partitionUsage", pattern))
    }
}
