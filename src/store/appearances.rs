//! Lines on buttons as rows.

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::schema::line_appearances;
use super::{StoreError, Tx};
use crate::domain::ids::{LinePk, ObjectPk};

/// A line on one button.
#[derive(Debug, Clone, PartialEq, Queryable)]
pub struct Appearance {
    /// The phone or profile.
    pub owner: ObjectPk,
    /// The button, from 1.
    pub index: i32,
    /// The directory number.
    pub line: LinePk,
    /// Identity on the wire.
    pub uuid: Uuid,
    /// What is set for it there.
    pub settings: Value,
}

/// The lines of some owners, by owner and button.
pub fn of(tx: &mut Tx<'_>, owners: &[ObjectPk]) -> Result<Vec<Appearance>, StoreError> {
    let owners: Vec<i64> = owners.iter().map(|o| o.0).collect();
    let rows = line_appearances::table
        .filter(line_appearances::owner_pk.eq_any(owners))
        .order((line_appearances::owner_pk, line_appearances::index))
        .select((
            line_appearances::owner_pk,
            line_appearances::index,
            line_appearances::line_pk,
            line_appearances::uuid,
            line_appearances::settings,
        ));
    Ok(rows.load(tx.connection())?)
}

/// Puts a line on a button.
pub fn insert(tx: &mut Tx<'_>, row: &Appearance) -> Result<(), StoreError> {
    let values = (
        line_appearances::owner_pk.eq(row.owner),
        line_appearances::index.eq(row.index),
        line_appearances::line_pk.eq(row.line),
        line_appearances::uuid.eq(row.uuid),
        line_appearances::settings.eq(&row.settings),
    );
    diesel::insert_into(line_appearances::table).values(values).execute(tx.connection())?;
    Ok(())
}

/// Takes all lines off an owner.
pub fn remove_all(tx: &mut Tx<'_>, owner: ObjectPk) -> Result<(), StoreError> {
    diesel::delete(line_appearances::table.filter(line_appearances::owner_pk.eq(owner)))
        .execute(tx.connection())?;
    Ok(())
}

/// Takes one line off an owner and says from how many buttons.
pub fn remove_line(tx: &mut Tx<'_>, owner: ObjectPk, line: LinePk) -> Result<usize, StoreError> {
    let rows = line_appearances::table
        .filter(line_appearances::owner_pk.eq(owner))
        .filter(line_appearances::line_pk.eq(line));
    Ok(diesel::delete(rows).execute(tx.connection())?)
}
