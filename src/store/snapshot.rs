//! Everything a batch of logins and logouts decides on: locked in the fixed order, then read, in one round trip.
//!
//! The statement is constant, so each connection prepares it once. It returns one value with an array for each kind of thing; what
//! the things are made of is written in [`records`] and beside the SQL function. Nothing is decided here.

mod records;

use std::collections::{HashMap, HashSet};
use std::iter::zip;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt};

use self::records::{Batch, BatchSql, Button, ButtonSql};
use super::associations::{self, Association};
use super::{StoreError, Tx, phones};
use crate::domain::ids::{LinePk, ObjectPk, PhonePk, ProfilePk, UserPk};
use crate::domain::policy::LoginPolicy;
use crate::domain::snapshot::{Appearance, DeviceProfile, EndUser, Phone, Session};

/// What a batch names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchKeys {
    /// Users who log in.
    pub users: Vec<UserPk>,
    /// Those of them who gave a PIN.
    pub pins: Vec<UserPk>,
    /// Profiles that requests name and users may not hold.
    pub profiles: Vec<ProfilePk>,
    /// Phones to log in on.
    pub phones: Vec<PhonePk>,
    /// Phones to be logged out, or whose occupant a login displaces.
    pub leaving: Vec<PhonePk>,
}

/// The locked world of one batch. Decisions of earlier requests are kept up to date in it by the writer.
#[derive(Debug, Default)]
pub struct BatchSnapshot {
    /// What the parameters say.
    pub policy: LoginPolicy,
    /// Users whose rows are locked.
    pub locked_users: HashSet<UserPk>,
    /// Users who log in.
    pub users: HashMap<UserPk, EndUser>,
    /// Phones, displaced ones included.
    pub phones: HashMap<PhonePk, Phone>,
    /// Profiles that users may choose or requests name.
    pub profiles: HashMap<ProfilePk, DeviceProfile>,
    /// Profiles of each user, in the user's order.
    pub controlled: HashMap<UserPk, Vec<ProfilePk>>,
    /// Sessions by phone.
    pub sessions: HashMap<PhonePk, Session>,
    /// Lines on the buttons of profiles and phones, by owner, in order of their buttons.
    pub appearances: HashMap<i64, Vec<Appearance>>,
    /// Groups of users who log in, while the policy has rules for some.
    pub groups: HashMap<UserPk, Vec<String>>,
    /// Device pools of phones, while the policy has rules for some.
    pub sites: HashMap<PhonePk, String>,
    /// Application users that control a phone or profile, by its key, sorted.
    pub controllers: HashMap<i64, Vec<String>>,
}

diesel::define_sql_function! {
    /// Locks and reads what a batch decides on.
    fn lock_and_read_logins(
        users: Array<BigInt>,
        pins: Array<BigInt>,
        profiles: Array<BigInt>,
        phones: Array<BigInt>,
        leaving: Array<BigInt>,
    ) -> BatchSql;
}
diesel::define_sql_function! {
    /// The buttons of phones and profiles.
    fn buttons_of(owners: Array<BigInt>) -> Array<ButtonSql>;
}

/// Locks and reads; sets the transaction's moment to the one after the last lock.
pub fn lock_and_read(tx: &mut Tx<'_>, keys: &BatchKeys) -> Result<BatchSnapshot, StoreError> {
    let batch = read(tx, keys)?;
    if tx.uses_database_time() {
        tx.set_now(batch.moment);
    }
    let mut snapshot = BatchSnapshot::from(batch);
    if !snapshot.policy.schedule.is_empty() {
        let users: Vec<ObjectPk> = keys.users.iter().map(|user| (*user).into()).collect();
        for (user, group) in associations::associated(tx, &users, Association::Group)? {
            snapshot.groups.entry(UserPk(user.0)).or_default().push(group.name);
        }
        let on = [keys.phones.as_slice(), keys.leaving.as_slice()].concat();
        snapshot.sites = phones::sites_of(tx, &on)?.into_iter().collect();
    }
    Ok(snapshot)
}

/// Reads phones whose sessions are to end, in a transaction that holds the locks of their users and of themselves and has its moment.
pub fn read_leaving(tx: &mut Tx<'_>, leaving: Vec<PhonePk>) -> Result<BatchSnapshot, StoreError> {
    Ok(read(tx, &BatchKeys { leaving, ..BatchKeys::default() })?.into())
}

fn read(tx: &mut Tx<'_>, keys: &BatchKeys) -> Result<Batch, StoreError> {
    let BatchKeys { users, pins, profiles, phones, leaving } = keys;
    let batch = lock_and_read_logins(users, pins, profiles, phones, leaving);
    Ok(diesel::select(batch).get_result(tx.connection())?)
}

/// The lines on the buttons of phones and profiles, by owner, in order of their buttons.
pub fn appearances(tx: &mut Tx<'_>, owners: Vec<i64>) -> Result<HashMap<i64, Vec<Appearance>>, StoreError> {
    let buttons: Vec<Button> = diesel::select(buttons_of(owners)).get_result(tx.connection())?;
    Ok(by_owner(buttons))
}

fn by_owner(buttons: Vec<Button>) -> HashMap<i64, Vec<Appearance>> {
    let mut owners: HashMap<i64, Vec<Appearance>> = HashMap::new();
    for button in buttons {
        owners.entry(button.owner).or_default().push(button.appearance);
    }
    for lines in owners.values_mut() {
        lines.sort_by_key(|l| l.index);
    }
    owners
}

impl From<Batch> for BatchSnapshot {
    fn from(batch: Batch) -> Self {
        let Batch {
            parameters,
            locked,
            users,
            phones,
            profiles,
            holders,
            held,
            sessions,
            buttons,
            controllers,
            ..
        } = batch;
        let parameter = |name: &str| parameters.as_ref()?.get(name)?.as_str();
        let mut snapshot = Self {
            policy: LoginPolicy::from_values(parameter),
            locked_users: locked.into_iter().collect(),
            users: users.into_iter().map(|user| (user.pk, user)).collect(),
            sessions: sessions.into_iter().map(|session| (session.phone, session)).collect(),
            phones: phones.into_iter().map(|phone| (phone.pk, phone)).collect(),
            profiles: profiles.into_iter().map(|profile| (profile.pk, profile)).collect(),
            appearances: by_owner(buttons),
            ..Self::default()
        };
        for (user, profile) in zip(holders, held) {
            snapshot.controlled.entry(user).or_default().push(profile);
        }
        for (controlled, program) in controllers {
            snapshot.controllers.entry(controlled).or_default().push(program);
        }
        for programs in snapshot.controllers.values_mut() {
            programs.sort();
            programs.dedup();
        }
        snapshot
    }
}

impl BatchSnapshot {
    /// Notes that an intercom line has got a default device.
    pub fn select(&mut self, line: LinePk, phone: PhonePk) {
        for appearance in self.appearances.values_mut().flatten().filter(|a| a.line == line) {
            appearance.default_phone = Some(phone);
        }
    }
}
