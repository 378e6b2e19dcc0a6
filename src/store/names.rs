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

/// What one request names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Names {
    /// The phone.
    pub phone: Selector,
    /// The person, if one is named.
    pub user: Option<Selector>,
    /// The profile, if one is named.
    pub profile: Option<Selector>,
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

/// Columns of the statement: one row a name that a request could give.
#[derive(Default)]
struct FindObjectKeys<'a> {
    types: Vec<&'static str>,
    keys: Vec<Option<&'a str>>,
    uuids: Vec<Option<Uuid>>,
}

impl<'a> FindObjectKeys<'a> {
    fn push(&mut self, type_: &'static str, selector: Option<&'a Selector>) {
        let (key, uuid) = match selector {
            Some(Selector::Key(key)) => (Some(key.as_str()), None),
            Some(Selector::Uuid(uuid)) => (None, Some(*uuid)),
            None => (None, None),
        };
        self.types.push(type_);
        self.keys.push(key);
        self.uuids.push(uuid);
    }
}

/// Finds what requests name, in their order.
pub fn resolve(tx: &mut Tx<'_>, requests: &[Names]) -> Result<Vec<Resolved>, StoreError> {
    let mut find = FindObjectKeys::default();
    for Names { phone, user, profile } in requests {
        find.push("Phone", Some(phone));
        find.push("User", user.as_ref());
        find.push("DeviceProfile", profile.as_ref());
    }
    let found: Vec<(i64, i64)> = find.load(tx.connection())?;
    let mut resolved = vec![Resolved::default(); requests.len()];
    for (place, pk) in found {
        let place = usize::try_from(place - 1).unwrap_or(usize::MAX);
        let Some(one) = resolved.get_mut(place / 3) else { continue };
        match place % 3 {
            0 => one.phone = Some(PhonePk(pk)),
            1 => one.user = Some(UserPk(pk)),
            _ => one.profile = Some(ProfilePk(pk)),
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
