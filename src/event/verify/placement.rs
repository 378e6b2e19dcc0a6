//! Every record lies where it must, is addressed as its envelope says, and can be read (section 3).
//!
//! The contract's own table stands here, not the publisher's code: a fault there must show.

use std::sync::Arc;

use chrono::DateTime;
use serde_json::Value;

use super::entry::{Entry, position_in};
use super::report::{Check, Finding};
use super::state_record::StateRecord;
use crate::event::TYPES;
use crate::event::envelope::MAX_VALUE;
use crate::event::kafka::{RawRecord, partition_of};

/// Names and values of headers, in order.
type Headers = Vec<(&'static str, String)>;

/// Headers and the attributes that they repeat; those of an event.
const HEADERS: [(&str, &str); 16] = [
    ("ce_specversion", "specversion"),
    ("ce_id", "id"),
    ("ce_type", "type"),
    ("ce_source", "source"),
    ("ce_time", "time"),
    ("ce_subject", "subject"),
    ("ce_sequence", "sequence"),
    ("ce_emstream", "emstream"),
    ("ce_partitionkey", "partitionkey"),
    ("ce_correlationid", "correlationid"),
    ("ce_causationid", "causationid"),
    ("ce_emopindex", "emopindex"),
    ("ce_emopcount", "emopcount"),
    ("ce_dataschema", "dataschema"),
    ("id", "id"),
    ("traceparent", "traceparent"),
];

/// Attributes that only events have.
const OF_EVENTS: [&str; 3] = ["causationid", "emopindex", "emopcount"];

/// Attributes that an event may be without.
const OPTIONAL: [&str; 2] = ["causationid", "traceparent"];

/// The check `placement`.
pub(super) struct Placement {
    check: Check,
}

impl Placement {
    /// Begins before the first record.
    pub(super) fn new() -> Self {
        Self { check: Check::named("placement") }
    }

    /// Takes any record; gives back the event that it is, if it is one.
    pub(super) fn see(&mut self, record: &RawRecord) -> Option<Entry> {
        self.check.looked += 1;
        match Entry::of(record) {
            Ok(entry) => {
                for what in faults(record, &entry.key, &entry.event, Kind::Event) {
                    self.check.found(Finding::about(&entry, what));
                }
                Some(entry)
            }
            Err(why) => {
                self.check.found(Finding::at(record, format!("is no event: {why}")));
                None
            }
        }
    }

    /// Takes any record of a state topic; gives back the state that it is, if it is one.
    pub(super) fn see_state(&mut self, record: &RawRecord) -> Option<StateRecord> {
        self.check.looked += 1;
        match state_of(record) {
            Ok((state, attributes)) => {
                let kind = if state.data.is_some() { Kind::State } else { Kind::Tombstone };
                for what in faults(record, &state.key, &attributes, kind) {
                    self.check.found(state.finding(what));
                }
                Some(state)
            }
            Err(why) => {
                self.check.found(Finding::at(record, format!("is no state: {why}")));
                None
            }
        }
    }

    /// What was found.
    pub(super) fn close(self) -> Check {
        self.check
    }
}

/// What a record is, which decides what it must carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Event,
    State,
    Tombstone,
}

/// Reads a record of a state topic with its attributes, which only the headers of a tombstone tell; otherwise says why it is none.
fn state_of(record: &RawRecord) -> Result<(StateRecord, Value), String> {
    let key = record.key.as_deref().ok_or("there is no key")?;
    let key = String::from_utf8(key.to_vec()).map_err(|_| "the key is not UTF-8")?;
    let attributes = match &record.value {
        Some(value) => {
            serde_json::from_slice(value).map_err(|e| format!("the value is not valid JSON: {e}"))?
        }
        None => Value::Object(
            HEADERS
                .iter()
                .filter_map(|(header, attribute)| {
                    let (_, text) = record.headers.iter().find(|(name, _)| name == header)?;
                    let text = String::from_utf8_lossy(text.as_deref()?).into_owned();
                    Some(((*attribute).to_owned(), text.into()))
                })
                .collect(),
        ),
    };
    let position = position_in(&attributes).ok_or("there is no sequence")?;
    let data = record.value.as_ref().map(|_| attributes.get("data").cloned().unwrap_or_default());
    let span = Arc::clone(&record.span);
    Ok((StateRecord { span, offset: record.offset, position, key, data }, attributes))
}

