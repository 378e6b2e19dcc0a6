//! The state topics on the real Kafka: each state directly after its event, whatever happens in between.

use std::collections::{BTreeMap, BTreeSet};

use emgate::domain::event::{Event, Occurred};
use emgate::event::copier::Copier;
use emgate::event::kafka::{DeliveryMode, Incoming, KafkaSettings, Record, embedded_broker};
use emgate::event::state;
use emgate::store::{Db, number_line};
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, consumer::BaseConsumer, consumer::Consumer};

use super::samples::{all, call_log_cleared, intercom_changed, login_on, logout};
use super::{
    block_on, commit, commit_one, copy_all, kafka_settings, lead, line_of, number_all, read, read_states,
    take_over,
};
use crate::support::database::TestDatabase;

const PHONE: &str = "SEP0011223344AA";

/// What a subscriber of a state topic knows at its end: for each topic and key the newest value; none after a tombstone.
pub(super) fn live(settings: &KafkaSettings) -> BTreeMap<(String, String), String> {
    let mut live = BTreeMap::new();
    for record in read_states(settings) {
        let key = (bare(settings, &record.topic), record.key);
        match record.value {
            Some(value) => drop(live.insert(key, value)),
            None => drop(live.remove(&key)),
        }
    }
    live
}

/// The same out of the log of the database.
pub(super) fn folded(db: &Db) -> BTreeMap<(String, String), String> {
    let mut live = BTreeMap::new();
    for record in sent(db).into_iter().filter(|r| r.topic.contains(".state.")) {
        let key = (record.topic.clone(), record.key.clone());
        match record.value() {
            Some(value) => drop(live.insert(key, value.to_owned())),
            None => drop(live.remove(&key)),
        }
    }
    live
}

/// Every record that the log asks for.
pub(super) fn sent(db: &Db) -> Vec<Record> {
    let events = db.write_blocking(|tx| number_line::after(tx, 0, 10_000)).unwrap();
    events.iter().flat_map(|e| state::records(e).unwrap()).collect()
}

/// The name of a topic under the default prefix.
pub(super) fn bare(settings: &KafkaSettings, topic: &str) -> String {
    format!("em{}", topic.strip_prefix(settings.prefix.as_str()).unwrap())
}

/// In each partition of a state topic numbers never fall.
pub(super) fn assert_never_falling(records: &[Incoming]) {
    let mut newest = BTreeMap::new();
    for record in records {
        let before = newest.insert(record.source, record.position).unwrap_or_default();
        assert!(record.position >= before, "{} after {before} in {}", record.position, record.topic);
    }
}

fn header<'r>(record: &'r Incoming, name: &str) -> Option<&'r str> {
    record.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

#[test]
fn a_login_leaves_a_state_and_its_logout_a_tombstone_that_still_says_what_it_is() {
    let Some(settings) = kafka_settings("state-follows") else { return };
    let database = TestDatabase::new();
    let (db, _) = database.open();
    let mut leadership = lead(&db);
    let mut copier = take_over(&db, &settings, &leadership);
    commit(&db, vec![Occurred::of(login_on(PHONE)), Occurred::because_of(0, call_log_cleared())]);
    number_all(&db, &mut leadership);
    assert_eq!(copy_all(&db, &mut copier), 3);
    let login = read_states(&settings).pop().unwrap();
    let envelope: serde_json::Value = serde_json::from_str(login.text()).unwrap();
    assert_eq!((login.key.as_str(), login.position, login.partition), (PHONE, 1, 5));
    assert_eq!(envelope["data"]["user"]["userId"], "mrossi");
    for (header_name, attribute) in [("ce_id", "id"), ("ce_type", "type"), ("ce_dataschema", "dataschema")] {
        assert_eq!(header(&login, header_name), envelope[attribute].as_str());
    }
    assert_eq!(header(&login, "ce_emopindex"), None);

    commit_one(&db, logout());
    number_all(&db, &mut leadership);
    assert_eq!(copy_all(&db, &mut copier), 2);
    let tombstone = read_states(&settings).pop().unwrap();
    assert_eq!((tombstone.key.as_str(), tombstone.position, tombstone.partition), (PHONE, 3, 5));
    assert_eq!(tombstone.value, None);
    let names: Vec<&str> = tombstone.headers.iter().map(|(name, _)| name.as_str()).collect();
    let kept = "ce_specversion ce_id ce_type ce_source ce_time ce_subject ce_sequence ce_emstream ce_partitionkey \
                ce_correlationid id traceparent";
    assert_eq!(names.join(" "), kept.split_whitespace().collect::<Vec<_>>().join(" "));
    assert_eq!(header(&tombstone, "ce_type"), Some("em.session.state.v1"));
    assert_eq!(header(&tombstone, "ce_subject"), Some("device/SEP0011223344AA"));
    assert_eq!(live(&settings), BTreeMap::new());
}

