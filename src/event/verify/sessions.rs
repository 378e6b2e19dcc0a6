//! Login and logout take turns on every phone, and what they leave is what the database holds.
//!
//! Phones are told apart by their identity: one that was renamed is the same phone.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::entry::Entry;
use super::report::{Check, Finding};
use crate::domain::event::shared::moment_text;
use crate::store::verification::SessionRow;

/// What an open session is, as an event and the table both say it.
pub(super) type Facts = BTreeMap<&'static str, Value>;

/// The check `sessions`.
pub(super) struct Sessions {
    check: Check,
    phones: HashMap<String, Phone>,
    /// Whether every event of sessions is still in Kafka.
    is_whole: bool,
}

/// What the events say about a phone.
#[derive(Debug, Default)]
struct Phone {
    open: Option<String>,
    /// The session as of the moment at which the tables were read, when an event up to it has told.
    at_snapshot: Option<Option<Facts>>,
}

impl Sessions {
    /// Begins before the first event.
    pub(super) fn new(is_whole: bool) -> Self {
        Self { check: Check::named("sessions"), phones: HashMap::new(), is_whole }
    }

    /// Takes the next event in the order of the line; says whether the tables were read after it.
    pub(super) fn see(&mut self, entry: &Entry, in_snapshot: bool) {
        let is_login = match entry.text("/type") {
            "em.device.login.v1" => true,
            "em.device.logout.v1" => false,
            "em.session.extended.v1" => return self.see_extended(entry, in_snapshot),
            _ => return,
        };
        self.check.looked += 1;
        let session = entry.text("/data/sessionId").to_owned();
        let is_new = !self.phones.contains_key(entry.text("/data/device/uuid"));
        let phone = self.phones.entry(entry.text("/data/device/uuid").to_owned()).or_default();
        let what = match (&phone.open, is_login) {
            (Some(open), true) => Some(format!("login {session} while session {open} is open")),
            (Some(open), false) if *open != session => Some(format!("logout {session}, but {open} is open")),
            (None, false) if !is_new || self.is_whole => Some(format!("logout {session} without a login")),
            (Some(_) | None, _) => None,
        };
        phone.open = is_login.then_some(session);
        if in_snapshot {
            phone.at_snapshot =
                Some(is_login.then(|| facts_of(entry.event.get("data").unwrap_or(&Value::Null))));
        }
        if let Some(what) = what {
            self.check.found(Finding::about(entry, what));
        }
    }

    /// Who is extended is the open session, and its end was the one before.
    fn see_extended(&mut self, entry: &Entry, in_snapshot: bool) {
        self.check.looked += 1;
        let at = |pointer: &str| entry.event.pointer(pointer).cloned().unwrap_or_default();
        let session = entry.text("/data/sessionId");
        let Some(phone) = self.phones.get_mut(entry.text("/data/device/uuid")) else {
            if self.is_whole {
                self.check
                    .found(Finding::about(entry, format!("session {session} is extended without a login")));
            }
            return;
        };
        if phone.open.as_deref() != Some(session) {
            let open = phone.open.as_deref().unwrap_or("none");
            self.check
                .found(Finding::about(entry, format!("session {session} is extended, but {open} is open")));
        }
        let Some(Some(facts)) = phone.at_snapshot.as_mut().filter(|_| in_snapshot) else { return };
        let before = facts.insert("expiresAt", at("/data/expiresAt"));
        if before.as_ref() != Some(&at("/data/previousExpiresAt")) {
            self.check
                .found(Finding::about(entry, format!("session {session} ended at another time before")));
        }
    }

