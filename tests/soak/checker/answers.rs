//! What clients were told against what events tell: nothing lost, nothing that nobody asked for, no answer that was not true.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::event::{Event, What};
use super::fold::{Course, POLICY};
use super::journal::{Answer, Entry, Micros, Request};
use super::{Findings, History, Kind};

/// The events of one operation, in their order.
pub(super) type Operation<'h> = Vec<&'h Event>;

/// How long after a client gave up its request may still be carried out: a node that was frozen goes on with it.
const GIVEN_UP: Micros = 90_000_000;
/// Times in events are cut to the millisecond.
const CUT: Micros = 2_000;

/// A request and the operation that it led to.
pub(super) struct Matched<'h> {
    pub(super) entry: &'h Entry,
    pub(super) operation: Operation<'h>,
}

/// Checks answers; gives what belongs together.
pub(super) fn check<'h>(
    history: &'h History,
    events: &[&'h Event],
    course: &Course,
    findings: &mut Findings,
) -> Vec<Matched<'h>> {
    let mut operations = operations(events, findings);
    let mut matched = Vec::new();
    for entry in &history.journal {
        let operation = entry.id.as_ref().and_then(|id| operations.remove(id.as_str()));
        judge(entry, operation.as_ref(), course, findings);
        matched.extend(operation.map(|operation| Matched { entry, operation }));
    }
    let mut unasked: Vec<Operation<'h>> = operations.into_values().collect();
    unasked.retain(|operation| !is_of_system(operation));
    unasked.sort_by_key(|operation| operation[0].time);
    find_requests(&unasked, &history.journal, findings);
    matched
}

/// Puts events together that share an operation; each must be whole and in one piece of the line.
fn operations<'h>(events: &[&'h Event], findings: &mut Findings) -> BTreeMap<&'h str, Operation<'h>> {
    let mut operations: BTreeMap<&str, Operation<'h>> = BTreeMap::new();
    for event in events {
        operations.entry(&event.correlation).or_default().push(event);
    }
    for operation in operations.values() {
        let count = operation.len() as i64;
        let places: Vec<i64> = operation.iter().map(|e| e.index).collect();
        let whole = places == (1..=count).collect::<Vec<_>>() && operation.iter().all(|e| e.count == count);
        if !whole {
            let at = operation[0].sequence;
            findings.add(Kind::Lost, format!("{at}: of an operation there are only {places:?}"));
        }
    }
    operations
}

/// What the system does by itself: timers, and what a first start adds.
fn is_of_system(operation: &Operation<'_>) -> bool {
    match &operation[0].what {
        What::Logout { reason, .. } => {
            reason == "timeout" && operation[0].via == "timer" && operation.len() == 1
        }
        What::Provisioning { action, type_, .. } => {
            action == "add"
                && operation[0].via != "soap"
                && ["AppUser", "ProcessNode"].contains(&type_.as_str())
        }
        What::Login { .. }
        | What::Intercom { .. }
        | What::Parameter { .. }
        | What::Rejected { .. }
        | What::Other(_) => false,
    }
}

/// Compares one answer with what happened.
fn judge(entry: &Entry, operation: Option<&Operation<'_>>, course: &Course, findings: &mut Findings) {
    let told = || format!("{entry:?}");
    match (&entry.answer, operation) {
        (Answer::Ok | Answer::Unknown(_), Some(operation)) => {
            if !explains(&entry.request, operation) {
                findings.add(Kind::Phantom, format!("{} led to {operation:?}", told()));
            }
        }
        (Answer::Refused(_), Some(operation)) => {
            findings.add(Kind::FalseAnswer, format!("{}, and yet it led to {operation:?}", told()));
        }
        (Answer::Ok, None) if !was_so_already(entry, course) => {
            findings.add(Kind::Lost, format!("{}: no event tells of it", told()));
        }
        (Answer::Refused(code), None) if !may_refuse(entry, *code, course) => {
            findings.add(Kind::FalseAnswer, format!("{}: there was no reason", told()));
        }
        (Answer::Ok | Answer::Unknown(_) | Answer::Refused(_), None) => {}
    }
}

