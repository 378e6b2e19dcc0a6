//! `emgate events verify`: right while logins go on, and every planted error is found by the check it belongs to.

use std::time::Duration;

use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::pg::PgConnection;
use emgate::domain::event::Occurred;
use emgate::domain::logout::LogoutOrigin;
use emgate::event::kafka::{Bootstrap, DeliveryMode, Incoming, KafkaSettings, embedded_broker, partition_of};
use emgate::event::publisher::{self, Publisher};
use emgate::event::retention::Retention;
use emgate::event::verify::{Report, verify};
use indicatif::ProgressBar;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};

use super::samples::{all, provisioning_changed};
use super::{await_status, block_on, commit, commit_one, kafka_settings, read, read_states};
use crate::support::database::TestDatabase;
use crate::support::gateway::StateDir;
use crate::support::process::emgate;
use crate::support::site::Site;
use crate::support::waiting::{await_true, in_time};

/// A site with some phones and people, each with an intercom line, and a publisher.
struct Published {
    site: Site,
    settings: KafkaSettings,
    publisher: Option<Publisher>,
}

const PHONES: usize = 6;
/// Number of its last event.
const HISTORY: i64 = 16;
/// State records of the history: a login and an intercom line each, every second one with a logout.
const STATES: u64 = 15;

fn phone(n: usize) -> String {
    format!("SEP0011223344{n:02X}")
}

impl Published {
    fn on(settings: KafkaSettings) -> Self {
        let site = Site::real();
        for n in 0..PHONES {
            site.phone(&phone(n));
            let profile = site.profile(&format!("UDP_{n}"));
            site.put_line(profile.0, 1, site.intercom(&format!("700{n}"), None), &json!({}));
            site.user(&format!("user{n}"), &[profile]);
        }
        let publisher =
            publisher::start(site.db.clone(), Some(settings.clone()), Retention::ForEver).unwrap();
        Self { site, settings, publisher: Some(publisher) }
    }

    /// Some history: everybody logs in, every second one out again, something is provisioned under number 9; then the publisher ends
    /// in order.
    fn with_history(settings: KafkaSettings) -> Self {
        let mut published = Self::on(settings);
        block_on(async {
            for n in 0..PHONES {
                published.site.log_in(&phone(n), &format!("user{n}")).await.unwrap();
                if n % 2 == 0 {
                    published.site.log_out(&phone(n), LogoutOrigin::Phone).await.unwrap();
                }
                if n == 2 {
                    commit_one(&published.site.db, provisioning_changed());
                }
            }
        });
        // a publisher that is asked to stop waits a few seconds for its broker, which may take longer to make topics
        let publisher = published.publisher.take().unwrap();
        await_status(&publisher, "the history is published", |s| s.confirmed == HISTORY);
        publisher.stop();
        published
    }

    fn verify(&self) -> Report {
        self.verify_within(Duration::from_secs(30))
    }

    fn verify_within(&self, patience: Duration) -> Report {
        verify(&self.site.db, &self.settings, patience, &ProgressBar::hidden()).unwrap()
    }

    fn sql(&self, statements: &str) {
        PgConnection::establish(&self.site.database.url).unwrap().batch_execute(statements).unwrap();
    }
}

/// The names of the checks that found something, and the first finding of each.
fn found(report: &Report) -> Vec<(&'static str, String)> {
    let with_findings = report.checks.iter().filter(|check| check.findings > 0);
    with_findings.map(|check| (check.name, check.first[0].to_string())).collect()
}

fn names(report: &Report) -> Vec<&'static str> {
    found(report).into_iter().map(|(name, _)| name).collect()
}

fn looked(report: &Report, name: &str) -> u64 {
    report.check(name).unwrap().looked
}

#[test]
fn a_site_whose_history_is_whole_has_no_finding() {
    let Some(settings) = kafka_settings("verify-clean") else { return };
    let report = Published::with_history(settings).verify();
    assert!(report.ok, "{report}");
    // a login and an intercom line each, every second one with a logout and its own rows
    assert_eq!(report.last, HISTORY);
    let all = ["chain", "line", "order", "repeats", "content", "groups"];
    assert!(all.iter().all(|name| looked(&report, name) == 16), "{report}");
    assert_eq!((looked(&report, "sessions"), looked(&report, "intercom")), (9 + 3, 6 + 6));
    assert_eq!((looked(&report, "state"), looked(&report, "placement")), (STATES, 16 + STATES));
}

