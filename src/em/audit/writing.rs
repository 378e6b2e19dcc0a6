//! Writes refusals into the event log: one task, what is due in one transaction, again and again while the database is away.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;

use super::pending::{Refused, WINDOW};
use crate::domain::event::{Event, LoginRejected, Occurred, SessionRef};
use crate::domain::ids::UserPk;
use crate::domain::names::fold;
use crate::em::error::EmCode;
use crate::em::service::Em;
use crate::event::{self, EventError, EventRow, Origin};
use crate::store::objects::Selector;
use crate::store::rejections::{self, KnownSession, KnownUser};
use crate::store::sessions::{self, Committed};
use crate::store::{StoreError, Tx, event_log};

/// Between two tries while the database is away.
const PAUSE: Duration = Duration::from_millis(500);

/// Writes what is refused until the service is closed and everything is written.
pub async fn run(em: Em) {
    while let Some(refused) = em.audit().next().await {
        let count = refused.iter().map(|one| one.count as usize).sum();
        write(&em, refused).await;
        em.audit().settled(count);
    }
}

/// Writes some refusals however long it takes; what cannot be written for good is written without its neighbours, or lost with a word.
async fn write(em: &Em, refused: Vec<Refused>) {
    let mut parts = vec![Arc::new(refused)];
    while let Some(part) = parts.pop() {
        match transact(em, &part).await {
            Ok(()) => em.wake(),
            Err(error) if is_of_the_moment(&error) => {
                tracing::warn!(%error, "refusals wait for the database");
                tokio::time::sleep(PAUSE).await;
                parts.push(part);
            }
            Err(_) if part.len() > 1 => parts.extend(part.iter().map(|one| Arc::new(vec![one.clone()]))),
            Err(error) => tracing::error!(%error, "a refusal cannot be written into the event log"),
        }
    }
}

fn is_of_the_moment(error: &EventError) -> bool {
    match error {
        EventError::Store(
            StoreError::Busy(_) | StoreError::Locked(_) | StoreError::Slow(_) | StoreError::Unavailable(_),
        ) => true,
        EventError::Store(StoreError::NotFound | StoreError::Conflict { .. } | StoreError::Broken(_))
        | EventError::TooLarge { .. }
        | EventError::CauseNotBefore { .. }
        | EventError::NoEnvelope { .. }
        | EventError::Json(_) => false,
    }
}

/// One transaction. Where its commit is not answered the database is asked what became of it, so that nothing is counted twice.
async fn transact(em: &Em, part: &Arc<Vec<Refused>>) -> Result<(), EventError> {
    let at_commit = Arc::new(AtomicI64::new(0));
    let (origin, refused, id) = (em.origin().clone(), Arc::clone(part), Arc::clone(&at_commit));
    let outcome = em.db().write(move |tx| {
        id.store(0, Ordering::SeqCst);
        append(tx, &origin, &refused)?;
        id.store(rejections::transaction_id(tx)?, Ordering::SeqCst);
        Ok(())
    });
    match (outcome.await, at_commit.load(Ordering::SeqCst)) {
        (Ok(()), _) => Ok(()),
        (Err(error), 0) => Err(error),
        (Err(error), id) if did_commit(em, id).await => {
            tracing::info!(%error, "the commit of refusals was not answered, and they are written");
            Ok(())
        }
        (Err(error), _) => Err(error),
    }
}

