//! The whole state once more: what the topics hold afterwards is the fold of the log and what the tables say, whoever writes meanwhile.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use emgate::domain::event::{Cause, Via};
use emgate::domain::ids::{LinePk, PhonePk};
use emgate::domain::logout::LogoutOrigin;
use emgate::event::copier::{Copier, CopyError};
use emgate::event::kafka::{DeliveryMode, KafkaFailure, KafkaSettings, embedded_broker};
use emgate::event::publisher;
use emgate::event::republish::{self, RepublishArgs};
use emgate::event::retention::{Retention, drop_old};
use emgate::event::sequencer::Leadership;
use emgate::event::verify::verify;
use emgate::store::intercom_states::{self, StatesOf};
use emgate::store::{Db, number_line, state};
use indicatif::ProgressBar;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::{Value, json};

use super::state::{assert_never_falling, bare, folded, live, sent};
use super::{await_status, block_on, copy_all, kafka_settings, lead, number_all, read_states, take_over};
use crate::support::site::Site;
use crate::support::waiting::{await_numbers, await_true};

/// The states of a key: each with the number that it was made under; none after a tombstone.
type States = Vec<(i64, Option<Value>)>;
pub(super) type Data = BTreeMap<(String, String), Value>;

/// What state records say, without what tells when they were made.
pub(super) fn said(values: &BTreeMap<(String, String), String>) -> Data {
    let data = |value: &String| serde_json::from_str::<Value>(value).unwrap()["data"].take();
    values.iter().map(|(key, value)| (key.clone(), data(value))).collect()
}

/// What the tables say.
pub(super) fn in_tables(db: &Db) -> Data {
    let (sessions, lines) = db
        .write_blocking(|tx| {
            let lines = intercom_states::load(tx, &StatesOf::After(LinePk(0), 1_000))?;
            Ok::<_, emgate::store::StoreError>((state::sessions_after(tx, 0, 20_000)?, lines))
        })
        .unwrap();
    let sessions = sessions.into_iter().map(|session| {
        let mut data: Value = serde_json::from_str(&session.envelope.unwrap()).unwrap();
        let mut data = data["data"].take();
        for field in ["displaced", "callLogCleared", "requestedBy"] {
            data.as_object_mut().unwrap().remove(field).unwrap();
        }
        assert_eq!(data["sessionId"], session.session_id.to_string());
        (("em.session.state.v1".to_owned(), session.key), data)
    });
    let lines = lines.into_iter().map(|(_, line)| {
        (("em.intercom.state.v1".to_owned(), line.line.key()), serde_json::to_value(line).unwrap())
    });
    sessions.chain(lines).collect()
}

/// So many phones, each with a user of its own, and an intercom line on the profile of the first.
fn site(phones: usize) -> Site {
    let site = Site::new();
    for n in 0..phones {
        site.phone(&phone(n));
        let profile = site.profile(&format!("UDP_{n}"));
        site.user(&format!("u{n}"), &[profile]);
        if n == 0 {
            site.put_line(profile.0, 1, site.intercom("7001", None), &json!({"label": "Boss"}));
        }
    }
    site
}

fn phone(n: usize) -> String {
    format!("SEP00000000{n:04X}")
}

fn log_in(site: &Site, phones: impl IntoIterator<Item = usize>) {
    block_on(async {
        for n in phones {
            site.log_in(&phone(n), &format!("u{n}")).await.unwrap();
        }
    });
}

fn log_out(site: &Site, n: usize) {
    block_on(site.log_out(&phone(n), LogoutOrigin::Phone)).unwrap();
}

/// Numbers and copies all, and notes that Kafka has it.
fn publish(site: &Site, leadership: &mut Leadership, copier: &mut Copier) {
    number_all(&site.db, leadership);
    copy_all(&site.db, copier);
    leadership.confirm(&site.db, copier.confirmed()).unwrap();
}

