//! The node that leads is stopped by SIGSTOP while events are written, and wakes up when another one leads.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use emgate::event::chain::{ChainState, verify_chain};
use emgate::event::kafka::KafkaSettings;
use emgate::store::{Db, number_line};

use super::samples::login_on;
use super::{assert_rising, block_on, commit_one, kafka_settings, line_of, read};
use crate::support::database::TestDatabase;
use crate::support::gateway::StateDir;
use crate::support::process::Process;
use crate::support::waiting::await_numbers;

/// For a metric to say something.
const PATIENCE: Duration = Duration::from_secs(40);
/// The contract's time for a take-over.
const TAKE_OVER: Duration = Duration::from_secs(10);

#[test]
fn a_leader_that_was_frozen_neither_numbers_nor_publishes_when_it_wakes() {
    let Some(settings) = kafka_settings("stopped") else { return };
    let database = TestDatabase::new();
    let (state, other) = (StateDir::new(), StateDir::new());
    let first = serve("one", &settings, &database, &state);
    std::fs::copy(state.0.join("pepper"), other.0.join("pepper")).unwrap();
    let second = serve("two", &settings, &database, &other);
    let db = database.open_real();
    let feeding = Feeding::default();
    std::thread::scope(|scope| {
        let _ends = EndFeeding(&feeding);
        scope.spawn(|| feeding.feed(&db));
        let confirmed = "em_stream_confirmed_sequence";
        first.await_gauge(PATIENCE, confirmed, |n| n > 50);
        assert_eq!((first.gauge("em_relay_is_leader"), second.gauge("em_relay_is_leader")), (1, 0));
        first.signal("STOP");
        let frozen = Instant::now();
        let epoch = epoch(&db);
        let stuck = db.write_blocking(number_line::line).unwrap().last_pos;
        second.await_gauge(PATIENCE, "em_relay_is_leader", |n| n == 1);
        let leads = frozen.elapsed();
        second.await_gauge(PATIENCE, confirmed, |n| n > stuck + 50);
        eprintln!("another leads {leads:?}, and has copied {:?} after the leader froze", frozen.elapsed());
        assert!(leads < TAKE_OVER, "{leads:?}");
        first.signal("CONT");
        first.await_gauge(PATIENCE, "em_relay_is_leader", |n| n == 0);
        let woken = second.gauge(confirmed);
        second.await_gauge(PATIENCE, confirmed, |n| n > woken + 100);
        assert_eq!(self::epoch(&db), epoch + 1, "one take-over and no other");
    });
    await_numbers(&db, Duration::from_secs(20));
    let last = db.write_blocking(number_line::line).unwrap().last_pos;
    second.await_gauge(PATIENCE, "em_stream_confirmed_sequence", |n| n == last);
    first.end();
    second.end();
    let records = read(&settings, None);
    assert_eq!(line_of(&records), (1..=last).collect::<Vec<_>>());
    assert_rising(&records);
    assert!(last >= feeding.written.load(Ordering::SeqCst));
    assert_eq!(block_on(verify_chain(&db)).unwrap(), ChainState::Whole { first: 1, last });
}

/// Writes an event every few milliseconds until told to end.
#[derive(Default)]
struct Feeding {
    ended: AtomicBool,
    written: AtomicI64,
}

impl Feeding {
    fn feed(&self, db: &Db) {
        while !self.ended.load(Ordering::SeqCst) {
            let n = self.written.fetch_add(1, Ordering::SeqCst);
            commit_one(db, login_on(&format!("SEP0011223344{:02X}", n % 251)));
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Ends the writing, also when the test fails.
struct EndFeeding<'a>(&'a Feeding);

impl Drop for EndFeeding<'_> {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::SeqCst);
    }
}

/// A gateway in a process of its own, which is killed with its value, frozen or not.
fn serve(name: &str, settings: &KafkaSettings, database: &TestDatabase, state: &StateDir) -> Process {
    let servers = std::env::var("KAFKA_BOOTSTRAP").unwrap();
    let (prefix, cluster) = (settings.prefix.as_str(), settings.cluster.as_str());
    let kafka = ["--kafka", &servers, "--topic-prefix", prefix, "--cluster-id", cluster];
    Process::start(&[&["serve", "--node-name", name], &kafka[..]].concat(), &database.url, state)
}

fn epoch(db: &Db) -> i64 {
    db.write_blocking(number_line::line).unwrap().leader_epoch
}
