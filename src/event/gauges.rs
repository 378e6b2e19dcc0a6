//! The publisher in the metrics: read from its status whenever somebody asks.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::publisher::Waker;

/// Adds the publisher of this node to the metrics.
pub fn register(registry: &mut Registry, publisher: Waker) {
    publisher.counts().register(registry);
    registry.register_collector(Box::new(Gauges(publisher)));
}

struct Gauges(Waker);

impl std::fmt::Debug for Gauges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gauges").finish_non_exhaustive()
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let status = self.0.status();
        let pending = i64::try_from(status.pending).unwrap_or(i64::MAX);
        for (name, help, value) in [
            ("em_events_pending", "Committed events without a number, counted up to 100,001", pending),
            (
                "em_events_oldest_pending_seconds",
                "Age of the oldest event without a number",
                status.oldest_pending,
            ),
            ("em_stream_last_sequence", "Highest number given", status.last),
            (
                "em_stream_confirmed_sequence",
                "Highest number up to which Kafka has everything",
                status.confirmed,
            ),
            ("em_relay_is_leader", "Whether this node numbers and publishes", status.leader.into()),
            ("em_relay_leader_epoch", "Term of the leader", status.epoch),
            (
                "em_relay_blocked",
                "Whether publication stands still until someone acts",
                status.is_blocked().into(),
            ),
            (
                "em_relay_behind",
                "Whether Kafka, or this node's way to it, is in trouble, so that events wait in the database",
                status.is_behind().into(),
            ),
        ] {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, IdSource};
    use crate::event::publisher;
    use crate::event::retention::Retention;
    use crate::store::Db;

    #[test]
    fn a_publisher_shows_in_the_metrics() {
        let nowhere = "postgres://127.0.0.1:1/none?connect_timeout=1";
        let db = Db::open(nowhere, 1, Clock::Database, IdSource::Random).unwrap();
        let publisher = publisher::start(db, None, Retention::ForEver).unwrap();
        let mut registry = Registry::default();
        register(&mut registry, publisher.waker());
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in ["em_events_pending 0", "em_relay_is_leader 0", "em_events_oldest_pending_seconds 0"] {
            assert!(text.lines().any(|l| l == line), "{line} in {text}");
        }
    }
}
