//! The composite types that `lock_and_read_logins` returns, and what each becomes.

use chrono::{DateTime, Utc};
use diesel::deserialize::{FromSql, FromSqlRow, Result};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Jsonb, Nullable, Record, Text, Timestamptz, Uuid as SqlUuid,
};
use serde_json::Value;

use crate::domain::event::Recording;
use crate::domain::ids::{ProfilePk, UserPk};
use crate::domain::login_limit::LoginLimit;
use crate::domain::snapshot::{Appearance, DefaultProfile, DeviceProfile, EndUser, OwnLimit, Phone, Session};

/// What the SQL function returns.
#[derive(Debug, FromSqlRow)]
pub(super) struct Batch {
    /// After the last lock.
    pub(super) moment: DateTime<Utc>,
    /// Values of the service parameters by name.
    pub(super) parameters: Option<Value>,
    /// Users whose rows are locked.
    pub(super) locked: Vec<UserPk>,
    pub(super) users: Vec<EndUser>,
    pub(super) phones: Vec<Phone>,
    pub(super) profiles: Vec<DeviceProfile>,
    /// Users, each as often as it holds a profile…
    pub(super) holders: Vec<UserPk>,
    /// …and those profiles, in each user's order.
    pub(super) held: Vec<ProfilePk>,
    pub(super) sessions: Vec<Session>,
    pub(super) buttons: Vec<Button>,
    /// Keys of phones and profiles with the names of application users.
    pub(super) controllers: Vec<(i64, String)>,
}

/// A line on a button, and whose button it is.
#[derive(Debug)]
pub(super) struct Button {
    pub(super) owner: i64,
    pub(super) appearance: Appearance,
}

/// What a composite type becomes: `composite!(NameSql(key: BigInt, name: Text) => Named { key, name })` names the fields in the order
/// of the type, makes the type known to diesel as `NameSql` and reads it into `Named`.
macro_rules! composite {
    ($sql:ident($($field:ident: $kind:ty),* $(,)?) => $name:ident { $($made:tt)* }) => {
        pub(super) type $sql = Record<($($kind,)*)>;

        impl FromSql<$sql, Pg> for $name {
            fn from_sql(value: PgValue<'_>) -> Result<Self> {
                let ($($field,)*) = FromSql::<$sql, Pg>::from_sql(value)?;
                Ok($name { $($made)* })
            }
        }
    };
}

composite! {
    BatchSql(
        moment: Timestamptz,
        parameters: Nullable<Jsonb>,
        locked: Array<BigInt>,
        users: Array<UserSql>,
        phones: Array<PhoneSql>,
        profiles: Array<ProfileSql>,
        holders: Array<BigInt>,
        held: Array<BigInt>,
        sessions: Array<SessionSql>,
        buttons: Array<ButtonSql>,
        controllers: Array<Record<(BigInt, Text)>>,
    ) => Batch {
        moment, parameters, locked, users, phones, profiles, holders, held, sessions, buttons, controllers
    }
}

composite! {
    UserSql(
        pk: BigInt,
        user_id: Text,
        uuid: SqlUuid,
        own_seconds: Nullable<Integer>,
        default_profile: Nullable<BigInt>,
        locale: Nullable<Text>,
        pin_version: Nullable<BigInt>,
        is_at_home: Bool,
    ) => EndUser {
        pk, user_id, uuid, own_limit: own_limit(own_seconds), default_profile, locale, pin_version, is_at_home
    }
}

composite! {
    DefaultProfileSql(name: Text, model: Text, carried: Jsonb) => DefaultProfile { name, model, carried }
}

composite! {
    PhoneSql(
        pk: BigInt,
        name: Text,
        uuid: SqlUuid,
        model: Text,
        protocol: Text,
        em_enabled: Bool,
        has_services: Bool,
        logout_profile: Nullable<Record<(BigInt, Text)>>,
        carried: Jsonb,
        default_profile: Nullable<DefaultProfileSql>,
        is_protected: Bool,
    ) => Phone {
        pk, name, uuid, model, protocol, em_enabled, has_services, logout_profile, carried, default_profile,
        is_protected
    }
}

composite! {
    ProfileSql(pk: BigInt, name: Text, uuid: SqlUuid, model: Text, carried: Jsonb) => DeviceProfile {
        pk, name, uuid, model, carried
    }
}

composite! {
    SessionSql(
        session_id: SqlUuid,
        phone: BigInt,
        phone_name: Text,
        user: BigInt,
        user_id: Text,
        user_uuid: SqlUuid,
        profile: BigInt,
        profile_name: Text,
        profile_uuid: SqlUuid,
        profile_model: Text,
        started_at: Timestamptz,
        expires_at: Nullable<Timestamptz>,
    ) => Session {
        session_id, phone, phone_name, user, user_id, user_uuid, profile, profile_name, profile_uuid, profile_model,
        started_at, expires_at
    }
}

composite! {
    ButtonSql(
        owner: BigInt,
        index: Integer,
        line: BigInt,
        pattern: Text,
        partition: Nullable<Text>,
        intercom: Nullable<SqlUuid>,
        default_phone: Nullable<BigInt>,
        label: Nullable<Text>,
        recording_flag: Nullable<Text>,
        recording_profile: Nullable<Text>,
        media_source: Nullable<Text>,
    ) => Button {
        owner,
        appearance: Appearance {
            index, line, pattern, partition, intercom, default_phone,
            label: given(label),
            recording: recording(recording_flag, recording_profile, media_source),
        }
    }
}

fn own_limit(seconds: Option<i32>) -> OwnLimit {
    seconds.map_or(OwnLimit::NotSet, |seconds| {
        LoginLimit::from_seconds(i64::from(seconds)).map_or(OwnLimit::Unlimited, OwnLimit::Limited)
    })
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn recording(
    flag: Option<String>,
    profile: Option<String>,
    media_source: Option<String>,
) -> Option<Recording> {
    let flag = given(flag).filter(|flag| flag != "Call Recording Disabled")?;
    Some(Recording { flag, profile, media_source })
}
