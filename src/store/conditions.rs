//! What requests of Extension Mobility meet before anybody is known: the parameters in force on a node and the phones they name, for
//! many requests in one statement.

use std::net::IpAddr;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Record, Text, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::{StoreError, Tx};
use crate::domain::ids::PhonePk;
use crate::domain::policy::EmParameters;

/// What one request asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConditionsKey {
    /// Folded name of the node that asks; the same in all keys of a process.
    pub node: Arc<str>,
    /// Folded name of the phone, when one is named.
    pub phone: Option<String>,
    /// How much of it.
    pub people: People,
}

/// Whether who is and was on a phone is read with it: pages show that, programs are answered without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum People {
    /// They are read.
    Read,
    /// Nobody is looked for.
    LeftOut,
}

/// What it meets.
#[derive(Debug, Clone)]
pub struct Conditions {
    /// Parameters in force.
    pub parameters: Arc<EmParameters>,
    /// The phone, if one was named and exists.
    pub phone: Option<PhoneState>,
}

/// A phone as a request finds it; nobody on it where they were left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneState {
    /// Row key.
    pub pk: PhonePk,
    /// Name as stored.
    pub name: String,
    /// Whether Extension Mobility is on.
    pub em_enabled: bool,
    /// Whether it plays the secure tone.
    pub is_protected: bool,
    /// User id and profile of whoever is logged in.
    pub occupant: Option<(String, String)>,
    /// User id of the last session that has ended here.
    pub last_user: Option<String>,
    /// That session.
    pub last_session: Option<Uuid>,
    /// Where the phone is.
    pub address: Option<IpAddr>,
}

type PhoneSql = Record<(
    Integer,
    BigInt,
    Text,
    Bool,
    Bool,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<SqlUuid>,
    Nullable<Text>,
)>;
type PhoneRow = (
    i32,
    i64,
    String,
    bool,
    bool,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<Uuid>,
    Option<String>,
);

diesel::define_sql_function! {
    /// Parameters in force on a node, and phones by folded name with their place, each with its people or without.
    fn login_conditions(node: Text, phones: Array<Text>, people: Array<Bool>) -> Record<(Nullable<Jsonb>, Array<PhoneSql>)>;
}

/// Finds what requests meet, in their order.
pub fn find(tx: &mut Tx<'_>, keys: &[ConditionsKey]) -> Result<Vec<Conditions>, StoreError> {
    let node = keys.first().map(|key| &*key.node).unwrap_or_default();
    let named = keys.iter().filter_map(|key| Some((key.phone.as_deref()?, key.people == People::Read)));
    let (names, people): (Vec<&str>, Vec<bool>) = named.unzip();
    let statement = login_conditions(node, &names, people);
    let (values, rows): (Option<Value>, Vec<PhoneRow>) =
        diesel::select(statement).get_result(tx.connection())?;
    let parameters = Arc::new(EmParameters::from_values(|name| values.as_ref()?.get(name)?.as_str()));
    let mut phones: Vec<Option<PhoneState>> = vec![None; names.len()];
    for row in rows {
        let (place, state) = phone_state(row);
        if let Some(phone) = phones.get_mut(place) {
            *phone = Some(state);
        }
    }
    let mut phones = phones.into_iter();
    let conditions = keys.iter().map(|key| {
        let phone = key.phone.as_ref().and_then(|_| phones.next()).flatten();
        Conditions { parameters: Arc::clone(&parameters), phone }
    });
    Ok(conditions.collect())
}

fn phone_state(row: PhoneRow) -> (usize, PhoneState) {
    let (place, pk, name, em_enabled, is_protected, occupant, profile, last_user, last_session, address) =
        row;
    let state = PhoneState {
        pk: PhonePk(pk),
        name,
        em_enabled,
        is_protected,
        occupant: occupant.zip(profile),
        last_user,
        last_session,
        address: address.and_then(|text| text.parse().ok()),
    };
    (usize::try_from(place - 1).unwrap_or(usize::MAX), state)
}
