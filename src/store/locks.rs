//! Row locks in the one fixed order: users, profiles, phones, lines, application users, each ascending by key and each table in a
//! statement of its own (events.md 13.1, security.md 6). Taken before anything is read for a decision. The SQL function
//! `lock_and_read_logins` takes the same order for a batch of logins.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::schema::{
    app_users, associations, device_profiles, line_appearances, lines, objects, phones, sessions, users,
};
use super::{StoreError, Tx};

/// What to lock; filled by key, taken by [`Locks::take`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Locks {
    /// End users.
    pub users: BTreeSet<i64>,
    /// Device profiles.
    pub profiles: BTreeSet<i64>,
    /// Phones.
    pub phones: BTreeSet<i64>,
    /// Directory numbers.
    pub lines: BTreeSet<i64>,
    /// Application users.
    pub app_users: BTreeSet<i64>,
    /// Objects of any type that are about to go: whoever holds them is affected, and nobody begins to point at them any more.
    pub going: BTreeSet<i64>,
}

macro_rules! lock {
    ($tx:ident, $table:ident, $keys:expr) => {
        if !$keys.is_empty() {
            let keys: Vec<i64> = $keys.iter().copied().collect();
            let rows = $table::table.filter($table::pk.eq_any(keys)).order($table::pk).select($table::pk);
            rows.for_no_key_update().load::<i64>($tx.connection())?;
        }
    };
}

impl Locks {
    /// Takes everything named and whoever can be affected with it; a user or program that is affected only since makes the transaction
    /// start over. Where users are is known once they are locked, so that however many of them log in, nobody waits in vain.
    pub fn take(self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let named = self.with_all_affected(tx)?;
        lock!(tx, users, named.users);
        let wanted = named.clone().with_all_affected(tx)?;
        lock!(tx, device_profiles, wanted.profiles);
        lock!(tx, phones, wanted.phones);
        lock!(tx, lines, wanted.lines);
        lock!(tx, app_users, wanted.app_users);
        bar(tx, &wanted.going)?;
        if named.users != wanted.users || wanted.clone().with_affected(tx)? != wanted {
            return Err(StoreError::Busy("who is affected changed while waiting for locks".into()));
        }
        Ok(())
    }

    /// Follows who is affected until nobody new turns up: a phone's user may be on another phone too.
    fn with_all_affected(self, tx: &mut Tx<'_>) -> Result<Self, StoreError> {
        let mut known = self;
        loop {
            let next = known.clone().with_affected(tx)?;
            if next == known {
                return Ok(known);
            }
            known = next;
        }
    }

    /// Adds the owners of lines, the holders of profiles and of what goes, and the users in session on phones or with profiles.
    fn with_affected(mut self, tx: &mut Tx<'_>) -> Result<Self, StoreError> {
        self.add_owners_of_lines(tx)?;
        self.add_holders(tx)?;
        self.add_sessions(tx)?;
        Ok(self)
    }

    fn add_owners_of_lines(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        if !self.lines.is_empty() {
            let owners: Vec<i64> = line_appearances::table
                .filter(line_appearances::line_pk.eq_any(keys(&self.lines)))
                .select(line_appearances::owner_pk)
                .load(tx.connection())?;
            let profiles: Vec<i64> = device_profiles::table
                .filter(device_profiles::pk.eq_any(&owners))
                .select(device_profiles::pk)
                .load(tx.connection())?;
            let on_phones: Vec<i64> =
                phones::table.filter(phones::pk.eq_any(&owners)).select(phones::pk).load(tx.connection())?;
            self.profiles.extend(profiles);
            self.phones.extend(on_phones);
        }
        Ok(())
    }

    fn add_holders(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let held: Vec<i64> = self.profiles.union(&self.going).copied().collect();
        if !held.is_empty() {
            let holders: Vec<i64> = associations::table
                .filter(associations::target_pk.eq_any(held))
                .select(associations::holder_pk)
                .load(tx.connection())?;
            let people: Vec<i64> =
                users::table.filter(users::pk.eq_any(&holders)).select(users::pk).load(tx.connection())?;
            let programs: Vec<i64> = app_users::table
                .filter(app_users::pk.eq_any(&holders))
                .select(app_users::pk)
                .load(tx.connection())?;
            self.users.extend(people);
            self.app_users.extend(programs);
        }
        Ok(())
    }

    fn add_sessions(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let active = sessions::table
            .filter(
                sessions::profile_pk
                    .eq_any(keys(&self.profiles))
                    .or(sessions::phone_pk.eq_any(keys(&self.phones)))
                    .or(sessions::user_pk.eq_any(keys(&self.users))),
            )
            .select((sessions::user_pk, sessions::phone_pk));
        if !(self.profiles.is_empty() && self.phones.is_empty() && self.users.is_empty()) {
            for (user, phone) in active.load::<(i64, i64)>(tx.connection())? {
                self.users.insert(user);
                self.phones.insert(phone);
            }
        }
        Ok(())
    }
}

/// Waits for everybody who is about to point at what goes, so that what they write is seen, and keeps later ones away: a foreign key
/// shares the lock of the row that it names. Lines are named by rows of their own.
fn bar(tx: &mut Tx<'_>, going: &BTreeSet<i64>) -> Result<(), StoreError> {
    if !going.is_empty() {
        let all =
            objects::table.filter(objects::pk.eq_any(keys(going))).order(objects::pk).select(objects::pk);
        all.for_update().load::<i64>(tx.connection())?;
        let numbers = lines::table.filter(lines::pk.eq_any(keys(going))).order(lines::pk).select(lines::pk);
        numbers.for_update().load::<i64>(tx.connection())?;
    }
    Ok(())
}

fn keys(set: &BTreeSet<i64>) -> Vec<i64> {
    set.iter().copied().collect()
}
