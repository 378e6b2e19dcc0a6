//! Folds the events from the first on: sessions alternate, policies hold, and what results is what tables and state topics say.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::event::{Event, Session, What};
use super::journal::{Answer, Micros};
use super::{Findings, History, Kind, World};

/// The policy before anybody sets one.
pub(crate) const FIRST_POLICY: &str = "Multiple Logins Not Allowed";
/// The policy that allows everything.
const ALLOWED: &str = "Multiple Logins Allowed";
/// The parameter of it.
pub(crate) const POLICY: &str = "MultipleLoginBehavior";
/// A change of policy commits at most this long after the time in its event.
const COMMITTING: Micros = 3_000_000;

/// How things went, as events tell it.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// Every session of every phone, in order.
    pub(super) sessions: BTreeMap<String, Vec<Period>>,
    /// Default devices of every intercom line, in order.
    intercom: BTreeMap<String, Vec<Change<Option<String>>>>,
    /// When phones came and went.
    phones: BTreeMap<String, Vec<Change<bool>>>,
    /// Policies, in order.
    policies: Vec<Change<String>>,
    ids: HashSet<String>,
    /// When the clients knew that their requests were done.
    answered: HashMap<String, Micros>,
}

/// A new value of something that is read without a lock: it begins to hold with the time in its event, and everybody sees it only when
/// that is committed.
#[derive(Debug, Clone)]
struct Change<T> {
    value: T,
    number: i64,
    begun: Micros,
    seen: Micros,
}

/// One session.
#[derive(Debug, Clone)]
pub(super) struct Period {
    pub(super) session: Session,
    pub(super) begun: Micros,
    pub(super) ended: Option<Micros>,
    /// Numbers of its first and last event.
    numbers: (i64, Option<i64>),
    expires: Option<Micros>,
}

/// Folds and compares.
pub(super) fn check(history: &History, events: &[&Event], findings: &mut Findings) -> Course {
    let done = history.journal.iter().filter(|entry| entry.answer == Answer::Ok);
    let answered = done.filter_map(|entry| Some((entry.id.clone()?, entry.ended))).collect();
    let mut course = Course { answered, ..Course::default() };
    for event in events {
        course.take(event, findings);
    }
    let folded = course.world();
    differences("tables", &folded.sessions, &history.tables.sessions, findings);
    differences("tables", &folded.intercom, &history.tables.intercom, findings);
    if folded.phones != history.tables.phones {
        let apart: Vec<_> = folded.phones.symmetric_difference(&history.tables.phones).collect();
        findings.add(Kind::Disagreement, format!("phones of events and tables differ: {apart:?}"));
    }
    if folded.policy != history.tables.policy {
        let (events, tables) = (&folded.policy, &history.tables.policy);
        findings.add(Kind::Disagreement, format!("policy: events {events:?}, tables {tables:?}"));
    }
    course
}

/// Says where two views of one thing differ.
pub(super) fn differences<T: PartialEq + std::fmt::Debug>(
    other: &str,
    events: &BTreeMap<String, T>,
    theirs: &BTreeMap<String, T>,
    findings: &mut Findings,
) {
    let keys: HashSet<&String> = events.keys().chain(theirs.keys()).collect();
    for key in keys {
        let (told, found) = (events.get(key), theirs.get(key));
        if told != found {
            findings.add(Kind::Disagreement, format!("{key}: events {told:?}, {other} {found:?}"));
        }
    }
}