/// The number of each state that is alive.
fn numbers(settings: &KafkaSettings) -> Vec<i64> {
    let number = |value: &String| {
        serde_json::from_str::<Value>(value).unwrap()["sequence"].as_str().unwrap().parse().unwrap()
    };
    live(settings).values().map(number).collect()
}

fn client() -> ClientConfig {
    [("bootstrap.servers".to_owned(), std::env::var("KAFKA_BOOTSTRAP").unwrap())].into_iter().collect()
}

/// Deletes a topic and waits until it is gone.
#[track_caller]
fn delete(settings: &KafkaSettings, topic: &str) {
    let admin: AdminClient<DefaultClientContext> = client().create().unwrap();
    let name = settings.topic_name(topic);
    block_on(admin.delete_topics(&[&name], &AdminOptions::new())).unwrap();
    let looking: BaseConsumer = client().create().unwrap();
    await_true(Duration::from_secs(10), &format!("{name} is deleted"), || {
        let seen = looking.fetch_metadata(None, Duration::from_secs(5)).unwrap();
        seen.topics().iter().all(|t| t.name() != name)
    });
}

#[test]
fn a_state_topic_that_was_lost_is_written_anew_behind_the_last_number() {
    let Some(settings) = kafka_settings("again-lost") else { return };
    let site = site(5);
    let mut leadership = lead(&site.db);
    let mut copier = take_over(&site.db, &settings, &leadership);
    log_in(&site, 0..5);
    log_out(&site, 3);
    publish(&site, &mut leadership, &mut copier);
    assert!(!copier.state_is_due(&site.db).unwrap());
    delete(&settings, "em.session.state.v1");
    let mut copier = take_over(&site.db, &settings, &leadership);
    assert_eq!(copy_all(&site.db, &mut copier), 0);
    assert!(copier.state_is_due(&site.db).unwrap());
    // committed, not yet numbered: it is in what is published
    log_in(&site, [3]);
    log_out(&site, 4);
    assert_eq!(copier.republish(&site.db, &|| true).unwrap(), 4 + 1);
    assert!(!copier.state_is_due(&site.db).unwrap());
    let last = site.db.write_blocking(number_line::line).unwrap().last_pos;
    assert_eq!((numbers(&settings), copier.confirmed()), (vec![last; 5], last));
    assert_eq!(said(&live(&settings)), said(&folded(&site.db)));
    assert_eq!(said(&live(&settings)), in_tables(&site.db));
    // all that may have taken longer than a leader may be silent
    drop(leadership);
    let mut leadership = lead(&site.db);
    let mut copier = take_over(&site.db, &settings, &leadership);
    log_in(&site, [4]);
    publish(&site, &mut leadership, &mut copier);
    assert_never_falling(&read_states(&settings));
    assert_eq!(said(&live(&settings)), in_tables(&site.db));
}

