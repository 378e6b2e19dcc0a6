//! Lines on buttons as rows.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::schema::{line_appearances, lines, objects};
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

/// A directory number as line entries show it.
#[derive(Debug, Clone)]
pub struct NamedLine {
    /// The digits.
    pub pattern: String,
    /// Its partition.
    pub partition: Option<i64>,
    /// Identity on the wire.
    pub uuid: Uuid,
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

/// The directory numbers that stand on some owners.
pub fn lines_of(tx: &mut Tx<'_>, owners: &[ObjectPk]) -> Result<HashMap<LinePk, NamedLine>, StoreError> {
    let owners: Vec<i64> = owners.iter().map(|o| o.0).collect();
    let rows: Vec<(LinePk, String, Option<i64>, Uuid)> = line_appearances::table
        .inner_join(lines::table.on(lines::pk.eq(line_appearances::line_pk)))
        .inner_join(objects::table.on(objects::pk.eq(line_appearances::line_pk)))
        .filter(line_appearances::owner_pk.eq_any(owners))
        .select((lines::pk, lines::pattern, lines::partition_pk, objects::uuid))
        .load(tx.connection())?;
    Ok(rows
        .into_iter()
        .map(|(pk, pattern, partition, uuid)| (pk, NamedLine { pattern, partition, uuid }))
        .collect())
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
