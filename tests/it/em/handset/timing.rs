//! Whether the time of an answer tells that a user exists.

use std::time::{Duration, Instant};

use super::Office;
use crate::support::http::{Client, request};

/// Pairs of a wrong PIN and an unknown user.
const PAIRS: usize = 2000;
/// Pairs from one address at one phone: fewer failures than shut either.
const TOGETHER: usize = 4;
/// Attempts for one name, known or not: fewer than lock it.
const OF_A_NAME: usize = 2;

/// The time from a request to its answer; the connection is open before.
fn time(client: &Client, phone: usize, user: &str) -> Duration {
    let query = format!("/emapp/EMAppServlet?device=SEPA0000000{phone:04}&userid={user}&seq=24680");
    let mut connection = client.open();
    let bytes = request("GET", &query, &[], "");
    let from = Instant::now();
    connection.send(&bytes);
    let answer = connection.answer().unwrap();
    let elapsed = from.elapsed();
    assert!(answer.body.contains("(201)"), "{}", answer.body);
    elapsed
}

/// How probable it is that a value of the first kind is above one of the second; a half for equals.
fn area_under_curve(first: &[Duration], second: &[Duration]) -> f64 {
    let above = first.iter().flat_map(|a| second.iter().map(move |b| a.cmp(b)));
    let sum: f64 = above.map(|order| (f64::from(order as i8) + 1.0) / 2.0).sum();
    sum / (first.len() * second.len()) as f64
}

#[test]
#[ignore = "four thousand logins one by one, some minutes; `make soak` runs it"]
fn a_wrong_pin_takes_as_long_as_an_unknown_user() {
    let office = Office::new();
    for phone in 0..PAIRS / TOGETHER {
        office.add_phone(&format!("SEPA0000000{phone:04}"), "Cisco 8851", true);
    }
    for n in 0..PAIRS / OF_A_NAME {
        office.add_user(&format!("here{n:04}"), &[], "");
    }
    let (mut wrong, mut unknown) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        let group = pair / TOGETHER;
        let part = |n: usize| u8::try_from(n).unwrap();
        let client = office.gateway.phone().at([127, 7, part(group / 200), part(group % 200 + 1)].into());
        let name = pair / OF_A_NAME;
        let mut known = || wrong.push(time(&client, group, &format!("here{name:04}")));
        let mut nobody = || unknown.push(time(&client, group, &format!("gone{name:04}")));
        if pair % 2 == 0 {
            known();
            nobody();
        } else {
            nobody();
            known();
        }
    }
    let median = |times: &[Duration]| {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        sorted[sorted.len() / 2]
    };
    let area = area_under_curve(&wrong, &unknown);
    println!(
        "{PAIRS} pairs: AUC {area:.3}; median wrong {:?}, unknown {:?}",
        median(&wrong),
        median(&unknown)
    );
    assert!((0.40..=0.60).contains(&area), "AUC {area:.3}: the time tells who exists");
}

#[test]
fn the_area_is_a_half_where_nothing_differs_and_one_where_everything_does() {
    let times = |from: u64| (from..from + 10).map(Duration::from_millis).collect::<Vec<_>>();
    assert!((area_under_curve(&times(0), &times(0)) - 0.5).abs() < 1e-9);
    assert!((area_under_curve(&times(10), &times(0)) - 1.0).abs() < 1e-9);
    assert!(area_under_curve(&times(0), &times(10)).abs() < 1e-9);
}
