//! Reads Kafka as a subscriber does: every topic from its beginning to its end, committed records only.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use super::checker::event::{Event, Record, digest_of, perhaps, session, text};
use super::checker::{History, Says, State};

/// The event topics.
const EVENTS: [&str; 4] = ["em.session.v1", "em.intercom.v1", "em.provisioning.v1", "em.audit.v1"];
/// The state topics.
const STATES: [&str; 2] = ["em.session.state.v1", "em.intercom.state.v1"];
/// The longest that reading may stand still.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads events and, where there are any, states.
pub(crate) fn read_into(servers: &str, history: &mut History) -> Result<(), String> {
    let consumer = consumer(servers).map_err(|e| e.to_string())?;
    let there = topics(&consumer).map_err(|e| e.to_string())?;
    history.partitions.clone_from(&there);
    let events: Vec<_> = there.iter().filter(|(topic, _)| EVENTS.contains(&topic.as_str())).collect();
    let records = &mut history.records;
    read(&consumer, &events, |message| {
        let value = message.payload().unwrap_or_default();
        let place = format!("{} {}@{}", message.topic(), message.partition(), message.offset());
        let event = Event::read(value).map_err(|e| format!("{place}: {e}"))?;
        let key = String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned();
        let digest = digest_of(value);
        let topic = message.topic().to_owned();
        records.push(Record {
            topic,
            partition: message.partition(),
            offset: message.offset(),
            key,
            digest,
            event,
        });
        Ok(())
    })?;
    let states: Vec<_> = there.iter().filter(|(topic, _)| STATES.contains(&topic.as_str())).collect();
    if events.len() < EVENTS.len() || states.len() < STATES.len() {
        return Err(format!("topics are missing, there are {:?}", there.keys().collect::<Vec<_>>()));
    }
    let records = &mut history.states;
    read(&consumer, &states, |message| {
        records.push(state(message)?);
        Ok(())
    })
}

fn consumer(servers: &str) -> Result<BaseConsumer, KafkaError> {
    ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("group.id", "soak")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "50")
        .create()
}

fn topics(consumer: &BaseConsumer) -> Result<BTreeMap<String, i32>, KafkaError> {
    let metadata = consumer.fetch_metadata(None, Duration::from_secs(10))?;
    let topics = metadata.topics().iter();
    Ok(topics.map(|t| (t.name().to_owned(), i32::try_from(t.partitions().len()).unwrap())).collect())
}

/// Reads topics to their ends.
fn read(
    consumer: &BaseConsumer,
    topics: &[(&String, &i32)],
    mut take: impl FnMut(&BorrowedMessage<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let mut list = TopicPartitionList::new();
    // ends are told by the number of the partition, without its topic
    let mut ends: HashMap<i32, usize> = HashMap::new();
    for (topic, partitions) in topics {
        for partition in 0..**partitions {
            list.add_partition_offset(topic, partition, Offset::Beginning).map_err(|e| e.to_string())?;
            *ends.entry(partition).or_default() += 1;
        }
    }
    consumer.assign(&list).map_err(|e| e.to_string())?;
    let mut heard = Instant::now();
    while ends.values().any(|left| *left > 0) {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                heard = Instant::now();
                take(&message)?;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                heard = Instant::now();
                let left = ends.entry(partition).or_default();
                *left = left.saturating_sub(1);
            }
            Some(Err(e)) => eprintln!("reading Kafka: {e}"),
            None => {}
        }
        if heard.elapsed() > PATIENCE {
            return Err("Kafka cannot be read to its end".into());
        }
    }
    consumer.unassign().map_err(|e| e.to_string())
}

/// Reads a state record.
fn state(message: &BorrowedMessage<'_>) -> Result<State, String> {
    let key = String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned();
    let place = format!("{} {}", message.topic(), message.partition());
    let number = header(message, "ce_sequence").and_then(|s| s.parse().ok());
    let number = number.ok_or_else(|| format!("{place}: {key} has no ce_sequence"))?;
    let json = message.payload().map(serde_json::from_slice::<serde_json::Value>).transpose();
    let json = json.map_err(|e| format!("{place}: {key}: {e}"))?;
    let says = if message.topic() == STATES[0] {
        Says::Session(json.map(|json| session(&json)).transpose()?)
    } else {
        let device = json.map(|json| perhaps(&json, "/data/current/name", text)).transpose()?;
        Says::Device(device.flatten())
    };
    Ok(State { topic: message.topic().to_owned(), partition: message.partition(), key, number, says })
}

fn header(message: &BorrowedMessage<'_>, name: &str) -> Option<String> {
    let headers = message.headers()?;
    let found = headers.iter().find(|h| h.key == name)?;
    Some(String::from_utf8_lossy(found.value?).into_owned())
}
