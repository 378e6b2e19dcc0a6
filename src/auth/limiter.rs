//! Refuses who fails too often, before anything is counted or hashed, so that nobody can lock the whole company out (AUTH-6).
//!
//! Per source address 10 failures a minute, per phone name 10 failures in five minutes, then refusal for a minute. Buckets are bounded.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::trust::network_of;

const MAX_FAILURES: u32 = 10;
const ADDRESS_WINDOW: Duration = Duration::from_secs(60);
const PHONE_WINDOW: Duration = Duration::from_secs(300);
const REFUSAL: Duration = Duration::from_secs(60);
const MAX_BUCKETS: usize = 100_000;

/// Where an attempt comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Network address, when there is one.
    pub address: Option<IpAddr>,
    /// Phone that was named, when one was.
    pub phone: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum BucketKey {
    Address(IpAddr),
    Phone(String),
}

#[derive(Debug)]
struct Bucket {
    failures: u32,
    since: Instant,
    refused_until: Option<Instant>,
}

#[derive(Debug, Default)]
struct Buckets {
    by_key: HashMap<BucketKey, Bucket>,
    oldest_first: VecDeque<BucketKey>,
}

/// Counts failures by source.
#[derive(Debug, Default)]
pub(super) struct Limiter(Mutex<Buckets>);

impl Source {
    fn keys(&self) -> impl Iterator<Item = (BucketKey, Duration)> {
        let address = self.address.map(|a| (BucketKey::Address(network_of(a)), ADDRESS_WINDOW));
        let phone = self.phone.as_deref().map(|p| (BucketKey::Phone(p.to_ascii_uppercase()), PHONE_WINDOW));
        address.into_iter().chain(phone)
    }
}

impl Limiter {
    /// Whether an attempt from here is refused at this moment.
    pub(super) fn refuses(&self, source: &Source, now: Instant) -> bool {
        let buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        source.keys().any(|(key, _)| {
            buckets.by_key.get(&key).and_then(|b| b.refused_until).is_some_and(|until| now < until)
        })
    }

    /// Charges a failure.
    pub(super) fn charge(&self, source: &Source, now: Instant) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, window) in source.keys() {
            buckets.charge(key, window, now);
        }
    }
}

impl Buckets {
    fn charge(&mut self, key: BucketKey, window: Duration, now: Instant) {
        if !self.by_key.contains_key(&key) {
            if self.by_key.len() >= MAX_BUCKETS
                && let Some(oldest) = self.oldest_first.pop_front()
            {
                self.by_key.remove(&oldest);
            }
            self.oldest_first.push_back(key.clone());
        }
        let fresh = || Bucket { failures: 0, since: now, refused_until: None };
        let bucket = self.by_key.entry(key).or_insert_with(fresh);
        if bucket.refused_until.is_some_and(|until| now < until) {
            return;
        }
        let over = now.duration_since(bucket.since) >= window;
        if over || bucket.refused_until.is_some_and(|until| now >= until) {
            *bucket = fresh();
        }
        bucket.failures += 1;
        if bucket.failures >= MAX_FAILURES {
            bucket.refused_until = Some(now + REFUSAL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_shut_one_source_for_a_minute_and_no_other() {
        let limiter = Limiter::default();
        let start = Instant::now();
        let here = Source { address: Some(IpAddr::from([10, 0, 0, 1])), phone: None };
        let there = Source { address: Some(IpAddr::from([10, 0, 0, 2])), phone: None };
        for _ in 0..9 {
            limiter.charge(&here, start);
        }
        assert!(!limiter.refuses(&here, start));
        limiter.charge(&here, start);
        assert!(limiter.refuses(&here, start));
        assert!(!limiter.refuses(&there, start));
        assert!(!limiter.refuses(&here, start + REFUSAL));
    }

    #[test]
    fn a_failure_while_shut_out_neither_shortens_nor_prolongs_it() {
        let (limiter, start) = (Limiter::default(), Instant::now());
        let here = Source { address: Some("2001:db8::1".parse().unwrap()), phone: None };
        let beside = Source { address: Some("2001:db8::2".parse().unwrap()), phone: None };
        (0..9).for_each(|_| limiter.charge(&here, start));
        limiter.charge(&beside, start + Duration::from_secs(50));
        assert!(limiter.refuses(&here, start + Duration::from_secs(50)), "one network is one source");
        limiter.charge(&here, start + Duration::from_secs(70));
        assert!(limiter.refuses(&here, start + Duration::from_secs(109)));
        assert!(!limiter.refuses(&here, start + Duration::from_secs(110)));
    }

    #[test]
    fn failures_on_one_phone_count_whatever_the_address() {
        let limiter = Limiter::default();
        let start = Instant::now();
        for last in 0..10 {
            let address = Some(IpAddr::from([10, 0, 0, last]));
            limiter.charge(&Source { address, phone: Some("SEP001122334455".into()) }, start);
        }
        let other = Some(IpAddr::from([10, 9, 9, 9]));
        assert!(limiter.refuses(&Source { address: other, phone: Some("sep001122334455".into()) }, start));
    }
}