impl Course {
    fn take(&mut self, event: &Event, findings: &mut Findings) {
        let at = event.sequence;
        match &event.what {
            What::Login { phone, session, expires, .. } => {
                self.log_in(event, phone, session, *expires, findings);
            }
            What::Logout { phone, session, reason, due, .. } => {
                self.log_out(event, phone, session, (reason, *due), findings);
            }
            What::Intercom { line, previous, current, .. } => {
                let change = self.change(event, current.clone());
                let values = self.intercom.entry(line.clone()).or_default();
                let before = values.last().and_then(|change| change.value.clone());
                if before != *previous || previous == current {
                    let text = format!("{at}: {line} was {before:?}, told {previous:?} -> {current:?}");
                    findings.add(Kind::Reordered, text);
                }
                values.push(change);
            }
            What::Parameter { name, previous, value } if name == POLICY => {
                let before = self.policies.last().map_or(FIRST_POLICY, |policy| &policy.value);
                if before != previous || previous == value {
                    let text = format!("{at}: policy was {before:?}, told {previous:?} -> {value:?}");
                    findings.add(Kind::Reordered, text);
                }
                let change = self.change(event, value.clone());
                self.policies.push(change);
            }
            What::Provisioning { action, type_, name } if type_ == "Phone" => {
                self.provision(event, action, name, findings);
            }
            What::Provisioning { .. } | What::Parameter { .. } | What::Rejected { .. } | What::Other(_) => {}
        }
    }

    /// The sessions of a phone that lasted at some moment between two.
    pub(super) fn during(&self, phone: &str, from: Micros, to: Micros) -> impl Iterator<Item = &Period> {
        let periods = self.sessions.get(phone).map_or(&[][..], Vec::as_slice);
        let begun = periods.partition_point(|p| p.begun <= to);
        periods[..begun].iter().rev().take_while(move |p| p.ended.is_none_or(|ended| ended >= from))
    }

    fn current(&mut self, phone: &str) -> Option<&mut Period> {
        self.sessions.get_mut(phone)?.last_mut().filter(|p| p.ended.is_none())
    }

    fn log_in(
        &mut self,
        event: &Event,
        phone: &str,
        session: &Session,
        expires: Option<Micros>,
        findings: &mut Findings,
    ) {
        let at = event.sequence;
        if let Some(other) = self.current(phone) {
            let other = other.session.clone();
            findings.add(Kind::Alternation, format!("{at}: {session:?} on {phone}, occupied by {other:?}"));
        }
        if !self.ids.insert(session.id.clone()) {
            findings.add(Kind::Duplicated, format!("{at}: session {} again", session.id));
        }
        if !self.exists(phone) {
            findings.add(Kind::Phantom, format!("{at}: a login on {phone}, which is not there"));
        }
        let elsewhere: Vec<&String> = self
            .sessions
            .iter()
            .filter(|(other, periods)| {
                *other != phone
                    && periods.last().is_some_and(|p| p.ended.is_none() && p.session.user == session.user)
            })
            .map(|(other, _)| other)
            .collect();
        if !elsewhere.is_empty() && !self.policies_at(event.time).contains(&ALLOWED) {
            let policies = self.policies_at(event.time);
            let text = format!("{at}: {} on {phone} and on {elsewhere:?} under {policies:?}", session.user);
            findings.add(Kind::Exclusive, text);
        }
        let (session, numbers) = (session.clone(), (at, None));
        let period = Period { session, begun: event.time, ended: None, numbers, expires };
        self.sessions.entry(phone.to_owned()).or_default().push(period);
    }

    fn log_out(
        &mut self,
        event: &Event,
        phone: &str,
        session: &Session,
        (reason, due): (&str, Option<Micros>),
        findings: &mut Findings,
    ) {
        let at = event.sequence;
        let time = event.time;
        match self.current(phone) {
            Some(period) => {
                if period.session != *session {
                    let text = format!("{at}: {session:?} ends on {phone}, where {:?} was", period.session);
                    findings.add(Kind::Alternation, text);
                }
                if reason == "timeout" && (due != period.expires || due.is_none_or(|due| due > time)) {
                    let text = format!("{at}: a time-out at {time}, due {due:?}, not {:?}", period.expires);
                    findings.add(Kind::Phantom, text);
                }
                (period.ended, period.numbers.1) = (Some(time), Some(at));
            }
            None => {
                findings.add(Kind::Alternation, format!("{at}: {session:?} ends on {phone}, which is free"))
            }
        }
    }

