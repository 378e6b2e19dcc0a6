//! Refusals that wait for their second, equal ones as one.
//!
//! When there are too many, equal ones are counted together for longer, and others without their names: none is lost.

use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::Attempt;
use crate::domain::event::{Actor, AuthType, Cause, RejectedOperation, Via};
use crate::domain::names::fold;
use crate::em::error::{Doing, EmCode};
use crate::store::objects::Selector;

/// Equal refusals within this time are one event.
pub(super) const WINDOW: Duration = Duration::from_secs(1);

/// So many different ones are kept with their names, and written at once: those with names of nobody come together only then.
pub(super) const MOST: usize = 1024;

/// Characters of a phone's name that are kept; real ones have no more.
const LONGEST_NAME: usize = 128;

/// A user id as it was typed, folded; it may be a PIN in the wrong field.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Typed(Zeroizing<String>);

/// Equal refusals.
#[derive(Clone)]
pub(super) struct Refused {
    pub(super) doing: Doing,
    pub(super) code: EmCode,
    pub(super) phone: Option<Selector>,
    pub(super) user: Option<Typed>,
    /// Who asked for the first of them.
    pub(super) cause: Cause,
    pub(super) count: u32,
    pub(super) since: Instant,
}

/// What equal ones have in common.
type Key = (RejectedOperation, EmCode, Option<Selector>, Option<Typed>);

#[derive(Default)]
pub(super) struct Pending {
    waiting: VecDeque<Refused>,
    /// How many were taken from the front so far.
    taken: usize,
    /// Place in the line of all that ever came.
    newest: HashMap<Key, usize>,
}

impl Typed {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Hash for Typed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

impl Refused {
    fn of(attempt: Attempt, code: EmCode, since: Instant) -> Self {
        let Attempt { doing, phone, user, cause } = attempt;
        let phone = match phone {
            Some(Selector::Key(name)) => Some(printable(&name)).filter(|n| !n.is_empty()).map(Selector::Key),
            other @ (Some(Selector::Uuid(_)) | None) => other,
        };
        // who stands at a phone and has proved who they are may have named themselves in another way
        let user = user.or_else(|| cause.auth_id.clone().filter(|_| cause.actor.via == Via::Phone));
        let user = user.map(|user| Zeroizing::new(printable(&Zeroizing::new(user))));
        let user = user.map(|user| Typed(Zeroizing::new(fold(&user))));
        Self { doing, code, phone, user, cause, count: 1, since }
    }

    /// The same without what can be different without end.
    fn without_names(self) -> Self {
        let actor = Actor { id: None, address: None, ..self.cause.actor };
        let cause = Cause { actor, auth_type: AuthType::Anonymous, auth_id: None, ..self.cause };
        Self { phone: None, user: None, cause, ..self }
    }

    pub(super) fn operation(&self) -> RejectedOperation {
        match self.doing {
            Doing::Login => RejectedOperation::Login,
            Doing::Logout => RejectedOperation::Logout,
        }
    }

