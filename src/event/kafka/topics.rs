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
    /// What is kept of its records.
    pub kept: Kept,
}

/// What is kept of a topic's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// All, for so many days.
    Days(u32),
    /// The newest of each key, for ever.
    Newest {
        /// The event topic that it has as many partitions as.
        like: &'static str,
    },
}

/// The event topics that this gateway writes.
pub const TOPICS: [Topic; 4] = [
    Topic { name: "em.session.v1", partitions: 6, kept: Kept::Days(7) },
    Topic { name: "em.intercom.v1", partitions: 3, kept: Kept::Days(7) },
    Topic { name: "em.provisioning.v1", partitions: 3, kept: Kept::Days(30) },
    Topic { name: "em.audit.v1", partitions: 1, kept: Kept::Days(30) },
];

/// The state topics that this gateway writes: what is now, one record a key.
pub const STATE_TOPICS: [Topic; 2] = [
    Topic { name: "em.session.state.v1", partitions: 6, kept: Kept::Newest { like: "em.session.v1" } },
    Topic { name: "em.intercom.state.v1", partitions: 3, kept: Kept::Newest { like: "em.intercom.v1" } },
];

/// All topics, those of events first.
pub(super) fn all_topics() -> impl Iterator<Item = &'static Topic> {
    TOPICS.iter().chain(&STATE_TOPICS)
}

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

    /// Finds the topics, creating those that are missing; a state topic gets as many partitions as its event topic has here.
    pub(super) fn ensure<C: ClientContext>(
        client: &Client<C>,
        settings: &KafkaSettings,
    ) -> Result<Self, KafkaFailure> {
        let mut topics = Self::ensure_these(client, settings, &TOPICS)?;
        let states = STATE_TOPICS.map(|topic| match topic.kept {
            Kept::Newest { like } => {
                Topic { partitions: topics.partitions(like).unwrap_or(topic.partitions), ..topic }
            }
            Kept::Days(_) => topic,
        });
        topics.partitions.extend(Self::ensure_these(client, settings, &states)?.partitions);
        Ok(topics)
    }

    fn ensure_these<C: ClientContext>(
        client: &Client<C>,
        settings: &KafkaSettings,
        wanted: &[Topic],
    ) -> Result<Self, KafkaFailure> {
        let (found, brokers) = look(client, settings, wanted, None)?;
        let missing: Vec<_> = wanted.iter().filter(|t| !found.contains_key(t.name)).collect();
        if missing.is_empty() {
            return Ok(Self { partitions: found });
        }
        create(settings, &missing, brokers)?;
        let deadline = Instant::now() + APPEARANCE;
        loop {
            // by name: a broker that creates topics by itself does so now
            let mut partitions = BTreeMap::new();
            for topic in wanted {
                partitions.extend(look(client, settings, wanted, Some(topic))?.0);
            }
            if partitions.len() == wanted.len() {
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
        let all: Vec<Topic> = all_topics().copied().collect();
        Ok(Self { partitions: look(client, settings, &all, None)?.0 })
    }
}

/// Those of some topics whose partitions all have a leader, and the number of brokers.
fn look<C: ClientContext>(
    client: &Client<C>,
    settings: &KafkaSettings,
    topics: &[Topic],
    only: Option<&Topic>,
) -> Result<(BTreeMap<&'static str, i32>, usize), KafkaFailure> {
    let name = only.map(|t| settings.topic_name(t.name));
    let metadata = client.fetch_metadata(name.as_deref(), REQUEST)?;
    let mut found = BTreeMap::new();
    for topic in topics {
        let name = settings.topic_name(topic.name);
        let Some(seen) = metadata.topics().iter().find(|t| t.name() == name) else { continue };
        let count = seen.partitions().len();
        if seen.error().is_none() && count > 0 && seen.partitions().iter().all(|p| p.leader() >= 0) {
            found.insert(topic.name, i32::try_from(count).unwrap_or(i32::MAX));
        }
    }
    Ok((found, metadata.brokers().len()))
}

impl Kept {
    /// What a topic is created with, in the broker's own names.
    fn settings(self) -> Vec<(&'static str, String)> {
        match self {
            Self::Days(days) => vec![
                ("cleanup.policy", "delete".into()),
                ("retention.ms", (u64::from(days) * 86_400_000).to_string()),
            ],
            Self::Newest { .. } => vec![
                ("cleanup.policy", "compact".into()),
                ("delete.retention.ms", "86400000".into()),
                ("min.cleanable.dirty.ratio", "0.1".into()),
                ("segment.ms", "3600000".into()),
            ],
        }
    }
}

fn create(settings: &KafkaSettings, missing: &[&Topic], brokers: usize) -> Result<(), KafkaFailure> {
    let admin: AdminClient<DefaultClientContext> = settings.client_config()?.create()?;
    let (replication, in_sync) = if brokers >= 3 { (3, "2") } else { (1, "1") };
    let described: Vec<_> =
        missing.iter().map(|t| (settings.topic_name(t.name), t.partitions, t.kept.settings())).collect();
    let new: Vec<NewTopic<'_>> = described
        .iter()
        .map(|(name, partitions, kept)| {
            let topic = NewTopic::new(name, *partitions, TopicReplication::Fixed(replication))
                .set("min.insync.replicas", in_sync)
                .set("message.timestamp.type", "CreateTime");
            kept.iter().fold(topic, |topic, (key, value)| topic.set(key, value))
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
