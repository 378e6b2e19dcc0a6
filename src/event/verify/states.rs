//! What the events add up to is what the state topics hold (P7); what is older than the events in Kafka is what the tables hold.
//!
//! The fold is made here from the contract's own words, not by the publisher's code. Of each key a number and a digest are kept, and the
//! state itself only where no event tells of it.

use std::collections::HashMap;

use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};

use super::entry::Entry;
use super::report::{Check, Finding};
use super::sessions::{different, facts_in, facts_of};
use super::state_record::StateRecord;
use crate::event::kafka::KafkaSettings;
use crate::event::state::{INTERCOM_STATE, SESSION_STATE};
use crate::store::verification::{IntercomRow, SessionRow};

/// What a login says of itself and not of the session.
const OF_LOGINS: [&str; 4] = ["displaced", "displacedTotal", "callLogCleared", "requestedBy"];
/// What a state of an intercom line holds.
const OF_LINES: [&str; 3] = ["line", "owner", "current"];

type Key = (&'static str, String);
type Digest = Option<[u8; 32]>;

/// Rows of the tables that no event in Kafka tells of.
#[derive(Debug, Default)]
pub(super) struct Older {
    /// Sessions.
    pub(super) sessions: Vec<SessionRow>,
    /// Intercom lines.
    pub(super) intercom: Vec<IntercomRow>,
}

/// How far state topics and database reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// Every event of this number or a lower one is in the fold.
    pub(super) until: i64,
    /// Oldest number that the database keeps.
    pub(super) first_kept: i64,
    /// Whether every event is still in Kafka.
    pub(super) is_whole: bool,
    /// Whether a state topic has lost its beginning, as only a broker without compaction does.
    pub(super) states_are_cut: bool,
}

/// The check `state`.
pub(super) struct States {
    check: Check,
    /// Real names of the topics.
    names: [String; 2],
    fold: HashMap<Key, (i64, Digest)>,
    told: HashMap<Key, Told>,
    newest: HashMap<(&'static str, i32), i64>,
    superseded: u64,
    unknown: u64,
}

/// The newest state of a key that the fold reaches.
#[derive(Debug, Default)]
struct Told {
    position: i64,
    digest: Digest,
    /// The state, when no event tells of it.
    data: Option<Value>,
    /// Whether a newer one follows, which may have replaced the one in question.
    is_superseded: bool,
}

impl States {
    /// Begins before the first event.
    pub(super) fn new(settings: &KafkaSettings) -> Self {
        Self {
            check: Check::named("state"),
            names: [SESSION_STATE, INTERCOM_STATE].map(|topic| settings.topic_name(topic)),
            fold: HashMap::new(),
            told: HashMap::new(),
            newest: HashMap::new(),
            superseded: 0,
            unknown: 0,
        }
    }

    /// Takes the next event in the order of the line, and the states that the database keeps beside it.
    pub(super) fn see(&mut self, entry: &Entry, beside: Option<&str>) {
        let data = entry.event.get("data");
        let own = match entry.text("/type") {
            "em.device.login.v1" => Some((SESSION_STATE, pick(data, |name| !OF_LOGINS.contains(&name)))),
            "em.device.logout.v1" => Some((SESSION_STATE, None)),
            "em.intercom.defaultdevice.changed.v1" => {
                Some((INTERCOM_STATE, pick(data, |name| OF_LINES.contains(&name))))
            }
            _ => None,
        };
        if let Some((topic, state)) = own {
            self.fold.insert((topic, entry.key.clone()), (entry.position, digest_of(state.as_ref())));
        }
        let beside: Vec<Value> = beside.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        for state in beside {
            let text = |name| state.get(name).and_then(Value::as_str).unwrap_or_default();
            let topic = if text("topic") == SESSION_STATE { SESSION_STATE } else { INTERCOM_STATE };
            let data = state.get("data").filter(|data| !data.is_null());
            self.fold.insert((topic, text("key").to_owned()), (entry.position, digest_of(data)));
        }
    }