    fn key(&self) -> Key {
        (self.operation(), self.code, self.phone.clone(), self.user.clone())
    }
}

/// A name as it may stand in a key: not too long, and without what the database does not store.
fn printable(name: &str) -> String {
    name.trim().chars().take(LONGEST_NAME).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Counts a refusal with its equals, or takes it in.
    pub(super) fn add(&mut self, attempt: Attempt, code: EmCode, now: Instant) {
        let refused = Refused::of(attempt, code, now);
        let is_full = self.waiting.len() >= MOST;
        if self.count_with_equals(&refused, is_full) {
            return;
        }
        let refused = if is_full { refused.without_names() } else { refused };
        if is_full && self.count_with_equals(&refused, true) {
            return;
        }
        self.newest.insert(refused.key(), self.taken + self.waiting.len());
        self.waiting.push_back(refused);
    }

    fn count_with_equals(&mut self, refused: &Refused, however_old: bool) -> bool {
        let place = self.newest.get(&refused.key()).and_then(|at| at.checked_sub(self.taken));
        let Some(equal) = place.and_then(|place| self.waiting.get_mut(place)) else { return false };
        let is_open = however_old || refused.since.duration_since(equal.since) < WINDOW;
        if is_open {
            equal.count = equal.count.saturating_add(1);
        }
        is_open
    }

    /// Takes what has waited for its second at a moment, or anything when none is given; the oldest first, so many at most.
    pub(super) fn take(&mut self, at: Option<Instant>, most: usize) -> Vec<Refused> {
        let is_due = |refused: &Refused| at.is_none_or(|now| now.duration_since(refused.since) >= WINDOW);
        let due = self.waiting.iter().take(most).take_while(|refused| is_due(refused)).count();
        let taken: Vec<Refused> = self.waiting.drain(..due).collect();
        self.taken += due;
        for refused in &taken {
            let key = refused.key();
            if self.newest.get(&key).is_some_and(|at| *at < self.taken) {
                self.newest.remove(&key);
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Via;

    fn attempt(phone: &str, user: &str) -> Attempt {
        let cause = Cause::by_system(uuid::Uuid::nil(), Via::Phone);
        let (phone, user) = (Some(Selector::name(phone)), Some(user.to_owned()));
        Attempt { doing: Doing::Login, phone, user, cause }
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn equal_refusals_within_a_second_are_one_and_later_ones_another() {
        let (mut pending, begin) = (Pending::default(), Instant::now());
        for at in [0.0, 0.4, 0.99] {
            pending.add(attempt("A", "ann"), EmCode::Authentication, begin + seconds(at));
        }
        pending.add(attempt("A", "Ann "), EmCode::LoginDisabled, begin + seconds(0.5));
        pending.add(attempt("a", "ANN"), EmCode::Authentication, begin + seconds(1.1));
        pending.add(attempt("A", "bob"), EmCode::Authentication, begin + seconds(1.2));
        assert!(pending.take(Some(begin + seconds(0.9)), 9).is_empty());
        let counts = |taken: Vec<Refused>| taken.iter().map(|r| r.count).collect::<Vec<_>>();
        assert_eq!(counts(pending.take(Some(begin + seconds(1.0)), 9)), [3]);
        pending.add(attempt("A", "ann"), EmCode::Authentication, begin + seconds(1.3));
        assert_eq!(counts(pending.take(Some(begin + seconds(9.0)), 2)), [1, 2]);
        assert_eq!(counts(pending.take(None, 9)), [1]);
        assert!(pending.is_empty() && pending.newest.is_empty());
    }

    #[test]
    fn a_logout_is_not_counted_with_a_login() {
        let (mut pending, now) = (Pending::default(), Instant::now());
        pending.add(attempt("A", "ann"), EmCode::PhoneAbsent, now);
        pending.add(Attempt { doing: Doing::Logout, ..attempt("A", "ann") }, EmCode::PhoneAbsent, now);
        assert_eq!(pending.take(None, 9).len(), 2);
    }

    #[test]
    fn guessing_names_without_end_keeps_memory_bounded_and_every_count() {
        let (mut pending, begin) = (Pending::default(), Instant::now());
        for n in 0..5_000 {
            pending.add(attempt(&format!("SEP{n}"), "ann"), EmCode::PhoneAbsent, begin);
            pending.add(attempt("SEP0", "ann"), EmCode::PhoneAbsent, begin + seconds(5.0));
        }
        assert!(pending.waiting.len() <= MOST + 1);
        let taken = pending.take(None, usize::MAX);
        assert_eq!(taken.iter().map(|r| r.count).sum::<u32>(), 10_000);
        assert!(taken.last().is_some_and(|rest| rest.phone.is_none() && rest.count > 3_000));
    }

    #[test]
    fn what_the_database_does_not_store_is_replaced_and_the_rest_cut() {
        let refused = Refused::of(
            attempt(&format!("a\0{}", "b".repeat(500)), "ann\0"),
            EmCode::PhoneAbsent,
            Instant::now(),
        );
        assert_eq!(refused.user.map(|user| user.as_str().to_owned()).as_deref(), Some("ann\u{FFFD}"));
        let Some(Selector::Key(name)) = refused.phone else { panic!() };
        assert!(name.starts_with("a\u{FFFD}bb") && name.chars().count() == LONGEST_NAME);
    }
}
