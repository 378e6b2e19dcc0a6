//! A node that is killed in the middle of load costs only the requests that it has open.

use std::time::Duration;

use super::{Pair, unanswered};
use crate::support::database::TestDatabase;

#[test]
fn a_killed_node_costs_only_its_open_requests_and_the_other_answers_all_of_its_own() {
    let (pair, [first, second]) = Pair::start(TestDatabase::new(), &[]);
    let all = pair.while_all_work(|| {
        std::thread::sleep(Duration::from_millis(1500));
        // the balancer is not told: clients find that nobody answers there
        first.signal("KILL");
        std::thread::sleep(Duration::from_millis(1500));
    });
    let lost = unanswered(&all, 0);
    eprintln!("{} logins, {lost} requests lost with the node", all.iter().map(|d| d.logins).sum::<usize>());
    assert_eq!(unanswered(&all, 1), 0, "the other node answers everything");
    assert!(all.iter().all(|done| done.unanswered[0] <= 1), "once each: {all:?}");
    assert!(all.iter().enumerate().all(|(n, done)| n % 2 == 0 || done.unanswered == [0, 0]), "{all:?}");
    pair.check(&all);
    drop(first);
    second.end();
}
