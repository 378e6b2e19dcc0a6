//! Ends sessions past their time, warns of those near it, and tells of PINs past theirs and of lock-outs that nobody told of: every node
//! looks once a second; row locks see to it that each happens once.
//!
//! Promises (security.md CON-12) that none ends before its time, that not more than so many end in a second, and that nothing ends while
//! the clock of the database has jumped, until that is put right or an operator starts the node anew.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;

use super::asked::{Asked, AskedEnding, Task};
use super::credential::expiry;
use super::error::EmCode;
use super::lockout_event;
use super::outcome::LogoutOutcome;
use super::service::Em;
use super::session_expiry;
use crate::clock::wall_clock;
use crate::domain::event::{Cause, LogoutReason, Via};
use crate::domain::parameter::{self, CLUSTER_NODE};
use crate::store::names::{Named, Names};
use crate::store::sessions::{self, Due};
use crate::store::{StoreError, Tx, attempts, parameters};

/// Sessions ended in one step at most.
const MOST_AT_ONCE: i64 = 100;
const EVERY: Duration = Duration::from_secs(1);
/// Between full steps: 500 logouts a second, and 2000 of those that a stop of all nodes left overdue.
const PACE: Duration = Duration::from_millis(200);
const PACE_OF_OVERDUE: Duration = Duration::from_millis(50);
/// What is due for longer is overdue.
const OVERDUE: TimeDelta = TimeDelta::seconds(5);
/// How far the database's clock may go from ours before it counts as a jump.
const JUMP: TimeDelta = TimeDelta::seconds(30);
/// One of so many sessions due at once is worth an alarm.
const MANY: i64 = 5;
/// How often attempts on names that nobody has are forgotten, and how many at once.
const FORGET: Duration = Duration::from_secs(600);
const MOST_FORGOTTEN: i32 = 10_000;

/// What is due at a moment.
struct Found {
    now: DateTime<Utc>,
    due: Vec<Due>,
    /// Where more are due than one step ends: how many, and of how many sessions.
    rush: Option<(i64, i64)>,
}

/// Ends what is due now, at most a hundred sessions; says how many it ended.
pub async fn step(em: &Em) -> Result<usize, EmCode> {
    let found = find(em).await?;
    Ok(end(em, found.due).await)
}

async fn find(em: &Em) -> Result<Found, EmCode> {
    em.db().read(find_due).await.map_err(|error: StoreError| {
        tracing::error!(error = %error, "database does not answer the sweep");
        EmCode::Database
    })
}

async fn end(em: &Em, due: Vec<Due>) -> usize {
    let endings = due.into_iter().map(|due| {
        let reason = if due.by_schedule { LogoutReason::Schedule } else { LogoutReason::Expired };
        let cause = Cause::by_system(em.new_id(), Via::Timer);
        let names = Names { phone: Named::Known(due.phone), user: None, profile: None };
        em.end(Asked { names, task: Task::Logout(AskedEnding::Expired(reason)), cause })
    });
    let ended = join_all(endings).await;
    ended.iter().filter(|e| matches!(e, Ok(LogoutOutcome::LoggedOut { .. }))).count()
}

/// How long the next step waits, so that not too many end at once.
fn pause(found: &Found) -> Duration {
    let is_overdue = found.due.first().is_some_and(|due| found.now - due.at > OVERDUE);
    match (found.rush.is_some(), is_overdue) {
        (true, true) => PACE_OF_OVERDUE,
        (true, false) => PACE,
        (false, _) => EVERY,
    }
}

/// Tells of lock-outs whose process ended before it could; says how many.
pub async fn tell_of_locks(em: &Em) -> Result<usize, EmCode> {
    lockout_event::tell_rest(em).await.map_err(|error| {
        tracing::error!(error = %error, "lock-outs are not in the event log yet");
        EmCode::Database
    })
}

