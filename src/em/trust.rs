//! Whether a request may come from where it comes (Validate IP Address, Trusted List of IPs, Allow Proxy; EM-091 to EM-103).
//!
//! What was found good is kept for each phone with what it rested on, so that a change of the list, of the phone's address or of the
//! source is seen at once; what rests on the address of a host name is kept for a minute. There is one entry a phone at most; while
//! addresses are not validated there are none.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::conditions::{Conditions, PhoneState};
use super::error::EmCode;
use super::service::Em;
use crate::domain::ids::PhonePk;
use crate::domain::trust::{Distrust, TrustPolicy};

pub use crate::domain::trust::Route;

/// How long a name may take to be looked up, and how long what it said holds.
const LOOK_UP: Duration = Duration::from_secs(1);
const NAME_HOLDS: Duration = Duration::from_secs(60);

/// What was found good.
#[derive(Debug, Default)]
pub(super) struct TrustCache {
    good: Mutex<HashMap<PhonePk, Good>>,
    names: tokio::sync::Mutex<HashMap<String, (Instant, Vec<IpAddr>)>>,
    hits: AtomicU64,
    misses: AtomicU64,
    proxied: AtomicU64,
    last_proxy: Mutex<Option<IpAddr>>,
}

#[derive(Debug)]
struct Good {
    /// Of the policy, the phone's address and the source.
    rests_on: u64,
    /// When what a host name said holds no longer; none where no name was looked up.
    until: Option<Instant>,
}

/// How often a request was found good before, how often not, and for how many phones that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustCacheCounts {
    /// Found.
    pub hits: u64,
    /// Judged anew.
    pub misses: u64,
    /// Phones.
    pub entries: usize,
    /// Requests that came through a web proxy, whether sources are checked or not.
    pub proxied: u64,
}

impl TrustCache {
    fn recalls(&self, phone: PhonePk, rests_on: u64) -> bool {
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let found = good.get(&phone);
        let is_good = found
            .is_some_and(|g| g.rests_on == rests_on && g.until.is_none_or(|until| Instant::now() < until));
        let count = if is_good { &self.hits } else { &self.misses };
        count.fetch_add(1, Ordering::Relaxed);
        is_good
    }

    /// How it fares.
    pub(super) fn counts(&self) -> TrustCacheCounts {
        TrustCacheCounts {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            entries: self.good.lock().unwrap_or_else(PoisonError::into_inner).len(),
            proxied: self.proxied.load(Ordering::Relaxed),
        }
    }

    /// Takes note of a request that came through a proxy, by whatever address it has.
    fn see_proxy(&self, address: Option<IpAddr>) {
        self.proxied.fetch_add(1, Ordering::Relaxed);
        *self.last_proxy.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// The addresses of the trusted host names, looked up once a minute for everybody; a name that has none in time counts for nothing.
    pub(super) async fn addresses_of(&self, policy: &TrustPolicy) -> Vec<IpAddr> {
        if policy.hosts().next().is_none() {
            return Vec::new();
        }
        // held while names are looked up: whoever else asks waits for the same answer
        let mut names = self.names.lock().await;
        names.retain(|host, (since, _)| since.elapsed() < NAME_HOLDS && policy.hosts().any(|h| h == host));
        for host in policy.hosts() {
            if !names.contains_key(host) {
                let found = look_up(host).await;
                names.insert(host.to_owned(), (Instant::now(), found));
            }
        }
        names.values().flat_map(|(_, addresses)| addresses.iter().copied()).collect()
    }

    fn remember(&self, phone: PhonePk, rests_on: u64, is_by_name: bool) {
        let until = is_by_name.then(|| Instant::now() + NAME_HOLDS);
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        good.insert(phone, Good { rests_on, until });
    }
}

impl Em {
    /// Refuses what comes from nowhere that is trusted: 30, 28.
    pub async fn trust(&self, conditions: &Conditions, route: Route) -> Result<(), EmCode> {
        let policy = &conditions.parameters.trust;
        if route.is_proxied {
            self.trust_cache().see_proxy(route.peer);
        }
        if !policy.validate {
            return Ok(());
        }
        let phone = conditions.phone.as_ref();
        let known = phone.map(|phone| (phone.pk, rests_on(policy, phone, route)));
        if known.is_some_and(|(phone, rests_on)| self.trust_cache().recalls(phone, rests_on)) {
            return Ok(());
        }
        let address = phone.and_then(|p| p.address);
        let (judged, is_by_name) = match policy.judge(route, address, &[]) {
            Err(Distrust::Address) => {
                let named = self.trust_cache().addresses_of(policy).await;
                (policy.judge(route, address, &named), true)
            }
            judged => (judged, false),
        };
        tracing::debug!(?route, phone.address = ?address, ?judged, "a source was judged");
        if judged.is_err() {
            let source = route.address.map(tracing::field::display);
            tracing::info!(
                source.address = source,
                source.is_proxied = route.is_proxied,
                "a source is not trusted"
            );
        }
        match judged {
            Ok(()) => {
                if let Some((phone, rests_on)) = known {
                    self.trust_cache().remember(phone, rests_on, is_by_name);
                }
                Ok(())
            }
            Err(Distrust::Proxy) => Err(EmCode::ProxyNotAllowed),
            Err(Distrust::Address) => Err(EmCode::UntrustedAddress),
        }
    }

    /// The proxy through which a request came last, if any did since the start (EM-095).
    pub fn last_proxy(&self) -> Option<IpAddr> {
        *self.trust_cache().last_proxy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the cache fares.
    pub fn trust_cache_counts(&self) -> TrustCacheCounts {
        self.trust_cache().counts()
    }
}

fn rests_on(policy: &TrustPolicy, phone: &PhoneState, route: Route) -> u64 {
    let mut hasher = DefaultHasher::new();
    (policy.allow_proxy, &policy.trusted, phone.address, route.address, route.is_proxied).hash(&mut hasher);
    hasher.finish()
}

async fn look_up(host: &str) -> Vec<IpAddr> {
    match tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((host, 0))).await {
        Ok(Ok(addresses)) => addresses.map(|a| a.ip()).collect(),
        Ok(Err(_)) | Err(_) => {
            tracing::warn!(host, "a host of the trusted list has no address");
            Vec::new()
        }
    }
}