/// All that is wrong with a record.
fn faults(record: &RawRecord, key: &str, attributes: &Value, kind: Kind) -> Vec<String> {
    let text = |name: &str| attributes.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut faults = Vec::new();
    let length = record.value.as_ref().map_or(0, Vec::len);
    if length > MAX_VALUE {
        faults.push(format!("the value is {length} bytes long, more than {MAX_VALUE}"));
    }
    if text("partitionkey") != key {
        faults.push(format!("the key is not the partitionkey \"{}\"", text("partitionkey")));
    }
    let right = partition_of(key.as_bytes(), record.span.partitions);
    if record.span.partition != right {
        faults.push(format!("belongs into partition {right}"));
    }
    let belongs = match kind {
        Kind::Event => TYPES.iter().any(|t| t.name == text("type") && t.topic == record.span.topic),
        Kind::State | Kind::Tombstone => text("type") == record.span.topic,
    };
    if !belongs {
        faults.push(format!("type \"{}\" is not one of this topic", text("type")));
    }
    let time = DateTime::parse_from_rfc3339(text("time")).map(|time| time.timestamp_millis()).ok();
    if time.is_none() || record.time_ms != time {
        faults.push(format!("the timestamp of the record is not the time {}", text("time")));
    }
    faults.extend(header_faults(record, attributes, kind));
    faults
}

/// The headers that the attributes ask for.
fn expected(attributes: &Value, kind: Kind) -> Headers {
    let mut headers = Headers::new();
    if kind != Kind::Tombstone {
        headers.push(("content-type", "application/cloudevents+json; charset=UTF-8".to_owned()));
    }
    for (header, attribute) in HEADERS {
        let is_absent = match kind {
            Kind::Event => false,
            Kind::State => OF_EVENTS.contains(&attribute),
            Kind::Tombstone => OF_EVENTS.contains(&attribute) || attribute == "dataschema",
        };
        match attributes.get(attribute) {
            _ if is_absent => {}
            None if OPTIONAL.contains(&attribute) => {}
            Some(Value::String(text)) => headers.push((header, text.clone())),
            Some(other) => headers.push((header, other.to_string())),
            None => headers.push((header, String::new())),
        }
    }
    headers
}

