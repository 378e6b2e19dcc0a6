//! What the publisher counts: events that got a number, records that Kafka acknowledged and how soon, and why copying began anew.
//!
//! Label values come from our own tables, never from data.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::TYPES;
use super::kafka::{Record, STATE_TOPICS, TOPICS};

/// From a commit to its acknowledgement by Kafka, in seconds.
const SECONDS: [f64; 13] = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0];

/// The counters; clones share them.
#[derive(Debug, Clone)]
pub struct Counts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    committed: Family<Kind, Counter>,
    published: Family<Topic, Counter>,
    restarts: Family<Reason, Counter>,
    publish_seconds: Histogram,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    r#type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Topic {
    topic: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

impl Default for Counts {
    fn default() -> Self {
        Self(Arc::new(Inner {
            committed: Family::default(),
            published: Family::default(),
            restarts: Family::default(),
            publish_seconds: Histogram::new(SECONDS),
        }))
    }
}

impl Counts {
    /// Adds them to the metrics.
    pub(super) fn register(&self, registry: &mut Registry) {
        let Inner { committed, published, restarts, publish_seconds } = &*self.0;
        registry.register("em_events_committed", "Committed events that got a number", committed.clone());
        registry.register(
            "em_events_published",
            "Records of events and states that Kafka acknowledged",
            published.clone(),
        );
        registry.register("em_relay_restarts", "How often copying began anew", restarts.clone());
        let help = "From a commit to its acknowledgement by Kafka";
        registry.register("em_event_publish_seconds", help, publish_seconds.clone());
    }

    /// An event of this type got its number.
    pub(super) fn committed(&self, type_name: &str) {
        let known = TYPES.iter().find(|t| t.name == type_name);
        self.0.committed.get_or_create(&Kind { r#type: known.map_or("other", |t| t.name) }).inc();
    }

    /// Kafka acknowledged a batch at this moment.
    pub(super) fn published(&self, batch: &[Record], at: Option<DateTime<Utc>>) {
        for record in batch {
            let known = TOPICS.iter().chain(&STATE_TOPICS).find(|t| t.name == record.topic);
            self.0.published.get_or_create(&Topic { topic: known.map_or("other", |t| t.name) }).inc();
            // a state goes with its event, or is older than what makes it go
            let is_event = TOPICS.iter().any(|t| t.name == record.topic);
            if let Some(at) = at.filter(|_| is_event) {
                let late = u32::try_from((at.timestamp_millis() - record.time_ms).max(0)).unwrap_or(u32::MAX);
                self.0.publish_seconds.observe(f64::from(late) / 1000.0);
            }
        }
    }

    /// Copying begins anew.
    pub(super) fn restarted(&self, reason: &'static str) {
        self.0.restarts.get_or_create(&Reason { reason }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_carry_only_labels_of_our_own() {
        let counts = Counts::default();
        counts.committed("em.calllog.cleared.v1");
        counts.committed("made up");
        counts.restarted("unavailable");
        let mut registry = Registry::default();
        counts.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "em_events_committed_total{type=\"em.calllog.cleared.v1\"} 1",
            "em_events_committed_total{type=\"other\"} 1",
            "em_relay_restarts_total{reason=\"unavailable\"} 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in {text}");
        }
    }
}
