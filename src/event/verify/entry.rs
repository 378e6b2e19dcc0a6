//! A record that is an event with a number, as the checks see it.

use std::sync::Arc;

use serde_json::Value;

use crate::event::kafka::{RawRecord, Span};

/// An event as it lies in Kafka.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// Where it lies.
    pub(super) span: Arc<Span>,
    /// Place within the partition.
    pub(super) offset: i64,
    /// Its number.
    pub(super) position: i64,
    /// Record key.
    pub(super) key: String,
    /// Record value.
    pub(super) value: String,
    /// The same, read.
    pub(super) event: Value,
}

impl Entry {
    /// Reads a record; otherwise says why it is no event of ours.
    pub(super) fn of(record: &RawRecord) -> Result<Self, String> {
        let utf8 = |bytes: &[u8], what: &str| {
            String::from_utf8(bytes.to_vec()).map_err(|_| format!("the {what} is not UTF-8"))
        };
        let key = utf8(record.key.as_deref().ok_or("there is no key")?, "key")?;
        let value = utf8(record.value.as_deref().ok_or("there is no value")?, "value")?;
        let event: Value =
            serde_json::from_str(&value).map_err(|e| format!("the value is not valid JSON: {e}"))?;
        let position = position_in(&event).ok_or("the value has no sequence")?;
        Ok(Self { span: Arc::clone(&record.span), offset: record.offset, position, key, value, event })
    }

    /// A text of the envelope or the payload by its JSON pointer; empty when there is none.
    pub(super) fn text(&self, pointer: &str) -> &str {
        self.event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// A number of the envelope by its JSON pointer.
    pub(super) fn count(&self, pointer: &str) -> Option<i64> {
        self.event.pointer(pointer).and_then(Value::as_i64)
    }
}

/// The number in an envelope.
pub(super) fn position_in(envelope: &Value) -> Option<i64> {
    let sequence = envelope.get("sequence").and_then(Value::as_str)?;
    let is_number = sequence.len() == 20 && sequence.bytes().all(|b| b.is_ascii_digit());
    sequence.parse().ok().filter(|_| is_number)
}

/// Entries for the tests of checks.
#[cfg(test)]
pub(super) mod samples {
    use serde_json::json;

    use super::*;
    use crate::event::kafka::partition_of;

    /// A partition of the topic of sessions that is kept from an offset on.
    pub(in crate::event::verify) fn span(partition: i32, low: i64) -> Arc<Span> {
        let topic = "em.session.v1";
        Arc::new(Span { topic, name: topic.into(), partition, partitions: 6, low, end: 1_000 })
    }

    /// A login as it should lie in Kafka, alone in its operation; the number is its offset, too.
    pub(in crate::event::verify) fn entry(position: i64, key: &str) -> Entry {
        with(position, key, |_| ())
    }

    /// The same, changed.
    pub(in crate::event::verify) fn with(position: i64, key: &str, change: impl FnOnce(&mut Value)) -> Entry {
        let mut event = json!({
            "specversion": "1.0", "id": format!("id-{position}"), "type": "em.device.login.v1", "source": "/em/lab",
            "subject": format!("device/{key}"), "time": "2026-03-02T08:00:00.000Z", "datacontenttype": "application/json",
            "dataschema": "urn:em:schema:em.device.login.v1", "partitionkey": key, "sequence": format!("{position:020}"),
            "emstream": "s", "correlationid": format!("c-{position}"), "emopindex": 1, "emopcount": 1, "data": {},
        });
        change(&mut event);
        let value = event.to_string();
        let span = span(partition_of(key.as_bytes(), 6), 0);
        Entry { span, offset: position, position, key: key.into(), value, event }
    }
}
