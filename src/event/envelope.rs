//! The envelope around a payload: written with the transaction, completed when the event is numbered.
//!
//! The text is made once and never parsed again: `sequence`, `emstream` and `recordedtime` are put into a gap that is kept for them,
//! so that a repeat is the same byte for byte.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{EventError, Origin, key_of, subject_of, type_of};
use crate::clock::IdSource;
use crate::domain::event::shared::moment_text;
use crate::domain::event::{
    AuthType, CallLogCleared, Cause, CredentialChanged, DeviceLogin, DeviceLogout, Event,
    IntercomDefaultDeviceChanged, LoginRejected, ProvisioningChanged, ServiceParameterChanged,
    SessionExpiring, SessionExtended,
};
use crate::store::number_line::Positioned;

/// The longest record value.
pub const MAX_VALUE: usize = 65_536;

/// Room for what numbering adds.
const RESERVED: usize = 128;

/// The caps that are tried in turn on an event's long lists until it fits; the first is the contract's.
const LIST_CAPS: [usize; 3] = [100, 20, 0];

/// Before this text goes what numbering adds. Quotes inside JSON strings are escaped, so the first one is the attribute.
const GAP: &str = ",\"correlationid\":";

/// Where an event stands in its operation.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Identity of the event.
    pub id: Uuid,
    /// Identity of the event that led to it.
    pub caused_by: Option<Uuid>,
    /// From 1.
    pub index: usize,
    /// Events in the operation.
    pub count: usize,
}

#[derive(Serialize)]
struct Envelope<'a> {
    specversion: &'static str,
    id: Uuid,
    #[serde(rename = "type")]
    type_name: &'static str,
    source: String,
    subject: String,
    time: String,
    datacontenttype: &'static str,
    dataschema: String,
    partitionkey: String,
    correlationid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<Uuid>,
    emopindex: usize,
    emopcount: usize,
    emnode: &'a str,
    authtype: AuthType,
    #[serde(skip_serializing_if = "Option::is_none")]
    authid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracestate: Option<&'a str>,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    DeviceLogin(&'a DeviceLogin),
    DeviceLogout(&'a DeviceLogout),
    SessionExpiring(&'a SessionExpiring),
    SessionExtended(&'a SessionExtended),
    CallLogCleared(&'a CallLogCleared),
    Intercom(&'a IntercomDefaultDeviceChanged),
    Provisioning(&'a ProvisioningChanged),
    Credential(&'a CredentialChanged),
    ServiceParameter(&'a ServiceParameterChanged),
    LoginRejected(&'a LoginRejected),
}

impl<'a> From<&'a Event> for Data<'a> {
    fn from(event: &'a Event) -> Self {
        match event {
            Event::DeviceLogin(e) => Self::DeviceLogin(e),
            Event::DeviceLogout(e) => Self::DeviceLogout(e),
            Event::SessionExpiring(e) => Self::SessionExpiring(e),
            Event::SessionExtended(e) => Self::SessionExtended(e),
            Event::CallLogCleared(e) => Self::CallLogCleared(e),
            Event::IntercomDefaultDeviceChanged(e) => Self::Intercom(e),
            Event::ProvisioningChanged(e) => Self::Provisioning(e),
            Event::CredentialChanged(e) => Self::Credential(e),
            Event::ServiceParameterChanged(e) => Self::ServiceParameter(e),
            Event::LoginRejected(e) => Self::LoginRejected(e),
        }
    }
}

/// Writes the envelope of an event that has no number yet.
pub fn write(
    cause: &Cause,
    origin: &Origin,
    now: DateTime<Utc>,
    place: Place,
    event: &Event,
) -> Result<String, EventError> {
    let mut bytes = 0;
    for most in LIST_CAPS {
        let text = write_once(cause, origin, now, place, &event.clone().with_lists_up_to(most))?;
        bytes = text.len();
        if bytes <= MAX_VALUE - RESERVED {
            return Ok(text);
        }
    }
    Err(EventError::TooLarge { type_name: type_of(event).name, bytes })
}

fn write_once(
    cause: &Cause,
    origin: &Origin,
    now: DateTime<Utc>,
    place: Place,
    event: &Event,
) -> Result<String, EventError> {
    let type_name = type_of(event).name;
    let envelope = Envelope {
        specversion: "1.0",
        id: place.id,
        type_name,
        source: format!("/em/{}", origin.cluster),
        subject: subject_of(event),
        time: moment_text(now),
        datacontenttype: "application/json",
        dataschema: format!("urn:em:schema:{type_name}"),
        partitionkey: key_of(event),
        correlationid: cause.correlation_text(),
        causationid: place.caused_by,
        emopindex: place.index,
        emopcount: place.count,
        emnode: &origin.node,
        authtype: cause.auth_type,
        authid: cause.auth_id.as_deref(),
        traceparent: cause.traceparent.as_deref(),
        tracestate: cause.tracestate.as_deref(),
        data: event.into(),
    };
    Ok(serde_json::to_string(&envelope)?)
}

/// A number as events write it.
pub fn sequence_text(position: i64) -> String {
    format!("{position:020}")
}

/// The published value: the envelope with its number, its line, and when it was numbered if that was over a second after.
/// `number_pending_events` in the database links the same text; a difference would show as a broken chain.
///
/// `None` means the text is no envelope of ours.
pub fn numbered(
    envelope: &str,
    position: i64,
    emstream: &str,
    created_at: DateTime<Utc>,
    recorded_at: DateTime<Utc>,
) -> Option<String> {
    let (head, tail) = envelope.split_at_checked(envelope.find(GAP)?)?;
    let mut value = String::with_capacity(envelope.len() + RESERVED);
    value.push_str(head);
    value.push_str(&format!(",\"sequence\":\"{}\",\"emstream\":\"{emstream}\"", sequence_text(position)));
    if recorded_at - created_at > TimeDelta::seconds(1) {
        value.push_str(&format!(",\"recordedtime\":\"{}\"", moment_text(recorded_at)));
    }
    value.push_str(tail);
    Some(value)
}

/// The published value of an event that was read back.
pub fn published(event: &Positioned) -> Option<String> {
    numbered(&event.envelope, event.pos, &event.emstream, event.created_at, event.recorded_at)
}

/// A name for a new number line.
pub fn new_stream_name(ids: &IdSource) -> String {
    let id = ids.next().simple().to_string();
    id.chars().skip(20).collect()
}
