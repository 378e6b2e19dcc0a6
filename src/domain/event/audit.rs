//! Payload of refused logins and logouts.
#![expect(missing_docs, reason = "the fields are the wire's; the event contract describes each")]

use serde::Serialize;

use super::shared::{Actor, SessionRef};

/// A login or logout was refused, once or several times within a second; nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginRejected {
    pub operation: RejectedOperation,
    /// In upper case; only where there is such a phone: names can be guessed without end.
    pub device_name: Option<String>,
    /// Only where it names an existing user, and the phone is one: people type PINs into the wrong field.
    pub user_id: Option<String>,
    pub error_code: u16,
    pub error_name: &'static str,
    pub retryable: bool,
    /// For code 25: the session in the way.
    pub existing: Option<SessionRef>,
    /// Attempts this stands for.
    pub count: u32,
    pub requested_by: Actor,
}

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RejectedOperation {
    Login,
    Logout,
}

impl LoginRejected {
    /// Record key: the phone, or `-` where there is none.
    pub fn key(&self) -> String {
        self.device_name.clone().unwrap_or_else(|| "-".to_owned())
    }
}
