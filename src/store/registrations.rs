//! Where phones are: as a call-processing system reports, or as they show by logging in (design.md 22).

use std::net::IpAddr;

use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl as _;

use super::schema::registrations;
use super::{StoreError, Tx};
use crate::domain::ids::PhonePk;

const SEEN: &str = "seen";

/// Notes where a phone was when somebody logged in there with a PIN; what was reported stays.
pub fn note_seen(tx: &mut Tx<'_>, phone: PhonePk, address: IpAddr) -> Result<(), StoreError> {
    let now = tx.now()?;
    let seen = (registrations::address.eq(address.to_string()), registrations::reported_at.eq(now));
    diesel::insert_into(registrations::table)
        .values((registrations::phone_pk.eq(phone.0), registrations::status.eq(SEEN), seen.clone()))
        .on_conflict(registrations::phone_pk)
        .do_update()
        .set(seen)
        .filter(registrations::status.eq(SEEN))
        .execute(tx.connection())?;
    Ok(())
}
