//! The queue before the writers, and whose turn it is.
//!
//! Writers take turns: while one decides, the other leaves what comes to gather, and begins when that is enough or when the first has
//! only its commit left, so that batches are large and flushes overlap. A turn that lasts, because of a lock, is not waited for.
//! A batch holds distinct phones and distinct users; a request that names a phone or user that is in it waits for the next, in order.
//! A login whose caller has gone is forgotten. Fewer than enough give way to a backlog.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::asked::{Asked, Reply, Task};
use super::error::EmCode;
use crate::domain::ids::{PhonePk, UserPk};
use crate::store::backlog::Backlog;
use crate::store::names::{Named, Names};

/// Requests in one batch at most.
const MOST_IN_BATCH: usize = 128;
/// So many requests are a batch worth beginning while another writer decides; it has a core to itself meanwhile.
const ENOUGH: usize = 32;
/// How long fewer are left to gather while another writer decides.
const LONGEST_TURN: Duration = Duration::from_millis(20);

/// A request that waits for its answer.
pub(super) struct Waiting {
    pub(super) asked: Asked,
    /// How often it was sent back.
    pub(super) tries: u32,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// The queue.
pub(super) struct Queue {
    most: usize,
    backlog: Backlog,
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    closed: bool,
    /// Writers that live.
    writers: usize,
    /// Writers that have taken a batch and are not at its commit yet.
    deciding: usize,
}

/// A batch is being decided; the next one begins when this is dropped.
pub(super) struct Turn(Arc<Queue>);

/// Counts a writer as living until this is dropped; the last one leaves nobody waiting for nothing.
pub(super) struct Presence(Arc<Queue>);

impl Queue {
    /// Makes one in which at most so many requests wait.
    pub(super) fn of(most: usize, backlog: &Backlog) -> Arc<Self> {
        Arc::new(Self { most, backlog: backlog.clone(), state: Mutex::default(), ready: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a request at the end and says where its answer comes.
    pub(super) fn push(&self, asked: Asked) -> Result<oneshot::Receiver<Reply>, EmCode> {
        let (reply, replied) = oneshot::channel();
        let mut state = self.lock();
        if state.closed {
            return Err(EmCode::Database);
        }
        if state.waiting.len() >= self.most {
            state.waiting.retain(|one| !one.has_gone());
        }
        if state.waiting.len() >= self.most {
            return Err(EmCode::Busy);
        }
        state.waiting.push_back(Waiting { asked, tries: 0, reply });
        if state.changes_something() {
            self.ready.notify_one();
        }
        Ok(replied)
    }

    /// Puts requests back to the front, in their order.
    pub(super) fn put_back(&self, again: Vec<Waiting>) {
        if again.is_empty() {
            return;
        }
        let mut state = self.lock();
        again.into_iter().rev().for_each(|one| state.waiting.push_front(one));
        self.ready.notify_one();
    }

    /// Waits for requests and for the turn, and takes a batch; `None` once the queue is closed and empty.
    pub(super) fn take(self: &Arc<Self>) -> Option<(Vec<Waiting>, Turn)> {
        loop {
            let mut state = self.lock();
            let idle = |state: &mut State| state.waiting.is_empty() && !state.closed;
            state = self.ready.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
            if state.waiting.is_empty() {
                return None;
            }
            if state.waiting.len() < ENOUGH {
                drop(state);
                self.backlog.give_way();
                state = self.lock();
            }
            let wait = |state: &mut State| state.deciding > 0 && state.waiting.len() < ENOUGH;
            let waited = self.ready.wait_timeout_while(state, LONGEST_TURN, wait);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            let batch = state.take_distinct();
            if !batch.is_empty() {
                state.deciding += 1;
                return Some((batch, Turn(Arc::clone(self))));
            }
        }
    }

    /// Takes no more requests; those that came are still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_all();
    }

    /// How many writers live.
    pub(super) fn writers(&self) -> usize {
        self.lock().writers
    }
}

impl Waiting {
    /// Whether it is a login whose caller has gone: nobody may be logged in on a phone that they have left. A logout harms nobody.
    fn has_gone(&self) -> bool {
        matches!(self.asked.task, Task::Login(_)) && self.reply.is_closed()
    }
}

impl State {
    /// Whether a writer that waits may begin with the last request, or has to look at the time from it on.
    fn changes_something(&self) -> bool {
        self.deciding == 0 || self.waiting.len() == 1 || self.waiting.len() >= ENOUGH
    }

    fn take_distinct(&mut self) -> Vec<Waiting> {
        let mut phones: HashSet<Named<PhonePk>> = HashSet::new();
        let mut users: HashSet<Named<UserPk>> = HashSet::new();
        let mut batch = Vec::new();
        let mut left = VecDeque::new();
        while let Some(next) = self.waiting.pop_front() {
            if batch.len() == MOST_IN_BATCH {
                left.push_back(next);
                break;
            }
            if next.has_gone() {
                continue;
            }
            // Both sets grow even for a request that stays behind, so that later ones do not overtake it.
            let Names { phone, user, .. } = &next.asked.names;
            let is_free_phone = phones.insert(phone.clone());
            let is_free_user = user.as_ref().is_none_or(|user| users.insert(user.clone()));
            if is_free_phone && is_free_user {
                batch.push(next);
            } else {
                left.push_back(next);
            }
        }
        left.append(&mut self.waiting);
        self.waiting = left;
        batch
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.lock().deciding -= 1;
        self.0.ready.notify_one();
    }
}

impl Presence {
    /// Counts one more.
    pub(super) fn of(queue: &Arc<Queue>) -> Self {
        queue.lock().writers += 1;
        Self(Arc::clone(queue))
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.writers = state.writers.saturating_sub(1);
        if state.writers == 0 {
            state.closed = true;
            let abandoned = std::mem::take(&mut state.waiting);
            drop(state);
            drop(abandoned);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::event::{Cause, LoginMethod, Via};
    use crate::domain::login::{LoginRequest, OccupantRule, ProfileRight};
    use crate::em::asked::AskedEnding;

    const LOGOUT: Task = Task::Logout(AskedEnding::Expired(crate::domain::event::LogoutReason::Expired));
    const LOGIN: Task = Task::Login(LoginRequest {
        method: LoginMethod::Api,
        profile: None,
        right: ProfileRight::Any,
        duration: None,
        pin_version: None,
        occupant: OccupantRule::Keep,
    });

    fn asked(phone: i64, task: Task) -> Asked {
        let names = Names { phone: Named::Known(PhonePk(phone)), user: None, profile: None };
        Asked { names, task, cause: Cause::by_system(Uuid::nil(), Via::Timer) }
    }

    #[test]
    fn a_login_whose_caller_has_gone_is_forgotten_and_a_logout_is_not() {
        let queue = Queue::of(10, &Backlog::default());
        drop(queue.push(asked(1, LOGIN)).unwrap());
        drop(queue.push(asked(2, LOGOUT)).unwrap());
        let _waits = queue.push(asked(1, LOGIN)).unwrap();
        let (batch, _turn) = queue.take().unwrap();
        let phones: Vec<_> = batch.iter().map(|one| one.asked.names.phone.clone()).collect();
        assert_eq!(phones, [Named::Known(PhonePk(2)), Named::Known(PhonePk(1))]);
        drop(queue.push(asked(3, LOGIN)).unwrap());
        queue.close();
        assert!(queue.take().is_none(), "there is nothing left to do");
    }

    #[test]
    fn logins_whose_callers_have_gone_leave_their_places_to_others() {
        let queue = Queue::of(2, &Backlog::default());
        drop(queue.push(asked(1, LOGIN)).unwrap());
        let _waits = queue.push(asked(2, LOGIN)).unwrap();
        let _waits_too = queue.push(asked(3, LOGIN)).unwrap();
        assert_eq!(queue.push(asked(4, LOGIN)).err(), Some(EmCode::Busy));
    }
}