    /// What was found, once compared with the table, and the rows of which no event tells.
    pub(super) fn close(mut self, table: Result<Vec<SessionRow>, String>) -> (Check, Vec<SessionRow>) {
        let mut older = Vec::new();
        let rows = match table {
            Ok(rows) => rows,
            Err(why) => {
                self.check.notes.push(format!("not compared with the table: {why}"));
                return (self.check, older);
            }
        };
        for row in rows {
            let phone = self.phones.remove(&row.phone_uuid.to_string());
            if phone.is_none() && !self.is_whole {
                older.push(row);
                continue;
            }
            self.check.looked += 1;
            match phone.and_then(|p| p.at_snapshot) {
                Some(Some(facts)) => {
                    for (name, value) in different(&facts, &facts_in(&row)) {
                        let what = format!("session {}: {name} is {value}", row.session_id);
                        self.check.found(Finding::of(what).key(&row.phone));
                    }
                }
                // what came later tells that one was there
                None if !self.is_whole => {}
                Some(None) | None => {
                    let what = format!("session {} is in the table and not in the events", row.session_id);
                    self.check.found(Finding::of(what).key(&row.phone));
                }
            }
        }
        for facts in self.phones.into_values().filter_map(|p| p.at_snapshot.flatten()) {
            let text = |name| facts.get(name).and_then(Value::as_str).unwrap_or_default();
            let what = format!("session {} is in the events and not in the table", text("sessionId"));
            self.check.found(Finding::of(what).key(text("device")));
        }
        (self.check, older)
    }
}

/// What a login, or the state that it leaves, says of its session.
pub(super) fn facts_of(data: &Value) -> Facts {
    let at = |pointer: &str| data.pointer(pointer).cloned().unwrap_or_default();
    Facts::from([
        ("sessionId", at("/sessionId")),
        ("device", at("/device/name")),
        ("user", at("/user/uuid")),
        ("profile", at("/profile/uuid")),
        ("loginTime", at("/loginTime")),
        ("loginMethod", at("/loginMethod")),
        ("expiresAt", at("/expiresAt")),
        ("maxLoginSeconds", at("/maxLoginSeconds")),
        ("maxLoginSource", at("/maxLoginSource")),
    ])
}

/// What the table says of a session.
pub(super) fn facts_in(row: &SessionRow) -> Facts {
    let SessionRow { phone: _, phone_uuid: _, session_id, user, profile, .. } = row;
    Facts::from([
        ("sessionId", session_id.to_string().into()),
        ("user", user.to_string().into()),
        ("profile", profile.to_string().into()),
        ("loginTime", moment_text(row.started_at).into()),
        ("loginMethod", row.login_method.clone().into()),
        ("expiresAt", row.expires_at.map(moment_text).into()),
        ("maxLoginSeconds", row.max_login_seconds.into()),
        ("maxLoginSource", row.max_login_source.clone().into()),
    ])
}

