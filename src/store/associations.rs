//! What users and application users may use or control, as rows; each goes away with either end.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::objects::ObjectName;
use super::schema::{associations, objects};
use super::{StoreError, Tx};
use crate::domain::ids::ObjectPk;

/// Rows in one statement; each brings four of its parameters.
const MOST_IN_STATEMENT: usize = 1000;

/// What a user or application user may use or control, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Association {
    /// Device profiles a person may log in with.
    Profile,
    /// Device profiles whose phone a program controls while they are logged in.
    CtiProfile,
    /// Phones.
    Phone,
    /// Access control groups.
    Group,
}

impl Association {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Profile, Self::CtiProfile, Self::Phone, Self::Group];

    /// The kind as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::CtiProfile => "cti-profile",
            Self::Phone => "phone",
            Self::Group => "group",
        }
    }
}

/// What some holders are associated with, by holder and position.
pub fn associated(
    tx: &mut Tx<'_>,
    holders: &[ObjectPk],
    kind: Association,
) -> Result<Vec<(ObjectPk, ObjectName)>, StoreError> {
    let columns = (associations::holder_pk, (objects::pk, objects::type_, objects::name, objects::uuid));
    let rows = associations::table
        .inner_join(objects::table.on(objects::pk.eq(associations::target_pk)))
        .filter(associations::holder_pk.eq_any(holders.iter().map(|h| h.0).collect::<Vec<_>>()))
        .filter(associations::kind.eq(kind.as_str()))
        .order((associations::holder_pk, associations::position))
        .select(columns)
        .load::<(ObjectPk, ObjectName)>(tx.connection())?;
    Ok(rows)
}

/// Who is associated with a target, by name, and how.
pub fn holders(tx: &mut Tx<'_>, target: ObjectPk) -> Result<Vec<(ObjectName, Association)>, StoreError> {
    let columns = ((objects::pk, objects::type_, objects::name, objects::uuid), associations::kind);
    let rows = associations::table
        .inner_join(objects::table.on(objects::pk.eq(associations::holder_pk)))
        .filter(associations::target_pk.eq(target.0))
        .order((objects::type_, objects::name_key, associations::kind))
        .select(columns)
        .load::<(ObjectName, String)>(tx.connection())?;
    let known = |text: &str| Association::ALL.into_iter().find(|kind| kind.as_str() == text);
    Ok(rows.into_iter().filter_map(|(holder, kind)| Some((holder, known(&kind)?))).collect())
}

/// Replaces what a holder is associated with; the order given is kept, a repeated target counts once.
pub fn associate(
    tx: &mut Tx<'_>,
    holder: ObjectPk,
    kind: Association,
    targets: &[ObjectPk],
) -> Result<(), StoreError> {
    let of_holder = associations::table
        .filter(associations::holder_pk.eq(holder.0))
        .filter(associations::kind.eq(kind.as_str()));
    diesel::delete(of_holder).execute(tx.connection())?;
    let mut seen = BTreeSet::new();
    let distinct = targets.iter().filter(|t| seen.insert(**t)).zip(1_i32..);
    let rows: Vec<_> = distinct
        .map(|(target, position)| {
            (
                associations::holder_pk.eq(holder.0),
                associations::kind.eq(kind.as_str()),
                associations::target_pk.eq(target.0),
                associations::position.eq(position),
            )
        })
        .collect();
    for some in rows.chunks(MOST_IN_STATEMENT) {
        diesel::insert_into(associations::table).values(some).execute(tx.connection())?;
    }
    Ok(())
}
