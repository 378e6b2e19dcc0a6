//! Kafka: the only place that knows its client library.
//!
//! Owns settings, topics, the producer with its error classes, the newest records of each partition, readers, and the embedded broker.
//! Promises that a batch is either acknowledged whole and in order or reported as not; never decides what to publish. Calls block
//! and belong on threads of their own.

mod broker;
mod complaint;
mod consumer;
mod partitioner;
mod producer;
mod raw;
mod record;
mod seek;
mod tails;
mod topics;

use std::collections::BTreeMap;
use std::path::PathBuf;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::{RDKafkaConfRes, RDKafkaErrorCode as Code};

use crate::config::KafkaConfig;
pub use broker::{EmbeddedBroker, embedded_broker};
pub use consumer::{EventReader, Incoming, Polled, ReadFrom};
pub use partitioner::partition_of;
pub use producer::Producer;
pub use raw::{RawPolled, RawReader, RawRecord, Span, newest_number};
pub use record::Record;
pub use tails::{Tail, tails};
pub use topics::{Kept, STATE_TOPICS, TOPICS, Topic, Topics};

/// Where the brokers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bootstrap {
    /// `host:port[,host:port…]`.
    Servers(String),
    /// A file in which an embedded broker keeps its present address.
    AddressFile(PathBuf),
}

/// How repeats are kept out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DeliveryMode {
    /// One Kafka transaction a batch: readers of committed records see every event once.
    Transactional,
    /// For brokers without transactions: a crash may repeat the latest events of a partition.
    Idempotent,
}

/// How to reach Kafka and how to write to it.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaSettings {
    /// Where the brokers are.
    pub bootstrap: Bootstrap,
    /// What topic names begin with, in place of `em`.
    pub prefix: String,
    /// How repeats are kept out.
    pub mode: DeliveryMode,
    /// Whether the broker keeps events in memory only.
    pub volatile: bool,
    /// Further settings of the client, by its own names; values may be secrets and are not printed.
    pub client: BTreeMap<String, String>,
    /// The cluster whose events these are; names the transactional id.
    pub cluster: String,
    /// The node that writes; named in records that no event of another node made.
    pub node: String,
}

/// Why Kafka did not take a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KafkaFailure {
    /// Not now: begin anew from the newest records.
    #[error("kafka is not usable now: {0}")]
    Unavailable(String),
    /// Another publisher of this cluster has taken over.
    #[error("another publisher has taken over")]
    Fenced,
    /// A record or topic is refused for good.
    #[error("kafka refuses topic {topic}: {reason}")]
    Refused {
        /// The topic.
        topic: String,
        /// What the broker says.
        reason: String,
    },
    /// A setting of the client that it, or the broker, does not take.
    #[error("kafka.client: {0}")]
    Setting(String),
    /// The caller gave up.
    #[error("stopped")]
    Stopped,
}

impl KafkaSettings {
    /// Makes the settings of a deployment; `None`: nothing is published.
    pub fn from_config(config: &KafkaConfig, cluster: &str) -> Option<Self> {
        let text = config.bootstrap.trim();
        if text.is_empty() {
            return None;
        }
        let embedded = config.is_embedded();
        let bootstrap = match text {
            "embedded" => Bootstrap::parse(&config.embedded_broker),
            text => Bootstrap::parse(text),
        };
        let mode = if embedded { DeliveryMode::Idempotent } else { DeliveryMode::Transactional };
        Some(Self {
            bootstrap,
            prefix: config.topic_prefix.clone(),
            mode,
            volatile: embedded,
            client: config.client.clone(),
            cluster: cluster.to_owned(),
            node: String::new(),
        })
    }

    /// The same for a node that writes.
    #[must_use]
    pub fn on_node(self, node: &str) -> Self {
        Self { node: node.to_owned(), ..self }
    }

    /// The real name of a topic.
    pub fn topic_name(&self, topic: &str) -> String {
        format!("{}{}", self.prefix, topic.strip_prefix("em").unwrap_or(topic))
    }

