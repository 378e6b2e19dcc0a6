//! Reads topics as they are: every committed record from the oldest to where the partition ended when reading began, ours or not.
//!
//! One partition at a time, as asked: a partition that nobody asks for is fetched a little ahead and no further, so that what is held
//! has a bound.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer, DefaultConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message};

use super::consumer::{reader_config, watermarks};
use super::{KafkaFailure, KafkaSettings, Topics, tails};

const REQUEST: Duration = Duration::from_secs(10);

/// A partition and what of it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Topic under the default prefix.
    pub topic: &'static str,
    /// Real name of the topic.
    pub name: String,
    /// Partition.
    pub partition: i32,
    /// How many partitions the topic has.
    pub partitions: i32,
    /// Oldest offset when reading began.
    pub low: i64,
    /// Offset before which reading ends.
    pub end: i64,
}

/// A record as it lies in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// Where it lies.
    pub span: Arc<Span>,
    /// Place within the partition.
    pub offset: i64,
    /// Record key.
    pub key: Option<Vec<u8>>,
    /// Record value; none: a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Create time in milliseconds.
    pub time_ms: Option<i64>,
}

/// What a look at a partition brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawPolled {
    /// A record.
    Record(Box<RawRecord>),
    /// The partition has been read to its end.
    End,
    /// Nothing in the time given.
    Nothing,
}

/// Reads partitions of several topics, each when asked.
pub struct RawReader {
    consumer: Arc<BaseConsumer>,
    sources: Vec<(Arc<Span>, PartitionQueue<DefaultConsumerContext>)>,
}

impl RawReader {
    /// Opens those of the topics that exist.
    pub fn open(settings: &KafkaSettings, topics: &[&'static str]) -> Result<Self, KafkaFailure> {
        let consumer: Arc<BaseConsumer> = Arc::new(reader_config(settings)?.create()?);
        let found = Topics::find(consumer.client(), settings)?;
        let mut spans = Vec::new();
        for topic in topics {
            let Some(partitions) = found.partitions(topic) else { continue };
            let name = settings.topic_name(topic);
            for partition in 0..partitions {
                let (low, end) = watermarks(&consumer, &name, partition)?;
                spans.push(Span { topic, name: name.clone(), partition, partitions, low, end });
            }
        }
        let mut assignment = TopicPartitionList::new();
        for span in &spans {
            let from = rdkafka::Offset::Offset(span.low);
            assignment.add_partition_offset(&span.name, span.partition, from)?;
        }
        consumer.assign(&assignment)?;
        let mut sources = Vec::new();
        for span in spans {
            let queue = consumer
                .split_partition_queue(&span.name, span.partition)
                .ok_or_else(|| KafkaFailure::Unavailable(format!("topic {} cannot be read", span.name)))?;
            sources.push((Arc::new(span), queue));
        }
        // what came before the queues were apart is forgotten and fetched again
        if !sources.is_empty() {
            consumer.seek_partitions(assignment, REQUEST)?;
        }
        Ok(Self { consumer, sources })
    }

    /// The partitions, in the order in which they are counted.
    pub fn spans(&self) -> impl ExactSizeIterator<Item = &Arc<Span>> {
        self.sources.iter().map(|(span, _)| span)
    }

    /// The next record of one partition, waited for about so long.
    pub fn next(&self, source: usize, most: Duration) -> Result<RawPolled, KafkaFailure> {
        let Some((span, queue)) = self.sources.get(source).filter(|(span, _)| span.low < span.end) else {
            return Ok(RawPolled::End);
        };
        let deadline = Instant::now() + most;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match queue.poll(left) {
                None => {
                    self.serve()?;
                    return Ok(RawPolled::Nothing);
                }
                Some(Ok(message)) if message.offset() >= span.end => return Ok(RawPolled::End),
                Some(Ok(message)) => return Ok(RawPolled::Record(Box::new(raw(span, &message)))),
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(RawPolled::End),
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                    return Err(KafkaFailure::Unavailable(code.to_string()));
                }
                // the library reconnects by itself
                Some(Err(e)) => tracing::debug!(reason = %e, "reading {}: {e}", span.name),
            }
        }
    }

    /// Whether records that had not been read yet may have expired meanwhile.
    pub fn has_lost_its_beginning(&self) -> Result<bool, KafkaFailure> {
        for (span, _) in &self.sources {
            if watermarks(&self.consumer, &span.name, span.partition)?.0 > span.low {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Lets the library tell what it has to tell.
    fn serve(&self) -> Result<(), KafkaFailure> {
        match self.consumer.poll(Duration::ZERO) {
            Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                Err(KafkaFailure::Unavailable(code.to_string()))
            }
            Some(Err(e)) => {
                tracing::debug!(reason = %e, "reading: {e}");
                Ok(())
            }
            Some(Ok(_)) | None => Ok(()),
        }
    }
}

fn raw(span: &Arc<Span>, message: &BorrowedMessage<'_>) -> RawRecord {
    let headers = message
        .headers()
        .map(|all| all.iter().map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect::<Vec<_>>());
    RawRecord {
        span: Arc::clone(span),
        offset: message.offset(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.unwrap_or_default(),
        time_ms: message.timestamp().to_millis(),
    }
}

/// The highest number among the newest committed records of all partitions; 0: there is none.
pub fn newest_number(settings: &KafkaSettings) -> Result<i64, KafkaFailure> {
    let looking: BaseConsumer = reader_config(settings)?.create()?;
    let topics = Topics::find(looking.client(), settings)?;
    let newest = tails(settings, &topics)?;
    Ok(newest.iter().map(|tail| tail.position).max().unwrap_or_default())
}
