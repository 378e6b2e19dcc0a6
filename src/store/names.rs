//! What logins and logouts name, as row keys; many requests in one statement.
//!
//! Keys never change, so no lock is needed: that a key still exists is seen again under the locks of its batch.

use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::objects::Selector;
use super::{StoreError, Tx};
use crate::domain::ids::{PhonePk, ProfilePk, UserPk};

/// How a request gives one thing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Named<K> {
    /// Its key is known.
    Known(K),
    /// By name or uuid.
    By(Selector),
}

/// What one request names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Names {
    /// The phone.
    pub phone: Named<PhonePk>,
    /// The person, if one is named.
    pub user: Option<Named<UserPk>>,
    /// The profile, if one is named.
    pub profile: Option<Named<ProfilePk>>,
}

/// The same as keys; absent where nothing of that name exists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The phone.
    pub phone: Option<PhonePk>,
    /// The person.
    pub user: Option<UserPk>,
    /// The profile.
    pub profile: Option<ProfilePk>,
}

/// Columns of the statement: one row a name that is to be looked up.
#[derive(Default)]
struct FindObjectKeys<'a> {
    types: Vec<&'static str>,
    keys: Vec<Option<&'a str>>,
    uuids: Vec<Option<Uuid>>,
}

type Put = fn(&mut Resolved, i64);

impl<'a> FindObjectKeys<'a> {
    fn push(&mut self, type_: &'static str, selector: &'a Selector) {
        let (key, uuid) = match selector {
            Selector::Key(key) => (Some(key.as_str()), None),
            Selector::Uuid(uuid) => (None, Some(*uuid)),
        };
        self.types.push(type_);
        self.keys.push(key);
        self.uuids.push(uuid);
    }
}

/// Finds what requests name, in their order.
pub fn resolve(tx: &mut Tx<'_>, requests: &[&Names]) -> Result<Vec<Resolved>, StoreError> {
    let mut resolved = vec![Resolved::default(); requests.len()];
    let mut find = FindObjectKeys::default();
    let mut places: Vec<(usize, Put)> = Vec::new();
    for (at, (names, known)) in requests.iter().zip(&mut resolved).enumerate() {
        let mut look = |type_, selector, put: Put| {
            find.push(type_, selector);
            places.push((at, put));
        };
        match &names.phone {
            Named::Known(pk) => known.phone = Some(*pk),
            Named::By(selector) => look("Phone", selector, |r, pk| r.phone = Some(PhonePk(pk))),
        }
        match &names.user {
            Some(Named::By(selector)) => look("User", selector, |r, pk| r.user = Some(UserPk(pk))),
            Some(Named::Known(pk)) => known.user = Some(*pk),
            None => {}
        }
        match &names.profile {
            Some(Named::By(selector)) => {
                look("DeviceProfile", selector, |r, pk| r.profile = Some(ProfilePk(pk)));
            }
            Some(Named::Known(pk)) => known.profile = Some(*pk),
            None => {}
        }
    }
    if places.is_empty() {
        return Ok(resolved);
    }
    let found: Vec<(i64, i64)> = find.load(tx.connection())?;
    for (place, pk) in found {
        let place = usize::try_from(place - 1).ok().and_then(|place| places.get(place));
        if let Some((one, put)) = place.and_then(|(at, put)| Some((resolved.get_mut(*at)?, put))) {
            put(one, pk);
        }
    }
    Ok(resolved)
}

impl QueryFragment<Pg> for FindObjectKeys<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT place, pk FROM find_object_keys(");
        out.push_bind_param::<Array<Text>, _>(&self.types)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.keys)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<SqlUuid>>, _>(&self.uuids)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for FindObjectKeys<'_> {
    type QueryId = FindObjectKeys<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for FindObjectKeys<'_> {
    type SqlType = (BigInt, BigInt);
}

impl RunQueryDsl<PgConnection> for FindObjectKeys<'_> {}
