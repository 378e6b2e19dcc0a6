//! Whether a logout ends a session: a pure choice, like [`login`](super::login).

use super::event::LogoutReason;
use super::policy::LoginPolicy;
use super::snapshot::{Phone, Session};

/// Who asks for a logout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutOrigin {
    /// Somebody at the phone; no credential is asked.
    Phone,
    /// An administrator or a provisioning application.
    Api,
}

impl LogoutOrigin {
    /// The reason such a logout has.
    pub fn reason(self) -> LogoutReason {
        match self {
            Self::Phone => LogoutReason::User,
            Self::Api => LogoutReason::Administrator,
        }
    }
}

/// Why a logout is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutRefusal {
    /// No such phone.
    PhoneAbsent,
    /// Extension Mobility is off on the phone and nobody is logged in.
    LogoutDisabled,
}

/// Result of [`decide_logout`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LogoutDecision<'s> {
    /// The session ends.
    End {
        /// The phone.
        phone: &'s Phone,
        /// The session.
        session: &'s Session,
        /// Whether the phone's call log is cleared.
        clear_call_log: bool,
    },
    /// Nobody is logged in.
    NobodyLoggedIn,
    /// The logout is refused.
    Refuse(LogoutRefusal),
}

/// Decides a logout. A session on a phone whose Extension Mobility is off (left by hand) may still be ended.
pub fn decide_logout<'s>(
    phone: Option<&'s Phone>,
    session: Option<&'s Session>,
    origin: LogoutOrigin,
    policy: &LoginPolicy,
) -> LogoutDecision<'s> {
    let Some(phone) = phone else { return LogoutDecision::Refuse(LogoutRefusal::PhoneAbsent) };
    match session {
        Some(session) => LogoutDecision::End {
            phone,
            session,
            clear_call_log: policy.clear_call_logs && origin == LogoutOrigin::Phone,
        },
        None if !phone.em_enabled => LogoutDecision::Refuse(LogoutRefusal::LogoutDisabled),
        None => LogoutDecision::NobodyLoggedIn,
    }
}
