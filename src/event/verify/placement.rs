//! Every record lies where it must, is addressed as its envelope says, and can be read (section 3).
//!
//! The contract's own table stands here, not the publisher's code: a fault there must show.

use chrono::DateTime;
use serde_json::Value;

use super::entry::Entry;
use super::report::{Check, Finding};
use crate::event::envelope::MAX_VALUE;
use crate::event::kafka::{RawRecord, partition_of};
use crate::event::{TYPES, kafka::Headers};

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
                for what in faults(record, &entry) {
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

    /// What was found.
    pub(super) fn close(self) -> Check {
        self.check
    }
}

/// All that is wrong with a record.
fn faults(record: &RawRecord, entry: &Entry) -> Vec<String> {
    let mut faults = Vec::new();
    if entry.value.len() > MAX_VALUE {
        faults.push(format!("the value is {} bytes long, more than {MAX_VALUE}", entry.value.len()));
    }
    if entry.text("/partitionkey") != entry.key {
        faults.push(format!("the key is not the partitionkey \"{}\"", entry.text("/partitionkey")));
    }
    let right = partition_of(entry.key.as_bytes(), record.span.partitions);
    if record.span.partition != right {
        faults.push(format!("belongs into partition {right}"));
    }
    let type_name = entry.text("/type");
    if !TYPES.iter().any(|t| t.name == type_name && t.topic == record.span.topic) {
        faults.push(format!("type \"{type_name}\" is not one of this topic"));
    }
    let time = DateTime::parse_from_rfc3339(entry.text("/time")).map(|time| time.timestamp_millis()).ok();
    if time.is_none() || record.time_ms != time {
        faults.push(format!("the timestamp of the record is not the time {}", entry.text("/time")));
    }
    faults.extend(header_faults(record, &entry.event));
    faults
}

/// The headers that the envelope asks for.
fn expected(event: &Value) -> Headers {
    let mut headers = vec![("content-type", "application/cloudevents+json; charset=UTF-8".to_owned())];
    for (header, attribute) in HEADERS {
        match event.get(attribute) {
            None if OPTIONAL.contains(&attribute) => {}
            Some(Value::String(text)) => headers.push((header, text.clone())),
            Some(other) => headers.push((header, other.to_string())),
            None => headers.push((header, String::new())),
        }
    }
    headers
}

fn header_faults(record: &RawRecord, event: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, value) in expected(event) {
        let found: Vec<_> = record.headers.iter().filter(|(n, _)| n == name).collect();
        match found.as_slice() {
            [] => faults.push(format!("header {name} is missing")),
            [(_, text)] if text.as_deref() == Some(value.as_bytes()) && !value.is_empty() => {}
            [_] => faults.push(format!("header {name} is not \"{value}\"")),
            _ => faults.push(format!("header {name} is there {} times", found.len())),
        }
    }
    for name in ["ce_causationid", "traceparent"] {
        let attribute = name.trim_start_matches("ce_");
        if event.get(attribute).is_none() && record.headers.iter().any(|(n, _)| n == name) {
            faults.push(format!("header {name} is not in the envelope"));
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
        let headers =
            expected(&entry.event).into_iter().map(|(n, v)| (n.to_owned(), Some(v.into_bytes()))).collect();
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
        assert_eq!(faults(&record(&caused), &caused), [""; 0]);
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
            ["header ce_causationid is not in the envelope"]
        );
    }

    #[test]
    fn a_type_of_another_topic_and_a_value_that_is_too_long_are_found() {
        let foreign = with(7, KEY, |event| event["type"] = "em.provisioning.changed.v1".into());
        assert_eq!(
            faults(&record(&foreign), &foreign),
            ["type \"em.provisioning.changed.v1\" is not one of this topic"]
        );
        let long = with(7, KEY, |event| event["data"] = "x".repeat(MAX_VALUE).into());
        assert!(faults(&record(&long), &long)[0].starts_with("the value is 6"));
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