#[test]
fn a_session_that_was_extended_has_its_end_in_the_state_at_once_and_when_it_is_published_again() {
    let Some(settings) = kafka_settings("again-extended") else { return };
    let site = site(2);
    site.parameter("IntraClusterMaxLoginTime", "1:00");
    site.parameter("AutomaticLogoutExtendMinutes", "10");
    let mut leadership = lead(&site.db);
    let mut copier = take_over(&site.db, &settings, &leadership);
    log_in(&site, 0..2);
    let phone = site.db.write_blocking(|tx| state::sessions_after(tx, 0, 1)).unwrap().remove(0);
    site.clock.advance_seconds(3300);
    let due = phone.started_at.timestamp() + 3600;
    let cause = Cause::by_system(site.em.new_id(), Via::Phone);
    assert_eq!(block_on(site.em.extend(PhonePk(phone.phone), due, cause)), Ok(Some(15)));
    publish(&site, &mut leadership, &mut copier);
    let key = ("em.session.state.v1".to_owned(), phone.key);
    let before = live(&settings);
    let end =
        |state: &Value| state["expiresAt"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap().timestamp();
    assert_eq!(end(&said(&before)[&key]), due + 600);
    assert_eq!(said(&before), in_tables(&site.db));
    delete(&settings, "em.session.state.v1");
    let mut copier = take_over(&site.db, &settings, &leadership);
    copy_all(&site.db, &mut copier);
    copier.republish(&site.db, &|| true).unwrap();
    assert_eq!(said(&live(&settings)), said(&before));
    let report = verify(&site.db, &settings, Duration::from_secs(30), &ProgressBar::hidden()).unwrap();
    assert!(report.checks.iter().all(|check| check.findings == 0), "{report:?}");
}

/// A database was restored from an older copy: what it does not know must not live on.
fn restore(settings: &KafkaSettings) {
    let before = site(4);
    let mut leadership = lead(&before.db);
    let mut copier = take_over(&before.db, settings, &leadership);
    log_in(&before, 0..4);
    publish(&before, &mut leadership, &mut copier);
    assert_eq!(live(settings).len(), 4 + 1);
    let restored = site(4);
    log_in(&restored, [2]);
    let mut leadership = lead(&restored.db);
    number_all(&restored.db, &mut leadership);
    let mut copier = take_over(&restored.db, settings, &leadership);
    assert_eq!(number_all(&restored.db, &mut leadership), 5 + 1);
    copy_all(&restored.db, &mut copier);
    assert!(copier.state_is_due(&restored.db).unwrap(), "a new line begins with the whole state");
    copier.republish(&restored.db, &|| true).unwrap();
    let alive = live(settings);
    assert_eq!(said(&alive), in_tables(&restored.db));
    let line = restored.db.write_blocking(number_line::line).unwrap();
    let stream = format!("\"emstream\":\"{}\"", line.emstream);
    assert!(alive.values().all(|value| value.contains(&stream)), "{stream}: {alive:?}");
    assert_eq!(numbers(settings), vec![line.last_pos; alive.len()]);
    assert_never_falling(&read_states(settings));
}

#[test]
fn a_restored_database_publishes_its_whole_state_and_no_stale_key_lives_on() {
    let Some(settings) = kafka_settings("again-restored") else { return };
    restore(&settings);
}

#[test]
fn a_restored_database_publishes_its_whole_state_to_the_embedded_broker_too() {
    let broker = embedded_broker(1, "em").unwrap();
    restore(&KafkaSettings::at(&broker.bootstrap_servers(), DeliveryMode::Idempotent, "em", "lab-east"));
}

#[test]
fn a_state_topic_that_is_ahead_of_the_database_begins_a_new_line_though_all_events_are_gone() {
    let Some(settings) = kafka_settings("again-ahead") else { return };
    let before = site(3);
    let mut leadership = lead(&before.db);
    let mut copier = take_over(&before.db, &settings, &leadership);
    log_in(&before, 0..3);
    publish(&before, &mut leadership, &mut copier);
    for topic in ["em.session.v1", "em.intercom.v1", "em.provisioning.v1", "em.audit.v1"] {
        delete(&settings, topic);
    }
    let restored = site(3);
    let stream = restored.db.write_blocking(number_line::line).unwrap().emstream;
    take_over(&restored.db, &settings, &lead(&restored.db));
    let line = restored.db.write_blocking(number_line::line).unwrap();
    assert_ne!(line.emstream, stream);
    assert_eq!((line.last_pos, line.state_due), (4, true));
}

#[test]
fn a_crash_on_the_way_is_followed_by_the_whole_again() {
    let Some(settings) = kafka_settings("again-crash") else { return };
    let site = site(6);
    log_in(&site, 0..6);
    {
        let mut leadership = lead(&site.db);
        let mut copier = take_over(&site.db, &settings, &leadership);
        publish(&site, &mut leadership, &mut copier);
    }
    republish::run(&site.db, RepublishArgs { wait: false }).unwrap();
    for survived in [0, 3, 6, 9] {
        let mut leadership = lead(&site.db);
        let mut copier = take_over(&site.db, &settings, &leadership);
        publish(&site, &mut leadership, &mut copier);
        assert!(copier.state_is_due(&site.db).unwrap());
        let left = Cell::new(i64::try_from(survived).unwrap());
        let go_on = || left.replace(left.get() - 1) > 0;
        let died = copier.republish(&site.db, &go_on);
        assert!(matches!(died, Err(CopyError::Kafka(KafkaFailure::Stopped))), "{died:?}");
        log_out(&site, survived / 3);
        log_in(&site, [survived / 3]);
    }
    let mut leadership = lead(&site.db);
    let mut copier = take_over(&site.db, &settings, &leadership);
    publish(&site, &mut leadership, &mut copier);
    copier.republish(&site.db, &|| true).unwrap();
    assert!(!site.db.write_blocking(number_line::line).unwrap().state_due);
    assert_never_falling(&read_states(&settings));
    assert_eq!(said(&live(&settings)), said(&folded(&site.db)));
    assert_eq!(said(&live(&settings)), in_tables(&site.db));
}

#[test]
fn a_former_leader_publishes_no_state() {
    let Some(settings) = kafka_settings("again-former") else { return };
    let site = site(2);
    log_in(&site, 0..2);
    let mut leadership = lead(&site.db);
    let mut former = take_over(&site.db, &settings, &leadership);
    publish(&site, &mut leadership, &mut former);
    republish::run(&site.db, RepublishArgs { wait: false }).unwrap();
    drop(leadership);
    let _second = lead(&site.db);
    assert!(!former.state_is_due(&site.db).unwrap());
    let outcome = former.republish(&site.db, &|| true);
    assert!(matches!(outcome, Err(CopyError::Deposed)), "{outcome:?}");
    assert!(site.db.write_blocking(number_line::line).unwrap().state_due);
}

#[test]
fn what_is_published_again_under_load_is_the_fold_up_to_its_number() {
    let Some(settings) = kafka_settings("again-load") else { return };
    let site = site(24);
    let publisher = publisher::start(site.db.clone(), Some(settings.clone()), Retention::ForEver).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let (site, stop, waker) = (&site, &stop, publisher.waker());
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    for n in (writer * 8)..(writer * 8 + 8) {
                        log_in(site, [n]);
                        waker.wake();
                        if n % 3 > 0 {
                            log_out(site, n);
                        }
                    }
                    for n in ((writer * 8)..(writer * 8 + 8)).filter(|n| n % 3 == 0) {
                        log_out(site, n);
                    }
                }
            });
        }
        for _ in 0..4 {
            republish::run(&site.db, RepublishArgs { wait: true }).unwrap();
        }
        stop.store(true, Ordering::SeqCst);
    });
    log_in(&site, 0..7);
    await_numbers(&site.db, Duration::from_secs(30));
    let last = site.db.write_blocking(number_line::line).unwrap().last_pos;
    await_status(&publisher, "all are copied", |s| s.confirmed == last);
    publisher.stop();
    assert_eq!(said(&live(&settings)), said(&folded(&site.db)));
    assert_eq!(said(&live(&settings)), in_tables(&site.db));
    let records = read_states(&settings);
    assert_never_falling(&records);

    // whatever stands in the topics under a number is the fold of the log up to it
    let data = |value: &str| serde_json::from_str::<Value>(value).unwrap()["data"].take();
    let mut of_key: BTreeMap<(String, String), States> = BTreeMap::new();
    for record in sent(&site.db).into_iter().filter(|r| r.topic.contains(".state.")) {
        let states = of_key.entry((record.topic.clone(), record.key.clone())).or_default();
        states.push((record.position, record.value().map(data)));
    }
    let mut again = 0;
    for record in records {
        let states = &of_key[&(bare(&settings, &record.topic), record.key.clone())];
        let (made, folded) = states.iter().rfind(|(position, _)| *position <= record.position).unwrap();
        again += usize::from(*made < record.position);
        assert_eq!(record.value.as_deref().map(data), *folded, "{} at {}", record.key, record.position);
    }
    assert!(again >= 8, "{again} states were published again");
}

