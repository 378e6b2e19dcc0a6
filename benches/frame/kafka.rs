//! Apache Kafka without a gateway: a bare transactional producer with the settings of ours, and a subscriber that notes what arrives.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use emgate::clock::wall_clock;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message as _, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::Outcome;

/// Partitions of the topic of sessions, ours and the peer's.
pub(crate) const PARTITIONS: i32 = 6;

const CALL: Duration = Duration::from_secs(20);

/// A record that is sent again and again.
pub(crate) struct Template {
    /// Its value.
    pub(crate) value: Vec<u8>,
    /// Its headers.
    pub(crate) headers: OwnedHeaders,
}

/// A producer that does nothing but send.
pub(crate) struct Bare {
    client: ThreadedProducer<DefaultProducerContext>,
    topic: String,
}

/// When records were readable: seconds of the wall clock, by the id in their headers.
pub(crate) type Arrivals = HashMap<String, f64>;

/// A subscriber in a thread of its own, from the end of a topic on.
pub(crate) struct Subscriber {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Outcome<(Arrivals, Option<OwnedMessage>)>>,
}

/// Makes a topic like that of sessions.
pub(crate) fn make_topic(broker: &str, topic: &str) -> Outcome<()> {
    let admin: AdminClient<DefaultClientContext> = client(broker).create()?;
    let new = NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(1));
    let made = futures_util::future::FutureExt::boxed(async move {
        admin.create_topics([&new], &AdminOptions::new().operation_timeout(Some(CALL))).await
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for outcome in runtime.block_on(made)? {
        outcome.map_err(|(name, code)| format!("topic {name} cannot be made: {code}"))?;
    }
    Ok(())
}

/// Removes topics, so that a run leaves the disk as it was.
pub(crate) fn remove_topics(broker: &str, prefix: &str) -> Outcome<()> {
    let admin: AdminClient<DefaultClientContext> = client(broker).create()?;
    let metadata = admin.inner().fetch_metadata(None, CALL)?;
    let ours: Vec<&str> =
        metadata.topics().iter().map(|t| t.name()).filter(|n| n.starts_with(prefix)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(admin.delete_topics(&ours, &AdminOptions::new().operation_timeout(Some(CALL))))?;
    Ok(())
}

fn client(broker: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker).set("log_level", "3");
    config
}

impl Bare {
    /// Connects with the settings of events.md 13.5.
    pub(crate) fn connect(broker: &str, topic: &str) -> Outcome<Self> {
        let client: ThreadedProducer<DefaultProducerContext> = client(broker)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "1")
            .set("compression.type", "lz4")
            .set("transactional.id", format!("bare-{topic}"))
            .set("transaction.timeout.ms", "30000")
            .set("message.timeout.ms", "20000")
            .create()?;
        client.init_transactions(CALL)?;
        Ok(Self { client, topic: topic.to_owned() })
    }

    /// Sends records with these ids in one transaction.
    pub(crate) fn send(&self, template: &Template, ids: impl Iterator<Item = u64>) -> Outcome<()> {
        self.client.begin_transaction()?;
        for id in ids {
            self.send_one(template, id)?;
        }
        // asked to commit before all is acknowledged, the library sleeps for a tenth of a second
        while self.client.in_flight_count() > 0 {
            std::thread::sleep(Duration::from_micros(50));
        }
        Ok(self.client.commit_transaction(CALL)?)
    }

    fn send_one(&self, template: &Template, id: u64) -> Outcome<()> {
        let (key, text) = (format!("SEP0A1B2C{:06}", id % 1_000_000), id.to_string());
        let headers =
            template.headers.clone().insert(rdkafka::message::Header { key: "n", value: Some(&text) });
        let partition = i32::try_from(id)? % PARTITIONS;
        let mut record = BaseRecord::to(&self.topic)
            .key(&key)
            .payload(&template.value)
            .partition(partition)
            .headers(headers);
        loop {
            match self.client.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    std::thread::sleep(Duration::from_millis(1));
                    record = back;
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }
}

impl Subscriber {
    /// Reads committed records of a topic from its present end on; `header` names what tells them apart.
    pub(crate) fn of(broker: &str, topic: &str, header: &'static str) -> Outcome<Self> {
        let consumer = consumer(broker, topic, From::End)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut arrivals, mut first) = (Arrivals::new(), None);
            while !stopped.load(Ordering::Relaxed) {
                let Some(message) = consumer.poll(Duration::from_millis(50)) else { continue };
                let (message, now) = (message?, wall_seconds());
                let headers = message.headers().ok_or("a record without headers")?;
                let id = headers.iter().find(|h| h.key == header).and_then(|h| h.value).unwrap_or_default();
                arrivals.insert(String::from_utf8_lossy(id).into_owned(), now);
                first.get_or_insert_with(|| message.detach());
            }
            Ok((arrivals, first))
        });
        Ok(Self { stop, thread })
    }

    /// Ends it; gives what arrived and one of the records.
    pub(crate) fn stop(self) -> Outcome<(Arrivals, Option<OwnedMessage>)> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "a subscriber has panicked")?
    }
}

/// Reads so many committed records of a topic from its beginning and gives the seconds from the first to the last.
pub(crate) fn time_to_read(broker: &str, topic: &str, records: usize) -> Outcome<f64> {
    let consumer = consumer(broker, topic, From::Beginning)?;
    let (mut first, mut heard) = (None, Instant::now());
    for _ in 0..records {
        loop {
            if let Some(message) = consumer.poll(Duration::from_millis(200)) {
                message?;
                break;
            }
            if heard.elapsed() > Duration::from_secs(60) {
                return Err("no more records arrive".into());
            }
        }
        heard = Instant::now();
        first.get_or_insert(heard);
    }
    Ok(first.map_or(0.0, |first| (heard - first).as_secs_f64()))
}

/// Where a subscriber begins.
enum From {
    Beginning,
    End,
}

/// A subscriber of all partitions.
fn consumer(broker: &str, topic: &str, from: From) -> Outcome<BaseConsumer> {
    let consumer: BaseConsumer = client(broker)
        .set("group.id", "bench")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "10")
        .set("fetch.queue.backoff.ms", "5")
        .create()?;
    let mut assignment = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        // not the end as the library would find it later
        let (beginning, end) = consumer.fetch_watermarks(topic, partition, CALL)?;
        let offset = match from {
            From::Beginning => beginning,
            From::End => end,
        };
        assignment.add_partition_offset(topic, partition, Offset::Offset(offset))?;
    }
    consumer.assign(&assignment)?;
    Ok(consumer)
}

/// The wall clock in seconds.
pub(crate) fn wall_seconds() -> f64 {
    wall_clock().timestamp_micros() as f64 / 1e6
}