#[test]
fn logins_that_go_on_while_it_reads_are_no_findings() {
    let Some(settings) = kafka_settings("verify-load") else { return };
    let published = Published::on(settings);
    block_on(async {
        let stop = std::sync::atomic::AtomicBool::new(false);
        let waker = published.publisher.as_ref().unwrap().waker();
        let writers = (0..PHONES).map(|n| {
            let (site, stop, waker) = (&published.site, &stop, &waker);
            async move {
                let mut done = 0;
                while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                    // everybody wanders, so that phones and people meet
                    site.log_in(&phone((n + done) % PHONES), &format!("user{n}")).await.ok();
                    site.log_out(&phone((n * done) % PHONES), LogoutOrigin::Phone).await.ok();
                    waker.wake();
                    done += 1;
                }
            }
        });
        let verified = async {
            // a broker that has just started takes its time, so that some reports see no more than the one before
            let mut seen = vec![(0, 0)];
            while seen.len() < 6 {
                let (db, settings) = (published.site.db.clone(), published.settings.clone());
                let run = move || verify(&db, &settings, Duration::from_secs(30), &ProgressBar::hidden());
                let report = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
                assert!(report.ok, "{report}");
                seen.push((report.last, looked(&report, "sessions")));
                seen.dedup();
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            stop.store(true, std::sync::atomic::Ordering::SeqCst);
            seen
        };
        let (seen, _) =
            in_time(async { tokio::join!(verified, futures_util::future::join_all(writers)) }).await;
        assert!(seen.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1), "{seen:?}");
        eprintln!("numbers and events of sessions seen: {seen:?}");
    });
}

#[test]
fn errors_planted_in_the_database_are_found_and_gone_with_them() {
    let Some(settings) = kafka_settings("verify-tables") else { return };
    let published = Published::with_history(settings);
    let plant = |error: &str, cure: &str, expected: &[&str]| {
        published.sql(error);
        let report = published.verify();
        assert_eq!(names(&report), expected, "{error}: {report}");
        published.sql(cure);
        assert!(published.verify().ok, "{cure}");
        report
    };
    plant(
        "CREATE TABLE kept AS TABLE sessions; DELETE FROM sessions WHERE login_method <> 'none' \
         AND session_id = (SELECT min(session_id::text)::uuid FROM sessions)",
        "INSERT INTO sessions SELECT * FROM kept ON CONFLICT DO NOTHING",
        &["sessions"],
    );
    plant(
        "UPDATE sessions SET max_login_seconds = 61",
        "UPDATE sessions SET max_login_seconds = k.max_login_seconds \
          FROM kept k WHERE k.phone_pk = sessions.phone_pk",
        &["sessions"],
    );
    plant(
        "CREATE TABLE lines_kept AS TABLE lines; UPDATE lines SET default_device_pk = NULL WHERE pattern = '7001'",
        "UPDATE lines SET default_device_pk = k.default_device_pk FROM lines_kept k WHERE k.pk = lines.pk",
        &["intercom"],
    );
    let flip = "UPDATE event_position SET hash = set_byte(hash, 7, get_byte(hash, 7) # 1) WHERE pos = 5";
    let report = plant(flip, flip, &["chain"]);
    assert_eq!(report.check("chain").unwrap().findings, 2, "the link, and the one made of it");
    let report = plant(
        "CREATE TABLE log_kept AS TABLE event_log; UPDATE event_log SET envelope = replace(envelope::text, '\"gw-1\"', '\"gw-2\"')::json \
         WHERE seq = (SELECT seq FROM event_position WHERE pos = 4)",
        "UPDATE event_log SET envelope = k.envelope FROM log_kept k WHERE k.seq = event_log.seq",
        &["chain", "content"],
    );
    assert_eq!(report.check("content").unwrap().first[0].sequence, Some(4));
    plant(
        "CREATE TABLE position_kept AS TABLE event_position; DELETE FROM event_position WHERE pos = 9",
        "INSERT INTO event_position SELECT * FROM position_kept ON CONFLICT DO NOTHING",
        // Kafka has a number that, as far as the database can tell, was never given
        &["chain", "content"],
    );
}

