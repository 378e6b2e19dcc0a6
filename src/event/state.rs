//! The state topics: which records follow an event, made of the event alone.
//!
//! Each state record holds the whole state of its key as of its event's number: the session on a phone, the default device of an
//! intercom line. Most are made of what the event says when it is copied, so that a login writes nothing more; what an event does
//! not say (a line goes or is renamed) was written beside it. A record's text depends on nothing but its event, so that a repeat is
//! the same byte for byte.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use ring::digest::{Context, SHA256};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::envelope;
use super::kafka::Record;
use crate::domain::event::StateChange;
use crate::domain::event::shared::moment_text;
use crate::store::number_line::Positioned;

/// Topic and type of session states.
pub const SESSION_STATE: &str = "em.session.state.v1";
/// Topic and type of intercom states.
pub const INTERCOM_STATE: &str = "em.intercom.state.v1";

/// Attributes of an event that its state does not have.
const OF_EVENTS: [&str; 3] = ["causationid", "emopindex", "emopcount"];
/// What a login says of itself and not of the session.
const OF_LOGINS: [&str; 4] = ["displaced", "displacedTotal", "callLogCleared", "requestedBy"];
/// What an intercom event says of the line.
const OF_INTERCOM: [&str; 3] = ["line", "owner", "current"];

/// The record of a numbered event and the state records that follow it, in order; `None`: its text is no envelope of ours.
pub fn records(event: &Positioned) -> Option<Vec<Record>> {
    let own = Record::of(event)?;
    let following = following(event, &own.envelope)?;
    Some(std::iter::once(own).chain(following).collect())
}

/// The state of a key as of a number, in the words of an envelope that is not an event's: of what is published again without one.
pub(super) fn again(like: &Positioned, topic: &'static str, key: &str, data: Option<&str>) -> Option<Record> {
    let published = envelope::published(like)?;
    record(like, &serde_json::from_str(&published).ok()?, topic, key, data)
}

/// The state records that follow an event of this published text.
fn following(event: &Positioned, published: &str) -> Option<Vec<Record>> {
    let has_own = matches!(event.topic.as_str(), "em.session.v1" | "em.intercom.v1");
    if !has_own && event.states.is_none() {
        return Some(Vec::new());
    }
    let envelope: Fields<'_> = serde_json::from_str(published).ok()?;
    let mut records: Vec<Record> = own_state(event, &envelope)?.into_iter().collect();
    if let Some(states) = &event.states {
        for Beside { topic, key, data } in serde_json::from_str::<Vec<Beside<'_>>>(states).ok()? {
            let topic = [SESSION_STATE, INTERCOM_STATE].into_iter().find(|known| *known == topic)?;
            records.push(record(event, &envelope, topic, &key, data.map(RawValue::get))?);
        }
    }
    Some(records)
}

/// A state that was written beside its event.
#[derive(serde::Deserialize)]
struct Beside<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// The same on its way into the log.
#[derive(serde::Serialize)]
struct ToStore<'a, T> {
    topic: &'static str,
    key: &'a str,
    data: Option<T>,
}

/// What is written beside an event; none: it tells all by itself.
pub(super) fn beside(states: &[StateChange]) -> Result<Option<String>, serde_json::Error> {
    if states.is_empty() {
        return Ok(None);
    }
    let to_store = |change: &StateChange| match change {
        StateChange::Intercom { key, state } => {
            serde_json::to_string(&ToStore { topic: INTERCOM_STATE, key, data: state.as_ref() })
        }
        StateChange::Session { key, state } => {
            let data = Some(serde_json::from_str::<&RawValue>(state)?);
            serde_json::to_string(&ToStore { topic: SESSION_STATE, key, data })
        }
    };
    let texts = states.iter().map(to_store).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(format!("[{}]", texts.join(","))))
}

/// What the login of a session would say of it once it is extended.
#[derive(Debug, PartialEq, Eq)]
pub struct Extended {
    /// Its envelope.
    pub envelope: String,
    /// The state of the session.
    pub state: String,
}

