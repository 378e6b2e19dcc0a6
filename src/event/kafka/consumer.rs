//! Reads topics of events or of states as a subscriber does: committed records, all partitions, no group.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message};
use rdkafka::{ClientConfig, TopicPartitionList};

use super::complaint::Complaints;
use super::{KafkaFailure, KafkaSettings, STATE_TOPICS, TOPICS, Topic, Topics, seek};

const REQUEST: Duration = Duration::from_secs(10);
/// Longest that a complaint may take to come through.
const COMPLAINT: Duration = Duration::from_millis(50);
/// Records that are not shown and passed over in one go.
const PASSED_OVER: usize = 1_000;
/// What names of embedded brokers begin with.
const EMBEDDED: &str = "mockCluster";

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
    /// The envelope; none on a state topic: the key has no state any more.
    pub value: Option<String>,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Timestamp of the record in milliseconds.
    pub time_ms: i64,
}

impl Incoming {
    /// The envelope; empty where there is none.
    pub fn text(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }
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

/// Reads all partitions of some topics.
pub struct EventReader {
    topics: Vec<TopicReader>,
    /// The topic that is looked at first.
    next: usize,
    volatile: bool,
}

struct TopicReader {
    consumer: BaseConsumer,
    name: String,
    /// For each partition, the end when reading began.
    ends: Vec<i64>,
    /// Which partitions are not read for now.
    resting: Vec<bool>,
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
        // what is fetched ahead is held in memory for every topic
        .set("max.partition.fetch.bytes", "262144")
        .set("queued.min.messages", "1000")
        .set("queued.max.messages.kbytes", "8192")
        // with the default, who has fetched enough rests for a second
        .set("fetch.queue.backoff.ms", "5")
        .set("allow.auto.create.topics", "false");
    Ok(config)
}

/// The oldest and the next offset of a partition; a topic that was just made may need a moment to have a leader.
pub(super) fn watermarks<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
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

/// The number of a record of ours.
pub(super) fn position_of(message: &BorrowedMessage<'_>) -> Option<i64> {
    let value = message.headers()?.iter().find(|h| h.key == "ce_sequence")?.value?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

impl EventReader {
    /// Opens all event topics that exist.
    pub fn open(settings: &KafkaSettings, from: ReadFrom) -> Result<Self, KafkaFailure> {
        Self::open_these(settings, from, &TOPICS)
    }

    /// Opens all state topics that exist, at their beginning.
    pub fn open_states(settings: &KafkaSettings) -> Result<Self, KafkaFailure> {
        Self::open_these(settings, ReadFrom::Beginning, &STATE_TOPICS)
    }

    fn open_these(settings: &KafkaSettings, from: ReadFrom, wanted: &[Topic]) -> Result<Self, KafkaFailure> {
        let complaints = Complaints::default();
        let looking: BaseConsumer<_> = reader_config(settings)?.create_with_context(complaints.clone())?;
        let found = Topics::find(looking.client(), settings).map_err(|failure| {
            // a consumer says what it has to complain of when it is asked for records
            while looking.poll(COMPLAINT).is_some() {}
            complaints.explain(failure)
        })?;
        let mut topics = Vec::new();
        let mut first_source = 0;
        for topic in wanted {
            let Some(partitions) = found.partitions(topic.name) else { continue };
            let name = settings.topic_name(topic.name);
            let bounds: Vec<(i64, i64)> =
                (0..partitions).map(|p| watermarks(&looking, &name, p)).collect::<Result<_, _>>()?;
            let consumer: BaseConsumer = reader_config(settings)?.create()?;
            consumer.assign(&seek::beginnings(&looking, &name, &bounds, from)?)?;
            topics.push(TopicReader::of(consumer, name, &bounds, first_source, from));
            first_source += bounds.len();
        }
        if topics.is_empty() {
            return Err(KafkaFailure::Unavailable("the topics do not exist yet".into()));
        }
        let cluster = looking.client().fetch_cluster_id(REQUEST);
        Ok(Self { topics, next: 0, volatile: cluster.is_some_and(|id| id.starts_with(EMBEDDED)) })
    }

    /// How many sources are read.
    pub fn sources(&self) -> usize {
        self.topics.iter().map(|t| t.ends.len()).sum()
    }

    /// Whether the broker keeps its records in memory only.
    pub fn is_volatile(&self) -> bool {
        self.volatile
    }

    /// Looks once at each topic, for about so long in all when nothing is there.
    pub fn poll(&mut self, most: Duration) -> Result<Polled, KafkaFailure> {
        // a topic that always has something must not keep the others from being read
        let polled = self.look(self.next, Duration::ZERO)?;
        if polled != Polled::Nothing {
            return Ok(polled);
        }
        let count = u32::try_from(self.topics.len()).unwrap_or(1).max(1);
        // where something came last, something is likely to come
        self.look(self.next + self.topics.len() - 1, most / count)
    }

    fn look(&mut self, first: usize, each: Duration) -> Result<Polled, KafkaFailure> {
        for round in 0..self.topics.len() {
            let index = (first + round) % self.topics.len();
            let Some(reader) = self.topics.get(index) else { continue };
            let polled = reader.poll(each)?;
            if polled != Polled::Nothing {
                self.next = index + 1;
                return Ok(polled);
            }
        }
        Ok(Polled::Nothing)
    }

    /// Stops or goes on reading a source; what was fetched of it and not given out is fetched again.
    pub fn rest(&mut self, source: usize, resting: bool) -> Result<(), KafkaFailure> {
        match self.topics.iter_mut().rfind(|t| t.first_source <= source) {
            Some(topic) => topic.rest(source, resting),
            None => Ok(()),
        }
    }
}

impl TopicReader {
    fn of(
        consumer: BaseConsumer,
        name: String,
        bounds: &[(i64, i64)],
        first_source: usize,
        from: ReadFrom,
    ) -> Self {
        let ends: Vec<i64> = bounds.iter().map(|(_, high)| *high).collect();
        let resting = vec![false; ends.len()];
        let least = match from {
            ReadFrom::Position(position) => position,
            ReadFrom::Beginning | ReadFrom::End | ReadFrom::Time(_) => 0,
        };
        Self { consumer, name, ends, resting, first_source, least }
    }

    fn rest(&mut self, source: usize, resting: bool) -> Result<(), KafkaFailure> {
        let index = source - self.first_source;
        let Some(was) = self.resting.get_mut(index) else { return Ok(()) };
        if *was == resting {
            return Ok(());
        }
        let partition = i32::try_from(index).unwrap_or_default();
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.name, partition);
        if resting {
            self.consumer.pause(&list)?
        } else {
            self.consumer.resume(&list)?
        }
        *was = resting;
        Ok(())
    }

    fn source(&self, partition: i32) -> usize {
        self.first_source + usize::try_from(partition).unwrap_or_default()
    }

    fn poll(&self, most: Duration) -> Result<Polled, KafkaFailure> {
        for _ in 0..PASSED_OVER {
            match self.consumer.poll(most) {
                None => break,
                Some(Ok(message)) => {
                    if let Some(incoming) = self.incoming(&message).filter(|i| i.position >= self.least) {
                        return Ok(Polled::Record(Box::new(incoming)));
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    return Ok(Polled::EndOf(self.source(partition)));
                }
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                    return Err(KafkaFailure::Unavailable(code.to_string()));
                }
                // the library reconnects by itself
                Some(Err(e)) => {
                    tracing::debug!(reason = %e, "reading events: {e}");
                    break;
                }
            }
        }
        Ok(Polled::Nothing)
    }

    /// A record of ours; anything else on the topic is passed over.
    fn incoming(&self, message: &BorrowedMessage<'_>) -> Option<Incoming> {
        let position = position_of(message)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers: Vec<(String, String)> = message
            .headers()?
            .iter()
            .map(|h| (h.key.to_owned(), h.value.map(text).unwrap_or_default()))
            .collect();
        let end = self.ends.get(usize::try_from(message.partition()).ok()?)?;
        Some(Incoming {
            source: self.source(message.partition()),
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            position,
            is_new: message.offset() >= *end,
            key: message.key().map(text).unwrap_or_default(),
            value: message.payload().map(text),
            headers,
            time_ms: message.timestamp().to_millis().unwrap_or_default(),
        })
    }
}
