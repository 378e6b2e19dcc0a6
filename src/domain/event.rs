//! What happened: one variant for each kind of event, with exactly the fields that subscribers see.
//!
//! Owns the payloads and the operation they belong to; field names, spellings and order are the wire's. Promises nothing about
//! numbers, topics or envelopes: those are made in [`crate::event`]. Whoever changes state builds these values and appends them
//! in the same transaction.

pub mod audit;
pub mod provisioning;
pub mod session;
pub mod shared;

use uuid::Uuid;

pub use audit::{LoginRejected, RejectedOperation};
pub use provisioning::{
    BulkPlace, Cascade, ChangedField, CredentialChange, CredentialChanged, CredentialHolder, CredentialKind,
    IntercomChange, IntercomDefaultDeviceChanged, IntercomLine, IntercomOwner, IntercomState, OwnerKind,
    ProvisioningAction, ProvisioningChanged, ServiceParameterChanged,
};
pub use session::{
    CallLogCleared, CallLogTrigger, DeviceLogin, DeviceLogout, EventLocale, LoginMethod, LogoutReason,
    MaxLoginSource, PhoneAction, PhoneActionCause, ProfileMatch, RemovedObject, Restored, RestoredKind,
    ServicesFrom, SessionExpiring, SessionExtended,
};
pub use shared::{
    Actor, ActorKind, AuthType, EventLine, EventPhone, EventProfile, EventUser, LineKind, Recording,
    SessionRef, Trace, Via,
};

/// One fact, in past tense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A user is now logged in on a phone.
    DeviceLogin(Box<DeviceLogin>),
    /// A session has ended.
    DeviceLogout(Box<DeviceLogout>),
    /// A session ends soon by itself.
    SessionExpiring(SessionExpiring),
    /// The end of a session was put off.
    SessionExtended(SessionExtended),
    /// The call history on a phone was wiped.
    CallLogCleared(CallLogCleared),
    /// The default device of an intercom line is now different.
    IntercomDefaultDeviceChanged(IntercomDefaultDeviceChanged),
    /// A provisioned object was added, updated or removed.
    ProvisioningChanged(ProvisioningChanged),
    /// A PIN, password or digest secret was changed, or its state.
    CredentialChanged(CredentialChanged),
    /// The effective value of a service parameter is now different.
    ServiceParameterChanged(ServiceParameterChanged),
    /// A login or logout was refused.
    LoginRejected(LoginRejected),
}

/// What one request or timer firing was: all its events share this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Identity of the operation.
    pub correlation: Uuid,
    /// The part of an operation that was split into several transactions, from 1.
    pub part: Option<u32>,
    /// Who asked, as the events repeat it in `requestedBy`.
    pub actor: Actor,
    /// In what capacity the principal acted.
    pub auth_type: AuthType,
    /// User id of the principal.
    pub auth_id: Option<String>,
    /// What an operator says why, as far as events have a place for it.
    pub comment: Option<String>,
    /// W3C trace context of the causing request.
    pub traceparent: Option<String>,
    /// Vendor part of the trace context.
    pub tracestate: Option<String>,
}

/// An event and its cause within the same operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurred {
    /// What happened.
    pub event: Event,
    /// Index of the earlier event of the same operation that directly led to this one.
    pub caused_by: Option<usize>,
    /// States that follow it and that it does not tell by itself.
    pub states: Vec<StateChange>,
}

/// A state that is different now and that no event tells by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateChange {
    /// Of an intercom line.
    Intercom {
        /// Record key.
        key: String,
        /// What it is now; none: the line is gone, or has another key.
        state: Option<IntercomState>,
    },
    /// Of the session on a phone.
    Session {
        /// Record key.
        key: String,
        /// What it is now, as JSON.
        state: String,
    },
}

impl Occurred {
    /// An event that no other event of the operation caused.
    pub fn of(event: Event) -> Self {
        Self { event, caused_by: None, states: Vec::new() }
    }

    /// An event that an earlier one of the operation caused.
    pub fn because_of(cause: usize, event: Event) -> Self {
        Self { event, caused_by: Some(cause), states: Vec::new() }
    }
}

impl Cause {
    /// What the gateway does by itself, for no request.
    pub fn by_system(correlation: Uuid, via: Via) -> Self {
        Self {
            correlation,
            part: None,
            actor: Actor::system(via),
            auth_type: AuthType::System,
            auth_id: None,
            comment: None,
            traceparent: None,
            tracestate: None,
        }
    }

    /// The same in the trace of the request that causes it.
    #[must_use]
    pub fn traced(self, trace: &Trace) -> Self {
        Self { traceparent: trace.parent.clone(), tracestate: trace.state.clone(), ..self }
    }

    /// The text that all events of the operation carry: the identity, and the part where there are several.
    pub fn correlation_text(&self) -> String {
        match self.part {
            Some(part) => format!("{}.{part}", self.correlation),
            None => self.correlation.to_string(),
        }
    }
}

impl Event {
    /// The same event with its long lists cut to `most` entries, saying how many there were.
    #[must_use]
    pub fn with_lists_up_to(self, most: usize) -> Self {
        match self {
            Self::DeviceLogin(login) => Self::DeviceLogin(Box::new(login.with_lists_up_to(most))),
            Self::DeviceLogout(logout) => Self::DeviceLogout(Box::new(logout.with_lists_up_to(most))),
            Self::ProvisioningChanged(change) => {
                Self::ProvisioningChanged(change.with_fields_up_to(most.min(50)))
            }
            other @ (Self::SessionExpiring(_)
            | Self::SessionExtended(_)
            | Self::CallLogCleared(_)
            | Self::IntercomDefaultDeviceChanged(_)
            | Self::CredentialChanged(_)
            | Self::ServiceParameterChanged(_)
            | Self::LoginRejected(_)) => other,
        }
    }
}
