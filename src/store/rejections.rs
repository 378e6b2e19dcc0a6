//! What the audit of refusals asks the tables: which names are users and phones, and whose session was in the way.
//!
//! Reads without locks: nothing is decided on it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::objects::Selector;
use super::schema::{objects, sessions};
use super::{StoreError, Tx};
use crate::domain::event::SessionRef;
use crate::domain::ids::UserPk;

diesel::define_sql_function! {
    /// The id of the transaction, which gets one by this.
    fn txid_current() -> BigInt;
}

/// A user that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownUser {
    /// Row key.
    pub pk: UserPk,
    /// User id as stored.
    pub user_id: String,
}

/// A session and when it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSession {
    /// Pointer for events.
    pub session: SessionRef,
    /// Its beginning.
    pub started_at: DateTime<Utc>,
}

/// Finds the users among folded names.
pub fn users(tx: &mut Tx<'_>, names: &[&str]) -> Result<HashMap<String, KnownUser>, StoreError> {
    let found: Vec<(String, i64, String)> = objects::table
        .filter(objects::type_.eq("User").and(objects::name_key.eq_any(names)))
        .select((objects::name_key, objects::pk, objects::name))
        .load(tx.connection())?;
    let known = |(key, pk, user_id)| (key, KnownUser { pk: UserPk(pk), user_id });
    Ok(found.into_iter().map(known).collect())
}

/// The names of the phones among those that were named, by name or by identity.
pub fn phones(tx: &mut Tx<'_>, named: &[&Selector]) -> Result<HashMap<Selector, String>, StoreError> {
    let keys = named.iter().filter_map(|selector| match selector {
        Selector::Key(key) => Some(key.as_str()),
        Selector::Uuid(_) => None,
    });
    let identities = named.iter().filter_map(|selector| match selector {
        Selector::Uuid(uuid) => Some(*uuid),
        Selector::Key(_) => None,
    });
    let (keys, identities): (Vec<&str>, Vec<Uuid>) = (keys.collect(), identities.collect());
    let phones = || objects::table.filter(objects::type_.eq("Phone"));
    let by_key: Vec<(String, String)> = phones()
        .filter(objects::name_key.eq_any(keys))
        .select((objects::name_key, objects::name))
        .load(tx.connection())?;
    let by_identity: Vec<(Uuid, String)> = phones()
        .filter(objects::uuid.eq_any(identities))
        .select((objects::uuid, objects::name))
        .load(tx.connection())?;
    let by_key = by_key.into_iter().map(|(key, name)| (Selector::Key(key), name));
    let by_identity = by_identity.into_iter().map(|(uuid, name)| (Selector::Uuid(uuid), name));
    Ok(by_key.chain(by_identity).collect())
}

/// The sessions of users, each user's by the name of the phone.
pub fn sessions_of(
    tx: &mut Tx<'_>,
    users: &[UserPk],
) -> Result<HashMap<UserPk, Vec<KnownSession>>, StoreError> {
    let (phone, user, profile) = diesel::alias!(objects as phone, objects as user, objects as profile);
    let wanted: Vec<i64> = users.iter().map(|user| user.0).collect();
    let found: Vec<(i64, Uuid, DateTime<Utc>, String, String, String)> = sessions::table
        .inner_join(phone.on(phone.field(objects::pk).eq(sessions::phone_pk)))
        .inner_join(user.on(user.field(objects::pk).eq(sessions::user_pk)))
        .inner_join(profile.on(profile.field(objects::pk).eq(sessions::profile_pk)))
        .filter(sessions::user_pk.eq_any(wanted))
        .order(phone.field(objects::name))
        .select((
            sessions::user_pk,
            sessions::session_id,
            sessions::started_at,
            phone.field(objects::name),
            user.field(objects::name),
            profile.field(objects::name),
        ))
        .load(tx.connection())?;
    let mut by_user: HashMap<UserPk, Vec<KnownSession>> = HashMap::new();
    for (pk, session_id, started_at, device_name, user_id, profile_name) in found {
        let session = SessionRef { session_id, device_name, user_id, profile_name };
        by_user.entry(UserPk(pk)).or_default().push(KnownSession { session, started_at });
    }
    Ok(by_user)
}

/// The id of this transaction, by which its outcome can be asked for when its commit is not answered.
pub fn transaction_id(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    Ok(diesel::select(txid_current()).get_result(tx.connection())?)
}
