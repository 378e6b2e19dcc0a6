//! Showing what is in Kafka when that is a lot: in order, from any number on, and without holding all of it.

use std::time::{Duration, Instant};

use emgate::clock::wall_clock;
use emgate::event::kafka::{
    DeliveryMode, KafkaSettings, Producer, ReadFrom, Record, embedded_broker, partition_of,
};
use emgate::event::line::LineReader;
use emgate::event::merge;
use emgate::event::tail::{self, TailArgs};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::kafka::tail_args;
use super::{block_on, kafka_settings};

const MANY: i64 = 20_000;
const BUSY: &str = "SEP0011223344AA";

/// Sends the numbers up to the given one: nearly all are of sessions, in the second half of one phone alone.
fn fill(settings: &KafkaSettings, last: i64) {
    let producer = Producer::connect(settings, &|| true).unwrap();
    let line: Vec<Record> = (1..=last).map(|position| record(position, last)).collect();
    for batch in line.chunks(2_000) {
        producer.publish(batch, &|| true).unwrap();
    }
}

fn record(position: i64, last: i64) -> Record {
    let (topic, key) = if position % (last / 2) == 0 {
        ("em.provisioning.v1", "provisioned".to_owned())
    } else if position > last / 2 {
        ("em.session.v1", BUSY.to_owned())
    } else {
        ("em.session.v1", format!("SEP0011223344{:02}", position % 50))
    };
    // by the clock of the broker, or it would take the records for expired
    let time_ms = wall_clock().timestamp_millis();
    let value = serde_json::json!({
        "specversion": "1.0", "id": format!("id-{position}"), "type": "em.device.login.v1", "source": "/em/lab",
        "subject": format!("device/{key}"), "time": "2026-03-02T08:00:00.000Z", "dataschema": "urn:x", "partitionkey": key,
        "sequence": format!("{position:020}"), "emstream": "s", "correlationid": "c", "emopindex": 1, "emopcount": 1,
        "data": { "device": { "name": key } },
    });
    Record {
        position,
        topic: topic.to_owned(),
        key,
        envelope: value.to_string(),
        is_tombstone: false,
        time_ms,
    }
}

/// Reads to the end; gives the numbers and how many records were held at most.
fn read_line(settings: &KafkaSettings, from: ReadFrom) -> (Vec<i64>, usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut line = LineReader::open(settings, from).unwrap();
    let (mut numbers, mut most_held) = (Vec::new(), 0);
    while !line.is_drained() {
        assert!(Instant::now() < deadline, "{} came, {} are held", numbers.len(), line.held());
        numbers.extend(line.next(Duration::from_millis(30)).unwrap().map(|r| r.position));
        most_held = most_held.max(line.held());
    }
    (numbers, most_held)
}

/// Removes everything of the busiest partition that is older than an offset.
fn expire(settings: &KafkaSettings, before: i64) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", tail_args(settings).kafka.unwrap());
    let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
    let mut offsets = TopicPartitionList::new();
    let (topic, partition) = (settings.topic_name("em.session.v1"), partition_of(BUSY.as_bytes(), 6));
    offsets.add_partition_offset(&topic, partition, Offset::Offset(before)).unwrap();
    let done = block_on(async { admin.delete_records(&offsets, &AdminOptions::new()).await }).unwrap();
    assert!(done.elements().iter().all(|e| e.error().is_ok()), "{done:?}");
}

#[test]
fn a_long_topic_beside_a_short_one_is_shown_from_any_number_on_and_never_held_whole() {
    let Some(settings) = kafka_settings("long") else { return };
    fill(&settings, MANY);
    let (numbers, most_held) = read_line(&settings, ReadFrom::Beginning);
    assert_eq!(numbers, (1..=MANY).collect::<Vec<_>>());
    // what came before the first line was held as well
    assert!(most_held <= 6 * merge::FULL, "{most_held} records were held");
    for from in [-1, 0, 1, 2, MANY / 2 - 1, MANY / 2, MANY / 2 + 1, MANY - 1, MANY, MANY + 1, i64::MAX] {
        let (numbers, _) = read_line(&settings, ReadFrom::Position(from));
        assert_eq!(numbers, (from.max(1)..=MANY).collect::<Vec<_>>(), "from {from}");
    }
    expire(&settings, 5_000);
    let (kept, _) = read_line(&settings, ReadFrom::Beginning);
    assert!(kept.len() < 16_000 && kept.is_sorted(), "{} are kept", kept.len());
    for from in [1, MANY / 2 - 3, MANY / 2 + 3, kept[kept.len() - 9]] {
        let (numbers, _) = read_line(&settings, ReadFrom::Position(from));
        assert_eq!(numbers, kept.iter().copied().filter(|p| *p >= from).collect::<Vec<_>>(), "from {from}");
    }
}

#[test]
fn a_number_still_to_come_is_where_reading_begins_then() {
    let Some(settings) = kafka_settings("future") else { return };
    fill(&settings, 10);
    let mut line = LineReader::open(&settings, ReadFrom::Position(12)).unwrap();
    let producer = Producer::connect(&settings, &|| true).unwrap();
    for position in 11..=13 {
        producer.publish(&[record(position, 100)], &|| true).unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut numbers = Vec::new();
    while numbers.len() < 2 {
        assert!(Instant::now() < deadline, "{numbers:?}");
        numbers.extend(line.next(Duration::from_millis(30)).unwrap().map(|r| r.position));
    }
    assert_eq!(numbers, [12, 13]);
}

#[test]
fn events_of_an_embedded_broker_are_said_not_to_last_and_those_of_kafka_are_not() {
    let broker = embedded_broker(1, "em").unwrap();
    let embedded = KafkaSettings::at(&broker.bootstrap_servers(), DeliveryMode::Idempotent, "em", "lab-east");
    let notes = |settings: &KafkaSettings| {
        fill(settings, 2);
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        tail::show(&TailArgs { json: false, ..tail_args(settings) }, &mut out, &mut notes).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), 2);
        String::from_utf8(notes).unwrap()
    };
    assert_eq!(
        notes(&embedded),
        "emgate: embedded broker: these events are kept in memory only and are gone when it ends\n"
    );
    if let Some(durable) = kafka_settings("lasting") {
        assert_eq!(notes(&durable), "");
    }
}
