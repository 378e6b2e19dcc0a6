//! A broker of this test's own is killed and comes back while events are written: `make soak` runs it.

use std::time::{Duration, Instant};

use emgate::event::chain::{ChainState, verify_chain};
use emgate::event::kafka::{DeliveryMode, KafkaSettings};
use emgate::event::publisher;
use emgate::event::retention::Retention;

use super::samples::login_on;
use super::{assert_rising, block_on, commit_one, line_of, read, unique_prefix};
use crate::support::broker::Broker;
use crate::support::database::TestDatabase;
use crate::support::waiting::await_some;

#[test]
#[ignore = "kills a broker of its own, about a minute; `make soak` runs it"]
fn a_broker_that_is_killed_twice_has_every_event_once_in_the_end() {
    let Some(broker) = Broker::start() else { return };
    let servers = broker.servers();
    let prefix = unique_prefix("outage");
    let settings = KafkaSettings::at(&servers, DeliveryMode::Transactional, &prefix, &prefix);
    let database = TestDatabase::new();
    let db = database.open_real();
    let mut publisher = publisher::start(db.clone(), Some(settings.clone()), Retention::ForEver).unwrap();
    let mut written = 0;
    let mut slowest = Duration::ZERO;
    for round in 0..2 {
        for phase in ["up", "down", "up"] {
            match (phase, round) {
                ("down", _) => broker.kill(),
                ("up", 0) => {}
                // another process of this node goes on where the first stopped, in the middle of the outage
                (_, _) => {
                    drop(publisher);
                    publisher =
                        publisher::start(db.clone(), Some(settings.clone()), Retention::ForEver).unwrap();
                }
            }
            for n in 0..200 {
                let begun = Instant::now();
                commit_one(&db, login_on(&format!("SEP0011223344{n:02X}")));
                slowest = slowest.max(begun.elapsed());
                publisher.wake();
                written += 1;
            }
            if phase == "down" {
                broker.start_again();
            }
        }
    }
    let back = Instant::now();
    await_some(Duration::from_secs(90), || match publisher.status() {
        status if status.confirmed < written => Err(format!("{written} are written: {status:?}")),
        _ => Ok(()),
    });
    eprintln!("all copied {:?} after the last write; slowest write {slowest:?}", back.elapsed());
    publisher.stop();
    let records = read(&settings, None);
    assert_eq!(line_of(&records), (1..=written).collect::<Vec<_>>());
    assert_rising(&records);
    assert_eq!(block_on(verify_chain(&db)).unwrap(), ChainState::Whole { first: 1, last: written });
}