/// Whether a request that changes nothing could succeed.
fn was_so_already(entry: &Entry, course: &Course) -> bool {
    let (from, to) = (entry.sent - CUT, entry.ended);
    match &entry.request {
        Request::Login { phone, user, profile, .. } => course.during(phone, from, to).any(|period| {
            let same_profile = profile.as_ref().is_none_or(|p| *p == period.session.profile);
            period.session.user == *user && same_profile
        }),
        Request::Policy { value } => course.had_policy(value, from, to),
        Request::Intercom { line, phone } => course.had_device(line, phone.as_deref(), from, to),
        Request::Logout { .. }
        | Request::AddPhone { .. }
        | Request::RemovePhone { .. }
        | Request::Parameter { .. }
        | Request::Add { .. } => false,
    }
}

/// Whether there was a reason for a refusal, as far as events can tell.
fn may_refuse(entry: &Entry, code: i32, course: &Course) -> bool {
    let (from, to) = (entry.sent - CUT, entry.ended);
    match (&entry.request, code) {
        (Request::Login { phone, user, profile, .. }, 18) => course.during(phone, from, to).any(|p| {
            p.session.user != *user || profile.as_ref().is_none_or(|profile| *profile != p.session.profile)
        }),
        (Request::Login { phone, user, .. }, 25) => {
            course.had_policy("Multiple Logins Not Allowed", from - CUT, to)
                && course
                    .sessions
                    .keys()
                    .filter(|other| *other != phone)
                    .any(|other| course.during(other, from, to).any(|p| p.session.user == *user))
        }
        (Request::Logout { phone }, 19) => {
            // one session that lasted all the time leaves no moment
            !course.during(phone, from, to).any(|p| p.begun < from && p.ended.is_none_or(|ended| ended > to))
        }
        (Request::Login { phone, .. } | Request::Logout { phone } | Request::RemovePhone { phone }, 5007)
        | (Request::Intercom { phone: Some(phone), .. }, 5003) => course.phone_was(phone, false, from, to),
        (Request::AddPhone { phone }, -239) => course.phone_was(phone, true, from, to),
        // full queues
        (_, 26 | 503) => true,
        _ => false,
    }
}

/// Whether these events are what a request leads to, and nothing else.
pub(super) fn explains(request: &Request, operation: &Operation<'_>) -> bool {
    let all = |fits: &dyn Fn(&What) -> bool| operation.iter().all(|event| fits(&event.what));
    let has = |fits: &dyn Fn(&What) -> bool| operation.iter().filter(|e| fits(&e.what)).count() == 1;
    match request {
        Request::Login { phone, user, profile, .. } => {
            explains_login(phone, user, profile.as_deref(), operation)
        }
        Request::Logout { phone } => {
            operation.len() == 1
                && has(
                    &|w| matches!(w, What::Logout { phone: p, reason, .. } if p == phone && reason == "administrator"),
                )
        }
        Request::Policy { value } => {
            explains(&Request::Parameter { name: POLICY.into(), value: value.clone() }, operation)
        }
        Request::Parameter { name, value } => {
            operation.len() == 1
                && has(&|w| matches!(w, What::Parameter { name: n, value: v, .. } if n == name && v == value))
        }
        Request::AddPhone { phone } => {
            has(&|w| is_change(w, "add", "Phone", phone))
                && all(&|w| is_change(w, "add", "Phone", phone) || is_auto_selection(w, phone))
        }
        Request::RemovePhone { phone } => {
            has(&|w| is_change(w, "remove", "Phone", phone))
                && all(&|w| match w {
                    What::Logout { phone: p, reason, .. } => p == phone && reason == "device-removed",
                    What::Intercom { previous, change, .. } => {
                        previous.as_ref() == Some(phone) && change == "cleared-device-removed"
                    }
                    What::Provisioning { action, type_, .. } => {
                        is_change(w, "remove", "Phone", phone) || (action == "update" && type_ == "Line")
                    }
                    What::Login { .. } | What::Parameter { .. } | What::Rejected { .. } | What::Other(_) => {
                        false
                    }
                })
        }
        Request::Intercom { line, phone } => {
            let is_set = |w: &What| matches!(w, What::Intercom { line: l, current, .. } if l == line && current == phone);
            has(&is_set) && all(&|w| is_set(w) || is_change(w, "update", "Line", line))
        }
        Request::Add { type_, name } => operation.len() == 1 && has(&|w| is_change(w, "add", type_, name)),
    }
}

