//! The newest committed record of every partition: what a publisher that takes over must know.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::consumer::{reader_config, watermarks};
use super::topics::all_topics;
use super::{KafkaFailure, KafkaSettings, Topics};

const LIMIT: Duration = Duration::from_secs(20);

/// The newest record of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// Topic under the default prefix.
    pub topic: &'static str,
    /// Partition.
    pub partition: i32,
    /// Number of the record.
    pub position: i64,
    /// Identity of the record, as written.
    pub id: String,
}

/// Reads the newest committed record of every partition of our topics.
pub fn tails(settings: &KafkaSettings, topics: &Topics) -> Result<Vec<Tail>, KafkaFailure> {
    let mut all = Vec::new();
    for topic in all_topics() {
        let Some(partitions) = topics.partitions(topic.name) else { continue };
        // a consumer a topic: the end of a partition is reported without the topic's name
        let consumer: BaseConsumer = reader_config(settings)?.create()?;
        let name = settings.topic_name(topic.name);
        for (partition, (position, id)) in newest(&consumer, &name, partitions)? {
            all.push(Tail { topic: topic.name, partition, position, id });
        }
    }
    Ok(all)
}

type Newest = BTreeMap<i32, (i64, String)>;

/// Looks at the last few offsets, and further back where they hold no record (with transactions they can be markers).
fn newest(consumer: &BaseConsumer, topic: &str, partitions: i32) -> Result<Newest, KafkaFailure> {
    let deadline = Instant::now() + LIMIT;
    let mut open: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
    for partition in 0..partitions {
        let (low, high) = watermarks(consumer, topic, partition)?;
        if low < high {
            open.insert(partition, (low, high));
        }
    }
    let (mut found, mut back) = (Newest::new(), 8);
    while !open.is_empty() {
        let from: BTreeMap<i32, i64> =
            open.iter().map(|(p, (low, high))| (*p, (high - back).max(*low))).collect();
        found.extend(read_to_end(consumer, topic, &from, deadline)?);
        open.retain(|p, (low, _)| !found.contains_key(p) && from.get(p).is_some_and(|start| start > low));
        back *= 8;
    }
    Ok(found)
}

/// Reads from the given offsets to the end of each partition and keeps the last record of each.
fn read_to_end(
    consumer: &BaseConsumer,
    topic: &str,
    from: &BTreeMap<i32, i64>,
    deadline: Instant,
) -> Result<Newest, KafkaFailure> {
    let mut assignment = TopicPartitionList::new();
    for (partition, offset) in from {
        assignment.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    consumer.assign(&assignment)?;
    let mut open: Vec<i32> = from.keys().copied().collect();
    let mut last = Newest::new();
    while !open.is_empty() {
        if Instant::now() > deadline {
            return Err(KafkaFailure::Unavailable(format!("the end of topic {topic} cannot be read")));
        }
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(partition))) => open.retain(|p| *p != partition),
            // the library reports passing trouble and goes on by itself
            Some(Err(e)) => tracing::debug!(reason = %e, "reading the end of {topic}: {e}"),
            Some(Ok(message)) => {
                let header = |name: &str| -> Option<String> {
                    let headers = message.headers()?;
                    let found = headers.iter().find(|h| h.key == name)?.value?;
                    String::from_utf8(found.to_vec()).ok()
                };
                if let Some(position) = header("ce_sequence").and_then(|s| s.parse().ok()) {
                    let newest = last.entry(message.partition()).or_default();
                    if position >= newest.0 {
                        *newest = (position, header("ce_id").unwrap_or_default());
                    }
                }
            }
        }
    }
    Ok(last)
}
