//! Values of service parameters, by node; who changes one takes the lock that every login shares (batched-login rule: a policy is the
//! same for a whole batch).
//!
//! A value that is absent or null is the parameter's default. Events are made by the caller from what [`set_parameter`] returns.

use std::collections::HashMap;

use diesel::prelude::*;
use uuid::Uuid;

use super::schema::{objects, service_parameters};
use super::{StoreError, Tx};
use crate::domain::ids::ObjectPk;
use crate::domain::names::fold;
use crate::domain::parameter::{self, CLUSTER_NODE, Parameter, Scope};

/// The key that `lock_and_read_logins` takes in share mode.
const POLICY_LOCK: i64 = 7_304_100;

diesel::define_sql_function! {
    /// Waits for a lock that ends with the transaction.
    fn pg_advisory_xact_lock(key: diesel::sql_types::BigInt);
}

/// A value as it is listed: one row for each parameter and node that has one, and for each default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterValue {
    /// The parameter.
    pub parameter: &'static Parameter,
    /// Name of the node; `EnterpriseWideData` for cluster-wide values.
    pub node: String,
    /// Identity of the row; none while nothing is stored.
    pub uuid: Option<Uuid>,
    /// The value in force.
    pub value: String,
}

/// A value that is now different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterChange {
    /// The parameter.
    pub parameter: &'static Parameter,
    /// Node; none for a cluster-wide value.
    pub node: Option<String>,
    /// Value before.
    pub previous: String,
    /// Value now.
    pub value: String,
    /// Whether another change of the same call made this one.
    pub implied: bool,
}

/// Finds the node that carries values of a name: the one named, or `EnterpriseWideData` for cluster-wide parameters.
fn find_node(
    tx: &mut Tx<'_>,
    parameter: &Parameter,
    node: &str,
) -> Result<Option<(ObjectPk, String)>, StoreError> {
    let named = match parameter.scope {
        Scope::Cluster => CLUSTER_NODE,
        Scope::Node => node,
    };
    find_node_named(tx, named)
}

fn find_node_named(tx: &mut Tx<'_>, name: &str) -> Result<Option<(ObjectPk, String)>, StoreError> {
    Ok(objects::table
        .filter(objects::type_.eq("ProcessNode").and(objects::name_key.eq(fold(name))))
        .select((objects::pk, objects::name))
        .first(tx.connection())
        .optional()?)
}

fn stored(
    tx: &mut Tx<'_>,
    parameter: &Parameter,
    node: ObjectPk,
) -> Result<Option<(Uuid, Option<String>)>, StoreError> {
    Ok(service_parameters::table
        .find((parameter.name, node.0))
        .select((service_parameters::uuid, service_parameters::value))
        .first(tx.connection())
        .optional()?)
}

/// The value of a parameter on a node; none when there is no such node. A node without a value of its own has the cluster's.
pub fn find_parameter(
    tx: &mut Tx<'_>,
    parameter: &'static Parameter,
    node: &str,
) -> Result<Option<ParameterValue>, StoreError> {
    let Some((pk, node)) = find_node(tx, parameter, node)? else { return Ok(None) };
    let own = stored(tx, parameter, pk)?;
    let uuid = own.as_ref().map(|(uuid, _)| *uuid);
    let mut value = own.and_then(|(_, value)| value);
    if value.is_none()
        && parameter.scope == Scope::Node
        && let Some((cluster, _)) = find_node_named(tx, CLUSTER_NODE)?
    {
        value = stored(tx, parameter, cluster)?.and_then(|(_, value)| value);
    }
    let value = value.unwrap_or_else(|| parameter.default.to_owned());
    Ok(Some(ParameterValue { parameter, node, uuid, value }))
}

/// Every parameter: cluster-wide ones once, those of nodes once for each process node, in the order of the table and of node names.
pub fn list_parameters(tx: &mut Tx<'_>) -> Result<Vec<ParameterValue>, StoreError> {
    let nodes: Vec<String> = objects::table
        .filter(objects::type_.eq("ProcessNode"))
        .order(objects::name_key)
        .select(objects::name)
        .load(tx.connection())?;
    let mut values = Vec::new();
    for parameter in parameter::PARAMETERS {
        let on: Vec<&str> = match parameter.scope {
            Scope::Cluster => vec![CLUSTER_NODE],
            Scope::Node => nodes.iter().map(String::as_str).collect(),
        };
        for node in on {
            values.extend(find_parameter(tx, parameter, node)?);
        }
    }
    Ok(values)
}

/// Cluster-wide values that are set, by name.
pub fn cluster_values(tx: &mut Tx<'_>) -> Result<HashMap<String, String>, StoreError> {
    let set: Vec<(String, Option<String>)> = service_parameters::table
        .inner_join(objects::table.on(objects::pk.eq(service_parameters::node_pk)))
        .filter(objects::type_.eq("ProcessNode").and(objects::name_key.eq(fold(CLUSTER_NODE))))
        .select((service_parameters::name, service_parameters::value))
        .load(tx.connection())?;
    Ok(set.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

/// The values in force on a node, for rules.
pub fn effective(tx: &mut Tx<'_>, parameter: &'static Parameter, node: &str) -> Result<String, StoreError> {
    let value = match find_parameter(tx, parameter, node)? {
        Some(value) => Some(value),
        None => find_parameter(tx, parameter, CLUSTER_NODE)?,
    };
    Ok(value.map_or_else(|| parameter.default.to_owned(), |v| v.value))
}

/// Sets a parameter to a value in its one spelling (`Parameter::parse`), or back to its default, with what that implies. Returns the
/// values that are now different, the requested one first; none when there is no such node.
pub fn set_parameter(
    tx: &mut Tx<'_>,
    parameter: &'static Parameter,
    node: &str,
    value: Option<&str>,
) -> Result<Option<Vec<ParameterChange>>, StoreError> {
    diesel::select(pg_advisory_xact_lock(POLICY_LOCK)).execute(tx.connection())?;
    let mut changes = Vec::new();
    let Some(change) = set_one(tx, parameter, node, value, false)? else { return Ok(None) };
    changes.extend(change.0);
    if let Some((other, value)) = parameter::implied(parameter, &change.1) {
        changes.extend(set_one(tx, other, node, Some(value), true)?.and_then(|(change, _)| change));
    }
    Ok(Some(changes))
}

/// Sets one value; returns the change, if it is one, and the value in force afterwards.
fn set_one(
    tx: &mut Tx<'_>,
    parameter: &'static Parameter,
    node: &str,
    value: Option<&str>,
    implied: bool,
) -> Result<Option<(Option<ParameterChange>, String)>, StoreError> {
    let Some((pk, _)) = find_node(tx, parameter, node)? else { return Ok(None) };
    let Some(before) = find_parameter(tx, parameter, node)? else { return Ok(None) };
    let uuid = tx.new_id();
    diesel::insert_into(service_parameters::table)
        .values((
            service_parameters::name.eq(parameter.name),
            service_parameters::node_pk.eq(pk.0),
            service_parameters::uuid.eq(uuid),
            service_parameters::value.eq(value),
        ))
        .on_conflict((service_parameters::name, service_parameters::node_pk))
        .do_update()
        .set(service_parameters::value.eq(value))
        .execute(tx.connection())?;
    let Some(after) = find_parameter(tx, parameter, node)? else { return Ok(None) };
    let change = (before.value != after.value).then(|| ParameterChange {
        parameter,
        node: (after.node != CLUSTER_NODE).then(|| after.node.clone()),
        previous: before.value,
        value: after.value.clone(),
        implied,
    });
    Ok(Some((change, after.value)))
}
