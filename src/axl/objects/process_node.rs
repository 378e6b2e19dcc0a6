//! ProcessNode: the nodes that service parameters are keyed by; read only, our own nodes and `EnterpriseWideData`.

use serde_json::Value;

use crate::axl::object::{AxlObject, Fields, Filter, NoCore, Pattern};
use crate::store::objects::{Object, carried_like};
use crate::store::shown::Shown;

/// A node.
pub struct ProcessNode;

impl AxlObject for ProcessNode {
    const TYPE: &'static str = "ProcessNode";
    const RENAME: Option<&'static str> = None;
    type Core = NoCore;

    /// The first node that started is the publisher; every other one is a subscriber (design.md: all are equal, this is for clients).
    fn view(_shown: &Shown, object: &Object, fields: &mut Fields<'_>) {
        let first = object.carried.get("nodeUsage").and_then(Value::as_str) == Some("Publisher");
        fields.put("nodeUsage", || Value::from(if first { "Publisher" } else { "Subscriber" }));
    }

    fn criterion(tag: &str, pattern: &Pattern) -> Option<Filter> {
        (tag == "processNodeRole").then(|| carried_like("processNodeRole", pattern))
    }
}
