//! The event log: which types there are, how an event is addressed and written, who numbers and publishes it.
//!
//! Promises that an event exists if and only if its transaction committed: [`append`] is the last thing a transaction does, in the
//! transaction. Kafka is a copy; nothing here waits for it. The contract is in `docs/adr/0002-event-sequencing.md`.

pub mod broker;
pub mod chain;
pub mod copier;
pub mod counts;
pub mod envelope;
pub mod gauges;
pub mod kafka;
pub mod line;
pub mod merge;
pub mod publisher;
pub mod republish;
pub mod retention;
pub mod sequencer;
mod signal;
pub mod state;
mod status;
pub mod tail;
pub mod verify;

use chrono::{DateTime, Utc};

use crate::clock::IdSource;
use crate::config::NodeConfig;
use crate::domain::credential::HolderKind;
use crate::domain::event::{Cause, Event, Occurred};
pub use crate::store::event_log::EventRow;
use crate::store::{StoreError, TransactionError, Tx, event_log};

/// Where events come from: the cluster and the node of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Identity of the cluster, the same on all its nodes.
    pub cluster: String,
    /// Name of this node.
    pub node: String,
}

impl Origin {
    /// That of a process with these settings, in a cluster of this name unless the settings have another.
    pub fn of(config: &NodeConfig, made: String) -> Self {
        let cluster = if config.cluster_id.is_empty() { made } else { config.cluster_id.clone() };
        Self { cluster, node: config.name.clone() }
    }
}

/// Why events cannot be appended.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// An event does not fit into a record even with its lists cut.
    #[error("event {type_name} is {bytes} bytes long")]
    TooLarge {
        /// Name of its type.
        type_name: &'static str,
        /// Length of its envelope.
        bytes: usize,
    },
    /// An event names a cause that does not stand before it.
    #[error("event {type_name} names a cause that does not precede it")]
    CauseNotBefore {
        /// Name of its type.
        type_name: &'static str,
    },
    /// A row of the log whose text is no envelope of ours.
    #[error("the event at {position} has no envelope")]
    NoEnvelope {
        /// Its number.
        position: i64,
    },
    /// A payload that JSON cannot carry.
    #[error("event cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TransactionError for EventError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Store(e) => e.is_transient(),
            Self::TooLarge { .. } | Self::CauseNotBefore { .. } | Self::NoEnvelope { .. } | Self::Json(_) => {
                false
            }
        }
    }
}

/// A kind of event: its name on the wire and the topic that carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// Name with version.
    pub name: &'static str,
    /// Topic under the default prefix.
    pub topic: &'static str,
}

/// Every type that this gateway emits.
pub const TYPES: [EventType; 10] = [
    DEVICE_LOGIN,
    DEVICE_LOGOUT,
    SESSION_EXPIRING,
    SESSION_EXTENDED,
    CALLLOG_CLEARED,
    INTERCOM_CHANGED,
    PROVISIONING_CHANGED,
    CREDENTIAL_CHANGED,
    PARAMETER_CHANGED,
    LOGIN_REJECTED,
];

const DEVICE_LOGIN: EventType = EventType { name: "em.device.login.v1", topic: "em.session.v1" };
const DEVICE_LOGOUT: EventType = EventType { name: "em.device.logout.v1", topic: "em.session.v1" };
const SESSION_EXPIRING: EventType = EventType { name: "em.session.expiring.v1", topic: "em.session.v1" };
const SESSION_EXTENDED: EventType = EventType { name: "em.session.extended.v1", topic: "em.session.v1" };
const CALLLOG_CLEARED: EventType = EventType { name: "em.calllog.cleared.v1", topic: "em.session.v1" };
const INTERCOM_CHANGED: EventType =
    EventType { name: "em.intercom.defaultdevice.changed.v1", topic: "em.intercom.v1" };
const PROVISIONING_CHANGED: EventType =
    EventType { name: "em.provisioning.changed.v1", topic: "em.provisioning.v1" };
const CREDENTIAL_CHANGED: EventType =
    EventType { name: "em.credential.changed.v1", topic: "em.provisioning.v1" };
const PARAMETER_CHANGED: EventType =
    EventType { name: "em.serviceparameter.changed.v1", topic: "em.provisioning.v1" };
