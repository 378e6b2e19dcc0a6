//! The nodes that have served this cluster, as objects: service parameters are keyed by them, clients list them.

use diesel::prelude::*;

use super::objects::{Carried, NewObject, Object, Selector, find, insert};
use super::schema::objects;
use super::{StoreError, Tx};
use crate::domain::names::fold;
use crate::domain::parameter::CLUSTER_NODE;

/// Type of a node among the objects.
const TYPE: &str = "ProcessNode";

/// Adds a node on its first start; none when it is known. The first node of a cluster is its publisher (design.md, rulings).
pub fn register(tx: &mut Tx<'_>, name: &str) -> Result<Option<Object>, StoreError> {
    // nodes of a new cluster may start together: one after the other looks whether it is the first
    objects::table
        .filter(objects::type_.eq(TYPE).and(objects::name_key.eq(fold(CLUSTER_NODE))))
        .select(objects::pk)
        .for_update()
        .first::<i64>(tx.connection())?;
    if find(tx, TYPE, &Selector::name(name))?.is_some() {
        return Ok(None);
    }
    let nodes: i64 = objects::table.filter(objects::type_.eq(TYPE)).count().get_result(tx.connection())?;
    let usage = if nodes == 1 { "Publisher" } else { "Subscriber" };
    let carried = Carried::from_iter([
        ("nodeUsage".to_owned(), usage.into()),
        ("processNodeRole".to_owned(), "CUCM Voice/Video".into()),
    ]);
    let key = fold(name);
    insert(tx, &NewObject { type_: TYPE, name, name_key: &key, description: None, carried: &carried })
        .map(Some)
}
