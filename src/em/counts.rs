//! What this node counts of logins and logouts, under names of ours and those of the performance counters that operators of Extension
//! Mobility know, in the label `perfmon` (extension-mobility.md 15; EM-145, EM-146, EM-148, EM-092, EM-102).
//!
//! Label values come from our own tables, never from data.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::audit::Audit;
use super::error::{Doing, EmCode};
use super::service::Em;
use super::throttle::Throttle;
use super::trust::TrustCache;
use crate::domain::event::Via;

/// The counters; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    attempted: Family<Door, Counter>,
    logins: Family<Door, Counter>,
    logouts: Family<Door, Counter>,
    throttled: Family<Door, Counter>,
    refused: Family<Refusal, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Door {
    surface: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    operation: &'static str,
    surface: &'static str,
    code: u16,
    name: &'static str,
}

impl Counts {
    /// Somebody was logged in or out.
    pub(super) fn succeeded(&self, doing: Doing, via: Via) {
        let door = Door { surface: via.name() };
        let successful = match doing {
            Doing::Login => &self.0.logins,
            Doing::Logout => &self.0.logouts,
        };
        successful.get_or_create(&door).inc();
        self.0.attempted.get_or_create(&door).inc();
    }

    /// Somebody was told this code.
    pub(super) fn refused(&self, doing: Doing, via: Via, code: EmCode) {
        let (door, entry) = (Door { surface: via.name() }, code.entry());
        let operation = doing.name();
        let refusal = Refusal { operation, surface: door.surface, code: entry.number, name: entry.name };
        self.0.refused.get_or_create(&refusal).inc();
        if code == EmCode::Busy {
            self.0.throttled.get_or_create(&door).inc();
        }
        self.0.attempted.get_or_create(&door).inc();
    }
}

impl Em {
    /// Adds what this node counts to the metrics.
    pub fn register(&self, registry: &mut Registry) {
        let Inner { attempted, logins, logouts, throttled, refused } = &*self.counts().0;
        for (perfmon, name, help, counter) in [
            (
                "Total Login/LogoutRequestsAttempted",
                "em_attempts",
                "Logins and logouts carried out or refused",
                attempted,
            ),
            ("LoginsSuccessful", "em_logins", "Logins carried out", logins),
            ("LogoutsSuccessful", "em_logouts", "Logouts carried out on request", logouts),
            ("RequestsThrottled", "em_requests_throttled", "Requests answered busy, code 26", throttled),
        ] {
            let named = registry.sub_registry_with_label(("perfmon".into(), perfmon.into()));
            named.register(name, help, counter.clone());
        }
        registry.register("em_refusals", "Logins and logouts refused, by code", refused.clone());
        registry.register_collector(Box::new(Gauges {
            throttle: Arc::clone(self.throttle()),
            trust_cache: self.trust_cache(),
            audit: self.audit(),
        }));
    }
}

/// What is read whenever somebody asks.
struct Gauges {
    throttle: Arc<Throttle>,
    trust_cache: Arc<TrustCache>,
    audit: Arc<Audit>,
}

impl std::fmt::Debug for Gauges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gauges").finish_non_exhaustive()
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let trust = self.trust_cache.counts();
        let gauge = |count: usize| ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
        let in_progress = gauge(self.throttle.in_progress());
        let (name, help) = ("em_requests_in_progress", "Logins and logouts under way");
        let mut described = encoder.encode_descriptor(name, help, None, in_progress.metric_type())?;
        in_progress.encode(described.encode_family(&[("perfmon", "RequestsInProgress")])?)?;
        for (name, help, gauge) in [
            ("em_trust_cache_entries", "Phones whose source is known to be good", gauge(trust.entries)),
            ("em_audit_waiting", "Refusals that are not in the event log yet", gauge(self.audit.waiting())),
        ] {
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        for (name, help, count) in [
            ("em_trust_cache_hits", "Requests whose source was known to be good", trust.hits),
            ("em_trust_cache_misses", "Requests whose source was judged", trust.misses),
            ("em_requests_proxied", "Logins, logouts and pages asked for through a web proxy", trust.proxied),
        ] {
            let counter = ConstCounter::new(count);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        Ok(())
    }
}
