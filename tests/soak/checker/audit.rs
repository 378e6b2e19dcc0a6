//! Refusals that clients were told of against those that the audit tells of: none missing, and never more than there were.
//!
//! The audit writes a moment after the answer, so that a node that is killed takes its last refusals with it; nothing else may.

use std::collections::BTreeMap;

use super::event::{Event, What};
use super::journal::{Answer, Entry, Micros, Request};
use super::{Findings, History, Kind};

/// How long after its answer a refusal may still be on its way into the log.
const ON_ITS_WAY: Micros = 5_000_000;

/// Who was refused what: operation, phone and user.
type Who = (String, String, Option<String>);

/// How often, as clients and as the audit have it.
#[derive(Debug, Default)]
struct Count {
    /// Refusals whose node was not killed right after.
    certain: i64,
    /// Refusals.
    all: i64,
    /// What the audit tells.
    told: i64,
}

/// Takes the events of the audit away from the others and compares them with the journal.
pub(super) fn check<'h>(
    history: &History,
    events: Vec<&'h Event>,
    findings: &mut Findings,
) -> Vec<&'h Event> {
    let (told, others): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| matches!(event.what, What::Rejected { .. }));
    let mut counts: BTreeMap<(Who, i32), Count> = BTreeMap::new();
    let mut unknown: BTreeMap<Who, i64> = BTreeMap::new();
    for entry in &history.journal {
        let Some(who) = asked(&entry.request) else { continue };
        match entry.answer {
            Answer::Refused(answer) => {
                let Some(code) = code_of(answer) else { continue };
                let count = counts.entry((who, code)).or_default();
                count.all += 1;
                count.certain += i64::from(!was_killed_after(history, entry));
            }
            Answer::Unknown(_) => *unknown.entry(who).or_default() += 1,
            Answer::Ok => {}
        }
    }
    for event in told {
        take(event, &mut counts, findings);
    }
    compare(counts, &unknown, findings);
    others
}

fn take(event: &Event, counts: &mut BTreeMap<(Who, i32), Count>, findings: &mut Findings) {
    let What::Rejected { operation, phone, user, code, existing, count } = &event.what else { return };
    let is_right = *count >= 1 && event.count == 1 && (*code == 25 || existing.is_none());
    if !is_right || existing.as_ref().is_some_and(|existing| existing == phone) {
        findings.add(Kind::FalseAnswer, format!("a refusal that contradicts itself: {event:?}"));
    }
    let who = (operation.clone(), phone.clone(), user.clone());
    counts.entry((who, *code)).or_default().told += count;
}

fn compare(mut counts: BTreeMap<(Who, i32), Count>, unknown: &BTreeMap<Who, i64>, findings: &mut Findings) {
    let mut more: BTreeMap<Who, i64> = BTreeMap::new();
    share_out_unnamed(&mut counts);
    for ((who, code), count) in counts {
        if count.told < count.certain {
            findings.add(Kind::Lost, format!("{who:?} was refused with {code}, {count:?}"));
        }
        *more.entry(who).or_default() += (count.told - count.all).max(0);
    }
    for (who, more) in more {
        // whoever got no answer may have been refused
        let unanswered: i64 = match is_unnamed(&who) {
            true => unknown.iter().filter(|(other, _)| other.0 == who.0).map(|(_, times)| times).sum(),
            false => unknown.get(&who).copied().unwrap_or_default(),
        };
        if more > unanswered {
            findings.add(Kind::Phantom, format!("{more} refusals of {who:?} that nobody was told of"));
        }
    }
}

/// Whether the audit tells of a phone that was not there when it wrote.
fn is_unnamed(who: &Who) -> bool {
    who.1 == "-"
}

/// Counts what is told of phones that were not there for those that were refused and are not told of: first for the certain ones.
fn share_out_unnamed(counts: &mut BTreeMap<(Who, i32), Count>) {
    let (unnamed, mut named): (Vec<_>, Vec<_>) = counts.iter_mut().partition(|((who, _), _)| is_unnamed(who));
    let goals: [fn(&Count) -> i64; 2] = [|count| count.certain, |count| count.all];
    for ((told_of, code), pool) in unnamed {
        for goal in goals {
            let alike = named.iter_mut().filter(|((who, of), _)| who.0 == told_of.0 && of == code);
            for (_, count) in alike {
                let taken = (goal(count) - count.told).clamp(0, pool.told);
                count.told += taken;
                pool.told -= taken;
            }
        }
    }
}

fn asked(request: &Request) -> Option<Who> {
    match request {
        Request::Login { phone, user, .. } => Some(("login".into(), phone.clone(), Some(user.clone()))),
        Request::Logout { phone } => Some(("logout".into(), phone.clone(), None)),
        Request::Policy { .. }
        | Request::AddPhone { .. }
        | Request::RemovePhone { .. }
        | Request::Intercom { .. }
        | Request::Add { .. }
        | Request::Parameter { .. } => None,
    }
}

/// The number that the audit has for an answer; none: the request did not come as far.
fn code_of(answer: i32) -> Option<i32> {
    match answer {
        // of all that may not be found only phones come and go
        5007 => Some(11),
        503 => None,
        number => Some(number),
    }
}

fn was_killed_after(history: &History, entry: &Entry) -> bool {
    let soon = |killed: &Micros| entry.sent <= *killed && *killed <= entry.ended + ON_ITS_WAY;
    history.kills.iter().any(|(node, killed)| *node == entry.node && soon(killed))
}
