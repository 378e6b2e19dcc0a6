//! Directory numbers as rows.

use diesel::prelude::*;

use super::objects::{ObjectFilter, ObjectName, Pattern};
use super::schema::{line_appearances, lines, objects};
use super::{StoreError, Tx};
use crate::domain::ids::{LinePk, ObjectPk, PhonePk};

/// The typed core of a line.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = lines, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct LineRow {
    /// Row key.
    pub pk: LinePk,
    /// The digits.
    pub pattern: String,
    /// Its partition.
    #[diesel(column_name = partition_pk)]
    pub partition: Option<ObjectPk>,
    /// `Device`, `Device Intercom` or another use.
    pub usage: String,
    /// Intercom lines: the phone on which it is presented.
    #[diesel(column_name = default_device_pk)]
    pub default_device: Option<PhonePk>,
}

/// Adds the typed core of a line.
pub fn insert(tx: &mut Tx<'_>, row: &LineRow) -> Result<(), StoreError> {
    diesel::insert_into(lines::table).values(row).execute(tx.connection())?;
    Ok(())
}

/// Writes the typed core of a line back.
pub fn update(tx: &mut Tx<'_>, row: &LineRow) -> Result<(), StoreError> {
    diesel::update(lines::table.find(row.pk)).set(row).execute(tx.connection())?;
    Ok(())
}

/// Reads one line.
pub fn get(tx: &mut Tx<'_>, line: LinePk) -> Result<LineRow, StoreError> {
    Ok(lines::table.find(line).select(LineRow::as_select()).first(tx.connection())?)
}

/// Reads one line that may be gone.
pub fn find(tx: &mut Tx<'_>, line: LinePk) -> Result<Option<LineRow>, StoreError> {
    Ok(lines::table.find(line).select(LineRow::as_select()).first(tx.connection()).optional()?)
}

/// One line as events name it: `DN|partition`.
pub fn event_name(tx: &mut Tx<'_>, line: LinePk) -> Result<ObjectName, StoreError> {
    let row = get(tx, line)?;
    let object = super::objects::get(tx, line.into())?;
    let partition = match row.partition {
        Some(partition) => super::objects::get(tx, partition)?.name,
        None => String::new(),
    };
    Ok(ObjectName {
        pk: object.pk,
        type_: object.type_,
        name: format!("{}|{partition}", row.pattern),
        uuid: object.uuid,
    })
}

/// The phones and profiles on which a line stands, by name.
pub fn owners(tx: &mut Tx<'_>, line: LinePk) -> Result<Vec<ObjectName>, StoreError> {
    let owners = line_appearances::table
        .filter(line_appearances::line_pk.eq(line.0))
        .select(line_appearances::owner_pk);
    let rows = objects::table
        .filter(objects::pk.eq_any(owners))
        .order((objects::name_key, objects::pk))
        .select((objects::pk, objects::type_, objects::name, objects::uuid));
    Ok(rows.load(tx.connection())?)
}

/// The lines of a pattern, each with the name of its partition.
pub fn of_pattern(tx: &mut Tx<'_>, pattern: &str) -> Result<Vec<(LinePk, Option<String>)>, StoreError> {
    let rows = lines::table
        .left_join(objects::table.on(objects::pk.nullable().eq(lines::partition_pk)))
        .filter(lines::pattern.eq(pattern))
        .order(lines::pk)
        .select((lines::pk, objects::name.nullable()));
    Ok(rows.load(tx.connection())?)
}

/// The condition of a list criterion on lines.
pub fn criterion(tag: &str, pattern: &Pattern) -> Option<ObjectFilter> {
    match tag {
        "pattern" => {
            let rows = lines::table.filter(lines::pattern.ilike(pattern.text())).select(lines::pk);
            Some(Box::new(objects::pk.eq_any(rows)))
        }
        "usage" => {
            let rows = lines::table.filter(lines::usage.ilike(pattern.text())).select(lines::pk);
            Some(Box::new(objects::pk.eq_any(rows)))
        }
        "routePartitionName" => {
            let partitions = diesel::alias!(objects as partitions);
            let named = partitions
                .filter(partitions.field(objects::name_key).like(pattern.folded()))
                .filter(partitions.field(objects::type_).eq("RoutePartition"))
                .select(partitions.field(objects::pk).nullable());
            let rows = lines::table.filter(lines::partition_pk.eq_any(named)).select(lines::pk);
            Some(Box::new(objects::pk.eq_any(rows)))
        }
        _ => None,
    }
}