fn find_due(tx: &mut Tx<'_>) -> Result<Found, StoreError> {
    let wait = match parameter::find(parameter::IDLE_WAIT) {
        Some(parameter) => parameters::effective(tx, parameter, CLUSTER_NODE)?.parse().unwrap_or_default(),
        None => 0,
    };
    let wait = TimeDelta::minutes(wait);
    let due = sessions::due(tx, wait, MOST_AT_ONCE)?;
    let is_full = i64::try_from(due.len()).is_ok_and(|due| due == MOST_AT_ONCE);
    let rush = if is_full { Some(sessions::count_due(tx)?) } else { None };
    Ok(Found { now: tx.now()?, due, rush })
}

/// Forgets attempts on names that nobody has; what is left then goes the next time.
async fn forget_absent(em: &Em) {
    if let Err(error) = em.db().write(|tx: &mut Tx<'_>| attempts::drop_absent(tx, MOST_FORGOTTEN)).await {
        tracing::warn!(%error, "old attempts on names that nobody has are not forgotten yet");
    }
}

/// Sweeps until it is dropped.
pub async fn run(em: Em) {
    let (mut watch, mut is_rush) = (ClockWatch::default(), false);
    let mut forgotten: Option<Instant> = None;
    loop {
        let _logged_and_tried_again = tell_of_locks(&em).await;
        let mut wait = EVERY;
        if let Ok(found) = find(&em).await
            && watch.is_right(found.now, Instant::now(), wall_clock())
        {
            let was_rush = std::mem::replace(&mut is_rush, found.rush.is_some());
            if let Some((due, open)) = found.rush.filter(|(due, open)| !was_rush && due * MANY > *open) {
                tracing::warn!(due, open, "more than a fifth of all sessions are due at once");
            }
            wait = pause(&found);
            end(&em, found.due).await;
            let _logged_and_tried_again = session_expiry::warn(&em).await;
            let _logged_and_tried_again = expiry::tell(&em).await;
            if forgotten.is_none_or(|at| at.elapsed() > FORGET) {
                forgotten = Some(Instant::now());
                forget_absent(&em).await;
            }
        }
        tokio::time::sleep(wait).await;
    }
}

/// Whether the clock of the database goes as time goes.
#[derive(Debug, Default)]
struct ClockWatch {
    /// A moment of the database that was right, and when that was.
    right: Option<(DateTime<Utc>, Instant)>,
    has_jumped: bool,
}

impl ClockWatch {
    /// A clock that has jumped is right again when it goes back, or when ours says the same.
    fn is_right(&mut self, database: DateTime<Utc>, at: Instant, ours: DateTime<Utc>) -> bool {
        let expected = self.right.map(|(moment, since)| moment + at.duration_since(since));
        let goes_on = expected.is_none_or(|expected| (database - expected).abs() <= JUMP);
        let is_right = goes_on || (database - ours).abs() <= JUMP;
        if is_right {
            self.right = Some((database, at));
        }
        if self.has_jumped == is_right {
            self.has_jumped = !is_right;
            match is_right {
                true => {
                    tracing::info!("the clock of the database is right again; sessions end at their time")
                }
                false => tracing::error!(
                    database.time = %database,
                    "the clock of the database has jumped; no session ends by itself until it is right or this node starts anew"
                ),
            }
        }
        is_right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_jumps_stops_the_sweep_until_it_is_back_or_ours_agrees() {
        let (start, began) = (DateTime::UNIX_EPOCH, Instant::now());
        let after = |seconds: u64| began + Duration::from_secs(seconds);
        let moment = |seconds: i64| start + TimeDelta::seconds(seconds);
        let mut watch = ClockWatch::default();
        assert!(watch.is_right(moment(1000), after(0), moment(0)), "what it says first is taken");
        assert!(watch.is_right(moment(1001), after(1), moment(1)));
        assert!(watch.is_right(moment(1031), after(2), moment(2)), "a little is no jump");
        assert!(!watch.is_right(moment(1100), after(3), moment(3)));
        assert!(!watch.is_right(moment(1101), after(4), moment(4)));
        assert!(watch.is_right(moment(1034), after(5), moment(5)), "back");
        assert!(!watch.is_right(moment(5000), after(6), moment(6)));
        assert!(watch.is_right(moment(5001), after(7), moment(5003)), "ours says the same");
        assert!(watch.is_right(moment(5002), after(8), moment(0)));
        assert!(!watch.is_right(moment(4900), after(9), moment(0)), "backwards");
    }
}