fn header_faults(record: &RawRecord, attributes: &Value, kind: Kind) -> Vec<String> {
    let mut faults = Vec::new();
    let expected = expected(attributes, kind);
    for (name, value) in &expected {
        let found: Vec<_> = record.headers.iter().filter(|(n, _)| n == name).collect();
        match found.as_slice() {
            [] => faults.push(format!("header {name} is missing")),
            [(_, text)] if text.as_deref() == Some(value.as_bytes()) && !value.is_empty() => {}
            [_] => faults.push(format!("header {name} is not \"{value}\"")),
            _ => faults.push(format!("header {name} is there {} times", found.len())),
        }
    }
    let known = HEADERS.iter().map(|(header, _)| *header).chain(["content-type"]);
    for name in known.filter(|name| !expected.iter().any(|(n, _)| n == name)) {
        if record.headers.iter().any(|(n, _)| n == name) {
            faults.push(format!("header {name} should not be there"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::super::entry::samples::{entry, with};
    use super::*;

    const KEY: &str = "SEP0011223344AA";

    /// The record that an event should be.
    fn record(entry: &Entry) -> RawRecord {
        let headers = expected(&entry.event, Kind::Event)
            .into_iter()
            .map(|(n, v)| (n.to_owned(), Some(v.into_bytes())))
            .collect();
        let time = DateTime::parse_from_rfc3339(entry.text("/time")).unwrap().timestamp_millis();
        RawRecord {
            span: entry.span.clone(),
            offset: entry.offset,
            key: Some(entry.key.clone().into_bytes()),
            value: Some(entry.value.clone().into_bytes()),
            headers,
            time_ms: Some(time),
        }
    }

    fn event_faults(entry: &Entry) -> Vec<String> {
        faults(&record(entry), &entry.key, &entry.event, Kind::Event)
    }

    #[test]
    fn states_and_tombstones_carry_what_they_must_and_no_more() {
        let span = |partition| {
            let (topic, name) = ("em.session.state.v1", "em.session.state.v1".to_owned());
            Arc::new(crate::event::kafka::Span { topic, name, partition, partitions: 6, low: 0, end: 9 })
        };
        let state = with(7, KEY, |event| {
            event["type"] = "em.session.state.v1".into();
            event["data"] = serde_json::json!({ "sessionId": "s" });
        });
        let lying = |kind: Kind, change: &dyn Fn(&mut RawRecord)| {
            let mut record = RawRecord { span: span(5), ..record(&state) };
            let headers = expected(&state.event, kind).into_iter();
            record.headers = headers.map(|(n, v)| (n.to_owned(), Some(v.into_bytes()))).collect();
            record.value = record.value.filter(|_| kind == Kind::State);
            change(&mut record);
            let mut placement = Placement::new();
            let read = placement.see_state(&record).map(|s| (s.position, s.data.is_some()));
            (read, placement.close().first.into_iter().map(|f| f.what).collect::<Vec<_>>())
        };
        assert_eq!(lying(Kind::State, &|_| ()), (Some((7, true)), vec![]));
        assert_eq!(lying(Kind::Tombstone, &|_| ()), (Some((7, false)), vec![]));
        let moved = |record: &mut RawRecord| record.span = span(4);
        for kind in [Kind::State, Kind::Tombstone] {
            assert_eq!(lying(kind, &moved).1, ["belongs into partition 5"]);
            let more = lying(kind, &|r| r.headers.push(("ce_emopindex".into(), Some(b"1".to_vec()))));
            assert_eq!(more.1, ["header ce_emopindex should not be there"]);
            let (read, found) = lying(kind, &|r| r.headers.retain(|(name, _)| name != "ce_subject"));
            assert_eq!((read.is_some(), found), (true, vec!["header ce_subject is missing".to_owned()]));
        }
        let nameless = lying(Kind::Tombstone, &|r| r.headers.clear());
        assert_eq!(nameless, (None, vec!["is no state: there is no sequence".to_owned()]));
    }

    /// What is found about a record once it has been changed.
    fn found(change: impl FnOnce(&mut RawRecord)) -> Vec<String> {
        let mut record = record(&entry(7, KEY));
        change(&mut record);
        let mut placement = Placement::new();
        placement.see(&record);
        placement.close().first.into_iter().map(|f| f.what).collect()
    }

    #[test]
    fn a_record_as_it_must_be_has_no_fault() {
        assert_eq!(found(|_| ()), [""; 0]);
        let caused = with(7, KEY, |event| event["causationid"] = "id-1".into());
        assert_eq!(event_faults(&caused), [""; 0]);
    }

    #[test]
    fn a_wrong_partition_is_found() {
        let moved = |record: &mut RawRecord| {
            record.span = super::super::entry::samples::span(4, 0);
        };
        assert_eq!(found(moved), ["belongs into partition 5"]);
    }

    #[test]
    fn keys_times_and_headers_that_disagree_are_found() {
        assert_eq!(
            found(|r| r.key = Some(b"SEP0011223344A9".to_vec())).first().unwrap(),
            "the key is not the partitionkey \"SEP0011223344AA\""
        );
        assert_eq!(
            found(|r| r.time_ms = Some(1)),
            ["the timestamp of the record is not the time 2026-03-02T08:00:00.000Z"]
        );
        let header =
            |record: &RawRecord, name: &str| record.headers.iter().position(|(n, _)| n == name).unwrap();
        for (name, _) in HEADERS.iter().filter(|(_, attribute)| !OPTIONAL.contains(attribute)) {
            let altered = found(|r| {
                let at = header(r, name);
                r.headers[at].1 = Some(b"other".to_vec());
            });
            assert!(
                altered.len() == 1 && altered[0].starts_with(&format!("header {name} is not ")),
                "{altered:?}"
            );
            let missing = found(|r| {
                r.headers.remove(header(r, name));
            });
            assert_eq!(missing, [format!("header {name} is missing")]);
        }
        assert_eq!(found(|r| r.headers.push(("ce_id".into(), None))), ["header ce_id is there 2 times"]);
        assert_eq!(
            found(|r| r.headers.push(("ce_causationid".into(), Some(b"id-1".to_vec())))),
            ["header ce_causationid should not be there"]
        );
    }

    #[test]
    fn a_type_of_another_topic_and_a_value_that_is_too_long_are_found() {
        let foreign = with(7, KEY, |event| event["type"] = "em.provisioning.changed.v1".into());
        assert_eq!(event_faults(&foreign), ["type \"em.provisioning.changed.v1\" is not one of this topic"]);
        let long = with(7, KEY, |event| event["data"] = "x".repeat(MAX_VALUE).into());
        assert!(event_faults(&long)[0].starts_with("the value is 6"));
    }

    #[test]
    fn what_is_no_event_is_found_and_taken_no_further() {
        let mut placement = Placement::new();
        let good = record(&entry(7, KEY));
        let none = |change: fn(&mut RawRecord)| {
            let mut record = good.clone();
            change(&mut record);
            record
        };
        let records = [
            none(|r| r.value = None),
            none(|r| r.key = None),
            none(|r| r.value = Some(b"{}".to_vec())),
            none(|r| r.value = Some(b"{\"sequence\":\"7\"}".to_vec())),
            none(|r| r.value = Some(b"not JSON".to_vec())),
            none(|r| r.value = Some(vec![0xff])),
        ];
        assert!(records.iter().all(|r| placement.see(r).is_none()));
        let check = placement.close();
        assert_eq!((check.looked, check.findings), (6, 6));
        assert_eq!(check.first[0].what, "is no event: there is no value");
    }
}
