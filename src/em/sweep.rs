//! Ends sessions past their time, and tells of lock-outs that nobody told of: every node looks once a second; row locks see to it that
//! each happens once.

use std::time::Duration;

use futures_util::future::join_all;

use super::asked::{Asked, AskedEnding, Task};
use super::error::EmCode;
use super::lockout_event;
use super::outcome::LogoutOutcome;
use super::service::Em;
use crate::domain::event::{Cause, Via};
use crate::store::names::{Named, Names};
use crate::store::sessions;
use crate::store::{StoreError, Tx};

/// Sessions ended in one step at most.
const MOST_AT_ONCE: i64 = 100;
const EVERY: Duration = Duration::from_secs(1);

/// Ends what is due now, at most a hundred sessions; says how many it ended.
pub async fn step(em: &Em) -> Result<usize, EmCode> {
    let due = em.db().read(find_due).await.map_err(|error: StoreError| {
        tracing::error!(error = %error, "database does not answer the sweep");
        EmCode::Database
    })?;
    let endings = due.into_iter().map(|phone| {
        let cause = Cause::by_system(em.new_id(), Via::Timer);
        let names = Names { phone: Named::Known(phone), user: None, profile: None };
        em.end(Asked { names, task: Task::Logout(AskedEnding::Expired), cause })
    });
    let ended = join_all(endings).await;
    Ok(ended.iter().filter(|e| matches!(e, Ok(LogoutOutcome::LoggedOut { .. }))).count())
}

/// Tells of lock-outs whose process ended before it could; says how many.
pub async fn tell_of_locks(em: &Em) -> Result<usize, EmCode> {
    lockout_event::tell_rest(em).await.map_err(|error| {
        tracing::error!(error = %error, "lock-outs are not in the event log yet");
        EmCode::Database
    })
}

fn find_due(tx: &mut Tx<'_>) -> Result<Vec<crate::domain::ids::PhonePk>, StoreError> {
    let now = tx.now()?;
    sessions::expired(tx, now, MOST_AT_ONCE)
}

/// Sweeps until it is dropped.
pub async fn run(em: Em) {
    loop {
        let _logged_and_tried_again = tell_of_locks(&em).await;
        let full = usize::try_from(MOST_AT_ONCE).unwrap_or_default();
        if step(&em).await.is_ok_and(|ended| ended == full) {
            continue;
        }
        tokio::time::sleep(EVERY).await;
    }
}
