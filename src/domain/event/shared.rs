//! Objects that several events share, as of their moment: phones, people, profiles, lines, who asked.
#![expect(missing_docs, reason = "the fields are the wire's; the event contract describes each")]

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// A phone; the wire calls it device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventPhone {
    pub name: String,
    pub uuid: Uuid,
    pub model: String,
    pub protocol: String,
}

/// A person or, for control events, a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventUser {
    pub user_id: String,
    pub uuid: Uuid,
}

/// A device profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventProfile {
    pub name: String,
    pub uuid: Uuid,
    pub model: String,
}

/// A line that the phone presents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventLine {
    pub index: i32,
    pub kind: LineKind,
    pub dn: String,
    pub partition: Option<String>,
    pub label: Option<String>,
    pub recording: Option<Recording>,
}

/// What a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LineKind {
    Line,
    Intercom,
}

/// How calls on a line are recorded, in the provisioning API's spelling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    pub flag: String,
    pub profile: Option<String>,
    pub media_source: Option<String>,
}

/// Who asked, from where and through what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    pub kind: ActorKind,
    pub id: Option<String>,
    pub address: Option<String>,
    pub via: Via,
}

/// The kind of whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    User,
    Administrator,
    Application,
    System,
}

/// The surface through which a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    Phone,
    Soap,
    Api,
    Console,
    Cli,
    Bulk,
    SelfCare,
    Timer,
    Cascade,
}

/// In what capacity a principal acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthType {
    AppUser,
    ServiceAccount,
    User,
    System,
    Anonymous,
}

/// Trace context of the causing request.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// W3C `traceparent`.
    pub parent: Option<String>,
    /// W3C `tracestate`.
    pub state: Option<String>,
}

impl Trace {
    /// Takes the headers as far as they are trace context: anything else would only make events longer.
    pub fn read(parent: Option<&str>, state: Option<&str>) -> Self {
        let is_parent = |t: &str| t.len() == 55 && t.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        let is_state = |t: &str| t.len() <= 512 && t.bytes().all(|b| (b' '..=b'~').contains(&b));
        let parent = parent.filter(|t| is_parent(t)).map(str::to_owned);
        let state = state.filter(|t| parent.is_some() && is_state(t)).map(str::to_owned);
        Self { parent, state }
    }
}

/// A short pointer to another session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionRef {
    pub session_id: Uuid,
    pub device_name: String,
    pub user_id: String,
    pub profile_name: String,
}

impl Via {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Soap => "soap",
            Self::Api => "api",
            Self::Console => "console",
            Self::Cli => "cli",
            Self::Bulk => "bulk",
            Self::SelfCare => "self-care",
            Self::Timer => "timer",
            Self::Cascade => "cascade",
        }
    }
}

impl Actor {
    /// The gateway itself: a timer, or a rule that follows from a change.
    pub fn system(via: Via) -> Self {
        Self { kind: ActorKind::System, id: None, address: None, via }
    }

    /// The same principal, acting through a consequence of what was asked.
    #[must_use]
    pub fn through(&self, via: Via) -> Self {
        Self { via, ..self.clone() }
    }
}

/// A moment as events write it: RFC 3339, UTC, milliseconds, `Z`.
pub fn moment_text(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub(super) fn moment<S: Serializer>(moment: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&moment_text(*moment))
}

pub(super) fn moment_or_null<S: Serializer>(
    moment: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match moment {
        Some(moment) => serializer.serialize_some(&moment_text(*moment)),
        None => serializer.serialize_none(),
    }
}