    /// Takes the next record of its partition of a state topic, once all events have been seen.
    pub(super) fn see_state(&mut self, record: StateRecord, until: i64) {
        self.check.looked += 1;
        let newest = self.newest.entry((record.span.topic, record.span.partition)).or_default();
        if record.position < *newest {
            let what = format!("stands after number {newest}");
            self.check.found(record.finding(what));
        }
        *newest = record.position.max(*newest);
        let key = (record.span.topic, record.key);
        let is_folded = self.fold.contains_key(&key);
        let told = self.told.entry(key).or_default();
        if record.position > until {
            told.is_superseded = true;
            return;
        }
        let digest = digest_of(record.data.as_ref());
        *told = Told {
            position: record.position,
            digest,
            data: record.data.filter(|_| !is_folded),
            is_superseded: told.is_superseded,
        };
    }

    /// What was found.
    pub(super) fn close(mut self, reach: Reach, older: Older) -> Check {
        for ((topic, key), (position, digest)) in std::mem::take(&mut self.fold) {
            let told = self.told.remove(&(topic, key.clone()));
            if let Some(what) = self.compare(position, digest, told, reach) {
                self.check.found(
                    Finding { topic: self.name_of(topic), ..Finding::of(what) }.key(key).number(position),
                );
            }
        }
        self.compare_older(reach, older);
        self.check.note(self.superseded, "states have been replaced by newer ones meanwhile");
        self.check
            .note(self.unknown, "states follow events that the database has dropped and are not compared");
        self.check
    }

    /// What is wrong with the state of a key that an event tells of.
    fn compare(&mut self, position: i64, digest: Digest, told: Option<Told>, reach: Reach) -> Option<String> {
        // a tombstone goes after a day
        let told = match told {
            None if digest.is_none() || reach.states_are_cut => return None,
            None => return Some("has no state record".to_owned()),
            Some(told) => told,
        };
        if told.position < position && told.is_superseded {
            self.superseded += 1;
            return None;
        }
        if told.digest == digest && (told.position >= position || digest.is_none()) {
            return None;
        }
        if told.position > position && told.position < reach.first_kept {
            self.unknown += 1;
            return None;
        }
        Some(match (digest, told.digest) {
            _ if told.position < position => {
                format!("the state record is still that of number {}", told.position)
            }
            (None, _) => format!("has a state record of number {} and should have none", told.position),
            (_, None) => {
                format!("the state was taken away with number {} and should be there", told.position)
            }
            _ => format!("the state record of number {} is not what the events add up to", told.position),
        })
    }

    fn name_of(&self, topic: &str) -> Option<String> {
        let [session, intercom] = &self.names;
        Some(if topic == SESSION_STATE { session.clone() } else { intercom.clone() })
    }