    /// What every client of ours is set to; an operator's settings come first, so that they cannot undo ours.
    fn client_config(&self) -> Result<ClientConfig, KafkaFailure> {
        let servers = match &self.bootstrap {
            Bootstrap::Servers(servers) => servers.clone(),
            Bootstrap::AddressFile(path) => std::fs::read_to_string(path)
                .map_err(|e| KafkaFailure::Unavailable(format!("address file: {e}")))?
                .trim()
                .to_owned(),
        };
        let mut config = ClientConfig::new();
        for (name, value) in &self.client {
            config.set(name, value);
        }
        config.set("bootstrap.servers", servers);
        config.set("client.id", format!("emgate-{}", self.cluster));
        // with the default, the first record after a broker returns waits 10 s
        config.set("reconnect.backoff.ms", "100").set("reconnect.backoff.max.ms", "1000");
        Ok(config)
    }
}

impl std::fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { bootstrap, prefix, mode, volatile, client, cluster, node } = self;
        f.debug_struct("KafkaSettings")
            .field("bootstrap", bootstrap)
            .field("prefix", prefix)
            .field("mode", mode)
            .field("volatile", volatile)
            .field("client", &client.keys())
            .field("cluster", cluster)
            .field("node", node)
            .finish()
    }
}

impl Bootstrap {
    /// Reads an address list or, where there is a slash, the path of an address file.
    pub fn parse(text: &str) -> Self {
        if text.contains('/') { Self::AddressFile(text.into()) } else { Self::Servers(text.to_owned()) }
    }
}

impl From<KafkaError> for KafkaFailure {
    fn from(error: KafkaError) -> Self {
        if let KafkaError::ClientConfig(outcome, _, name, _) = &error {
            return Self::Setting(untaken(*outcome, name));
        }
        if let KafkaError::ClientCreation(reason) = error {
            return Self::Setting(reason);
        }
        if let KafkaError::Transaction(inner) = &error {
            let code = inner.code();
            if is_fenced(code) {
                return Self::Fenced;
            }
            if is_refusal(code) {
                return Self::Refused { topic: "transaction".into(), reason: inner.string() };
            }
            return Self::Unavailable(format!("{}: {}", inner.name(), inner.string()));
        }
        Self::Unavailable(error.to_string())
    }
}

/// What is wrong with a setting. The library's own text repeats the value, which may be a secret that stands in the wrong place.
fn untaken(outcome: RDKafkaConfRes, name: &str) -> String {
    let unknown = outcome == RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN;
    let wrong =
        if unknown { "no setting of the client" } else { "has a value that the client does not take" };
    format!("{name}: {wrong}")
}

/// Codes with which a broker says that another publisher of this cluster has taken over.
fn is_fenced(code: Code) -> bool {
    matches!(code, Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch)
}

/// Codes with which a broker says that trying again is of no use.
fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::MessageSizeTooLarge
            | Code::InvalidMessage
            | Code::InvalidTopic
            | Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::PolicyViolation
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_settings_of_the_client_only_the_names_are_printed() {
        let client = [("sasl.password".to_owned(), "hunter2".to_owned())].into();
        let config = KafkaConfig { bootstrap: "k:9092".into(), client, ..KafkaConfig::default() };
        let settings = KafkaSettings::from_config(&config, "lab");
        for shown in [format!("{config:?}"), format!("{settings:?}")] {
            assert!(shown.contains("sasl.password") && !shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn a_setting_that_the_client_does_not_take_is_named_without_its_value() {
        for (name, wrong) in [
            ("sasl.pasword", "no setting of the client"),
            ("security.protocol", "has a value that the client does not take"),
        ] {
            let client = [(name.to_owned(), "hunter2".to_owned())].into();
            let config = KafkaConfig { bootstrap: "k:9092".into(), client, ..KafkaConfig::default() };
            let settings = KafkaSettings::from_config(&config, "lab").unwrap();
            let refusal = Producer::connect(&settings, &|| true).err().unwrap();
            assert_eq!(refusal.to_string(), format!("kafka.client: {name}: {wrong}"));
        }
    }
}