/// Puts another end into what a login said; `None`: that is no envelope of ours.
pub fn extended(login: &str, expires_at: DateTime<Utc>) -> Option<Extended> {
    let envelope: Fields<'_> = serde_json::from_str(login).ok()?;
    let data: Fields<'_> = serde_json::from_str(envelope.get("data")?).ok()?;
    let end = serde_json::to_string(&moment_text(expires_at)).ok()?;
    let data: Vec<(&str, &str)> = data
        .0
        .iter()
        .map(|(name, value)| (*name, if *name == "expiresAt" { &end } else { value.get() }))
        .collect();
    let of_session = data.iter().filter(|(name, _)| !OF_LOGINS.contains(name));
    let state = object(of_session.copied());
    let data = object(data.iter().copied());
    let fields =
        envelope.0.iter().map(|(name, value)| (*name, if *name == "data" { &data } else { value.get() }));
    Some(Extended { envelope: object(fields), state })
}

/// The state that an event itself tells of.
#[expect(clippy::option_option, reason = "no envelope of ours, or an event without a state")]
fn own_state(event: &Positioned, envelope: &Fields<'_>) -> Option<Option<Record>> {
    let type_name: &str = serde_json::from_str(envelope.get("type")?).ok()?;
    let (topic, data) = match type_name {
        "em.device.login.v1" => (SESSION_STATE, Some(envelope.data(|name| !OF_LOGINS.contains(&name))?)),
        "em.device.logout.v1" => (SESSION_STATE, None),
        "em.intercom.defaultdevice.changed.v1" => {
            (INTERCOM_STATE, Some(envelope.data(|name| OF_INTERCOM.contains(&name))?))
        }
        _ => return Some(None),
    };
    record(event, envelope, topic, &event.key, data.as_deref()).map(Some)
}

/// The state record of a key, with everything of its event's envelope that is not the event's own; no data: a tombstone.
fn record(
    event: &Positioned,
    envelope: &Fields<'_>,
    topic: &'static str,
    key: &str,
    data: Option<&str>,
) -> Option<Record> {
    let kind = if topic == SESSION_STATE { "device" } else { "intercom" };
    let text = |text: &str| serde_json::to_string(text).ok();
    let mut fields = Vec::with_capacity(envelope.0.len());
    for (name, value) in envelope.0.iter().filter(|(name, _)| !OF_EVENTS.contains(name)) {
        let value = match *name {
            "id" => Cow::Owned(text(&id(event, topic, key).to_string())?),
            "type" => Cow::Owned(text(topic)?),
            "dataschema" => Cow::Owned(text(&format!("urn:em:schema:{topic}"))?),
            "subject" => Cow::Owned(text(&format!("{kind}/{key}"))?),
            "partitionkey" => Cow::Owned(text(key)?),
            "data" => Cow::Borrowed(data.unwrap_or("null")),
            _ => Cow::Borrowed(value.get()),
        };
        fields.push((*name, value));
    }
    Some(Record {
        position: event.pos,
        topic: topic.to_owned(),
        key: key.to_owned(),
        envelope: object(fields.iter().map(|(name, value)| (*name, value.as_ref()))),
        is_tombstone: data.is_none(),
        time_ms: event.created_at.timestamp_millis(),
    })
}

/// An identity of its own that is the same each time: a UUID version 7 of the event's moment.
fn id(event: &Positioned, topic: &str, key: &str) -> Uuid {
    let mut context = Context::new(&SHA256);
    for part in [event.id.as_bytes(), event.emstream.as_bytes(), &event.pos.to_be_bytes(), topic.as_bytes()] {
        context.update(part);
        context.update(&[0]);
    }
    context.update(key.as_bytes());
    let mut random = [0; 10];
    random.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    let millis = u64::try_from(event.id.as_u128() >> 80).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// The fields of a JSON object in their order, each value as it is written.
struct Fields<'a>(Vec<(&'a str, &'a RawValue)>);

impl<'a> Fields<'a> {
    fn get(&self, wanted: &str) -> Option<&'a str> {
        self.0.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.get())
    }

    /// The data of an envelope with those fields that stay.
    fn data(&self, stays: impl Fn(&str) -> bool) -> Option<String> {
        let data: Fields<'a> = serde_json::from_str(self.get("data")?).ok()?;
        let kept = data.0.iter().filter(|(name, _)| stays(name));
        Some(object(kept.map(|(name, value)| (*name, value.get()))))
    }
}

/// A JSON object; the names are ours and need no escape.
fn object<'f>(fields: impl Iterator<Item = (&'f str, &'f str)>) -> String {
    let mut text = String::from("{");
    for (name, value) in fields {
        if text.len() > 1 {
            text.push(',');
        }
        text.extend(["\"", name, "\":", value]);
    }
    text.push('}');
    text
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(&'de str, &'de RawValue)>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(24);
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(InOrder).map(Self)
    }
}
