//! A record of a state topic, as the checks see it.

use std::sync::Arc;

use serde_json::Value;

use super::report::Finding;
use crate::event::kafka::Span;

/// The state of a key as of a number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StateRecord {
    /// Where it lies.
    pub(super) span: Arc<Span>,
    /// Place within the partition.
    pub(super) offset: i64,
    /// Number of the event that produced it.
    pub(super) position: i64,
    /// Record key.
    pub(super) key: String,
    /// The state; none: a tombstone.
    pub(super) data: Option<Value>,
}

impl StateRecord {
    /// A finding about it.
    pub(super) fn finding(&self, what: impl Into<String>) -> Finding {
        Finding {
            topic: Some(self.span.name.clone()),
            partition: Some(self.span.partition),
            offset: Some(self.offset),
            ..Finding::of(what)
        }
        .number(self.position)
        .key(&self.key)
    }
}