/// What became of a transaction; one that the server has forgotten counts as written: better a refusal that is not told than one twice.
async fn did_commit(em: &Em, id: i64) -> bool {
    loop {
        match em.db().read(move |tx| sessions::did_commit(tx, id)).await {
            Ok(Committed::Yes | Committed::Forgotten) => return true,
            Ok(Committed::No) => return false,
            Ok(Committed::NotYet) | Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

fn append(tx: &mut Tx<'_>, origin: &Origin, refused: &[Refused]) -> Result<(), EventError> {
    let found = Found::look(tx, refused)?;
    let now = tx.now()?;
    let mut rows: Vec<EventRow> = Vec::with_capacity(refused.len());
    for one in found.merged(refused) {
        let event = Occurred::of(Event::LoginRejected(found.event(&one, now, tx.uses_database_time())));
        rows.extend(event::rows(&one.cause, origin, now, tx.ids(), vec![event])?);
    }
    Ok(event_log::insert(tx, &rows)?)
}

/// What the tables say of the names in some refusals.
struct Found {
    users: HashMap<String, KnownUser>,
    phones: HashMap<Selector, String>,
    sessions: HashMap<UserPk, Vec<KnownSession>>,
}

impl Found {
    fn look(tx: &mut Tx<'_>, refused: &[Refused]) -> Result<Self, StoreError> {
        let names: Vec<&str> = refused.iter().filter_map(|r| Some(r.user.as_ref()?.as_str())).collect();
        let users = rejections::users(tx, &names)?;
        let named: Vec<&Selector> = refused.iter().filter_map(|r| r.phone.as_ref()).collect();
        let phones = rejections::phones(tx, &named)?;
        let elsewhere = refused.iter().filter(|r| r.code == EmCode::LoggedInElsewhere);
        let elsewhere: Vec<UserPk> =
            elsewhere.filter_map(|r| Some(users.get(r.user.as_ref()?.as_str())?.pk)).collect();
        let sessions = rejections::sessions_of(tx, &elsewhere)?;
        Ok(Self { users, phones, sessions })
    }

    /// The user, where the phone is one.
    fn user(&self, refused: &Refused) -> Option<&KnownUser> {
        self.phone(refused)?;
        self.users.get(refused.user.as_ref()?.as_str())
    }

    /// Names of nobody are all alike in the end, so that guessing them does not flood the log either.
    fn merged(&self, refused: &[Refused]) -> Vec<Refused> {
        let mut merged: Vec<Refused> = Vec::with_capacity(refused.len());
        let mut newest: HashMap<_, usize> = HashMap::new();
        for one in refused {
            let alike =
                (one.operation(), one.code, self.phone(one), self.user(one).map(|known| &known.user_id));
            match newest.get(&alike).and_then(|at| merged.get_mut(*at)) {
                Some(equal) if one.since.saturating_duration_since(equal.since) < WINDOW => {
                    equal.count = equal.count.saturating_add(one.count);
                }
                Some(_) | None => {
                    newest.insert(alike, merged.len());
                    merged.push(one.clone());
                }
            }
        }
        merged
    }

    fn event(
        &self,
        refused: &Refused,
        now: chrono::DateTime<chrono::Utc>,
        time_passes: bool,
    ) -> LoginRejected {
        let entry = refused.code.entry();
        let age = if time_passes { refused.since.elapsed() } else { Duration::ZERO };
        let refused_at = now - TimeDelta::from_std(age).unwrap_or_default();
        LoginRejected {
            operation: refused.operation(),
            device_name: self.phone(refused),
            user_id: self.user(refused).map(|user| user.user_id.clone()),
            error_code: entry.number,
            error_name: entry.name,
            retryable: refused.code.is_of_the_moment(),
            existing: self.in_the_way(refused, refused_at),
            count: refused.count,
            requested_by: refused.cause.actor.clone(),
        }
    }

    /// The name of the phone, where there is one.
    fn phone(&self, refused: &Refused) -> Option<String> {
        self.phones.get(refused.phone.as_ref()?).map(|name| name.to_ascii_uppercase())
    }

    /// The session that a refusal for being logged in elsewhere speaks of, unless it has ended meanwhile.
    fn in_the_way(&self, refused: &Refused, refused_at: chrono::DateTime<chrono::Utc>) -> Option<SessionRef> {
        if refused.code != EmCode::LoggedInElsewhere {
            return None;
        }
        let here = self.phone(refused).map(|name| fold(&name));
        let sessions = self.sessions.get(&self.user(refused)?.pk)?;
        let in_the_way = sessions
            .iter()
            .find(|known| known.started_at <= refused_at && Some(fold(&known.session.device_name)) != here);
        in_the_way.map(|known| known.session.clone())
    }
}
