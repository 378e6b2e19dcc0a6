//! What clients keep of every request: what was asked, when, and what came of it as far as they know.

use serde::{Deserialize, Serialize};

/// A moment in microseconds since 1970, on the one clock of the machine.
pub(crate) type Micros = i64;

/// What a client asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Request {
    /// `doDeviceLogin`.
    Login {
        /// Phone.
        phone: String,
        /// User.
        user: String,
        /// Profile; none: the user's default.
        profile: Option<String>,
        /// `loginDuration`.
        seconds: Option<u64>,
    },
    /// `doDeviceLogout`.
    Logout {
        /// Phone.
        phone: String,
    },
    /// `updateServiceParameter` of `MultipleLoginBehavior`.
    Policy {
        /// Its new value.
        value: String,
    },
    /// `addPhone`.
    AddPhone {
        /// Phone.
        phone: String,
    },
    /// `removePhone`.
    RemovePhone {
        /// Phone.
        phone: String,
    },
    /// `updateLine` of the default device of an intercom line.
    Intercom {
        /// `DN|partition`.
        line: String,
        /// Its new default device; none: empty.
        phone: Option<String>,
    },
    /// Addition of anything else, before the load begins.
    Add {
        /// Type of the object.
        type_: String,
        /// Name as events have it.
        name: String,
    },
    /// A service parameter that is set before the load begins.
    Parameter {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// It was done.
    Ok,
    /// It was not done, for a reason of the rules: its number.
    Refused(i32),
    /// Nobody told the client what became of it.
    Unknown(String),
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Who asked.
    pub(crate) client: usize,
    /// Which node was asked.
    pub(crate) node: usize,
    /// What was asked.
    pub(crate) request: Request,
    /// When it was sent.
    pub(crate) sent: Micros,
    /// When the answer was there or given up.
    pub(crate) ended: Micros,
    /// What came back.
    pub(crate) answer: Answer,
    /// The identity that the node gave the request, when it answered; events of the request carry it.
    pub(crate) id: Option<String>,
}
