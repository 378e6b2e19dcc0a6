//! Ends sessions past their time: every node looks once a second; the writers and the row locks see to it that each ends once.

use std::time::Duration;

use futures_util::future::join_all;

use super::batch::{Asked, AskedEnding};
use super::error::EmCode;
use super::outcome::LogoutOutcome;
use super::service::Em;
use crate::domain::event::{Cause, Via};
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
        em.end(Asked::Logout { phone, ending: AskedEnding::Expired, cause })
    });
    let ended = join_all(endings).await;
    Ok(ended.iter().filter(|e| matches!(e, Ok(LogoutOutcome::LoggedOut { .. }))).count())
}

fn find_due(tx: &mut Tx<'_>) -> Result<Vec<crate::domain::ids::PhonePk>, StoreError> {
    let now = tx.now()?;
    sessions::expired(tx, now, MOST_AT_ONCE)
}

/// Sweeps until it is dropped.
pub async fn run(em: Em) {
    loop {
        let full = usize::try_from(MOST_AT_ONCE).unwrap_or_default();
        if step(&em).await.is_ok_and(|ended| ended == full) {
            continue;
        }
        tokio::time::sleep(EVERY).await;
    }
}
