//! Everything a batch of logins and logouts decides on: locked in the fixed order, then read, in one round trip.
//!
//! The statement is constant, so each connection prepares it once. What the rows mean is written here and in the SQL function
//! `lock_and_read`; nothing is decided here.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use serde_json::Value;
use uuid::Uuid;

use super::{StoreError, Tx};
use crate::domain::event::{LineKind, Recording};
use crate::domain::ids::{LinePk, PhonePk, ProfilePk, UserPk};
use crate::domain::login_limit::LoginLimit;
use crate::domain::policy::LoginPolicy;
use crate::domain::snapshot::{Appearance, DefaultProfile, DeviceProfile, EndUser, OwnLimit, Phone, Session};

/// What a batch names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchKeys {
    /// Users who log in.
    pub users: Vec<UserPk>,
    /// Those of them who gave a PIN.
    pub pins: Vec<UserPk>,
    /// Profiles that requests name and users may not hold.
    pub profiles: Vec<ProfilePk>,
    /// Phones to log in on.
    pub phones: Vec<PhonePk>,
    /// Phones to be logged out, or whose occupant a login displaces.
    pub leaving: Vec<PhonePk>,
}

/// The locked world of one batch. Decisions of earlier requests are kept up to date in it by the writer.
#[derive(Debug, Default)]
pub struct BatchSnapshot {
    /// What the parameters say.
    pub policy: LoginPolicy,
    /// Users whose rows are locked.
    pub locked_users: HashSet<UserPk>,
    /// Users who log in.
    pub users: HashMap<UserPk, EndUser>,
    /// Phones, displaced ones included.
    pub phones: HashMap<PhonePk, Phone>,
    /// Profiles that users may choose or requests name.
    pub profiles: HashMap<ProfilePk, DeviceProfile>,
    /// Default profiles, by model and protocol.
    default_profiles: HashMap<(String, String), DefaultProfile>,
    /// Profiles of each user, in the user's order.
    pub controlled: HashMap<UserPk, Vec<ProfilePk>>,
    /// Sessions by phone.
    pub sessions: HashMap<PhonePk, Session>,
    /// Lines on the buttons of profiles and phones, by owner, in order of their buttons.
    pub appearances: HashMap<i64, Vec<Appearance>>,
    /// Application users that control a phone or profile, by its key, sorted.
    pub controllers: HashMap<i64, Vec<String>>,
}

type RowSql = (
    SmallInt,
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
    Nullable<Timestamptz>,
    Nullable<Jsonb>,
);

#[derive(Debug, Queryable)]
struct Row {
    kind: i16,
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
    ts2: Option<DateTime<Utc>>,
    doc: Option<Value>,
}

struct LockAndRead<'a>(&'a BatchKeys);

impl QueryFragment<Pg> for LockAndRead<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT * FROM lock_and_read(");
        out.push_bind_param::<Array<BigInt>, _>(&self.0.users)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.0.pins)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.0.profiles)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.0.phones)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.0.leaving)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for LockAndRead<'_> {
    type QueryId = LockAndRead<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for LockAndRead<'_> {
    type SqlType = RowSql;
}

impl<C> RunQueryDsl<C> for LockAndRead<'_> {}

struct PresentedLines(Vec<i64>);

