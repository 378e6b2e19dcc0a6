//! Cause before effect: what was answered before something else was asked has the smaller number.

use std::collections::BTreeMap;

use super::answers::Matched;
use super::event::What;
use super::journal::{Answer, Micros};
use super::{Findings, Kind};

/// What touched one thing.
struct Touch {
    sent: Micros,
    ended: Micros,
    is_certain: bool,
    first: i64,
    last: i64,
}

/// Compares, for each phone, user, line and for the policy, the times of clients with the numbers of events.
pub(super) fn check(matched: &[Matched<'_>], findings: &mut Findings) {
    let mut touches: BTreeMap<String, Vec<Touch>> = BTreeMap::new();
    for Matched { entry, operation } in matched {
        let numbers = operation.iter().map(|e| e.sequence);
        let (first, last) = (numbers.clone().min().unwrap(), numbers.max().unwrap());
        for thing in operation.iter().flat_map(|event| things(&event.what)) {
            let touch = Touch {
                sent: entry.sent,
                ended: entry.ended,
                is_certain: entry.answer == Answer::Ok,
                first,
                last,
            };
            touches.entry(thing).or_default().push(touch);
        }
    }
    for (thing, touches) in touches {
        one_thing(&thing, touches, findings);
    }
}

fn things(what: &What) -> Vec<String> {
    match what {
        What::Login { phone, session, .. } | What::Logout { phone, session, .. } => {
            vec![format!("phone {phone}"), format!("user {}", session.user)]
        }
        What::Intercom { line, .. } => vec![format!("line {line}")],
        What::Parameter { name, .. } => vec![format!("parameter {name}")],
        What::Provisioning { type_, name, .. } => vec![format!("{} {name}", type_.to_lowercase())],
        What::Rejected { .. } | What::Other(_) => Vec::new(),
    }
}

fn one_thing(thing: &str, mut touches: Vec<Touch>, findings: &mut Findings) {
    touches.sort_by_key(|t| t.sent);
    let mut by_end: Vec<(Micros, i64)> =
        touches.iter().filter(|t| t.is_certain).map(|t| (t.ended, t.last)).collect();
    by_end.sort_unstable();
    let (mut ended, mut highest) = (by_end.into_iter().peekable(), 0);
    for touch in &touches {
        while let Some((_, last)) = ended.next_if(|(end, _)| *end < touch.sent) {
            highest = highest.max(last);
        }
        if touch.first <= highest {
            let text = format!(
                "{thing}: asked at {}, after {highest} was answered, and has {}",
                touch.sent, touch.first
            );
            findings.add(Kind::Reordered, text);
        }
    }
}