/// The facts of the table that the events tell otherwise.
pub(super) fn different(events: &Facts, table: &Facts) -> Vec<(&'static str, String)> {
    let told = |name: &str| events.get(name).unwrap_or(&Value::Null);
    table
        .iter()
        .filter(|(name, value)| told(name) != *value)
        .map(|(name, value)| (*name, format!("{value} in the table and {} in the events", told(name))))
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;
    use uuid::Uuid;

    use super::super::entry::samples::with;
    use super::*;

    fn id(n: u128) -> String {
        Uuid::from_u128(n).to_string()
    }

    fn event(position: i64, kind: &str, phone: u128, session: u128) -> Entry {
        with(position, "SEP0011223344AA", |event| {
            event["type"] = format!("em.device.{kind}.v1").into();
            event["data"] = json!({
                "sessionId": id(session), "device": { "name": "SEP0011223344AA", "uuid": id(phone) },
                "user": { "uuid": id(1) }, "profile": { "uuid": id(2) }, "loginTime": "1970-01-01T00:00:00.000Z",
                "loginMethod": "UID", "expiresAt": null, "maxLoginSeconds": 60, "maxLoginSource": "user",
            });
        })
    }

    fn row(phone: u128, session: u128) -> SessionRow {
        SessionRow {
            phone: "SEP0011223344AA".into(),
            phone_uuid: Uuid::from_u128(phone),
            user: Uuid::from_u128(1),
            profile: Uuid::from_u128(2),
            session_id: Uuid::from_u128(session),
            started_at: DateTime::UNIX_EPOCH,
            expires_at: None,
            max_login_seconds: Some(60),
            max_login_source: Some("user".into()),
            login_method: "UID".into(),
        }
    }

    fn check(is_whole: bool, events: &[Entry], rows: Vec<SessionRow>) -> Check {
        let mut sessions = Sessions::new(is_whole);
        events.iter().for_each(|e| sessions.see(e, true));
        sessions.close(Ok(rows)).0
    }

    #[test]
    fn logins_and_logouts_in_turn_that_end_as_the_table_are_right() {
        let events = [
            event(1, "login", 7, 11),
            event(2, "login", 8, 12),
            event(3, "logout", 7, 11),
            event(4, "login", 7, 13),
            event(5, "calllog.cleared", 7, 13),
            event(6, "logout", 8, 12),
        ];
        let check = check(true, &events, vec![row(7, 13)]);
        assert_eq!((check.looked, check.findings), (6, 0), "{:?}", check.first);
    }

    #[test]
    fn events_that_do_not_take_turns_are_found() {
        let wrong: [&[Entry]; 4] = [
            &[event(1, "login", 7, 11), event(2, "login", 7, 12), event(3, "logout", 7, 12)],
            &[event(1, "login", 7, 11), event(2, "logout", 7, 12)],
            &[event(1, "login", 7, 11), event(2, "logout", 7, 11), event(3, "logout", 7, 11)],
            &[event(1, "logout", 7, 11)],
        ];
        for events in wrong {
            assert_eq!(check(true, events, Vec::new()).findings, 1, "{:?}", events.last());
        }
    }

    #[test]
    fn a_session_that_only_one_side_has_or_has_otherwise_is_found() {
        let login = [event(1, "login", 7, 11)];
        assert_eq!(check(true, &login, vec![row(7, 11)]).findings, 0);
        assert_eq!(check(true, &login, Vec::new()).findings, 1, "deleted from the table");
        assert_eq!(check(true, &[], vec![row(7, 11)]).findings, 1, "unknown to the events");
        let ended = [event(1, "login", 7, 11), event(2, "logout", 7, 11)];
        assert_eq!(check(true, &ended, vec![row(7, 11)]).findings, 1, "ended in the events");
        let other = SessionRow { max_login_seconds: Some(61), ..row(7, 11) };
        let found = check(true, &login, vec![other]);
        assert!(found.first[0].what.ends_with("maxLoginSeconds is 61 in the table and 60 in the events"));
    }

    #[test]
    fn a_session_that_was_extended_has_its_new_end() {
        let end = |minute: i64| moment_text(DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute));
        let login = with(1, "SEP0011223344AA", |login| {
            *login = event(1, "login", 7, 11).event;
            login["data"]["expiresAt"] = end(60).into();
        });
        let extended_to = |from: i64, to: i64, session: u128| {
            with(2, "SEP0011223344AA", |extended| {
                *extended = event(2, "login", 7, session).event;
                extended["type"] = "em.session.extended.v1".into();
                extended["data"]["previousExpiresAt"] = end(from).into();
                extended["data"]["expiresAt"] = end(to).into();
            })
        };
        let table = |minute: i64| {
            let expires_at = Some(DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute));
            vec![SessionRow { expires_at, ..row(7, 11) }]
        };
        assert_eq!(check(true, &[login.clone(), extended_to(60, 75, 11)], table(75)).findings, 0);
        assert_eq!(
            check(true, &[login.clone(), extended_to(60, 75, 11)], table(60)).findings,
            1,
            "not in the table"
        );
        assert_eq!(
            check(true, &[login.clone(), extended_to(61, 75, 11)], table(75)).findings,
            1,
            "not the end before"
        );
        assert_eq!(check(true, &[login, extended_to(60, 75, 12)], table(75)).findings, 1, "another session");
        assert_eq!(check(true, &[extended_to(60, 75, 11)], Vec::new()).findings, 1, "no session");
    }

    #[test]
    fn what_began_before_kafkas_history_is_left_to_the_state_topics() {
        let mut sessions = Sessions::new(false);
        sessions.see(&event(1, "logout", 7, 11), true);
        let (check, older) = sessions.close(Ok(vec![row(8, 12)]));
        assert_eq!((check.findings, older), (0, vec![row(8, 12)]));
    }

    #[test]
    fn what_came_after_the_tables_were_read_is_not_compared_with_them() {
        let mut sessions = Sessions::new(true);
        sessions.see(&event(1, "login", 7, 11), true);
        sessions.see(&event(2, "logout", 7, 11), false);
        sessions.see(&event(3, "login", 8, 12), false);
        assert_eq!(sessions.close(Ok(vec![row(7, 11)])).0.findings, 0);
    }
}