impl QueryFragment<Pg> for PresentedLines {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT * FROM presented_lines(");
        out.push_bind_param::<Array<BigInt>, _>(&self.0)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for PresentedLines {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for PresentedLines {
    type SqlType = RowSql;
}

impl<C> RunQueryDsl<C> for PresentedLines {}

/// Locks and reads; sets the transaction's moment to the one after the last lock.
pub fn lock_and_read(tx: &mut Tx<'_>, keys: &BatchKeys) -> Result<BatchSnapshot, StoreError> {
    let (snapshot, moment) = read(tx, keys)?;
    if let (Some(moment), true) = (moment, tx.uses_database_time()) {
        tx.set_now(moment);
    }
    Ok(snapshot)
}

/// Reads phones whose sessions are to end, in a transaction that holds the locks of their users and of themselves and has its moment.
pub fn read_leaving(tx: &mut Tx<'_>, leaving: Vec<PhonePk>) -> Result<BatchSnapshot, StoreError> {
    Ok(read(tx, &BatchKeys { leaving, ..BatchKeys::default() })?.0)
}

fn read(tx: &mut Tx<'_>, keys: &BatchKeys) -> Result<(BatchSnapshot, Option<DateTime<Utc>>), StoreError> {
    let rows: Vec<Row> = LockAndRead(keys).load(tx.connection())?;
    let mut snapshot = BatchSnapshot::default();
    let mut moment = None;
    for row in rows {
        if row.kind == 0 {
            moment = row.ts;
        }
        snapshot
            .take(row)
            .ok_or_else(|| StoreError::Broken("lock_and_read: a row of another shape".into()))?;
    }
    snapshot.put_in_order();
    Ok((snapshot, moment))
}

/// The lines on the buttons of phones and profiles, by owner, in order of their buttons.
pub fn appearances(tx: &mut Tx<'_>, owners: Vec<i64>) -> Result<HashMap<i64, Vec<Appearance>>, StoreError> {
    let rows: Vec<Row> = PresentedLines(owners).load(tx.connection())?;
    let mut snapshot = BatchSnapshot::default();
    for row in rows {
        snapshot
            .take(row)
            .ok_or_else(|| StoreError::Broken("presented_lines: a row of another shape".into()))?;
    }
    snapshot.put_in_order();
    Ok(snapshot.appearances)
}

impl BatchSnapshot {
    /// Takes one row in; `None` is a row that is not what the SQL function promises.
    fn take(&mut self, row: Row) -> Option<()> {
        match row.kind {
            0 => self.take_policy(row)?,
            1 => {
                let user = user(row)?;
                self.users.insert(user.pk, user);
            }
            2 => {
                let phone = phone(row, &self.default_profiles)?;
                self.phones.insert(phone.pk, phone);
            }
            3 => {
                let session = session(row, &self.phones)?;
                self.sessions.insert(session.phone, session);
            }
            5 => {
                let (holder, profile) = (row.b, profile(row)?);
                if let Some(holder) = holder {
                    self.controlled.entry(UserPk(holder)).or_default().push(profile.pk);
                }
                self.profiles.insert(profile.pk, profile);
            }
            6 => {
                let (owner, appearance) = (row.a?, appearance(row)?);
                self.appearances.entry(owner).or_default().push(appearance);
            }
            7 => self.controllers.entry(row.a?).or_default().push(row.t1?),
            8 => {
                let default = DefaultProfile { name: row.t1?, model: row.t2?, carried: row.doc? };
                self.default_profiles.insert((default.model.clone(), row.t3?), default);
            }
            _ => return None,
        }
        Some(())
    }

    fn take_policy(&mut self, row: Row) -> Option<()> {
        let doc = row.doc?;
        let value = |name: &str| doc.get("parameters").and_then(|p| p.get(name)).and_then(Value::as_str);
        self.policy = LoginPolicy::from_values(value);
        let locked = doc.get("locked").and_then(Value::as_array)?;
        self.locked_users = locked.iter().filter_map(Value::as_i64).map(UserPk).collect();
        Some(())
    }

    /// Notes that an intercom line has got a default device.
    pub fn select(&mut self, line: LinePk, phone: PhonePk) {
        for appearance in self.appearances.values_mut().flatten().filter(|a| a.line == line) {
            appearance.default_phone = Some(phone);
        }
    }

    fn put_in_order(&mut self) {
        for lines in self.appearances.values_mut() {
            lines.sort_by_key(|l| l.index);
        }
        for programs in self.controllers.values_mut() {
            programs.sort();
            programs.dedup();
        }
    }
}

fn user(row: Row) -> Option<EndUser> {
    let own_limit = match (row.flag?, row.num) {
        (false, _) | (true, None) => OwnLimit::NotSet,
        (true, Some(seconds)) => {
            LoginLimit::from_seconds(i64::from(seconds)).map_or(OwnLimit::Unlimited, OwnLimit::Limited)
        }
    };
    Some(EndUser {
        pk: UserPk(row.a?),
        user_id: row.t1?,
        uuid: row.u?,
        own_limit,
        default_profile: row.b.map(ProfilePk),
        locale: row.t2,
        pin_version: row.c,
    })
}

fn phone(row: Row, defaults: &HashMap<(String, String), DefaultProfile>) -> Option<Phone> {
    let (model, protocol) = (row.t2?, row.t3?);
    Some(Phone {
        pk: PhonePk(row.a?),
        name: row.t1?,
        uuid: row.u?,
        em_enabled: row.flag?,
        has_services: row.num? != 0,
        logout_profile: row.b.map(ProfilePk).zip(row.t4),
        carried: row.doc?,
        default_profile: defaults.get(&(model.clone(), protocol.clone())).cloned(),
        protocol,
        model,
    })
}

/// The name of a phone that is locked has come with the phone.
fn session(row: Row, locked: &HashMap<PhonePk, Phone>) -> Option<Session> {
    let phone = PhonePk(row.a?);
    Some(Session {
        session_id: row.u?,
        phone,
        phone_name: row.t1.or_else(|| Some(locked.get(&phone)?.name.clone()))?,
        user: UserPk(row.b?),
        user_id: row.t2?,
        user_uuid: row.v?,
        profile: ProfilePk(row.c?),
        profile_name: row.t3?,
        profile_uuid: row.doc?.as_str()?.parse().ok()?,
        profile_model: row.t4?,
        started_at: row.ts?,
        expires_at: row.ts2,
    })
}

fn profile(row: Row) -> Option<DeviceProfile> {
    Some(DeviceProfile {
        pk: ProfilePk(row.a?),
        name: row.t1?,
        uuid: row.u?,
        model: row.t2?,
        carried: row.doc?,
    })
}

fn appearance(row: Row) -> Option<Appearance> {
    let text = |tag: &str| row.doc.as_ref()?.get(tag)?.as_str().map(str::to_owned);
    let flag = text("flag").filter(|flag| !flag.is_empty() && flag != "Call Recording Disabled");
    let recording = flag.map(|flag| Recording { flag, profile: row.t4.clone(), media_source: text("media") });
    Some(Appearance {
        index: row.num?,
        line: LinePk(row.b?),
        uuid: row.u?,
        pattern: row.t1?,
        partition: row.t2,
        kind: if row.flag? { LineKind::Intercom } else { LineKind::Line },
        default_phone: row.c.map(PhonePk),
        label: row.t3.filter(|label| !label.is_empty()),
        recording,
    })
}
