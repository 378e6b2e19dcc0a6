//! Login, logout and call-log payloads.
#![expect(missing_docs, reason = "the fields are the wire's; the event contract describes each")]

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::shared::{
    Actor, EventLine, EventPhone, EventProfile, EventUser, SessionRef, moment, moment_or_null,
};

/// A user is now logged in on a phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceLogin {
    pub session_id: Uuid,
    pub device: EventPhone,
    pub user: EventUser,
    pub profile: EventProfile,
    pub profile_match: ProfileMatch,
    pub default_profile_name: Option<String>,
    pub login_method: LoginMethod,
    #[serde(serialize_with = "moment")]
    pub login_time: DateTime<Utc>,
    pub max_login_seconds: Option<i32>,
    pub max_login_source: Option<MaxLoginSource>,
    #[serde(serialize_with = "moment_or_null")]
    pub expires_at: Option<DateTime<Utc>>,
    pub lines: Vec<EventLine>,
    pub services_from: ServicesFrom,
    pub locale: EventLocale,
    pub phone_action: PhoneAction,
    pub phone_action_cause: Option<PhoneActionCause>,
    pub call_log_cleared: bool,
    /// All sessions this login ended, in the order in which they ended; the list is cut when the event is written.
    pub displaced: Vec<SessionRef>,
    /// Set where the list was cut; leave it `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub displaced_total: Option<usize>,
    /// Application users that control the phone during the session, sorted; the list is cut when the event is written.
    pub cti: Vec<String>,
    /// Set where the list was cut; leave it `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cti_total: Option<usize>,
    pub requested_by: Actor,
}

/// Where button template, soft keys and expansion-module settings came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileMatch {
    /// The profile's model is the phone's.
    Exact,
    /// From the default profile of the phone's model.
    ModelDefault,
}

/// How the user named themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum LoginMethod {
    /// User id and PIN.
    #[serde(rename = "UID")]
    UserId,
    /// Self-service id and PIN.
    #[serde(rename = "SP")]
    SelfServiceId,
    /// Primary extension and PIN.
    #[serde(rename = "DN")]
    PrimaryExtension,
    /// A program asked.
    #[serde(rename = "API")]
    Api,
}

/// Whose limit is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaxLoginSource {
    ServiceParameter,
    User,
    Request,
    Schedule,
}

/// Where the phone's services come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServicesFrom {
    Profile,
    DefaultProfile,
    None,
}

/// The languages that met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventLocale {
    pub user: Option<String>,
    pub device: Option<String>,
    pub mismatch: bool,
}

/// What the phone does to take on what it now is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PhoneAction {
    Restart,
    /// It must rebuild itself.
    Reset,
}

/// Why a restart is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhoneActionCause {
    Locale,
    AddOn,
}

/// A session has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceLogout {
    pub session_id: Uuid,
    pub device: EventPhone,
    pub user: EventUser,
    pub profile: EventProfile,
    #[serde(serialize_with = "moment")]
    pub login_time: DateTime<Utc>,
    #[serde(serialize_with = "moment")]
    pub logout_time: DateTime<Utc>,
    pub duration_seconds: i64,
    pub reason: LogoutReason,
    pub manual: bool,
    #[serde(serialize_with = "moment_or_null")]
    pub due_at: Option<DateTime<Utc>>,
    pub replaced_by: Option<SessionRef>,
    pub removed_object: Option<RemovedObject>,
    pub restored: Restored,
    pub call_log_cleared: bool,
    pub call_backs_cancelled: i32,
    pub cti: Vec<String>,
    /// What an operator said why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    pub requested_by: Actor,
}

/// A session ends soon by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionExpiring {
    pub session_id: Uuid,
    pub device: EventPhone,
    pub user: EventUser,
    pub profile: EventProfile,
    #[serde(serialize_with = "moment")]
    pub login_time: DateTime<Utc>,
    #[serde(serialize_with = "moment")]
    pub expires_at: DateTime<Utc>,
    /// By how much it may be extended at the phone.
    pub extendable_seconds: Option<i64>,
    pub requested_by: Actor,
}

/// The end of a session was put off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionExtended {
    pub session_id: Uuid,
    pub device: EventPhone,
    pub user: EventUser,
    pub profile: EventProfile,
    #[serde(serialize_with = "moment")]
    pub login_time: DateTime<Utc>,
    #[serde(serialize_with = "moment")]
    pub previous_expires_at: DateTime<Utc>,
    #[serde(serialize_with = "moment")]
    pub expires_at: DateTime<Utc>,
    /// How often it was extended, with this time.
    pub times_extended: i16,
    pub requested_by: Actor,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogoutReason {
    /// Somebody signed out at the phone.
    User,
    /// The limit ran out.
    #[serde(rename = "timeout")]
    Expired,
    /// The same user logged in elsewhere.
    #[serde(rename = "multiple-login")]
    Elsewhere,
    /// A clock-time or idle policy.
    Schedule,
    /// Another user's login displaced it.
    NextUser,
    /// An administrator or a program ended this one.
    Administrator,
    /// A request to end all sessions.
    LogoutAll,
    DeviceRemoved,
    ProfileRemoved,
    UserRemoved,
    DeviceDisabled,
    ProfileUnassigned,
}

/// The object whose removal ended a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemovedObject {
    #[serde(rename = "type")]
    pub object_type: String,
    pub name: String,
    pub uuid: Uuid,
}

/// What the phone shows after a logout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    pub kind: RestoredKind,
    pub profile_name: Option<String>,
    /// Cut when the event is written, where it would be too long: a session must be able to end whatever its lines are called by then.
    pub lines: Vec<EventLine>,
    /// Set where the list was cut; leave it `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines_total: Option<usize>,
}

/// Where that comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestoredKind {
    LogoutProfile,
    DeviceSettings,
}

/// The call history on a phone was wiped for privacy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallLogCleared {
    pub device: EventPhone,
    pub session_id: Uuid,
    pub user: EventUser,
    pub trigger: CallLogTrigger,
    #[serde(serialize_with = "moment")]
    pub cleared_at: DateTime<Utc>,
}

/// What led to the wipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallLogTrigger {
    ManualLogin,
    ManualLogout,
    /// Any other, where an administrator has every logout clear it.
    Logout,
}

/// Lines are kept longer than anything else in a list.
const LINES_FOR_EACH: usize = 10;

impl DeviceLogin {
    pub(super) fn with_lists_up_to(mut self, most: usize) -> Self {
        self.displaced_total = cut(&mut self.displaced, most);
        self.cti_total = cut(&mut self.cti, most);
        self
    }
}

impl DeviceLogout {
    /// Seconds between two moments as an event counts them: whole, never negative.
    pub fn seconds_between(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
        (to - from).num_seconds().max(0)
    }

    pub(super) fn with_lists_up_to(mut self, most: usize) -> Self {
        self.cti.truncate(most);
        self.restored.lines_total = cut(&mut self.restored.lines, LINES_FOR_EACH * most);
        self
    }
}

fn cut<T>(list: &mut Vec<T>, most: usize) -> Option<usize> {
    let total = list.len();
    list.truncate(most);
    (total > most).then_some(total)
}