const LOGIN_REJECTED: EventType = EventType { name: "em.login.rejected.v1", topic: "em.audit.v1" };

/// The type of an event.
pub fn type_of(event: &Event) -> EventType {
    match event {
        Event::DeviceLogin(_) => DEVICE_LOGIN,
        Event::DeviceLogout(_) => DEVICE_LOGOUT,
        Event::SessionExpiring(_) => SESSION_EXPIRING,
        Event::SessionExtended(_) => SESSION_EXTENDED,
        Event::CallLogCleared(_) => CALLLOG_CLEARED,
        Event::IntercomDefaultDeviceChanged(_) => INTERCOM_CHANGED,
        Event::ProvisioningChanged(_) => PROVISIONING_CHANGED,
        Event::CredentialChanged(_) => CREDENTIAL_CHANGED,
        Event::ServiceParameterChanged(_) => PARAMETER_CHANGED,
        Event::LoginRejected(_) => LOGIN_REJECTED,
    }
}

/// The record key of an event: what it must stay in order with.
pub fn key_of(event: &Event) -> String {
    match event {
        Event::DeviceLogin(e) => e.device.name.clone(),
        Event::DeviceLogout(e) => e.device.name.clone(),
        Event::SessionExpiring(e) => e.device.name.clone(),
        Event::SessionExtended(e) => e.device.name.clone(),
        Event::CallLogCleared(e) => e.device.name.clone(),
        Event::IntercomDefaultDeviceChanged(e) => e.line.key(),
        Event::ProvisioningChanged(e) => format!("{}/{}", e.object_type, e.object_uuid),
        Event::CredentialChanged(e) => match e.holder.kind {
            HolderKind::EndUser => format!("User/{}", e.holder.uuid),
            HolderKind::AppUser => format!("AppUser/{}", e.holder.uuid),
        },
        Event::ServiceParameterChanged(e) => format!("ServiceParameter/{}/{}", e.service, e.name),
        Event::LoginRejected(e) => e.key(),
    }
}

/// What an event is about.
pub fn subject_of(event: &Event) -> String {
    let kind = match event {
        Event::DeviceLogin(_)
        | Event::DeviceLogout(_)
        | Event::SessionExpiring(_)
        | Event::SessionExtended(_)
        | Event::CallLogCleared(_)
        | Event::LoginRejected(_) => "device",
        Event::IntercomDefaultDeviceChanged(_) => "intercom",
        Event::ProvisioningChanged(_) | Event::CredentialChanged(_) | Event::ServiceParameterChanged(_) => {
            "object"
        }
    };
    format!("{kind}/{}", key_of(event))
}

/// Writes the events of one operation as rows, in order; refuses what does not fit into a record.
pub fn rows(
    cause: &Cause,
    origin: &Origin,
    now: DateTime<Utc>,
    ids: &IdSource,
    events: Vec<Occurred>,
) -> Result<Vec<EventRow>, EventError> {
    let count = events.len();
    let mut rows: Vec<EventRow> = Vec::with_capacity(count);
    for (index, Occurred { event, caused_by, states }) in events.into_iter().enumerate() {
        let kind = type_of(&event);
        let caused_by = match caused_by {
            None => None,
            Some(earlier) => {
                Some(rows.get(earlier).ok_or(EventError::CauseNotBefore { type_name: kind.name })?.id)
            }
        };
        let id = ids.next();
        let place = envelope::Place { id, caused_by, index: index + 1, count };
        let envelope = envelope::write(cause, origin, now, place, &event)?;
        let states = state::beside(&states)?;
        rows.push(EventRow {
            id,
            type_name: kind.name,
            topic: kind.topic,
            key: key_of(&event),
            envelope,
            states,
        });
    }
    Ok(rows)
}

/// Appends the events of one operation; the last thing a transaction does.
pub fn append(
    tx: &mut Tx<'_>,
    origin: &Origin,
    cause: &Cause,
    events: Vec<Occurred>,
) -> Result<(), EventError> {
    let now = tx.now()?;
    let rows = rows(cause, origin, now, tx.ids(), events)?;
    Ok(event_log::insert(tx, &rows)?)
}
