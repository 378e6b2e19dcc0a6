//! The one row about the cluster: its identity, the mark of the pepper that all nodes share, the database's half of the key of sign-ins.

use diesel::prelude::*;

use super::schema::cluster;
use super::{StoreError, Tx};

/// What the database knows of the pepper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PepperMark {
    /// Identity.
    pub id: String,
    /// Check value.
    pub check: String,
}

/// Reads what is known of the pepper.
pub fn pepper(tx: &mut Tx<'_>) -> Result<Option<PepperMark>, StoreError> {
    let row: (Option<String>, Option<String>) =
        cluster::table.select((cluster::pepper_id, cluster::pepper_check)).first(tx.connection())?;
    Ok(row.0.zip(row.1).map(|(id, check)| PepperMark { id, check }))
}

/// Keeps the mark of the first pepper and says which one is kept.
pub fn keep_pepper(tx: &mut Tx<'_>, mark: &PepperMark) -> Result<PepperMark, StoreError> {
    diesel::update(cluster::table.filter(cluster::pepper_id.is_null()))
        .set((cluster::pepper_id.eq(&mark.id), cluster::pepper_check.eq(&mark.check)))
        .execute(tx.connection())?;
    pepper(tx)?.ok_or(StoreError::NotFound)
}

/// Identity of the cluster, made at the first migration.
pub fn cluster_id(tx: &mut Tx<'_>) -> Result<String, StoreError> {
    Ok(cluster::table.select(cluster::cluster_id).first(tx.connection())?)
}

/// The database's half of the key that signs cookies of API clients.
pub fn sign_in_secret(tx: &mut Tx<'_>) -> Result<Vec<u8>, StoreError> {
    Ok(cluster::table.select(cluster::sign_in_secret).first(tx.connection())?)
}
