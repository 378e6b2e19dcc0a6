//! Whether and where this process publishes, and how health tells of it.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;

use crate::config::{Config, Role};
use crate::em::Wake;
use crate::event::Origin;
use crate::event::kafka::KafkaSettings;
use crate::event::publisher::{self, Publisher, Waker};
use crate::http::health::Copying;
use crate::store::Db;
use crate::telemetry::Metrics;

/// Starts the publisher of a process that has this job; without Kafka it only numbers.
pub(super) fn start(db: &Db, config: &Config, origin: &Origin) -> std::io::Result<Option<Publisher>> {
    if !config.node.has_role(Role::Publish) {
        return Ok(None);
    }
    publisher::start(db.clone(), KafkaSettings::from_config(&config.kafka, &origin.cluster)).map(Some)
}

/// What is called after every commit that wrote events.
pub(super) fn wake(publisher: Option<&Publisher>) -> Wake {
    match publisher.map(Publisher::waker) {
        Some(waker) => Arc::new(move || waker.wake()),
        None => Arc::new(|| ()),
    }
}

/// Adds how far numbering and copying are to the metrics, as events.md names them.
pub(super) fn register(metrics: &Metrics, publisher: Option<&Publisher>) {
    if let Some(publisher) = publisher {
        let progress = Progress(publisher.waker());
        metrics.register(|registry| registry.register_collector(Box::new(progress)));
    }
}

/// Asks the publisher at every scrape.
struct Progress(Waker);

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress")
    }
}

impl Collector for Progress {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let status = self.0.status();
        let pending = i64::try_from(status.pending).unwrap_or(i64::MAX);
        let mut gauge = |name, help, value: i64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        gauge("em_events_pending", "Committed events without a number", pending)?;
        gauge("em_relay_is_leader", "Whether this node numbers and publishes", i64::from(status.leader))?;
        gauge("em_relay_leader_epoch", "Epoch of the leader", status.epoch)?;
        gauge(
            "em_relay_blocked",
            "Whether publication waits for somebody to act",
            i64::from(status.blocked),
        )?;
        gauge("em_stream_last_sequence", "Highest number given", status.last)?;
        gauge("em_stream_confirmed_sequence", "Highest number that Kafka has", status.confirmed)
    }
}

/// What health asks.
pub(super) fn copying(
    publisher: Option<&Publisher>,
    config: &Config,
) -> Arc<dyn Fn() -> Copying + Send + Sync> {
    match publisher.map(Publisher::waker) {
        Some(publisher) if !config.kafka.bootstrap.is_empty() => {
            Arc::new(move || if publisher.status().is_behind() { Copying::Away } else { Copying::Connected })
        }
        Some(_) | None => Arc::new(|| Copying::Off),
    }
}
