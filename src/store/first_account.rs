//! The account with which a new cluster is set up.

use diesel::prelude::*;

use super::accounts::StoredHash;
use super::associations::{Association, associate};
use super::credentials;
use super::objects::{Carried, NewObject, Object, Selector, find, insert};
use super::schema::{app_users, objects};
use super::users::insert_app_user;
use super::{StoreError, Tx};
use crate::domain::credential::SecretKind;
use crate::domain::names::fold;

/// Whether nobody could sign in yet: there is no application user at all.
pub fn is_missing(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let any = app_users::table.select(app_users::pk).first::<i64>(tx.connection()).optional()?;
    Ok(any.is_none())
}

/// Adds an application user that belongs to one group; none when there is one by now.
pub fn add(
    tx: &mut Tx<'_>,
    name: &str,
    group: &str,
    secret: &StoredHash,
) -> Result<Option<Object>, StoreError> {
    // two nodes of a new cluster may start together: the second waits here until the first has committed
    objects::table
        .filter(objects::type_.eq("UserGroup").and(objects::name_key.eq(fold(group))))
        .select(objects::pk)
        .for_update()
        .first::<i64>(tx.connection())?;
    if !is_missing(tx)? {
        return Ok(None);
    }
    let carried = Carried::new();
    let key = fold(name);
    let new = NewObject { type_: "AppUser", name, name_key: &key, description: None, carried: &carried };
    let account = insert(tx, &new)?;
    insert_app_user(tx, account.pk)?;
    credentials::set(tx, account.pk, SecretKind::Password, secret)?;
    let group = find(tx, "UserGroup", &Selector::name(group))?.ok_or(StoreError::NotFound)?;
    associate(tx, account.pk, Association::Group, &[group.pk])?;
    Ok(Some(account))
}
