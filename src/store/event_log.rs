//! The event log in the database: append.
//!
//! Promises that the rows of one call get keys in their order. Numbers are given in [`super::number_line`]; what an event says is
//! decided in [`crate::event`].

use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::{StoreError, Tx};

/// An event as it is stored: addressed and serialised, without a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Identity of the event.
    pub id: Uuid,
    /// Name of its type.
    pub type_name: &'static str,
    /// Topic under the default prefix.
    pub topic: &'static str,
    /// Record key.
    pub key: String,
    /// Envelope as JSON, without `sequence` and `emstream`.
    pub envelope: String,
    /// States that follow the event beyond its own, as a JSON array; a batch of logins has none.
    pub states: Option<String>,
}

diesel::define_sql_function! {
    /// Appends the events of one transaction in the order of the arrays.
    fn append_events(
        now: Timestamptz,
        id: Array<SqlUuid>,
        type_name: Array<Text>,
        topic: Array<Text>,
        key: Array<Text>,
        envelope: Array<Text>,
    ) -> Integer;
}
diesel::define_sql_function! {
    /// The same with states that follow the events.
    #[sql_name = "append_events"]
    fn append_events_with_states(
        now: Timestamptz,
        id: Array<SqlUuid>,
        type_name: Array<Text>,
        topic: Array<Text>,
        key: Array<Text>,
        envelope: Array<Text>,
        states: Array<Nullable<Text>>,
    ) -> Integer;
}

/// Appends rows to the log and to the pending set in one statement, all with the moment of the transaction.
pub fn insert(tx: &mut Tx<'_>, rows: &[EventRow]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let now = tx.now()?;
    let ids: Vec<Uuid> = rows.iter().map(|r| r.id).collect();
    let types: Vec<&str> = rows.iter().map(|r| r.type_name).collect();
    let topics: Vec<&str> = rows.iter().map(|r| r.topic).collect();
    let keys: Vec<&str> = rows.iter().map(|r| r.key.as_str()).collect();
    let envelopes: Vec<&str> = rows.iter().map(|r| r.envelope.as_str()).collect();
    let appended: i32 = if rows.iter().all(|r| r.states.is_none()) {
        let all = append_events(now, ids, types, topics, keys, envelopes);
        diesel::select(all).get_result(tx.connection())?
    } else {
        let states: Vec<Option<&str>> = rows.iter().map(|r| r.states.as_deref()).collect();
        let all = append_events_with_states(now, ids, types, topics, keys, envelopes, states);
        diesel::select(all).get_result(tx.connection())?
    };
    if usize::try_from(appended) != Ok(rows.len()) {
        return Err(StoreError::Broken(format!("{appended} of {} events appended", rows.len())));
    }
    Ok(())
}