    fn provision(&mut self, event: &Event, action: &str, phone: &str, findings: &mut Findings) {
        let (at, was_there) = (event.sequence, self.exists(phone));
        let is_there = action != "remove";
        if was_there == (action == "add") {
            let text = format!("{at}: {action} of {phone}, which was there: {was_there}");
            findings.add(Kind::Alternation, text);
        }
        if !is_there && let Some(period) = self.current(phone) {
            let text = format!("{at}: {phone} is removed under {:?}", period.session);
            findings.add(Kind::Alternation, text);
        }
        let change = self.change(event, is_there);
        self.phones.entry(phone.to_owned()).or_default().push(change);
    }

    fn exists(&self, phone: &str) -> bool {
        self.phones.get(phone).and_then(|changes| changes.last()).is_some_and(|change| change.value)
    }

    fn change<T>(&self, event: &Event, value: T) -> Change<T> {
        let seen = self.answered.get(&event.correlation).copied().unwrap_or(event.time + COMMITTING);
        Change { value, number: event.sequence, begun: event.time, seen }
    }

    /// The policies that a login at this time may have seen: the newest, and those that it had just replaced.
    fn policies_at(&self, time: Micros) -> Vec<&str> {
        let mut seen = Vec::new();
        for policy in self.policies.iter().rev() {
            seen.push(policy.value.as_str());
            if policy.seen < time {
                return seen;
            }
        }
        seen.push(FIRST_POLICY);
        seen
    }

    /// Whether somebody may have seen a policy in force at some moment between two.
    pub(super) fn had_policy(&self, value: &str, from: Micros, to: Micros) -> bool {
        held_within(&FIRST_POLICY.to_owned(), &self.policies, &value.to_owned(), from, to)
    }

    /// Whether a line had this default device at some moment between two.
    pub(super) fn had_device(&self, line: &str, phone: Option<&str>, from: Micros, to: Micros) -> bool {
        let values = self.intercom.get(line).map_or(&[][..], Vec::as_slice);
        held_within(&None, values, &phone.map(str::to_owned), from, to)
    }

    /// Whether somebody may have found a phone there, or not, at some moment between two.
    pub(super) fn phone_was(&self, phone: &str, there: bool, from: Micros, to: Micros) -> bool {
        held_within(&false, self.phones.get(phone).map_or(&[][..], Vec::as_slice), &there, from, to)
    }

    /// The session of a phone when this number had been given.
    pub(super) fn session_at(&self, phone: &str, number: i64) -> Option<&Session> {
        let periods = self.sessions.get(phone)?;
        let last = periods.iter().rfind(|p| p.numbers.0 <= number)?;
        last.numbers.1.is_none_or(|ended| ended > number).then_some(&last.session)
    }

    /// The default device of a line when this number had been given.
    pub(super) fn device_at(&self, line: &str, number: i64) -> Option<&str> {
        let last = self.intercom.get(line)?.iter().rfind(|change| change.number <= number)?;
        last.value.as_deref()
    }

    /// What is when all events have happened.
    pub(super) fn world(&self) -> World {
        let last = |periods: &Vec<Period>| periods.last().filter(|p| p.ended.is_none()).cloned();
        World {
            sessions: self
                .sessions
                .iter()
                .filter_map(|(phone, periods)| Some((phone.clone(), last(periods)?.session)))
                .collect(),
            intercom: self
                .intercom
                .iter()
                .filter_map(|(line, values)| Some((line.clone(), values.last()?.value.clone()?)))
                .collect(),
            phones: self.phones.keys().filter(|phone| self.exists(phone)).cloned().collect(),
            policy: self.policies.last().map_or(FIRST_POLICY, |policy| &policy.value).to_owned(),
        }
    }
}

/// Whether something may have been seen to have a value at some moment between two.
fn held_within<T: PartialEq>(first: &T, changes: &[Change<T>], wanted: &T, from: Micros, to: Micros) -> bool {
    let starts = std::iter::once((Micros::MIN, first)).chain(changes.iter().map(|c| (c.begun, &c.value)));
    let ends = changes.iter().map(|c| c.seen).chain([Micros::MAX]);
    starts.zip(ends).any(|((begun, value), ended)| value == wanted && begun <= to && ended >= from)
}
