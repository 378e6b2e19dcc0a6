//! What logins and logouts come to when they are not refused.

use uuid::Uuid;

/// A login that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginOutcome {
    /// The user is now logged in.
    LoggedIn {
        /// The new session.
        session_id: Uuid,
        /// The profile that was chosen.
        profile_name: String,
        /// Whether the phone must clear its call log.
        clear_call_log: bool,
    },
    /// The user was logged in there already, with that profile.
    Unchanged {
        /// The session that goes on.
        session_id: Uuid,
    },
    /// The user has several profiles and no default: name and uuid of each.
    ChooseProfile(Vec<(String, Uuid)>),
}

/// A logout that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogoutOutcome {
    /// The session has ended.
    LoggedOut {
        /// The session.
        session_id: Uuid,
        /// Who was logged in.
        user_id: String,
        /// Whether the phone must clear its call log.
        clear_call_log: bool,
    },
    /// Nobody was logged in; code 19 where the surface refuses that.
    NobodyLoggedIn,
}
