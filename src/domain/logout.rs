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
    /// The same, who asked to end all sessions, or all of one user.
    All,
}

impl LogoutOrigin {
    /// The reason such a logout has.
    pub fn reason(self) -> LogoutReason {
        match self {
            Self::Phone => LogoutReason::User,
            Self::Api => LogoutReason::Administrator,
            Self::All => LogoutReason::LogoutAll,
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
    },
    /// Nobody is logged in.
    NobodyLoggedIn,
    /// The logout is refused.
    Refuse(LogoutRefusal),
}

/// Whether the end of a session clears the phone's call log: one by hand where that is switched on (EM-088), any where every logout is
/// to do it (EM-090).
pub fn clears_call_log(reason: LogoutReason, policy: &LoginPolicy) -> bool {
    policy.clear_at_every_logout || policy.clear_call_logs && reason == LogoutReason::User
}

/// Decides a logout. A session on a phone whose Extension Mobility is off (left by hand) may still be ended.
pub fn decide_logout<'s>(phone: Option<&'s Phone>, session: Option<&'s Session>) -> LogoutDecision<'s> {
    let Some(phone) = phone else { return LogoutDecision::Refuse(LogoutRefusal::PhoneAbsent) };
    match session {
        Some(session) => LogoutDecision::End { phone, session },
        None if !phone.em_enabled => LogoutDecision::Refuse(LogoutRefusal::LogoutDisabled),
        None => LogoutDecision::NobodyLoggedIn,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::{PhonePk, ProfilePk, UserPk};

    fn told(phone: Option<bool>, logged_in: bool) -> String {
        let phone = phone.map(|em_enabled| Phone {
            pk: PhonePk(1),
            name: "SEP000000000001".into(),
            uuid: Uuid::nil(),
            model: "Cisco 8851".into(),
            protocol: "SIP".into(),
            em_enabled,
            has_services: true,
            logout_profile: None,
            carried: json!({}),
            default_profile: None,
            is_protected: false,
        });
        let session = Session {
            session_id: Uuid::nil(),
            phone: PhonePk(1),
            phone_name: "SEP000000000001".into(),
            user: UserPk(2),
            user_id: "ada".into(),
            user_uuid: Uuid::nil(),
            profile: ProfilePk(3),
            profile_name: "UDP".into(),
            profile_uuid: Uuid::nil(),
            profile_model: "Cisco 8851".into(),
            started_at: DateTime::UNIX_EPOCH,
            expires_at: None,
        };
        match decide_logout(phone.as_ref(), Some(&session).filter(|_| logged_in)) {
            LogoutDecision::End { .. } => "end".into(),
            LogoutDecision::NobodyLoggedIn => "nobody".into(),
            LogoutDecision::Refuse(refusal) => format!("{refusal:?}"),
        }
    }

    #[test]
    fn a_logout_ends_what_is_there() {
        assert_eq!(told(None, true), "PhoneAbsent");
        assert_eq!(told(Some(true), true), "end");
        assert_eq!(told(Some(true), false), "nobody");
        assert_eq!(told(Some(false), true), "end");
        assert_eq!(told(Some(false), false), "LogoutDisabled");
    }

    #[test]
    fn a_logout_by_hand_clears_the_call_log_and_any_other_where_that_is_switched_on() {
        use LogoutReason::*;
        let told = |clear_call_logs, clear_at_every_logout| {
            let policy = LoginPolicy { clear_call_logs, clear_at_every_logout, ..LoginPolicy::default() };
            [User, Expired, Schedule, Elsewhere, NextUser, Administrator, LogoutAll, DeviceRemoved]
                .map(|reason| clears_call_log(reason, &policy))
        };
        assert_eq!(told(false, false), [false; 8]);
        assert_eq!(told(true, false), [true, false, false, false, false, false, false, false]);
        assert_eq!(told(false, true), [true; 8]);
        assert_eq!(told(true, true), [true; 8]);
    }
}
