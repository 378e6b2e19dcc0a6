//! The topics: what they are, and that they are there with their settings before anything is sent.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{Client, ClientContext, DefaultClientContext};
use rdkafka::types::RDKafkaErrorCode as Code;

use super::{KafkaFailure, KafkaSettings, is_refusal};

/// A topic as the contract has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// Name under the default prefix.
    pub name: &'static str,
    /// Partitions it is created with.
    pub partitions: i32,
    /// Days its records are kept.
    pub days: u32,
}

/// The event topics that this gateway writes.
pub const TOPICS: [Topic; 3] = [
    Topic { name: "em.session.v1", partitions: 6, days: 7 },
    Topic { name: "em.intercom.v1", partitions: 3, days: 7 },
    Topic { name: "em.provisioning.v1", partitions: 3, days: 30 },
];

const REQUEST: Duration = Duration::from_secs(5);
const APPEARANCE: Duration = Duration::from_secs(10);

/// The topics as they are on the brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Name under the default prefix to the number of partitions.
    partitions: BTreeMap<&'static str, i32>,
}

impl Topics {
    /// How many partitions a topic has.
    pub fn partitions(&self, topic: &str) -> Option<i32> {
        self.partitions.get(topic).copied()
    }

    /// Finds the topics, creating those that are missing.
    pub(super) fn ensure<C: ClientContext>(
        client: &Client<C>,
        settings: &KafkaSettings,
    ) -> Result<Self, KafkaFailure> {
        let (found, brokers) = look(client, settings, None)?;
        let missing: Vec<_> = TOPICS.iter().filter(|t| !found.contains_key(t.name)).collect();
        if missing.is_empty() {
            return Ok(Self { partitions: found });
        }
        create(settings, &missing, brokers)?;
        let deadline = Instant::now() + APPEARANCE;
        loop {
            // by name: a broker that creates topics by itself does so now
            let mut partitions = BTreeMap::new();
            for topic in &TOPICS {
                partitions.extend(look(client, settings, Some(topic))?.0);
            }
            if partitions.len() == TOPICS.len() {
                return Ok(Self { partitions });
            }
            if Instant::now() > deadline {
                return Err(KafkaFailure::Unavailable("the topics do not exist and cannot be made".into()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Finds the topics that exist.
    pub(super) fn find<C: ClientContext>(
        client: &Client<C>,
        settings: &KafkaSettings,
    ) -> Result<Self, KafkaFailure> {
        Ok(Self { partitions: look(client, settings, None)?.0 })
    }
}

/// Our topics whose partitions all have a leader, and the number of brokers.
fn look<C: ClientContext>(
    client: &Client<C>,
    settings: &KafkaSettings,
    only: Option<&Topic>,
) -> Result<(BTreeMap<&'static str, i32>, usize), KafkaFailure> {
    let name = only.map(|t| settings.topic_name(t.name));
    let metadata = client.fetch_metadata(name.as_deref(), REQUEST)?;
    let mut found = BTreeMap::new();
    for topic in &TOPICS {
        let name = settings.topic_name(topic.name);
        let Some(seen) = metadata.topics().iter().find(|t| t.name() == name) else { continue };
        let count = seen.partitions().len();
        if seen.error().is_none() && count > 0 && seen.partitions().iter().all(|p| p.leader() >= 0) {
            found.insert(topic.name, i32::try_from(count).unwrap_or(i32::MAX));
        }
    }
    Ok((found, metadata.brokers().len()))
}

fn create(settings: &KafkaSettings, missing: &[&Topic], brokers: usize) -> Result<(), KafkaFailure> {
    let admin: AdminClient<DefaultClientContext> = settings.client_config()?.create()?;
    let (replication, in_sync) = if brokers >= 3 { (3, "2") } else { (1, "1") };
    let described: Vec<(String, String, &Topic)> = missing
        .iter()
        .map(|t| (settings.topic_name(t.name), (u64::from(t.days) * 86_400_000).to_string(), *t))
        .collect();
    let new: Vec<NewTopic<'_>> = described
        .iter()
        .map(|(name, retention, topic)| {
            NewTopic::new(name, topic.partitions, TopicReplication::Fixed(replication))
                .set("cleanup.policy", "delete")
                .set("retention.ms", retention)
                .set("min.insync.replicas", in_sync)
                .set("message.timestamp.type", "CreateTime")
        })
        .collect();
    let options = AdminOptions::new().request_timeout(Some(REQUEST)).operation_timeout(Some(REQUEST));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|e| KafkaFailure::Unavailable(format!("topics: {e}")))?;
    match runtime.block_on(admin.create_topics(&new, &options)) {
        Ok(results) => {
            for (topic, code) in results.into_iter().filter_map(Result::err) {
                if is_refusal(code) {
                    return Err(KafkaFailure::Refused { topic, reason: code.to_string() });
                }
                if code != Code::TopicAlreadyExists {
                    tracing::warn!(topic, reason = %code, "topic {topic} is not created: {code}");
                }
            }
        }
        // an embedded broker does not know the request; naming the topics makes them there
        Err(e) => tracing::warn!(reason = %e, "topics are left to the broker: {e}"),
    }
    Ok(())
}
