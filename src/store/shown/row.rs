//! The statement that shows objects and what its rows mean.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::{Button, Config, Layer, Part, Shown, ShownCredential, ShownSession};
use crate::domain::ids::{LinePk, ObjectPk, PhonePk, ProfilePk};
use crate::domain::names::fold;
use crate::store::lines::LineRow;
use crate::store::objects::{Object, ObjectName};
use crate::store::phones::PhoneRow;
use crate::store::users::UserRow;

/// The statement: objects by type with folded name or uuid, others by key, and the parts that are wanted.
#[derive(Default)]
pub(super) struct ShowObjects {
    pub(super) types: Vec<&'static str>,
    pub(super) keys: Vec<Option<String>>,
    pub(super) uuids: Vec<Option<Uuid>>,
    pub(super) pks: Vec<i64>,
    pub(super) parts: Vec<&'static str>,
}

impl QueryFragment<Pg> for ShowObjects {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT * FROM show_objects(");
        out.push_bind_param::<Array<Text>, _>(&self.types)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.keys)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<SqlUuid>>, _>(&self.uuids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.pks)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.parts)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for ShowObjects {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for ShowObjects {
    type SqlType = (
        Text,
        Nullable<BigInt>,
        Nullable<BigInt>,
        Nullable<BigInt>,
        Nullable<Bool>,
        Nullable<Integer>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<SqlUuid>,
        Nullable<SqlUuid>,
        Nullable<Timestamptz>,
        Nullable<Jsonb>,
    );
}

impl<C> RunQueryDsl<C> for ShowObjects {}

impl Part {
    /// The part as the statement names it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Phones => "phone",
            Self::Models => "model",
            Self::Lines => "line",
            Self::LinePhones => "line-phone",
            Self::Users => "user",
            Self::Associations => "association",
            Self::Buttons => "button",
            Self::Sessions => "session",
            Self::Configs => "config",
            Self::Credentials => "credential",
            Self::Names => "name",
        }
    }
}

/// One row of the statement.
#[derive(Debug, Queryable)]
pub(super) struct Row {
    pub(super) part: String,
    a: Option<i64>,
    b: Option<i64>,
    c: Option<i64>,
    flag: Option<bool>,
    num: Option<i32>,
    t1: Option<String>,
    t2: Option<String>,
    t3: Option<String>,
    t4: Option<String>,
    u: Option<Uuid>,
    v: Option<Uuid>,
    ts: Option<DateTime<Utc>>,
    doc: Option<Value>,
}

impl Row {
    /// Takes the row in; `None` is a row that is not what the SQL function promises.
    pub(super) fn put_into(self, shown: &mut Shown) -> Option<()> {
        let pk = ObjectPk(self.a?);
        match self.part.as_str() {
            "object" => {
                let place = usize::try_from(self.num? - 1).ok()?;
                shown.places.insert(place, pk);
                shown.objects.insert(pk, self.object()?);
            }
            "phone" => drop(shown.phones.insert(pk, self.phone()?)),
            "model" => drop(shown.models.insert(pk, (self.t1?, self.t2?))),
            "line" => drop(shown.lines.insert(pk, self.line()?)),
            "line-phone" => shown.line_phones.entry(pk).or_default().push(self.t1?),
            "user" => drop(shown.users.insert(pk, self.user()?)),
            "association" => {
                let target =
                    ObjectName { pk: ObjectPk(self.b?), type_: self.t2?, name: self.t3?, uuid: self.u? };
                shown.associations.entry(pk).or_default().push((self.t1?, target));
            }
            "button" => shown.buttons.entry(pk).or_default().push(self.button()?),
            "session" => {
                let session = self.session()?;
                shown.sessions.insert(session.profile.into(), session.clone());
                shown.sessions.insert(pk, session);
            }
            "config" => drop(shown.configs.insert(pk, self.config()?)),
            "layer" => {
                drop(shown.layers.insert(pk, Layer { name: self.t1?, model: self.t2, carried: self.doc? }));
            }
            "credential" => shown.credentials.entry(pk).or_default().push(self.credential()?),
            "name" => shown.names.insert(pk.0, self.t1?, self.u?),
            _ => return None,
        }
        Some(())
    }

    fn object(self) -> Option<Object> {
        Some(Object {
            pk: ObjectPk(self.a?),
            type_: self.t4?,
            name: self.t1?,
            name_key: self.t2?,
            description: self.t3,
            uuid: self.u?,
            carried: self.doc?,
            revision: self.b?,
            changed_at: self.ts?,
        })
    }

    fn phone(self) -> Option<PhoneRow> {
        Some(PhoneRow {
            pk: PhonePk(self.a?),
            model: self.t1?,
            protocol: self.t2?,
            em_enabled: self.flag?,
            logout_profile: self.b.map(ProfilePk),
        })
    }

    fn line(self) -> Option<LineRow> {
        Some(LineRow {
            pk: LinePk(self.a?),
            pattern: self.t1?,
            partition: self.b.map(ObjectPk),
            usage: self.t2?,
            default_device: self.c.map(PhonePk),
        })
    }

    fn user(self) -> Option<UserRow> {
        Some(UserRow {
            first_name: self.t1,
            last_name: self.t2?,
            department: self.t3,
            home_cluster: self.flag?,
            max_login_seconds: self.num,
            default_profile: self.b.map(ProfilePk),
            self_service_key: self.t4.as_deref().map(fold),
            self_service: self.t4,
            ..UserRow::new(ObjectPk(self.a?).into())
        })
    }

    fn button(self) -> Option<Button> {
        Some(Button {
            index: self.num?,
            line: LinePk(self.b?),
            pattern: self.t1?,
            partition: self.c.map(ObjectPk),
            line_uuid: self.v?,
            uuid: self.u?,
            settings: self.doc?,
        })
    }

    fn session(self) -> Option<ShownSession> {
        Some(ShownSession {
            phone: PhonePk(self.a?),
            profile: ProfilePk(self.b?),
            user_id: self.t1?,
            started_at: self.ts?,
            max_login_seconds: self.num,
        })
    }

    fn config(self) -> Option<Config> {
        Some(Config {
            profile: self.b.map(ObjectPk),
            default_profile: self.c.map(ObjectPk),
            has_services: self.flag?,
            model: self.t1?,
            protocol: self.t2?,
            user_locale: self.t3,
        })
    }

    fn credential(self) -> Option<ShownCredential> {
        let doc = self.doc?;
        let flag = |name: &str| doc.get(name)?.as_bool();
        let locked_at = doc.get("adminLockedAt").and_then(Value::as_str);
        Some(ShownCredential {
            kind: self.t1?,
            policy: self.b.map(ObjectPk),
            changed_at: self.ts,
            cant_change: flag("cantChange")?,
            must_change: flag("mustChange")?,
            never_expires: flag("neverExpires")?,
            admin_locked_at: locked_at.and_then(|text| text.parse().ok()),
        })
    }
}