#[test]
fn an_event_that_never_reached_kafka_is_lost_or_late() {
    let Some(settings) = kafka_settings("verify-lost") else { return };
    let published = Published::with_history(settings);
    commit_one(&published.site.db, provisioning_changed());
    let late = published.verify_within(Duration::from_millis(300));
    assert_eq!(found(&late), [("published", "an event got no number in time".to_owned())]);
    assert!(late.check("sessions").unwrap().notes[0].starts_with("not compared"), "{late}");
    let mut leadership = super::lead(&published.site.db);
    assert_eq!(super::number_all(&published.site.db, &mut leadership), 17);
    let late = published.verify_within(Duration::from_millis(300));
    assert_eq!(names(&late), ["published"]);
    assert_eq!(late.check("published").unwrap().first[0].sequence, Some(17));
    published.sql("UPDATE event_stream SET confirmed_pos = last_pos");
    let lost = published.verify();
    assert_eq!(names(&lost), ["line", "content"], "{lost}");
    assert_eq!(lost.check("line").unwrap().first[0].to_string(), "number 17 is missing (sequence 17)");
}

/// Produces by hand what was read, changed.
fn produce(settings: &KafkaSettings, record: &Incoming, partition: i32) {
    let Bootstrap::Servers(servers) = &settings.bootstrap else { panic!("no address") };
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", servers).create().unwrap();
    let headers = record
        .headers
        .iter()
        .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(value) }));
    let mut sent = BaseRecord::to(&record.topic)
        .key(&record.key)
        .partition(partition)
        .timestamp(record.time_ms)
        .headers(headers);
    sent.payload = record.value.as_ref();
    producer.send(sent).map_err(|(e, _)| e).unwrap();
    producer.flush(Duration::from_secs(10)).unwrap();
}

/// The same event under another number.
fn renumbered(record: &Incoming, position: i64) -> Incoming {
    let (old, new) = (format!("{:020}", record.position), format!("{position:020}"));
    let headers = record.headers.iter().map(|(k, v)| (k.clone(), v.replace(&old, &new))).collect();
    let value = record.value.as_ref().map(|value| value.replace(&old, &new));
    Incoming { position, value, headers, ..record.clone() }
}

#[test]
fn records_planted_in_kafka_are_found() {
    let Some(settings) = kafka_settings("verify-records") else { return };
    let mut published = Published::with_history(settings.clone());
    let records = read(&settings, None);
    let newest = records.iter().filter(|r| r.topic.contains("session")).max_by_key(|r| r.position).unwrap();

    produce(&settings, newest, newest.partition);
    assert_eq!(names(&published.verify()), ["repeats"]);
    published.settings.mode = DeliveryMode::Idempotent;
    let report = published.verify();
    assert!(report.ok && report.check("repeats").unwrap().notes.len() == 1, "{report}");

    let value = newest.value.as_ref().map(|value| value.replace("gw-1", "gw-2"));
    let altered = Incoming { value, ..newest.clone() };
    produce(&settings, &altered, newest.partition);
    let report = published.verify();
    assert_eq!(names(&report), ["repeats"], "{report}");

    let phantom = renumbered(newest, 17);
    produce(&settings, &phantom, (newest.partition + 1) % 6);
    let report = published.verify();
    assert_eq!(names(&report), ["repeats", "placement", "content"], "{report}");
    assert_eq!(
        report.check("placement").unwrap().first[0].what,
        format!("belongs into partition {}", partition_of(newest.key.as_bytes(), 6))
    );
    assert_eq!(report.check("content").unwrap().first[0].sequence, Some(17));

    let garbage = Incoming { value: Some("no JSON".into()), headers: Vec::new(), ..newest.clone() };
    produce(&settings, &garbage, newest.partition);
    let beside = (newest.partition + 1) % 6;
    let is_elsewhere =
        |r: &&Incoming| r.topic == newest.topic && ![newest.partition, beside].contains(&r.partition);
    let before = records.iter().find(is_elsewhere).unwrap();
    produce(&settings, &renumbered(before, 3), beside);
    let report = published.verify();
    assert_eq!(report.check("placement").unwrap().findings, 1 + 1 + 1, "{report}");
    assert!(names(&report).contains(&"order"), "{report}");
}

