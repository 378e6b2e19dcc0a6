//! One record of an event or state topic: value, key, headers and timestamp.

use std::borrow::Cow;

use rdkafka::message::{Header, OwnedHeaders};
use serde::Deserialize;

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

/// Names and values of a record's headers, in order.
pub type Headers = Vec<(&'static str, String)>;

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
    emopindex: Option<u64>,
    emopcount: Option<u64>,
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
    pub fn headers(&self) -> Result<Headers, serde_json::Error> {
        let a: Attributes<'_> = serde_json::from_str(&self.envelope)?;
        let mut headers: Headers = Vec::with_capacity(18);
        if !self.is_tombstone {
            headers.push(("content-type", "application/cloudevents+json; charset=UTF-8".to_owned()));
        }
        headers.extend([
            ("ce_specversion", a.specversion.into_owned()),
            ("ce_id", a.id.clone().into_owned()),
            ("ce_type", a.type_name.into_owned()),
            ("ce_source", a.source.into_owned()),
            ("ce_time", a.time.into_owned()),
            ("ce_subject", a.subject.into_owned()),
            ("ce_sequence", a.sequence.into_owned()),
            ("ce_emstream", a.emstream.into_owned()),
            ("ce_partitionkey", a.partitionkey.into_owned()),
            ("ce_correlationid", a.correlationid.into_owned()),
        ]);
        let mut add = |name, value: Option<String>| headers.extend(value.map(|value| (name, value)));
        add("ce_causationid", a.causationid.map(Cow::into_owned));
        add("ce_emopindex", a.emopindex.map(|n| n.to_string()));
        add("ce_emopcount", a.emopcount.map(|n| n.to_string()));
        add("ce_dataschema", (!self.is_tombstone).then(|| a.dataschema.into_owned()));
        add("id", Some(a.id.into_owned()));
        add("traceparent", a.traceparent.map(Cow::into_owned));
        add("tracestate", a.tracestate.map(Cow::into_owned));
        Ok(headers)
    }

    pub(super) fn client_headers(&self) -> Result<OwnedHeaders, serde_json::Error> {
        let headers = self.headers()?;
        Ok(headers.iter().fold(OwnedHeaders::new_with_capacity(headers.len()), |all, (key, value)| {
            all.insert(Header { key, value: Some(value) })
        }))
    }
}