fn is_change(what: &What, wanted: &str, of: &str, named: &str) -> bool {
    matches!(what, What::Provisioning { action, type_, name } if action == wanted && type_ == of && name == named)
}

fn is_auto_selection(what: &What, phone: &str) -> bool {
    matches!(what, What::Intercom { current: Some(current), change, .. } if current == phone && change == "auto-selected")
}

/// A login ends the user's other sessions, where it does, and lists exactly those.
fn explains_login(phone: &str, user: &str, profile: Option<&str>, operation: &Operation<'_>) -> bool {
    let mut logins = operation.iter().filter_map(|event| match &event.what {
        What::Login { phone, session, displaced, .. } => Some((phone, session, displaced)),
        _ => None,
    });
    let Some((on, session, displaced)) = logins.next().filter(|_| logins.next().is_none()) else {
        return false;
    };
    let mut ended = Vec::new();
    let fits = operation.iter().all(|event| match &event.what {
        What::Login { .. } => true,
        What::Logout { session: other, reason, replaced_by, .. } => {
            ended.push(other.id.clone());
            other.user == user && reason == "multiple-login" && replaced_by.as_ref() == Some(&session.id)
        }
        what => is_auto_selection(what, phone),
    });
    let asked = on == phone && session.user == user && profile.is_none_or(|p| p == session.profile);
    fits && asked && ended == *displaced
}

/// Finds, for operations that no answer names, requests whose outcome is unknown; each can have led to one.
fn find_requests(unasked: &[Operation<'_>], journal: &[Entry], findings: &mut Findings) {
    let mut open: HashMap<String, Vec<&Entry>> = HashMap::new();
    for entry in journal.iter().filter(|e| e.id.is_none() && matches!(e.answer, Answer::Unknown(_))) {
        open.entry(subject(&entry.request)).or_default().push(entry);
    }
    let mut used: HashSet<*const Entry> = HashSet::new();
    for operation in unasked {
        let time = operation[0].time;
        let candidates = subjects(operation).into_iter().filter_map(|s| open.get(&s)).flatten();
        let fitting = candidates.filter(|entry| {
            let in_time = entry.sent - CUT <= time && time <= entry.ended + GIVEN_UP;
            in_time && !used.contains(&std::ptr::from_ref(**entry)) && explains(&entry.request, operation)
        });
        // the one that must be found first
        match fitting.min_by_key(|entry| entry.ended) {
            Some(entry) => drop(used.insert(std::ptr::from_ref(*entry))),
            None => findings.add(Kind::Phantom, format!("nobody asked for {operation:?}")),
        }
    }
}

/// What a request is about, so that few need to be compared.
fn subject(request: &Request) -> String {
    match request {
        Request::Login { phone, .. }
        | Request::Logout { phone }
        | Request::AddPhone { phone }
        | Request::RemovePhone { phone } => phone.clone(),
        Request::Intercom { line, .. } => line.clone(),
        Request::Policy { .. } => POLICY.to_owned(),
        Request::Parameter { name, .. } | Request::Add { name, .. } => name.clone(),
    }
}

fn subjects(operation: &Operation<'_>) -> HashSet<String> {
    let of = |event: &&Event| match &event.what {
        What::Login { phone, .. } | What::Logout { phone, .. } | What::Rejected { phone, .. } => {
            phone.clone()
        }
        What::Intercom { line, .. } => line.clone(),
        What::Parameter { name, .. } | What::Provisioning { name, .. } => name.clone(),
        What::Other(type_) => type_.clone(),
    };
    operation.iter().map(of).collect()
}
