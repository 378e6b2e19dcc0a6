//! What intercom lines are now, as their state records say it: read by what touches them, or all of them in pages.

use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::schema::lines;
use super::{StoreError, Tx};
use crate::domain::event::{EventPhone, IntercomLine, IntercomOwner, IntercomState, OwnerKind};
use crate::domain::ids::{LinePk, ObjectPk};

/// Which intercom lines are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatesOf {
    /// Those on which a change of an object can show: the line itself, lines of a partition, lines on a phone or profile, lines whose
    /// default device a phone is.
    Object(ObjectPk),
    /// These lines.
    Lines(Vec<LinePk>),
    /// So many after a line, in order of their row keys.
    After(LinePk, i32),
}

/// Reads the states of intercom lines, in order of their row keys.
pub fn load(tx: &mut Tx<'_>, which: &StatesOf) -> Result<Vec<(LinePk, IntercomState)>, StoreError> {
    let query = match which {
        StatesOf::Object(object) => States::Object(object.0),
        StatesOf::Lines(lines) => States::Lines(lines.iter().map(|l| l.0).collect()),
        StatesOf::After(line, most) => States::After(line.0, *most),
    };
    let rows: Vec<StateRow> = query.load(tx.connection())?;
    Ok(rows.into_iter().map(|row| (LinePk(row.pk), row.into())).collect())
}

/// The same of lines that nobody else changes from now on.
pub fn lock(tx: &mut Tx<'_>, keys: &[LinePk]) -> Result<Vec<(LinePk, IntercomState)>, StoreError> {
    let wanted: Vec<i64> = keys.iter().map(|l| l.0).collect();
    let rows = lines::table.filter(lines::pk.eq_any(wanted)).order(lines::pk).select(lines::pk);
    rows.for_no_key_update().load::<i64>(tx.connection())?;
    load(tx, &StatesOf::Lines(keys.to_vec()))
}

#[derive(Queryable)]
struct StateRow {
    pk: i64,
    dn: String,
    partition: Option<String>,
    uuid: Uuid,
    owner: (Option<String>, Option<String>, Option<Uuid>),
    current: (Option<String>, Option<Uuid>, Option<String>, Option<String>),
}

impl From<StateRow> for IntercomState {
    fn from(row: StateRow) -> Self {
        let StateRow { pk: _, dn, partition, uuid, owner, current } = row;
        let owner = match owner {
            (Some(type_), Some(name), Some(uuid)) => {
                let kind = if type_ == "Phone" { OwnerKind::Device } else { OwnerKind::DeviceProfile };
                Some(IntercomOwner { kind, name, uuid })
            }
            _ => None,
        };
        let current = match current {
            (Some(name), Some(uuid), Some(model), Some(protocol)) => {
                Some(EventPhone { name, uuid, model, protocol })
            }
            _ => None,
        };
        Self { line: IntercomLine { dn, partition, uuid }, owner, current }
    }
}

enum States {
    Object(i64),
    Lines(Vec<i64>),
    After(i64, i32),
}

type Owner = (Nullable<Text>, Nullable<Text>, Nullable<SqlUuid>);
type Current = (Nullable<Text>, Nullable<SqlUuid>, Nullable<Text>, Nullable<Text>);

impl Query for States {
    type SqlType = (BigInt, Text, Nullable<Text>, SqlUuid, Owner, Current);
}

/// The tables never change their text, the condition has one of three.
impl diesel::query_builder::QueryId for States {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Pg> for States {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT l.pk, l.pattern, p.name, o.uuid, w.type, w.name, w.uuid, d.name, d.uuid, ph.model, ph.protocol \
             FROM lines l JOIN objects o ON o.pk = l.pk LEFT JOIN objects p ON p.pk = l.partition_pk \
             LEFT JOIN objects d ON d.pk = l.default_device_pk LEFT JOIN phones ph ON ph.pk = l.default_device_pk \
             LEFT JOIN LATERAL (SELECT x.type, x.name, x.uuid FROM line_appearances a JOIN objects x ON x.pk = a.owner_pk \
             WHERE a.line_pk = l.pk ORDER BY x.type, x.name_key LIMIT 1) w ON true WHERE l.usage = 'Device Intercom' AND ",
        );
        match self {
            Self::Object(object) => {
                // a list of keys by indexes; with OR it would be the whole table
                for (before, after) in [
                    ("l.pk IN (SELECT ", "::bigint"),
                    (" UNION ALL SELECT pk FROM lines WHERE partition_pk = ", ""),
                    (" UNION ALL SELECT pk FROM lines WHERE default_device_pk = ", ""),
                    (" UNION ALL SELECT line_pk FROM line_appearances WHERE owner_pk = ", ")"),
                ] {
                    out.push_sql(before);
                    out.push_bind_param::<BigInt, _>(object)?;
                    out.push_sql(after);
                }
                out.push_sql(" ORDER BY l.pk");
            }
            Self::Lines(lines) => {
                out.push_sql("l.pk = ANY (");
                out.push_bind_param::<Array<BigInt>, _>(lines)?;
                out.push_sql(") ORDER BY l.pk");
            }
            Self::After(line, most) => {
                out.push_sql("l.pk > ");
                out.push_bind_param::<BigInt, _>(line)?;
                out.push_sql(" ORDER BY l.pk LIMIT ");
                out.push_bind_param::<Integer, _>(most)?;
            }
        }
        Ok(())
    }
}

impl RunQueryDsl<PgConnection> for States {}
