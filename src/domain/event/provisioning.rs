//! Payloads of intercom, provisioning, credential and service-parameter changes.
#![expect(missing_docs, reason = "the fields are the wire's; the event contract describes each")]

use serde::Serialize;
use uuid::Uuid;

use super::shared::{Actor, EventPhone};
use crate::domain::credential::HolderKind;

/// The default device of an intercom line is now different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IntercomDefaultDeviceChanged {
    pub line: IntercomLine,
    pub owner: Option<IntercomOwner>,
    pub previous: Option<EventPhone>,
    pub current: Option<EventPhone>,
    pub change: IntercomChange,
    pub requested_by: Actor,
}

/// What an intercom line is now: the data of its state record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IntercomState {
    pub line: IntercomLine,
    pub owner: Option<IntercomOwner>,
    pub current: Option<EventPhone>,
}

/// An intercom line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IntercomLine {
    pub dn: String,
    pub partition: Option<String>,
    pub uuid: Uuid,
}

/// What the line appears on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IntercomOwner {
    pub kind: OwnerKind,
    pub name: String,
    pub uuid: Uuid,
}

/// The kind of that owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnerKind {
    Device,
    DeviceProfile,
}

/// How a default device came to be different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntercomChange {
    Assigned,
    Reassigned,
    AutoSelected,
    ClearedDeviceRemoved,
    Cleared,
}

/// A provisioned object was added, updated or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvisioningChanged {
    pub action: ProvisioningAction,
    pub object_type: String,
    pub object_uuid: Uuid,
    /// Natural name; for a line `DN|partition`.
    pub object_name: String,
    pub changed: Vec<ChangedField>,
    pub fetch_again: bool,
    pub cascade_of: Option<Cascade>,
    pub bulk: Option<BulkPlace>,
    pub requested_by: Actor,
}

/// What was done to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProvisioningAction {
    Add,
    Update,
    Remove,
}

/// A top-level field that now differs; a secret is redacted and its value null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedField {
    pub name: String,
    pub value: Option<String>,
    pub redacted: bool,
}

/// The other object whose change forced this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cascade {
    pub object_type: String,
    pub object_name: String,
}

/// The place within a bulk request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkPlace {
    pub job_id: Uuid,
    pub index: u32,
    pub total: u32,
}

/// A PIN, password or digest secret was changed, or its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialChanged {
    pub holder: CredentialHolder,
    pub credential: CredentialKind,
    pub change: CredentialChange,
    pub device: Option<EventPhone>,
    /// What an operator said why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    pub requested_by: Actor,
}

/// Whose secret it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialHolder {
    pub kind: HolderKind,
    pub user_id: String,
    pub uuid: Uuid,
}

/// Which secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CredentialKind {
    Pin,
    Password,
    Digest,
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CredentialChange {
    /// By the holder.
    Changed,
    /// By someone else.
    Reset,
    Locked,
    Unlocked,
    Expired,
}

/// The effective value of a service parameter is now different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceParameterChanged {
    pub service: String,
    pub name: String,
    pub node: Option<String>,
    pub previous_value: String,
    pub value: String,
    pub default_value: String,
    pub implied: bool,
    pub requested_by: Actor,
}

impl IntercomLine {
    /// Record key: `DN|partition`, with nothing after the bar where there is no partition.
    pub fn key(&self) -> String {
        format!("{}|{}", self.dn, self.partition.as_deref().unwrap_or_default())
    }
}

impl ProvisioningChanged {
    pub(super) fn with_fields_up_to(mut self, most: usize) -> Self {
        if self.changed.len() > most {
            self.changed.truncate(most);
            self.fetch_again = true;
        }
        self
    }
}
