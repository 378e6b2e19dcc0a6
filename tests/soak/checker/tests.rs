//! Plants every kind of error into a history that has none, and sees that it is found.

use serde_json::{Value, json};

use super::event::{Digest, Event, Record, Session, digest_of};
use super::journal::{Answer, Entry, Request};
use super::line::{next_link, published_value};
use super::place::partition_of;
use super::{History, Kind, Position, Says, State, check};

mod audit;

const SECOND: i64 = 1_000_000;
/// 2026-03-02 08:00:00 UTC.
const START: i64 = 1_772_438_400 * SECOND;

/// Writes histories: what happens, with its journal, log, records and chain.
#[derive(Default)]
struct Story {
    history: History,
    link: Option<Vec<u8>>,
    offset: i64,
}

fn id(n: i64) -> String {
    format!("00000000-0000-7000-8000-{n:012}")
}

fn at(second: i64) -> i64 {
    START + second * SECOND
}

fn moment(micros: i64) -> String {
    chrono::DateTime::from_timestamp_micros(micros).unwrap().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn session_of(n: i64, user: &str) -> Session {
    Session { id: id(n), user: user.into(), profile: format!("{user} at a desk") }
}

fn login(phone: &str, session: &Session) -> (&'static str, Value) {
    let data = json!({
        "sessionId": session.id, "device": { "name": phone }, "user": { "userId": session.user },
        "profile": { "name": session.profile }, "expiresAt": null, "displaced": []
    });
    ("em.device.login.v1", data)
}

fn logout(phone: &str, session: &Session, reason: &str) -> (&'static str, Value) {
    let (_, mut data) = login(phone, session);
    data["reason"] = json!(reason);
    ("em.device.logout.v1", data)
}

fn phone(action: &str, name: &str) -> (&'static str, Value) {
    let data = json!({ "action": action, "objectType": "Phone", "objectUuid": format!("uuid of {name}"), "objectName": name });
    ("em.provisioning.changed.v1", data)
}

fn policy(previous: &str, value: &str) -> (&'static str, Value) {
    let data = json!({ "service": "EM", "name": "MultipleLoginBehavior", "previousValue": previous, "value": value });
    ("em.serviceparameter.changed.v1", data)
}

fn wants(phone: &str, user: &str) -> Request {
    Request::Login { phone: phone.into(), user: user.into(), profile: None, seconds: None }
}

impl Story {
    /// One operation at a second, of this request's identity.
    fn operation(&mut self, second: i64, correlation: &str, via: &str, events: &[(&str, Value)]) {
        let count = events.len();
        for (n, (type_, data)) in events.iter().enumerate() {
            let number = self.history.last_given + 1;
            let mut data = data.clone();
            data["requestedBy"] = json!({ "via": via });
            let envelope = format!(
                "{{\"id\":{},\"type\":\"{type_}\",\"time\":\"{}\",\"correlationid\":\"{correlation}\",\"emopindex\":{},\"emopcount\":{count},\"data\":{data}}}",
                json!(id(1_000 + number)),
                moment(at(second)),
                n + 1
            );
            self.publish(number, second, type_, envelope);
        }
    }

    fn publish(&mut self, number: i64, second: i64, type_: &str, envelope: String) {
        let mut position = Position {
            number,
            stream: "line".into(),
            recorded: at(second),
            created: at(second),
            hash: Vec::new(),
            logged: Some((String::new(), envelope)),
        };
        let value = published_value(&position).unwrap();
        let event = Event::read(value.as_bytes()).unwrap();
        position.logged.as_mut().unwrap().0.clone_from(&event.key);
        let link = next_link(self.link.as_deref().unwrap_or(&[0; 32]), value.as_bytes());
        position.hash.clone_from(&link);
        self.link = Some(link);
        self.history.line.push(position);
        self.history.last_given = number;
        let topic = match type_ {
            "em.device.login.v1" | "em.device.logout.v1" => "em.session.v1",
            "em.login.rejected.v1" => "em.audit.v1",
            _ => "em.provisioning.v1",
        };
        self.offset += 1;
        self.history.records.push(Record {
            topic: topic.into(),
            partition: 0,
            offset: self.offset,
            key: event.key.clone(),
            digest: digest_of(value.as_bytes()),
            event,
        });
    }

    /// Tables and state topic say who is on a phone, as of the newest number.
    fn is_on(&mut self, phone: &str, session: Option<Session>) {
        let sessions = &mut self.history.tables.sessions;
        sessions.remove(phone);
        sessions.extend(session.clone().map(|session| (phone.to_owned(), session)));
        let (topic, partition, key) = ("em.session.state.v1".to_owned(), 0, phone.to_owned());
        let number = self.history.last_given;
        self.history.states.push(State { topic, partition, key, number, says: Says::Session(session) });
    }

    /// A request from one second to the next and what came of it.
    fn asked(&mut self, second: i64, request: Request, answer: Answer, id: Option<&str>) {
        if let (Some(event), Some(id)) = (audit::of(&request, &answer), id) {
            self.operation(second, id, "soap", &[event]);
        }
        self.history.journal.push(Entry {
            client: 0,
            node: 0,
            request,
            sent: at(second) - SECOND / 2,
            ended: at(second) + SECOND / 4,
            answer,
            id: id.map(str::to_owned),
        });
    }

    /// A request that succeeds and leads to these events.
    fn done(&mut self, second: i64, request: Request, events: &[(&str, Value)]) {
        let correlation = format!("request-{second}");
        self.operation(second, &correlation, "soap", events);
        self.asked(second, request, Answer::Ok, Some(&correlation));
    }
}

/// Two phones; ann logs in, out and in again, bob logs in on the other; a policy changes; a refusal, an unknown, a repeat.
fn story() -> Story {
    let mut story = Story::default();
    let topics =
        ["em.session.v1", "em.provisioning.v1", "em.audit.v1", "em.session.state.v1", "em.intercom.state.v1"];
    story.history.partitions = topics.map(|topic| (topic.to_owned(), 1)).into();
    let (first, second, bobs) = (session_of(1, "ann"), session_of(2, "ann"), session_of(3, "bob"));
    story.done(1, Request::AddPhone { phone: "A".into() }, &[phone("add", "A")]);
    story.done(2, Request::AddPhone { phone: "B".into() }, &[phone("add", "B")]);
    story.done(3, wants("A", "ann"), &[login("A", &first)]);
    story.is_on("A", Some(first.clone()));
    story.asked(4, wants("A", "bob"), Answer::Refused(18), Some("refused"));
    story.done(5, Request::Logout { phone: "A".into() }, &[logout("A", &first, "administrator")]);
    story.is_on("A", None);
    story.operation(6, "nobody-knows", "soap", &[login("A", &second)]);
    story.is_on("A", Some(second));
    story.asked(6, wants("A", "ann"), Answer::Unknown("cut".into()), None);
    let (before, after) = ("Multiple Logins Not Allowed", "Auto Logout");
    story.done(7, Request::Policy { value: after.into() }, &[policy(before, after)]);
    story.done(20, wants("B", "bob"), &[login("B", &bobs)]);
    story.is_on("B", Some(bobs));
    story.asked(21, wants("B", "bob"), Answer::Ok, Some("again"));
    story.history.tables.phones = ["A".into(), "B".into()].into();
    story.history.tables.policy = after.into();
    story
}

/// The kinds that are found after something was planted.
fn found(plant: impl FnOnce(&mut History)) -> Vec<Kind> {
    let mut story = story();
    plant(&mut story.history);
    kinds(&story.history)
}

fn kinds(history: &History) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = check(history).into_iter().map(|f| f.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// The kinds that are found after something more happened.
fn found_after(happens: impl FnOnce(&mut Story)) -> Vec<Kind> {
    let mut story = story();
    happens(&mut story);
    kinds(&story.history)
}

#[test]
fn a_history_without_an_error_has_none() {
    assert_eq!(check(&story().history).iter().map(|f| &f.text).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn an_acknowledged_request_without_its_event_is_lost() {
    let planted = found(|h| h.journal[4].id = Some("of-no-event".into()));
    assert!(planted.contains(&Kind::Lost), "{planted:?}");
    let logout = |s: &mut Story| s.asked(30, Request::Logout { phone: "B".into() }, Answer::Ok, Some("x"));
    assert_eq!(found_after(logout), [Kind::Lost]);
    let same_user = |s: &mut Story| s.asked(30, wants("B", "ann"), Answer::Ok, Some("x"));
    assert_eq!(found_after(same_user), [Kind::Lost]);
}

#[test]
fn events_that_do_not_reach_kafka_or_get_no_number_are_lost() {
    assert!(found(|h| drop(h.records.pop())).contains(&Kind::Lost));
    assert_eq!(found(|h| h.unnumbered = 1), [Kind::Lost]);
    assert!(found(|h| h.line[3].logged = None).contains(&Kind::Lost));
}

#[test]
fn a_session_in_the_tables_without_an_event_is_a_disagreement() {
    let planted = |h: &mut History| drop(h.tables.sessions.insert("C".into(), session_of(9, "eve")));
    assert_eq!(found(planted), [Kind::Disagreement]);
    assert_eq!(found(|h| drop(h.tables.sessions.remove("B"))), [Kind::Disagreement]);
    assert_eq!(found(|h| drop(h.tables.phones.pop_first())), [Kind::Disagreement]);
    assert_eq!(found(|h| h.tables.policy = "Multiple Logins Allowed".into()), [Kind::Disagreement]);
    let default = |h: &mut History| drop(h.tables.intercom.insert("7001|I".into(), "A".into()));
    assert_eq!(found(default), [Kind::Disagreement]);
}

#[test]
fn state_topics_that_say_something_else_or_go_back_are_found() {
    assert_eq!(found(|h| drop(h.states.pop())), [Kind::Disagreement]);
    assert_eq!(found(|h| h.states[0].says = Says::Session(Some(session_of(9, "eve")))), [Kind::Disagreement]);
    assert_eq!(found(|h| h.states[1].number = 3), [Kind::Disagreement]);
    assert_eq!(found(|h| h.states.swap(0, 1)), [Kind::Reordered]);
    let line = |h: &mut History| {
        let says = Says::Device(Some("A".into()));
        let topic = "em.intercom.state.v1".to_owned();
        h.states.push(State { topic, partition: 0, key: "7001|I".into(), number: 3, says });
    };
    assert_eq!(found(line), [Kind::Disagreement]);
}

#[test]
fn an_event_that_nobody_asked_for_is_a_phantom() {
    let nobody = |s: &mut Story| {
        s.operation(30, "nobody", "soap", &[logout("B", &session_of(3, "bob"), "administrator")]);
        s.is_on("B", None);
    };
    assert_eq!(found_after(nobody), [Kind::Phantom]);
    // the only request that can have led to it is gone, was made later, or asked for something else
    assert_eq!(found(|h| drop(h.journal.remove(5))), [Kind::Phantom]);
    assert_eq!(found(|h| h.journal[5].sent = at(8)), [Kind::Phantom]);
    assert_eq!(found(|h| h.journal[5].request = wants("A", "eve")), [Kind::Phantom]);
}

#[test]
fn one_unknown_request_explains_one_operation() {
    let twice = |s: &mut Story| {
        let ann = session_of(2, "ann");
        s.operation(30, "unknown-1", "soap", &[logout("A", &ann, "administrator")]);
        s.operation(31, "unknown-2", "soap", &[login("A", &session_of(8, "ann"))]);
        s.asked(30, Request::Logout { phone: "A".into() }, Answer::Unknown("cut".into()), None);
        s.is_on("A", Some(session_of(8, "ann")));
    };
    assert_eq!(found_after(twice), [Kind::Phantom]);
}

#[test]
fn an_operation_that_is_not_what_its_request_asks_for_is_a_phantom() {
    assert_eq!(found(|h| h.journal[2].request = wants("A", "eve")), [Kind::Phantom]);
    let more = |h: &mut History| h.journal[0].request = Request::AddPhone { phone: "C".into() };
    assert_eq!(found(more), [Kind::Phantom]);
}

#[test]
fn a_time_out_before_its_time_is_a_phantom() {
    let early = |s: &mut Story| {
        let (type_, mut data) = logout("B", &session_of(3, "bob"), "timeout");
        data["dueAt"] = json!(moment(at(60)));
        s.operation(30, "timer", "timer", &[(type_, data)]);
        s.is_on("B", None);
    };
    assert_eq!(found_after(early), [Kind::Phantom]);
}

#[test]
fn half_an_operation_is_found() {
    assert_eq!(found(|h| h.records[2].event.count = 2), [Kind::Lost]);
}

#[test]
fn numbers_that_fall_inside_a_partition_are_reordered() {
    assert_eq!(found(|h| h.records.swap(0, 1)), [Kind::Reordered]);
}

#[test]
fn an_effect_before_its_cause_is_reordered() {
    // the logout was asked for after the login was answered, and has the smaller number all the same
    let planted = found(|h| {
        let login = h.journal.iter_mut().find(|e| e.id.as_deref() == Some("request-3")).unwrap();
        (login.sent, login.ended) = (at(10), at(11));
        let logout = h.journal.iter_mut().find(|e| e.id.as_deref() == Some("request-20")).unwrap();
        logout.request = wants("B", "bob");
    });
    assert_eq!(planted, [Kind::Reordered]);
    let previous = |s: &mut Story| {
        let wrong = policy("Multiple Logins Allowed", "Multiple Logins Not Allowed");
        s.done(30, Request::Policy { value: "Multiple Logins Not Allowed".into() }, &[wrong]);
        s.history.tables.policy = "Multiple Logins Not Allowed".into();
    };
    assert_eq!(found_after(previous), [Kind::Reordered]);
}

#[test]
fn a_record_or_an_event_twice_is_duplicated_unless_repeats_are_allowed() {
    let again = |h: &mut History| {
        let mut last = h.records.last().unwrap().clone();
        last.offset += 1;
        h.records.push(last);
    };
    assert_eq!(found(again), [Kind::Duplicated]);
    let allowed = |h: &mut History| {
        again(h);
        h.may_repeat = true;
    };
    assert_eq!(found(allowed), []);
    let other_bytes = |h: &mut History| {
        allowed(h);
        h.records.last_mut().unwrap().digest = Digest::default();
    };
    assert_eq!(found(other_bytes), [Kind::Duplicated]);
    assert_eq!(found(|h| h.records[1].event.id = h.records[0].event.id.clone()), [Kind::Duplicated]);
}

#[test]
fn a_number_that_nobody_has_is_a_gap() {
    assert!(found(|h| drop(h.records.remove(2))).contains(&Kind::Gap));
    assert!(found(|h| drop(h.line.remove(2))).contains(&Kind::Gap));
    assert!(found(|h| h.records[5].event.stream = "another".into()).contains(&Kind::Gap));
}

#[test]
fn a_second_login_on_a_phone_or_a_logout_of_somebody_else_breaks_the_alternation() {
    let second = |s: &mut Story| {
        s.done(30, wants("A", "eve"), &[login("A", &session_of(7, "eve"))]);
        s.is_on("A", Some(session_of(7, "eve")));
    };
    assert_eq!(found_after(second), [Kind::Alternation]);
    let other = |s: &mut Story| {
        let events = [logout("A", &session_of(7, "eve"), "administrator")];
        s.done(30, Request::Logout { phone: "A".into() }, &events);
        s.is_on("A", None);
    };
    assert_eq!(found_after(other), [Kind::Alternation]);
    let free = |s: &mut Story| {
        s.done(30, Request::AddPhone { phone: "C".into() }, &[phone("add", "C")]);
        let events = [logout("C", &session_of(7, "eve"), "administrator")];
        s.done(31, Request::Logout { phone: "C".into() }, &events);
        s.history.tables.phones.insert("C".into());
    };
    assert_eq!(found_after(free), [Kind::Alternation]);
    let removed = |s: &mut Story| {
        s.done(30, Request::RemovePhone { phone: "B".into() }, &[phone("remove", "B")]);
        s.history.tables.phones.remove("B");
    };
    assert_eq!(found_after(removed), [Kind::Alternation]);
}

#[test]
fn one_user_on_two_phones_under_an_exclusive_policy_is_found_and_under_the_other_not() {
    let two = |s: &mut Story, second: i64| {
        s.done(30, Request::AddPhone { phone: "C".into() }, &[phone("add", "C")]);
        s.done(second, wants("C", "bob"), &[login("C", &session_of(7, "bob"))]);
        s.history.tables.phones.insert("C".into());
        s.is_on("C", Some(session_of(7, "bob")));
    };
    assert_eq!(found_after(|s| two(s, 31)), [Kind::Exclusive]);
    let allow = |s: &mut Story| {
        let value = "Multiple Logins Allowed";
        s.done(40, Request::Policy { value: value.into() }, &[policy("Auto Logout", value)]);
        s.history.tables.policy = value.into();
        two(s, 41);
    };
    assert_eq!(found_after(allow), []);
}

#[test]
fn a_broken_chain_or_a_record_that_differs_from_the_log_is_altered() {
    assert_eq!(found(|h| h.line[3].hash = vec![1; 32]), [Kind::Altered]);
    assert_eq!(found(|h| h.records[4].digest = Digest::default()), [Kind::Altered]);
    let rewritten = |h: &mut History| {
        let (_, envelope) = h.line[4].logged.as_mut().unwrap();
        *envelope = envelope.replace("\"ann\"", "\"eve\"");
    };
    assert_eq!(found(rewritten), [Kind::Altered]);
}

#[test]
fn a_record_with_another_key_or_in_another_partition_is_misplaced() {
    assert_eq!(found(|h| h.records[2].key = "B".into()), [Kind::Misplaced]);
    assert_eq!(found(|h| h.line[2].logged.as_mut().unwrap().0 = "B".into()), [Kind::Misplaced]);
    let both = |h: &mut History| {
        h.records[2].key = "B".into();
        h.line[2].logged.as_mut().unwrap().0 = "B".into();
    };
    assert_eq!(found(both), [Kind::Misplaced]);
    assert_eq!(found(|h| h.records[2].partition = 1), [Kind::Misplaced]);
    assert_eq!(found(|h| h.states[2].partition = 1), [Kind::Misplaced]);
    // "A" belongs into another one than the first
    assert_eq!(found(|h| h.partitions.extend([("em.session.v1".into(), 6)])), [Kind::Misplaced]);
}

#[test]
fn keys_are_expected_where_the_contract_says() {
    for (key, places) in
        [("SEP0011223344AA", [5, 2, 1]), ("recorder1", [0, 0, 2]), ("7001|PT_ICM", [2, 2, 0])]
    {
        assert_eq!([6, 3, 4].map(|partitions| partition_of(key.as_bytes(), partitions)), places, "{key}");
    }
}

#[test]
fn answers_that_are_not_true_are_found() {
    let refused = |h: &mut History| h.journal[4].answer = Answer::Refused(19);
    assert_eq!(found(refused), [Kind::Lost, Kind::FalseAnswer]);
    let occupied = |s: &mut Story, code| s.asked(30, wants("A", "bob"), Answer::Refused(code), Some("x"));
    assert_eq!(found_after(|s| occupied(s, 18)), []);
    assert_eq!(found_after(|s| occupied(s, 25)), [Kind::FalseAnswer]);
    assert_eq!(found_after(|s| occupied(s, 5007)), [Kind::FalseAnswer]);
    let nobody =
        |s: &mut Story| s.asked(30, Request::Logout { phone: "A".into() }, Answer::Refused(19), Some("x"));
    assert_eq!(found_after(nobody), [Kind::FalseAnswer]);
    let exists =
        |s: &mut Story| s.asked(30, Request::AddPhone { phone: "C".into() }, Answer::Refused(-239), None);
    assert_eq!(found_after(exists), [Kind::FalseAnswer]);
}