#[test]
fn a_session_outlives_the_log_of_its_login() {
    let Some(settings) = kafka_settings("again-old") else { return };
    let site = site(3);
    let mut leadership = lead(&site.db);
    leadership.make_partitions(&site.db).unwrap();
    let mut copier = take_over(&site.db, &settings, &leadership);
    site.clock.advance_seconds(86_400);
    log_in(&site, 0..2);
    publish(&site, &mut leadership, &mut copier);
    let (before, tables) = (live(&settings), in_tables(&site.db));
    site.clock.advance_seconds(5 * 86_400);
    log_in(&site, [2]);
    publish(&site, &mut leadership, &mut copier);
    let dropped = drop_old(&site.db, &mut site.db.connect().unwrap(), 2, &|| true).unwrap();
    assert_eq!(dropped[0], "event_log_20260303");
    delete(&settings, "em.session.state.v1");
    let mut copier = take_over(&site.db, &settings, &leadership);
    copy_all(&site.db, &mut copier);
    copier.republish(&site.db, &|| true).unwrap();
    let after = live(&settings);
    assert_eq!(said(&after), in_tables(&site.db));
    let old = ("em.session.state.v1".to_owned(), phone(1));
    assert_eq!((said(&after)[&old].clone(), &tables[&old]), (tables[&old].clone(), &said(&before)[&old]));
    let attribute = |value: &str, name: &str| serde_json::from_str::<Value>(value).unwrap()[name].clone();
    for name in ["time", "correlationid", "emnode", "authid"] {
        assert_eq!(attribute(&after[&old], name), attribute(&before[&old], name), "{name}");
    }
}

