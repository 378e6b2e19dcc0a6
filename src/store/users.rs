//! Users and application users as rows.

use diesel::prelude::*;
use uuid::Uuid;

use super::objects::{ObjectFilter, Pattern};
use super::schema::{app_users, objects, users};
use super::{StoreError, Tx};
use crate::domain::ids::{ObjectPk, ProfilePk, UserPk};

/// The typed core of a user.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct UserRow {
    /// Row key.
    pub pk: UserPk,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: String,
    /// Department.
    pub department: Option<String>,
    /// Whether this cluster is the user's home.
    pub home_cluster: bool,
    /// Own maximum login time.
    pub max_login_seconds: Option<i32>,
    /// Profile used when none is chosen.
    #[diesel(column_name = default_profile_pk)]
    pub default_profile: Option<ProfilePk>,
    /// Self-service id in its own spelling.
    pub self_service: Option<String>,
    /// Self-service id as compared.
    pub self_service_key: Option<String>,
}

impl UserRow {
    /// A user of whom nothing is known yet.
    pub fn new(pk: UserPk) -> Self {
        Self {
            pk,
            first_name: None,
            last_name: String::new(),
            department: None,
            home_cluster: true,
            max_login_seconds: None,
            default_profile: None,
            self_service: None,
            self_service_key: None,
        }
    }
}

/// The people whose self-service id this is: one at most.
pub fn with_self_service_id(tx: &mut Tx<'_>, key: &str) -> Result<Vec<Uuid>, StoreError> {
    let found = users::table.inner_join(objects::table.on(objects::pk.eq(users::pk)));
    let found = found.filter(users::self_service_key.eq(key)).select(objects::uuid);
    Ok(found.load(tx.connection())?)
}

/// The people whose primary extension this is, in whatever partition; two at most.
pub fn with_primary_extension(tx: &mut Tx<'_>, pattern: &str) -> Result<Vec<Uuid>, StoreError> {
    let extension = objects::carried.retrieve_as_object("primaryExtension").retrieve_as_text("pattern");
    let found = objects::table.filter(objects::type_.eq("User")).filter(extension.eq(pattern));
    Ok(found.select(objects::uuid).limit(2).load(tx.connection())?)
}

/// How many user ids have a character that no keypad types, and the first of them (EM-083).
pub fn untypable(tx: &mut Tx<'_>) -> Result<(i64, Option<String>), StoreError> {
    // as the index has it: printable ASCII can be typed, a blank cannot
    let is_untypable = diesel::dsl::sql::<diesel::sql_types::Bool>("name ~ '[^!-~]'");
    let found = objects::table.filter(objects::type_.eq("User")).filter(is_untypable);
    let counted = found.select((diesel::dsl::count_star(), diesel::dsl::min(objects::name)));
    Ok(counted.first(tx.connection())?)
}

/// Adds the typed core of a user.
pub fn insert(tx: &mut Tx<'_>, row: &UserRow) -> Result<(), StoreError> {
    diesel::insert_into(users::table).values(row).execute(tx.connection())?;
    Ok(())
}

/// Writes the typed core of a user back.
pub fn update(tx: &mut Tx<'_>, row: &UserRow) -> Result<(), StoreError> {
    diesel::update(users::table.find(row.pk)).set(row).execute(tx.connection())?;
    Ok(())
}

/// Sets the profile used when none is chosen.
pub fn set_default_profile(
    tx: &mut Tx<'_>,
    user: UserPk,
    profile: Option<ProfilePk>,
) -> Result<(), StoreError> {
    diesel::update(users::table.find(user))
        .set(users::default_profile_pk.eq(profile))
        .execute(tx.connection())?;
    Ok(())
}

/// Reads one user.
pub fn get(tx: &mut Tx<'_>, user: UserPk) -> Result<UserRow, StoreError> {
    Ok(users::table.find(user).select(UserRow::as_select()).first(tx.connection())?)
}

/// The condition of a list criterion on users.
pub fn criterion(tag: &str, pattern: &Pattern) -> Option<ObjectFilter> {
    let pattern = pattern.text();
    match tag {
        "firstName" => {
            let rows =
                users::table.filter(users::first_name.assume_not_null().ilike(pattern)).select(users::pk);
            Some(Box::new(objects::pk.eq_any(rows)))
        }
        "lastName" => {
            let rows = users::table.filter(users::last_name.ilike(pattern)).select(users::pk);
            Some(Box::new(objects::pk.eq_any(rows)))
        }
        "department" => {
            let rows =
                users::table.filter(users::department.assume_not_null().ilike(pattern)).select(users::pk);
            Some(Box::new(objects::pk.eq_any(rows)))
        }
        _ => None,
    }
}

/// Adds the typed core of an application user.
pub fn insert_app_user(tx: &mut Tx<'_>, pk: ObjectPk) -> Result<(), StoreError> {
    diesel::insert_into(app_users::table).values(app_users::pk.eq(pk.0)).execute(tx.connection())?;
    Ok(())
}

/// The users whose default profile this is.
pub fn with_default_profile(tx: &mut Tx<'_>, profile: ProfilePk) -> Result<Vec<ObjectPk>, StoreError> {
    let rows = users::table.filter(users::default_profile_pk.eq(profile.0)).select(users::pk);
    Ok(rows.load(tx.connection())?)
}
