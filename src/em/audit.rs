//! Refused logins and logouts become audit events (events.md 6.9; security.md LOG-2, EVT-5).
//!
//! A surface tells of each refusal once, by [`Em::rejected`], with the code that it answers. That keeps it in memory and never waits:
//! one task writes, in transactions of its own, so that no refusal takes longer or fails for its audit. Equal refusals within a second
//! are one event, and so are those whose phone is nobody's, whatever names they give, so that guessing cannot flood the log: only
//! names of phones and users that are there stand in events. Memory is bounded while the database is away. What counts as written was
//! committed: nothing is lost by an outage, only by the end of a process that could not write any more.
//!
//! [`Em::rejected`]: super::service::Em::rejected

mod pending;
mod writing;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::error::{Doing, EmCode};
use crate::domain::event::{ActorKind, Cause};
use crate::store::objects::Selector;
use crate::telemetry;
use pending::{MOST, Pending, Refused, WINDOW};
pub use writing::run;

/// A login or logout as its surface knows it, for when it is refused.
#[derive(Clone)]
pub struct Attempt {
    /// What was asked for.
    pub doing: Doing,
    /// The phone as the request names it; there may be none of that name.
    pub phone: Option<Selector>,
    /// The user id as the request names it, never an extension; told only where there is such a user.
    pub user: Option<String>,
    /// Who asked; with an id only where that was proved.
    pub cause: Cause,
}

impl Attempt {
    /// The phone as the request names it, in words.
    fn phone_name(&self) -> Option<&str> {
        match self.phone.as_ref()? {
            Selector::Key(name) => Some(name),
            Selector::Uuid(_) => None,
        }
    }

    /// Has the log say everything about a request whose phone or user is watched.
    pub fn look_at(&self) {
        telemetry::look_at(self.phone_name(), self.user.as_deref());
    }

    /// The user, where it is proved who that is or the code says that there is such a user: what was typed else may be a PIN.
    fn known_user(&self, code: EmCode) -> Option<&str> {
        let speaks_of_user = matches!(
            code,
            EmCode::LoggedInElsewhere
                | EmCode::ProfileAbsent
                | EmCode::PinExpired
                | EmCode::PinMustChange
                | EmCode::HomeElsewhere
        );
        match self.cause.actor.kind {
            ActorKind::User => self.cause.auth_id.as_deref(),
            ActorKind::Administrator | ActorKind::Application | ActorKind::System => {
                self.user.as_deref().filter(|_| speaks_of_user)
            }
        }
    }

    /// The one line of a refusal; the span of its request says the request's id.
    pub(super) fn log_refusal(&self, code: EmCode) {
        let entry = code.entry();
        let (operation, surface) = (self.doing.name(), self.cause.actor.via.name());
        tracing::info!(
            em.code = entry.number,
            em.code_name = entry.name,
            em.operation = operation,
            em.surface = surface,
            phone.name = self.phone_name().map(str::to_uppercase),
            user.id = self.known_user(code),
            "{operation} refused: {} {}",
            entry.number,
            entry.name
        );
    }
}

/// Refusals on their way into the log.
pub(super) struct Audit {
    /// Whether anybody writes them.
    is_on: bool,
    state: Mutex<State>,
    changed: Notify,
    waiting: AtomicUsize,
}

#[derive(Default)]
struct State {
    pending: Pending,
    closed: bool,
}

impl Audit {
    /// One that forgets everything.
    pub(super) fn off() -> Self {
        Self { is_on: false, state: Mutex::default(), changed: Notify::new(), waiting: AtomicUsize::new(0) }
    }

    /// One whose refusals a task writes.
    pub(super) fn on() -> Self {
        Self { is_on: true, ..Self::off() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a refusal until it is written.
    pub(super) fn take(&self, attempt: Attempt, code: EmCode) {
        if !self.is_on {
            return;
        }
        let mut state = self.lock();
        let is_first = state.pending.is_empty();
        state.pending.add(attempt, code, Instant::now());
        self.waiting.fetch_add(1, Ordering::SeqCst);
        if is_first {
            self.changed.notify_one();
        }
    }

    /// From now on nothing waits for its second.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// How many are not written yet, as they were told of.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// So many are written, or will never be.
    fn settled(&self, count: usize) {
        self.waiting.fetch_sub(count, Ordering::SeqCst);
    }

    /// What is to be written next; `None` once this is closed and empty.
    async fn next(&self) -> Option<Vec<Refused>> {
        loop {
            let is_waiting = {
                let mut state = self.lock();
                let at_once = if state.closed { None } else { Some(Instant::now()) };
                let due = state.pending.take(at_once, MOST);
                match (due.is_empty(), state.closed) {
                    (false, _) => return Some(due),
                    (true, true) => return None,
                    (true, false) => !state.pending.is_empty(),
                }
            };
            let changed = self.changed.notified();
            if is_waiting {
                // by then most have waited for their second, so that transactions are few
                let _due_or_closed = tokio::time::timeout(WINDOW, changed).await;
            } else {
                changed.await;
            }
        }
    }
}