/// Removes what is older than an offset from a partition.
fn expire(settings: &KafkaSettings, topic: &str, partition: i32, before: Offset) {
    let Bootstrap::Servers(servers) = &settings.bootstrap else { panic!("no address") };
    let mut config = ClientConfig::new();
    let admin: AdminClient<DefaultClientContext> = config.set("bootstrap.servers", servers).create().unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, partition, before).unwrap();
    let done = block_on(async { admin.delete_records(&offsets, &AdminOptions::new()).await }).unwrap();
    assert!(done.elements().iter().all(|e| e.error().is_ok()), "{done:?}");
}

#[test]
fn what_either_side_has_dropped_is_no_finding_and_what_is_missing_beyond_is() {
    let Some(settings) = kafka_settings("verify-dropped") else { return };
    let published = Published::with_history(settings.clone());
    let records = read(&settings, None);
    let session = records.iter().find(|r| r.position == 1).unwrap();
    expire(&settings, &session.topic, session.partition, Offset::Offset(session.offset + 1));
    let report = published.verify();
    assert!(report.ok, "{report}");
    assert_eq!(report.check("content").unwrap().notes.len(), 1, "{report}");
    published.sql("DELETE FROM event_position WHERE pos < 9");
    let report = published.verify();
    assert!(report.ok, "{report}");
    assert_eq!(report.check("content").unwrap().notes.len(), 1, "{report}");
    for record in &records {
        expire(&settings, &record.topic, record.partition, Offset::End);
    }
    let report = published.verify();
    assert!(report.ok, "{report}");
    assert_eq!(looked(&report, "content"), 0);
    // what no event tells of any more, the state topics do
    assert_eq!(looked(&report, "state"), STATES + 3 + 6, "{report}");
    published.sql("UPDATE sessions SET max_login_seconds = 61");
    assert_eq!(names(&published.verify()), ["state"]);
    published.sql("UPDATE sessions SET max_login_seconds = NULL; UPDATE lines SET default_device_pk = NULL");
    assert_eq!(published.verify().check("state").unwrap().findings, 6);
}

#[test]
fn states_planted_in_kafka_are_found() {
    let Some(settings) = kafka_settings("verify-states") else { return };
    let published = Published::with_history(settings.clone());
    let states = read_states(&settings);
    let of = |phone: &str| states.iter().rfind(|r| r.key == phone).unwrap().clone();
    let first = |report: &Report| report.check("state").unwrap().first[0].what.clone();

    let altered = of(&phone(1));
    let value = altered
        .value
        .as_ref()
        .map(|value| value.replace("\"loginMethod\":\"API\"", "\"loginMethod\":\"DN\""));
    produce(&settings, &Incoming { value, ..altered.clone() }, altered.partition);
    let report = published.verify();
    assert_eq!(names(&report), ["state"], "{report}");
    assert!(first(&report).ends_with("is not what the events add up to"), "{report}");
    produce(&settings, &altered, altered.partition);
    assert!(published.verify().ok, "put right again");

    let gone = Incoming { value: None, ..altered.clone() };
    let headers = gone.headers.iter().filter(|(n, _)| n != "content-type" && n != "ce_dataschema").cloned();
    produce(&settings, &Incoming { headers: headers.collect(), ..gone }, altered.partition);
    let report = published.verify();
    assert_eq!(names(&report), ["state"], "{report}");
    assert!(first(&report).starts_with("the state was taken away"), "{report}");
    produce(&settings, &altered, altered.partition);
    assert!(published.verify().ok, "put right again");

    let stale = states.iter().find(|r| r.key == phone(0)).unwrap();
    assert!(stale.value.is_some() && of(&phone(0)).value.is_none(), "a login, then a logout");
    produce(&settings, stale, stale.partition);
    let report = published.verify();
    assert_eq!(names(&report), ["state"], "{report}");
    assert_eq!(report.check("state").unwrap().findings, 2, "falling and stale: {report}");
}

