//! What login and logout see of the world: rows as they are while their locks are held.
//!
//! Filled by the store, read by the rules of [`login`](super::login) and [`logout`](super::logout). Carried settings come only as far
//! as [`EffectiveConfig`](super::effective_config::EffectiveConfig) reads them.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::event::{EventLine, EventPhone, EventProfile, EventUser, LineKind, Recording, SessionRef};
use super::ids::{LinePk, PhonePk, ProfilePk, UserPk};
use super::login_limit::LoginLimit;

/// A phone.
#[derive(Debug, Clone, PartialEq)]
pub struct Phone {
    /// Key.
    pub pk: PhonePk,
    /// Name as stored.
    pub name: String,
    /// Identity on the wire.
    pub uuid: Uuid,
    /// Model in the spelling of the provisioning API.
    pub model: String,
    /// `SIP` or `SCCP`.
    pub protocol: String,
    /// Whether Extension Mobility is on.
    pub em_enabled: bool,
    /// Whether the model shows phone services.
    pub has_services: bool,
    /// Profile shown when nobody is logged in.
    pub logout_profile: Option<(ProfilePk, String)>,
    /// Carried settings that decide what is shown.
    pub carried: Value,
    /// The default profile of its model.
    pub default_profile: Option<DefaultProfile>,
    /// Whether it plays the secure tone.
    pub is_protected: bool,
}

/// The default profile of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct DefaultProfile {
    /// Name as stored.
    pub name: String,
    /// Model it stands for.
    pub model: String,
    /// Carried settings that decide what is shown.
    pub carried: Value,
}

/// A person.
#[derive(Debug, Clone, PartialEq)]
pub struct EndUser {
    /// Key.
    pub pk: UserPk,
    /// User id as stored.
    pub user_id: String,
    /// Identity on the wire.
    pub uuid: Uuid,
    /// The user's own maximum login time, where the user profile grants it.
    pub own_limit: OwnLimit,
    /// Default profile.
    pub default_profile: Option<ProfilePk>,
    /// User locale, if one is set.
    pub locale: Option<String>,
    /// Version of the PIN, if there is one.
    pub pin_version: Option<i64>,
    /// Whether this is the user's home cluster.
    pub is_at_home: bool,
}

/// What a user's own setting says about the maximum login time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnLimit {
    /// Not granted or not set: the cluster's value counts.
    NotSet,
    /// Granted, and set to no maximum.
    Unlimited,
    /// Granted and set.
    Limited(LoginLimit),
}

/// A device profile that a login may choose.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceProfile {
    /// Key.
    pub pk: ProfilePk,
    /// Name as stored.
    pub name: String,
    /// Identity on the wire.
    pub uuid: Uuid,
    /// Model in the spelling of the provisioning API.
    pub model: String,
    /// Carried settings that decide what is shown.
    pub carried: Value,
}

/// A line on a button of a phone or profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Appearance {
    /// Button.
    pub index: i32,
    /// The line.
    pub line: LinePk,
    /// Directory number.
    pub pattern: String,
    /// Name of its partition.
    pub partition: Option<String>,
    /// Identity on the wire of an intercom line; none of another line, which nothing names by it.
    pub intercom: Option<Uuid>,
    /// The one phone on which an intercom line is presented.
    pub default_phone: Option<PhonePk>,
    /// Label on this button.
    pub label: Option<String>,
    /// Recording on this button; none when it is disabled.
    pub recording: Option<Recording>,
}

/// An active session with the names its events need.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Identity of the session.
    pub session_id: Uuid,
    /// The phone.
    pub phone: PhonePk,
    /// Name of the phone.
    pub phone_name: String,
    /// The person.
    pub user: UserPk,
    /// User id of the person.
    pub user_id: String,
    /// Identity of the person on the wire.
    pub user_uuid: Uuid,
    /// The profile in use.
    pub profile: ProfilePk,
    /// Name of the profile.
    pub profile_name: String,
    /// Identity of the profile on the wire.
    pub profile_uuid: Uuid,
    /// Model of the profile.
    pub profile_model: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What one login request sees.
#[derive(Debug, Clone, Default)]
pub struct Snapshot<'s> {
    /// The phone, if it exists.
    pub phone: Option<&'s Phone>,
    /// The user, if it exists.
    pub user: Option<&'s EndUser>,
    /// Who is on the phone.
    pub occupant: Option<&'s Session>,
    /// Where else the user is; filled unless the policy allows it, ordered by phone name.
    pub elsewhere: Vec<&'s Session>,
    /// The profiles the user may choose, in the user's order.
    pub controlled: Vec<&'s DeviceProfile>,
    /// The profile that the request names, if it exists.
    pub named: Option<&'s DeviceProfile>,
    /// Groups of the user, as far as the policy asks.
    pub groups: &'s [String],
    /// Device pool of the phone, as far as the policy asks.
    pub site: Option<&'s str>,
}

impl Phone {
    /// The phone as events show it.
    pub fn for_event(&self) -> EventPhone {
        EventPhone {
            name: self.name.clone(),
            uuid: self.uuid,
            model: self.model.clone(),
            protocol: self.protocol.clone(),
        }
    }
}

impl EndUser {
    /// The person as events show them.
    pub fn for_event(&self) -> EventUser {
        EventUser { user_id: self.user_id.clone(), uuid: self.uuid }
    }
}

impl DeviceProfile {
    /// The profile as events show it.
    pub fn for_event(&self) -> EventProfile {
        EventProfile { name: self.name.clone(), uuid: self.uuid, model: self.model.clone() }
    }
}

impl Appearance {
    /// Whether it is an intercom line.
    pub fn kind(&self) -> LineKind {
        if self.intercom.is_some() { LineKind::Intercom } else { LineKind::Line }
    }

    /// The line as events show it.
    pub fn for_event(&self) -> EventLine {
        EventLine {
            index: self.index,
            kind: self.kind(),
            dn: self.pattern.clone(),
            partition: self.partition.clone(),
            label: self.label.clone(),
            recording: self.recording.clone(),
        }
    }
}

impl Session {
    /// The person as events show them.
    pub fn user_for_event(&self) -> EventUser {
        EventUser { user_id: self.user_id.clone(), uuid: self.user_uuid }
    }

    /// The profile as events show it.
    pub fn profile_for_event(&self) -> EventProfile {
        EventProfile {
            name: self.profile_name.clone(),
            uuid: self.profile_uuid,
            model: self.profile_model.clone(),
        }
    }

    /// A short pointer to the session.
    pub fn reference(&self) -> SessionRef {
        SessionRef {
            session_id: self.session_id,
            device_name: self.phone_name.clone(),
            user_id: self.user_id.clone(),
            profile_name: self.profile_name.clone(),
        }
    }
}
