//! Logouts at a phone need no credential; so those that come from elsewhere than the phone are limited by source (PHONE-1).
//!
//! Counts only where the address of the phone is known and another one, and the source is no trusted host. The count is this node's.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::conditions::Conditions;
use super::error::EmCode;
use super::service::Em;
use super::trust::Route;
use crate::domain::trust::{TrustPolicy, network_of};
use crate::store::registrations;

const MOST: u32 = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// So many sources are kept before those whose minute is over are dropped.
const MOST_KEPT: usize = 10_000;

/// Logouts from elsewhere in the last minute.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<HashMap<IpAddr, (Instant, u32)>>);

impl Strangers {
    /// Counts one; false: there were too many.
    fn admit(&self, source: IpAddr, now: Instant) -> bool {
        let source = network_of(source);
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sources.len() >= MOST_KEPT {
            sources.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
        }
        if sources.len() >= MOST_KEPT && !sources.contains_key(&source) {
            return false;
        }
        let (since, count) = sources.entry(source).or_insert((now, 0));
        if now.duration_since(*since) >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= MOST
    }
}

impl Em {
    /// Refuses a logout from elsewhere once there were five in a minute.
    pub(super) async fn check_logout_from_elsewhere(
        &self,
        conditions: &Conditions,
        route: Route,
    ) -> Result<(), EmCode> {
        let known = conditions.phone.as_ref().and_then(|phone| phone.address);
        let (Some(known), Some(source)) = (known, route.address) else { return Ok(()) };
        let as_if_validated =
            TrustPolicy { validate: true, allow_proxy: true, ..conditions.parameters.trust.clone() };
        let judge = |named: &[IpAddr]| as_if_validated.judge(route, Some(known), named).is_ok();
        let is_trusted = judge(&[]) || judge(&self.trust_cache().addresses_of(&as_if_validated).await);
        if is_trusted || self.strangers().admit(source, Instant::now()) { Ok(()) } else { Err(EmCode::Busy) }
    }

    /// Remembers where a phone is after somebody logged in there with a PIN, unless a report says it better; failing is no failure.
    pub(super) async fn note_address(&self, conditions: &Conditions, route: Route) {
        let (Some(phone), Some(address)) = (&conditions.phone, route.address) else { return };
        let says_nothing = conditions.parameters.trust.validate || route.is_proxied;
        if says_nothing || phone.address == Some(address) {
            return;
        }
        let pk = phone.pk;
        let noted = self.db().write(move |tx| registrations::note_seen(tx, pk, address)).await;
        if let Err(error) = noted {
            tracing::warn!(error = %error, phone.name = %phone.name, "the address of a phone was not noted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_in_a_minute_are_let_through_for_each_source() {
        let (strangers, now) = (Strangers::default(), Instant::now());
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        assert!((0..5).all(|_| strangers.admit(one, now)));
        assert!(!strangers.admit(one, now) && strangers.admit(other, now));
        assert!(strangers.admit(one, now + WINDOW));
    }
}