#[test]
fn the_newest_state_of_every_key_is_the_fold_of_the_log() {
    let Some(settings) = kafka_settings("state-fold") else { return };
    let database = TestDatabase::new();
    let (db, _) = database.open();
    let mut leadership = lead(&db);
    let mut copier = take_over(&db, &settings, &leadership);
    for n in 0..40 {
        commit_one(&db, login_on(&format!("SEP00112233440{}", n % 7)));
        commit(&db, all().into_iter().map(Occurred::of).collect());
        number_all(&db, &mut leadership);
        copy_all(&db, &mut copier);
    }
    let records = read_states(&settings);
    assert_never_falling(&records);
    let mut ids: Vec<&str> = records.iter().filter_map(|r| header(r, "ce_id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), records.len(), "each state has an identity of its own");
    assert_eq!(live(&settings), folded(&db));
    assert_eq!(live(&settings).len(), 8);
}

/// Dies at a bad moment, takes over again and compares; gives what Kafka has and what the log asks for.
fn die_and_take_over(
    settings: &KafkaSettings,
    dies: impl Fn(&Db, &mut Copier),
) -> (Vec<Incoming>, Vec<Record>) {
    let database = TestDatabase::new();
    let (db, _) = database.open();
    {
        let mut first = lead(&db);
        let mut copier = take_over(&db, settings, &first);
        commit(&db, all().into_iter().map(Occurred::of).collect());
        number_all(&db, &mut first);
        copy_all(&db, &mut copier);
        commit(&db, vec![Occurred::of(login_on(PHONE)), Occurred::of(intercom_changed())]);
        number_all(&db, &mut first);
        dies(&db, &mut copier);
    }
    // nothing of what Kafka took is noted
    assert_eq!(db.write_blocking(number_line::line).unwrap().confirmed_pos, 0);
    let mut second = lead(&db);
    let mut copier = take_over(&db, settings, &second);
    copy_all(&db, &mut copier);
    commit_one(&db, login_on("SEP0011223344BB"));
    number_all(&db, &mut second);
    copy_all(&db, &mut copier);
    assert_eq!(line_of(&read(settings, None)), (1..=13).collect::<Vec<_>>());
    let records = read_states(settings);
    assert_never_falling(&records);
    assert_eq!(live(settings), folded(&db));
    (records, sent(&db).into_iter().filter(|r| r.topic.contains(".state.")).collect())
}

/// No state twice, and each as it was sent; the topic may have been compacted while the test ran, so that older ones are gone.
fn assert_each_once(records: &[Incoming], wanted: &[Record]) {
    let sent: BTreeSet<(i64, &str)> = wanted.iter().map(|r| (r.position, r.key.as_str())).collect();
    let read: BTreeSet<(i64, &str)> = records.iter().map(|r| (r.position, r.key.as_str())).collect();
    assert_eq!(read.len(), records.len(), "{records:?}");
    assert!(read.is_subset(&sent), "{read:?} of {sent:?}");
}

#[test]
fn a_publisher_that_dies_in_a_batch_leaves_no_state_twice() {
    let Some(settings) = kafka_settings("state-dies") else { return };
    let (records, wanted) =
        die_and_take_over(&settings, |db, copier| assert_eq!(copier.step_without_commit(db).unwrap(), 4));
    assert_each_once(&records, &wanted);
}

#[test]
fn a_publisher_that_dies_before_noting_a_batch_leaves_no_state_twice() {
    let Some(settings) = kafka_settings("state-notes") else { return };
    let (records, wanted) = die_and_take_over(&settings, |db, copier| assert_eq!(copy_all(db, copier), 4));
    assert_each_once(&records, &wanted);
}

#[test]
fn without_transactions_a_repeated_state_is_the_same_byte_for_byte() {
    let broker = embedded_broker(1, "em").unwrap();
    let settings = KafkaSettings::at(&broker.bootstrap_servers(), DeliveryMode::Idempotent, "em", "lab-east");
    let (records, wanted) = die_and_take_over(&settings, |db, copier| assert_eq!(copy_all(db, copier), 4));
    let mut firsts = BTreeMap::new();
    for record in &records {
        let first = firsts.entry((record.source, &record.key, record.position)).or_insert(record);
        assert_eq!((&first.value, &first.headers), (&record.value, &record.headers));
    }
    assert_eq!(firsts.len(), wanted.len());
}

#[test]
fn state_topics_are_compacted_and_have_as_many_partitions_as_their_event_topics() {
    let Some(settings) = kafka_settings("state-topics") else { return };
    let database = TestDatabase::new();
    let (db, _) = database.open();
    let servers = std::env::var("KAFKA_BOOTSTRAP").unwrap();
    let client: ClientConfig = [("bootstrap.servers".to_owned(), servers)].into_iter().collect();
    let admin: AdminClient<DefaultClientContext> = client.create().unwrap();
    let options = AdminOptions::new();
    // somebody has made the event topic with another count
    let given = settings.topic_name("em.session.v1");
    let made = rdkafka::admin::NewTopic::new(&given, 2, rdkafka::admin::TopicReplication::Fixed(1));
    block_on(admin.create_topics(&[made], &options)).unwrap();
    take_over(&db, &settings, &lead(&db));
    let looking: BaseConsumer = client.create().unwrap();
    for (topic, partitions) in [("em.session.state.v1", 2), ("em.intercom.state.v1", 3)] {
        let name = settings.topic_name(topic);
        let seen = looking.fetch_metadata(Some(&name), std::time::Duration::from_secs(5)).unwrap();
        assert_eq!(seen.topics()[0].partitions().len(), partitions, "{topic}");
        let described =
            block_on(admin.describe_configs(&[ResourceSpecifier::Topic(&name)], &options)).unwrap();
        let described = described.into_iter().next().unwrap().unwrap();
        for (setting, value) in [
            ("cleanup.policy", "compact"),
            ("delete.retention.ms", "86400000"),
            ("min.cleanable.dirty.ratio", "0.1"),
            ("segment.ms", "3600000"),
        ] {
            assert_eq!(described.entry_map()[setting].value.as_deref(), Some(value), "{topic} {setting}");
        }
    }
}

#[test]
fn an_intercom_event_leaves_line_owner_and_the_device_now() {
    let Event::IntercomDefaultDeviceChanged(mut event) = intercom_changed() else { panic!() };
    event.current = event.previous.take();
    let database = TestDatabase::new();
    let (db, _) = database.open();
    commit_one(&db, Event::IntercomDefaultDeviceChanged(event));
    number_all(&db, &mut lead(&db));
    let states = folded(&db);
    let data = |value: &str| serde_json::from_str::<serde_json::Value>(value).unwrap()["data"].clone();
    let (key, value) = states.iter().next().unwrap();
    assert_eq!(key, &("em.intercom.state.v1".to_owned(), "7001|PT_ICM".to_owned()));
    assert_eq!(data(value)["current"]["name"], PHONE);
    assert_eq!(data(value).as_object().unwrap().len(), 3);
}