#[test]
fn an_operator_who_waits_is_told_when_it_is_done() {
    let Some(settings) = kafka_settings("again-asked") else { return };
    let site = site(2);
    log_in(&site, 0..2);
    let publisher = publisher::start(site.db.clone(), Some(settings.clone()), Retention::ForEver).unwrap();
    await_status(&publisher, "all are copied", |s| s.confirmed == 3);
    republish::run(&site.db, RepublishArgs { wait: true }).unwrap();
    assert_eq!(numbers(&settings), [3; 3]);
    assert_eq!(read_states(&settings).len(), 3 + 3);
    assert!(!publisher.status().republishing);
    publisher.stop();
}

/// Not a promise but a measurement: how long and with how much memory.
#[test]
#[ignore = "ten thousand logins, about a minute; `make soak` runs it"]
fn ten_thousand_sessions_are_published_again_in_little_memory() {
    let Some(settings) = kafka_settings("again-many") else { return };
    let (count, site) = (10_000, std::sync::Arc::new(site(10_000)));
    for first in (0..count).step_by(50) {
        site.clock.advance_seconds(1);
        block_on(async {
            let logins = (first..first + 50).map(|n| {
                let site = std::sync::Arc::clone(&site);
                tokio::spawn(async move { site.log_in(&phone(n), &format!("u{n}")).await.unwrap() })
            });
            for login in logins.collect::<Vec<_>>() {
                login.await.unwrap();
            }
        });
    }
    let mut leadership = lead(&site.db);
    let mut copier = take_over(&site.db, &settings, &leadership);
    publish(&site, &mut leadership, &mut copier);
    republish::run(&site.db, RepublishArgs { wait: false }).unwrap();
    let (before, most, done) = (resident(), std::sync::atomic::AtomicU64::new(0), AtomicBool::new(false));
    let begun = Instant::now();
    let sent = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                most.fetch_max(resident(), Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let sent = copier.republish(&site.db, &|| true).unwrap();
        done.store(true, Ordering::SeqCst);
        sent
    });
    let more = most.into_inner().saturating_sub(before);
    eprintln!("{sent} states in {:?}, {more} KiB more memory", begun.elapsed());
    assert_eq!(sent, count + 1);
    assert!(more < 64 * 1024, "{more} KiB");
    assert_eq!(said(&live(&settings)), in_tables(&site.db));
}

/// Resident memory of this process in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
