//! Reads the event topics as a subscriber does: committed records, all partitions, no group.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::{KafkaFailure, KafkaSettings, TOPICS, Topics};

const REQUEST: Duration = Duration::from_secs(10);

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFrom {
    /// The oldest record kept.
    Beginning,
    /// What comes from now on.
    End,
    /// This number.
    Position(i64),
    /// Changes at or after this moment.
    Time(DateTime<Utc>),
}

/// One record as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Which partition of which topic, counted through all topics.
    pub source: usize,
    /// Real name of the topic.
    pub topic: String,
    /// Partition within the topic.
    pub partition: i32,
    /// Place within the partition.
    pub offset: i64,
    /// Number of the event.
    pub position: i64,
    /// Whether the record came after reading began.
    pub is_new: bool,
    /// Record key.
    pub key: String,
    /// The envelope.
    pub value: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Timestamp of the record in milliseconds.
    pub time_ms: i64,
}

/// What one look at the topics brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// A record.
    Record(Box<Incoming>),
    /// All of this source has been read for now.
    EndOf(usize),
    /// Nothing in the time given.
    Nothing,
}

/// Reads all partitions of all event topics.
pub struct EventReader {
    topics: Vec<TopicReader>,
    next: usize,
}

struct TopicReader {
    consumer: BaseConsumer,
    /// For each partition, the end when reading began.
    ends: Vec<i64>,
    first_source: usize,
    least: i64,
}

/// What every reader of ours is set to.
pub(super) fn reader_config(settings: &KafkaSettings) -> Result<ClientConfig, KafkaFailure> {
    let mut config = settings.client_config()?;
    config
        .set("group.id", format!("emgate-reader-{}", settings.cluster))
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "10")
        .set("allow.auto.create.topics", "false");
    Ok(config)
}

/// The oldest and the next offset of a partition; a topic that was just made may need a moment to have a leader.
pub(super) fn watermarks(
    consumer: &BaseConsumer,
    topic: &str,
    partition: i32,
) -> Result<(i64, i64), KafkaFailure> {
    let deadline = Instant::now() + REQUEST;
    loop {
        match consumer.fetch_watermarks(topic, partition, REQUEST) {
            Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(50)),
            outcome => return Ok(outcome?),
        }
    }
}

impl EventReader {
    /// Opens all event topics that exist.
    pub fn open(settings: &KafkaSettings, from: ReadFrom) -> Result<Self, KafkaFailure> {
        let looking: BaseConsumer = reader_config(settings)?.create()?;
        let found = Topics::find(looking.client(), settings)?;
        let mut topics = Vec::new();
        let mut first_source = 0;
        for topic in &TOPICS {
            let Some(partitions) = found.partitions(topic.name) else { continue };
            let name = settings.topic_name(topic.name);
            let reader = TopicReader::open(settings, &name, partitions, first_source, from)?;
            first_source += reader.ends.len();
            topics.push(reader);
        }
        if topics.is_empty() {
            return Err(KafkaFailure::Unavailable("there are no event topics yet".into()));
        }
        Ok(Self { topics, next: 0 })
    }

    /// How many sources are read.
    pub fn sources(&self) -> usize {
        self.topics.iter().map(|t| t.ends.len()).sum()
    }

    /// Looks once at each topic, for about so long in all when nothing is there.
    pub fn poll(&mut self, most: Duration) -> Result<Polled, KafkaFailure> {
        let count = u32::try_from(self.topics.len()).unwrap_or(1).max(1);
        for round in 0..self.topics.len() {
            let index = (self.next + round) % self.topics.len();
            let Some(reader) = self.topics.get(index) else { continue };
            let polled = reader.poll(most / count)?;
            if polled != Polled::Nothing {
                self.next = index;
                return Ok(polled);
            }
        }
        Ok(Polled::Nothing)
    }
}

impl TopicReader {
    fn open(
        settings: &KafkaSettings,
        topic: &str,
        partitions: i32,
        first_source: usize,
        from: ReadFrom,
    ) -> Result<Self, KafkaFailure> {
        let consumer: BaseConsumer = reader_config(settings)?.create()?;
        let mut assignment = TopicPartitionList::new();
        let mut ends = Vec::new();
        for partition in 0..partitions {
            let (_, high) = watermarks(&consumer, topic, partition)?;
            ends.push(high);
            let offset = match from {
                ReadFrom::Beginning | ReadFrom::Position(_) => Offset::Beginning,
                ReadFrom::End => Offset::Offset(high),
                ReadFrom::Time(time) => Offset::Offset(time.timestamp_millis()),
            };
            assignment.add_partition_offset(topic, partition, offset)?;
        }
        if let ReadFrom::Time(_) = from {
            assignment = consumer.offsets_for_times(assignment, REQUEST)?;
        }
        consumer.assign(&assignment)?;
        let least = match from {
            ReadFrom::Position(position) => position,
            ReadFrom::Beginning | ReadFrom::End | ReadFrom::Time(_) => 0,
        };
        Ok(Self { consumer, ends, first_source, least })
    }

    fn source(&self, partition: i32) -> usize {
        self.first_source + usize::try_from(partition).unwrap_or_default()
    }

    fn poll(&self, most: Duration) -> Result<Polled, KafkaFailure> {
        match self.consumer.poll(most) {
            None => Ok(Polled::Nothing),
            Some(Ok(message)) => {
                let incoming = self.incoming(&message).filter(|i| i.position >= self.least);
                Ok(incoming.map_or(Polled::Nothing, |i| Polled::Record(Box::new(i))))
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => Ok(Polled::EndOf(self.source(partition))),
            Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                Err(KafkaFailure::Unavailable(code.to_string()))
            }
            // the library reconnects by itself
            Some(Err(e)) => {
                tracing::debug!(reason = %e, "reading events: {e}");
                Ok(Polled::Nothing)
            }
        }
    }

    /// A record of ours; anything else on the topic is passed over.
    fn incoming(&self, message: &BorrowedMessage<'_>) -> Option<Incoming> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers: Vec<(String, String)> = message
            .headers()?
            .iter()
            .map(|h| (h.key.to_owned(), h.value.map(text).unwrap_or_default()))
            .collect();
        let position = headers.iter().find(|(name, _)| name == "ce_sequence")?.1.parse().ok()?;
        let end = self.ends.get(usize::try_from(message.partition()).ok()?)?;
        Some(Incoming {
            source: self.source(message.partition()),
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            position,
            is_new: message.offset() >= *end,
            key: message.key().map(text).unwrap_or_default(),
            value: message.payload().map(text)?,
            headers,
            time_ms: message.timestamp().to_millis().unwrap_or_default(),
        })
    }
}
