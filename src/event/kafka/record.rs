//! One record of an event or state topic: value, key, headers and timestamp.

use std::borrow::Cow;

use rdkafka::message::{Header, OwnedHeaders};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::envelope;
use crate::store::number_line::Positioned;

/// A record as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub position: i64,
    /// Topic under the default prefix.
    pub topic: String,
    /// Record key.
    pub key: String,
    /// The envelope with its number; of a tombstone only the headers tell of it.
    pub envelope: String,
    /// Whether its key has no state any more.
    pub is_tombstone: bool,
    /// Moment of the change in milliseconds.
    pub time_ms: i64,
}

/// What every value is.
const CONTENT_TYPE: &str = "application/cloudevents+json; charset=UTF-8";

#[derive(Deserialize)]
struct Attributes<'a> {
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    type_name: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    dataschema: Cow<'a, str>,
    #[serde(borrow)]
    partitionkey: Cow<'a, str>,
    #[serde(borrow)]
    sequence: Cow<'a, str>,
    #[serde(borrow)]
    emstream: Cow<'a, str>,
    #[serde(borrow)]
    correlationid: Cow<'a, str>,
    #[serde(borrow)]
    causationid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    emopindex: Option<&'a RawValue>,
    #[serde(borrow)]
    emopcount: Option<&'a RawValue>,
    #[serde(borrow)]
    traceparent: Option<Cow<'a, str>>,
    #[serde(borrow)]
    tracestate: Option<Cow<'a, str>>,
}

impl Record {
    /// The record of a numbered event; `None`: its text is no envelope of ours.
    pub fn of(event: &Positioned) -> Option<Self> {
        Some(Self {
            position: event.pos,
            topic: event.topic.clone(),
            key: event.key.clone(),
            envelope: envelope::published(event)?,
            is_tombstone: false,
            time_ms: event.created_at.timestamp_millis(),
        })
    }

    /// What is sent; none: a tombstone.
    pub fn value(&self) -> Option<&str> {
        (!self.is_tombstone).then_some(&self.envelope)
    }

    /// The envelope's attributes repeated as headers; those that tell of the value only where there is one.
    pub(super) fn headers(&self) -> Result<OwnedHeaders, serde_json::Error> {
        let a: Attributes<'_> = serde_json::from_str(&self.envelope)?;
        let of_value = |text| (!self.is_tombstone).then_some(text);
        let headers = [
            ("content-type", of_value(CONTENT_TYPE)),
            ("ce_specversion", Some(&*a.specversion)),
            ("ce_id", Some(&*a.id)),
            ("ce_type", Some(&*a.type_name)),
            ("ce_source", Some(&*a.source)),
            ("ce_time", Some(&*a.time)),
            ("ce_subject", Some(&*a.subject)),
            ("ce_sequence", Some(&*a.sequence)),
            ("ce_emstream", Some(&*a.emstream)),
            ("ce_partitionkey", Some(&*a.partitionkey)),
            ("ce_correlationid", Some(&*a.correlationid)),
            ("ce_causationid", a.causationid.as_deref()),
            ("ce_emopindex", a.emopindex.map(RawValue::get)),
            ("ce_emopcount", a.emopcount.map(RawValue::get)),
            ("ce_dataschema", of_value(&*a.dataschema)),
            ("id", Some(&*a.id)),
            ("traceparent", a.traceparent.as_deref()),
            ("tracestate", a.tracestate.as_deref()),
        ];
        let there =
            headers.iter().filter_map(|(key, value)| value.map(|value| Header { key, value: Some(value) }));
        Ok(there.fold(OwnedHeaders::new_with_capacity(headers.len()), OwnedHeaders::insert))
    }
}