#[test]
fn an_embedded_broker_is_compared_like_kafka() {
    let broker = embedded_broker(1, "em").unwrap();
    let settings = KafkaSettings::at(&broker.bootstrap_servers(), DeliveryMode::Idempotent, "em", "lab-east");
    let report = Published::with_history(settings).verify();
    assert!(report.ok && looked(&report, "placement") == 16 + STATES, "{report}");
}

#[test]
fn the_program_says_it_in_a_table_in_json_and_in_its_exit_status() {
    let Some(settings) = kafka_settings("verify-program") else { return };
    let published = Published::with_history(settings.clone());
    let Bootstrap::Servers(servers) = &settings.bootstrap else { panic!("no address") };
    let state = StateDir::new();
    let run = |kafka: &str, database: &str, more: &[&str]| {
        let arguments = ["events", "verify", "--kafka", kafka, "--topic-prefix", &settings.prefix];
        let done = emgate(&[&arguments, more].concat(), database, &state).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
    };
    let database = published.site.database.url.as_str();
    let (status, table, errors) = run(servers, database, &[]);
    assert_eq!((status, errors.as_str()), (0, ""), "{table}");
    assert!(table.ends_with("\neverything agrees\n"), "{table}");
    let (status, json, _) = run(servers, database, &["--json"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, &report["ok"], &report["last"]), (0, &json!(true), &json!(16)));

    published.sql("DELETE FROM sessions");
    let (status, json, _) = run(servers, database, &["--json"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, &report["ok"]), (1, &json!(false)));
    let checks = report["checks"].as_array().unwrap();
    let sessions = checks.iter().find(|check| check["name"] == "sessions").unwrap();
    assert_eq!(
        (&sessions["findings"], &sessions["first"][0]["key"]),
        (&json!(3), &sessions["first"][0]["key"])
    );
    assert!(sessions["first"][0]["key"].as_str().unwrap().starts_with("SEP0011223344"));
    let (status, table, _) = run(servers, database, &[]);
    assert!(status == 1 && table.ends_with("\nnot everything agrees\n"), "{table}");

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (status, table, errors) = run(&format!("127.0.0.1:{nobody}"), database, &["--timeout", "1"]);
    assert_eq!((status, table.as_str()), (2, ""), "{errors}");
    assert!(errors.starts_with("emgate: kafka "), "{errors}");
    let (status, _, errors) = run(servers, "postgres://em:hunter2@127.0.0.1:1/none", &[]);
    assert!(
        status == 2 && errors.starts_with("emgate: database: ") && !errors.contains("hunter2"),
        "{errors}"
    );
    assert_eq!(run(servers, database, &["--timeout", "soon"]).0, 2);
}

/// Not a promise but a measurement: how long a long log takes.
#[test]
#[ignore = "writes a million events, some minutes; `make soak` runs it"]
fn a_million_events_are_compared() {
    let Some(settings) = kafka_settings("verify-million") else { return };
    let database = TestDatabase::new();
    let db = database.open_real();
    let publisher = publisher::start(db.clone(), Some(settings.clone()), Retention::ForEver).unwrap();
    let many: i64 = std::env::var("EMGATE_EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    for _ in 0..many / 500 {
        // of all types but those that tables follow
        let mut events = Vec::new();
        while events.len() < 500 {
            events.extend(all().into_iter().skip(4).chain([all().remove(2)]).map(Occurred::of));
        }
        commit(&db, events.split_off(events.len() - 500));
        publisher.waker().wake();
    }
    await_true(Duration::from_secs(1_800), "all are copied", || publisher.status().confirmed == many);
    publisher.stop();
    let begun = std::time::Instant::now();
    let report = verify(&db, &settings, Duration::from_secs(60), &ProgressBar::hidden()).unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    eprintln!("{many} events in {:?}, {peak}\n{report}", begun.elapsed());
    assert!(report.ok && looked(&report, "content") == many as u64);
}