    /// Compares states that no event tells of with the rows that no event tells of.
    fn compare_older(&mut self, reach: Reach, older: Older) {
        let (mut sessions, mut lines) = (HashMap::new(), HashMap::new());
        for ((topic, key), told) in std::mem::take(&mut self.told) {
            let Some(data) = told.data else { continue };
            if reach.is_whole {
                let what = format!("has a state record of number {} without an event", told.position);
                self.check.found(Finding { topic: self.name_of(topic), ..Finding::of(what) }.key(key));
            } else if topic == SESSION_STATE {
                sessions.insert(text(&data, "/device/uuid"), (key, data));
            } else {
                lines.insert(text(&data, "/line/uuid"), (key, data));
            }
        }
        let compared = older.sessions.len() + older.intercom.len();
        for row in older.sessions {
            self.check.looked += 1;
            let told = sessions.remove(&row.phone_uuid.to_string());
            let Some((key, data)) = told else {
                let what = format!("session {} has neither an event nor a state record", row.session_id);
                self.check.found(Finding::of(what).key(&row.phone));
                continue;
            };
            for (name, value) in different(&facts_of(&data), &facts_in(&row)) {
                self.check
                    .found(Finding::of(format!("session {}: {name} is {value}", row.session_id)).key(&key));
            }
        }
        for row in older.intercom {
            self.check.looked += 1;
            let data = lines.remove(&row.uuid.to_string()).map(|(_, data)| data).unwrap_or_default();
            let in_table = row.default_phone.map(|uuid| uuid.to_string()).unwrap_or_default();
            let told = text(&data, "/current/uuid");
            if told != in_table {
                let what =
                    format!("the default device is \"{in_table}\" in the table and \"{told}\" in the state");
                self.check.found(Finding::of(what).key(row.key()));
            }
        }
        for (key, data) in sessions.into_values() {
            let what = format!("session {} is in the state and not in the table", text(&data, "/sessionId"));
            self.check.found(Finding::of(what).key(key));
        }
        for (key, data) in lines.into_values().filter(|(_, data)| !text(data, "/current/uuid").is_empty()) {
            let what = format!(
                "default device {} is in the state and not in the table",
                text(&data, "/current/name")
            );
            self.check.found(Finding::of(what).key(key));
        }
        let compared = u64::try_from(compared).unwrap_or_default();
        self.check.note(
            compared,
            "rows are older than the events in Kafka; their state records were compared with the tables",
        );
    }
}

fn text(data: &Value, pointer: &str) -> String {
    data.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Those fields of an object that stay.
fn pick(data: Option<&Value>, stays: impl Fn(&str) -> bool) -> Option<Value> {
    let all = data?.as_object()?.iter().filter(|(name, _)| stays(name));
    Some(Value::Object(all.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>()))
}

/// A state in short, whatever the order of its fields; none: there is none.
fn digest_of(data: Option<&Value>) -> Digest {
    let text = data?.to_string();
    digest(&SHA256, text.as_bytes()).as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use serde_json::json;
    use uuid::Uuid;

    use super::super::entry::samples::with;
    use super::*;
    use crate::event::kafka::{DeliveryMode, Span};

    const KEY: &str = "SEP0011223344AA";
    const WHOLE: Reach = Reach { until: 9, first_kept: 1, is_whole: true, states_are_cut: false };
    const CUT: Reach = Reach { is_whole: false, ..WHOLE };

    fn states() -> States {
        States::new(&KafkaSettings::at("", DeliveryMode::Transactional, "t", "lab"))
    }

    fn event(position: i64, kind: &str) -> Entry {
        with(position, KEY, |event| {
            event["type"] = format!("em.device.{kind}.v1").into();
            event["data"] = json!({
                "sessionId": format!("s{position}"), "lines": [], "displaced": [], "callLogCleared": true, "requestedBy": {},
            });
        })
    }

    fn record(position: i64, data: Option<Value>) -> StateRecord {
        let name = "t.session.state.v1".to_owned();
        let span =
            Arc::new(Span { topic: SESSION_STATE, name, partition: 5, partitions: 6, low: 0, end: 99 });
        StateRecord { span, offset: position, position, key: KEY.into(), data }
    }

    fn session(position: i64) -> Option<Value> {
        Some(json!({ "lines": [], "sessionId": format!("s{position}") }))
    }

    fn found(events: &[Entry], records: &[StateRecord]) -> Vec<String> {
        let mut states = states();
        events.iter().for_each(|e| states.see(e, None));
        records.iter().for_each(|r| states.see_state(r.clone(), WHOLE.until));
        states.close(WHOLE, Older::default()).first.into_iter().map(|f| f.what).collect()
    }

    #[test]
    fn the_last_record_of_a_key_is_what_its_events_add_up_to() {
        let events = [event(1, "login"), event(2, "logout"), event(3, "login")];
        let all = [record(1, session(1)), record(2, None), record(3, session(3))];
        assert_eq!(found(&events, &all), [""; 0]);
        assert_eq!(found(&events, &all[2..]), [""; 0], "compacted");
        assert_eq!(found(&events[..2], &[]), [""; 0], "a tombstone that has gone");
        let again = [all[2].clone(), record(8, session(3))];
        assert_eq!(found(&events, &again), [""; 0], "published again");
    }

    #[test]
    fn a_state_that_is_missing_stale_altered_or_without_an_event_is_found() {
        let events = [event(1, "login"), event(2, "logout"), event(3, "login")];
        assert_eq!(found(&events, &[]), ["has no state record"]);
        let stale = [record(1, session(1))];
        assert_eq!(found(&events, &stale), ["the state record is still that of number 1"]);
        assert_eq!(found(&events[..2], &stale), ["the state record is still that of number 1"]);
        assert_eq!(
            found(&events, &[record(3, session(4))]),
            ["the state record of number 3 is not what the events add up to"]
        );
        assert_eq!(
            found(&events, &[record(3, session(3)), record(4, None)]),
            ["the state was taken away with number 4 and should be there"]
        );
        assert_eq!(
            found(&events[..2], &[record(2, session(1))]),
            ["has a state record of number 2 and should have none"]
        );
        assert_eq!(found(&[], &stale), ["has a state record of number 1 without an event"]);
        assert_eq!(
            found(&events, &[record(3, session(3)), record(2, None), record(3, session(3))]),
            ["stands after number 3"]
        );
    }

    #[test]
    fn what_comes_after_the_moment_of_the_comparison_does_not_count() {
        let events = [event(1, "login")];
        assert_eq!(found(&events, &[record(1, session(1)), record(10, None)]), [""; 0]);
        assert_eq!(found(&events, &[record(10, session(10))]), [""; 0], "the older one has been compacted");
    }

    #[test]
    fn what_stands_beside_an_event_takes_part() {
        let mut states = states();
        let beside = json!([
            { "topic": SESSION_STATE, "key": KEY, "data": null },
            { "topic": INTERCOM_STATE, "key": "7001|", "data": { "line": {} } },
        ]);
        states.see(&event(1, "login"), None);
        states.see(&event(2, "calllog.cleared"), Some(&beside.to_string()));
        states.see_state(record(1, session(1)), 9);
        let found: Vec<_> = states
            .close(WHOLE, Older::default())
            .first
            .into_iter()
            .map(|f| (f.key.unwrap(), f.what))
            .collect();
        assert_eq!(found.len(), 2);
        assert!(found.contains(&(KEY.into(), "the state record is still that of number 1".into())));
        assert!(found.contains(&("7001|".into(), "has no state record".into())));
    }

    #[test]
    fn what_is_older_than_the_events_in_kafka_is_compared_with_the_tables() {
        let id = Uuid::from_u128;
        let row = |max_login_seconds| SessionRow {
            phone: KEY.into(),
            phone_uuid: id(7),
            user: id(1),
            profile: id(2),
            session_id: id(11),
            started_at: DateTime::UNIX_EPOCH,
            expires_at: None,
            max_login_seconds,
            max_login_source: None,
            login_method: "UID".into(),
        };
        let state = json!({
            "sessionId": id(11), "device": { "name": KEY, "uuid": id(7) }, "user": { "uuid": id(1) },
            "profile": { "uuid": id(2) }, "loginTime": "1970-01-01T00:00:00.000Z", "loginMethod": "UID",
            "expiresAt": null, "maxLoginSeconds": null, "maxLoginSource": null,
        });
        let findings = |records: Vec<StateRecord>, sessions: Vec<SessionRow>| {
            let mut states = states();
            records.into_iter().for_each(|r| states.see_state(r, 9));
            states.close(CUT, Older { sessions, intercom: Vec::new() }).findings
        };
        let told = || vec![record(1, Some(state.clone()))];
        assert_eq!(findings(told(), vec![row(None)]), 0);
        assert_eq!(findings(told(), vec![row(Some(5))]), 1, "told otherwise");
        assert_eq!(findings(told(), Vec::new()), 1, "not in the table");
        assert_eq!(findings(Vec::new(), vec![row(None)]), 1, "no state");
    }
}
