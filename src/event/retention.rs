//! Keeps the log as long as it is asked to: drops its beginning once Kafka has it.
//!
//! Promises that only whole days go that are older than asked and confirmed to the last event, that the number line keeps no hole, and
//! that writers of events wait for it for a tenth of a second at most. What is told of logins stays with the sessions that still
//! run. A broker that forgets confirms nothing, so without Kafka all is kept.

use std::num::NonZeroU32;

use chrono::TimeDelta;

use super::EventError;
use crate::store::{Connection, Db, state, upkeep};

/// How long the log in the database is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// Nothing is dropped.
    ForEver,
    /// What Kafka has is dropped when it is older than so many whole days.
    Days(NonZeroU32),
}

impl Retention {
    /// Reads the setting, where 0 is for ever.
    pub fn of_days(days: u32) -> Self {
        NonZeroU32::new(days).map_or(Self::ForEver, Self::Days)
    }
}

/// Numbers or events dropped in one transaction.
const AT_A_TIME: i32 = 5_000;

/// Sessions whose login is kept with them in one transaction: they can end in this moment.
const SESSIONS: i32 = 50;

/// Drops what is older than so many whole days; gives the names of the partitions that went. Ends early, between two transactions, when
/// it is not to go on, which then stays so: the next time finds the rest.
pub fn drop_old(
    db: &Db,
    connection: &mut Connection,
    days: u32,
    go_on: &dyn Fn() -> bool,
) -> Result<Vec<String>, EventError> {
    upkeep::be_patient(connection)?;
    let (before, first_kept) = db.transaction_on(connection, |tx| {
        let before = (tx.now()? - TimeDelta::days(days.into())).date_naive().and_time(Default::default());
        let before = before.and_utc();
        Ok::<_, EventError>((before, upkeep::first_kept(tx, before)?))
    })?;
    while go_on()
        && db
            .transaction_on(connection, |tx| Ok::<_, EventError>(state::keep_logins(tx, before, SESSIONS)?))?
            > 0
    {}
    let batch = |done: i32| done == AT_A_TIME;
    while go_on()
        && batch(db.transaction_on(connection, |tx| {
            Ok::<_, EventError>(upkeep::drop_positions(tx, first_kept, AT_A_TIME)?)
        })?)
    {}
    let mut dropped = Vec::new();
    while go_on()
        && let Some(name) = db.transaction_on(connection, |tx| {
            Ok::<_, EventError>(upkeep::detach_old_partition(tx, before, first_kept)?)
        })?
    {
        dropped.push(name);
    }
    if go_on() {
        db.transaction_on(connection, |tx| Ok::<_, EventError>(upkeep::drop_detached(tx, before)?))?;
    }
    while go_on()
        && batch(db.transaction_on(connection, |tx| {
            Ok::<_, EventError>(upkeep::drop_other_events(tx, before, AT_A_TIME)?)
        })?)
    {}
    Ok(dropped)
}
