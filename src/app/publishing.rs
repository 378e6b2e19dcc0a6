//! Whether and where this process publishes, and how health tells of it.

use std::sync::Arc;

use super::StartError;
use crate::config::{Config, NodeRole};
use crate::em::Wake;
use crate::event::Origin;
use crate::event::kafka::KafkaSettings;
use crate::event::publisher::{self, Publisher};
use crate::event::retention::Retention;
use crate::http::health::Copying;
use crate::store::Db;

/// Connections for what the publisher's threads read now and then: a batch, the one after it, how far things are.
const CONNECTIONS: u32 = 3;

/// Starts the publisher of a process that has this job; without Kafka it only numbers.
pub(super) fn start(db: &Db, config: &Config, origin: &Origin) -> Result<Option<Publisher>, StartError> {
    if !config.node.has_role(NodeRole::Publish) {
        return Ok(None);
    }
    let kafka = KafkaSettings::from_config(&config.kafka, &origin.cluster).map(|k| k.on_node(&origin.node));
    let db = db.with_own_pool(CONNECTIONS)?;
    let started = publisher::start(db, kafka, Retention::of_days(config.events.keep_days));
    started.map(Some).map_err(StartError::Publisher)
}

/// What is called after every commit that wrote events.
pub(super) fn wake(publisher: Option<&Publisher>) -> Wake {
    match publisher.map(Publisher::waker) {
        Some(waker) => Arc::new(move || waker.wake()),
        None => Arc::new(|| ()),
    }
}

/// What health asks.
pub(super) fn copying(
    publisher: Option<&Publisher>,
    config: &Config,
) -> Arc<dyn Fn() -> Copying + Send + Sync> {
    let Some(publisher) = publisher.map(Publisher::waker) else { return Arc::new(|| Copying::Off) };
    let copies = !config.kafka.bootstrap.is_empty();
    Arc::new(move || {
        let status = publisher.status();
        match (status.is_blocked(), copies, status.is_behind()) {
            (true, _, _) => Copying::Blocked,
            (false, false, _) => Copying::Off,
            (false, true, true) => Copying::Away,
            (false, true, false) if status.republishing => Copying::Republishing,
            (false, true, false) => Copying::Connected,
        }
    })
}
