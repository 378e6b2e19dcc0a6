//! State topics: each record says what the events up to its number say, none goes back, and the newest are what is.

use std::collections::{BTreeMap, HashMap};

use super::fold::{Course, differences};
use super::{Findings, History, Kind, Says};

/// Compares every record with the events.
pub(super) fn check(history: &History, course: &Course, findings: &mut Findings) {
    let mut newest: HashMap<(&str, i32), i64> = HashMap::new();
    let (mut sessions, mut devices) = (BTreeMap::new(), BTreeMap::new());
    for state in &history.states {
        let before = newest.insert((&state.topic, state.partition), state.number).unwrap_or_default();
        let at = format!("{} {}: {} of {}", state.topic, state.partition, state.number, state.key);
        if state.number < before {
            findings.add(Kind::Reordered, format!("{at}, after {before}"));
        }
        let expected = match &state.says {
            Says::Session(session) => {
                put(&mut sessions, &state.key, session.clone());
                Says::Session(course.session_at(&state.key, state.number).cloned())
            }
            Says::Device(device) => {
                put(&mut devices, &state.key, device.clone());
                Says::Device(course.device_at(&state.key, state.number).map(str::to_owned))
            }
        };
        if state.says != expected {
            findings.add(Kind::Disagreement, format!("{at}: events {expected:?}, state {:?}", state.says));
        }
    }
    let folded = course.world();
    differences("state topic", &folded.sessions, &sessions, findings);
    differences("state topic", &folded.intercom, &devices, findings);
}

fn put<T>(newest: &mut BTreeMap<String, T>, key: &str, value: Option<T>) {
    match value {
        Some(value) => drop(newest.insert(key.to_owned(), value)),
        None => drop(newest.remove(key)),
    }
}
