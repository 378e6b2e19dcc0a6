//! Waiting for what comes by itself: a test looks again and again, goes on as soon as it is there, and where it does not come in time
//! fails at its own line with what was seen last. No wait is endless, and none ends silently.

use std::fmt::Display;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use emgate::store::{Db, StoreError, Tx, number_line, schema};

/// Between two looks.
const AGAIN: Duration = Duration::from_millis(10);

/// Looks until there is something; gives what was seen instead when the time is over.
pub(crate) fn look_for<T, E>(within: Duration, mut look: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let until = Instant::now() + within;
    loop {
        match look() {
            found @ Ok(_) => return found,
            Err(seen) if Instant::now() > until => return Err(seen),
            Err(_) => std::thread::sleep(AGAIN),
        }
    }
}

/// Waits until a look finds something; gives that.
#[track_caller]
pub(crate) fn await_some<T, E: Display>(within: Duration, look: impl FnMut() -> Result<T, E>) -> T {
    match look_for(within, look) {
        Ok(found) => found,
        Err(seen) => panic!("not within {within:?}: {seen}"),
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn await_true(within: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    await_some(within, || is_so().then_some(()).ok_or(what));
}

/// Waits for something that must come soon, beside other work of the runtime.
pub(crate) async fn in_time<T>(what: impl IntoFuture<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("comes within a minute")
}

/// Waits until everything that is committed has its number.
#[track_caller]
pub(crate) fn await_numbers(db: &Db, within: Duration) {
    await_some(within, || match db.write_blocking(|tx| number_line::count_pending(tx, 1)).unwrap() {
        0 => Ok(()),
        _ => Err("events stay without numbers"),
    });
}

/// Waits until every lock of a credential is told of, which happens after the answer.
#[track_caller]
pub(crate) fn await_told_locks(db: &Db, within: Duration) {
    use schema::untold_locks;
    let count = |tx: &mut Tx<'_>| -> Result<i64, StoreError> {
        Ok(untold_locks::table.count().get_result(tx.connection())?)
    };
    await_some(within, || match db.write_blocking(count).unwrap() {
        0 => Ok(()),
        untold => Err(format!("{untold} locks stay untold")),
    });
}

#[test]
fn what_comes_is_given_at_once_and_what_does_not_as_it_was_seen_last() {
    let (mut looks, begun) = (0, Instant::now());
    let mut look = || {
        looks += 1;
        if looks == 3 { Ok(looks) } else { Err(looks) }
    };
    assert_eq!(look_for(Duration::from_secs(60), &mut look), Ok(3));
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert!(look_for(Duration::from_millis(250), look).is_err_and(|seen| seen > 4), "it looks again");
}

#[test]
#[should_panic(expected = "not within 1ms: the third of two")]
fn who_waits_in_vain_fails() {
    await_true(Duration::from_millis(1), "the third of two", || false);
}
