//! The embedded broker: the client library's mock cluster in a process of its own, for machines without Apache Kafka.
//!
//! It keeps events in memory, 5 MiB a partition, and forgets everything when it ends. It has no transactions, so publishers write to
//! it in idempotent mode.

use std::io::Write as _;
use std::path::Path;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use super::{KafkaFailure, KafkaSettings, topics::all_topics};

// Name of the file that holds the address.
const ADDRESS_FILE: &str = "broker.address";

/// A broker in this process.
pub struct EmbeddedBroker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

/// Starts a broker with our topics on a port that the system picks.
pub fn embedded_broker(brokers: i32, prefix: &str) -> Result<EmbeddedBroker, KafkaFailure> {
    let cluster = MockCluster::new(brokers)?;
    for topic in all_topics() {
        let name = format!("{prefix}{}", topic.name.strip_prefix("em").unwrap_or(topic.name));
        cluster.create_topic(&name, topic.partitions, brokers.min(3))?;
    }
    Ok(EmbeddedBroker { cluster })
}

impl EmbeddedBroker {
    /// Its address.
    pub fn bootstrap_servers(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// The mock cluster, for tests that play faults.
    #[doc(hidden)]
    pub fn cluster(&self) -> &MockCluster<'static, DefaultProducerContext> {
        &self.cluster
    }

    /// Writes the address into a directory; a reader sees the whole address or none.
    pub fn write_address(&self, dir: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(dir)?;
        let draft = dir.join(format!("{ADDRESS_FILE}.new"));
        let mut file = std::fs::File::create(&draft)?;
        writeln!(file, "{}", self.bootstrap_servers())?;
        file.sync_all()?;
        std::fs::rename(draft, dir.join(ADDRESS_FILE))
    }
}

impl KafkaSettings {
    /// Settings for a broker at an address, by cluster and prefix; for tests and tools.
    pub fn at(servers: &str, mode: super::DeliveryMode, prefix: &str, cluster: &str) -> Self {
        Self {
            bootstrap: super::Bootstrap::Servers(servers.to_owned()),
            prefix: prefix.to_owned(),
            mode,
            volatile: mode == super::DeliveryMode::Idempotent,
            client: std::collections::BTreeMap::new(),
            cluster: cluster.to_owned(),
            node: "gw-1".to_owned(),
        }
    }
}
