//! What events look like on the wire, byte for byte.

use emgate::clock::IdSource;
use emgate::domain::event::{Event, Occurred, SessionRef};
use emgate::event::envelope::{MAX_VALUE, numbered};
use emgate::event::{EventError, EventRow, TYPES, key_of, rows, state, subject_of, type_of};
use emgate::store::number_line::Positioned;

use super::samples::{
    all, call_log_cleared, cause, id, intercom_changed, line, login_on, login_rejected, logout, origin,
    provisioning_changed, time,
};

const TIME: &str = "2026-03-02T08:14:05.123Z";

fn written(events: Vec<Occurred>) -> Result<Vec<EventRow>, EventError> {
    rows(&cause(), &origin(), time(TIME), &IdSource::counted(), events)
}

/// The published value of a row, numbered at the same moment.
fn value(row: &EventRow) -> String {
    numbered(&row.envelope, 104_217, "k7Qd2M", time(TIME), time(TIME)).unwrap()
}

/// A golden file without the blanks that make it readable.
fn compact(pretty: &str) -> String {
    let (mut text, mut inside, mut escaped) = (String::new(), false, false);
    for c in pretty.chars() {
        if inside {
            inside = escaped || c != '"';
            escaped = !escaped && c == '\\';
            text.push(c);
        } else if !c.is_whitespace() {
            inside = c == '"';
            text.push(c);
        }
    }
    text
}

#[test]
fn every_type_is_written_as_its_golden_message() {
    for event in all() {
        let kind = type_of(&event);
        let row = &written(vec![Occurred::of(event)]).unwrap()[0];
        let path = format!("{}/tests/events/{}.json", env!("CARGO_MANIFEST_DIR"), kind.name);
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(value(row), compact(&golden), "{path}");
        assert_eq!((row.type_name, row.topic), (kind.name, kind.topic));
    }
}

#[test]
fn states_are_written_as_their_golden_messages() {
    for event in [login_on("SEP0011223344AA"), intercom_changed()] {
        let row = written(vec![Occurred::of(event)]).unwrap().pop().unwrap();
        let positioned = Positioned {
            pos: 104_217,
            created_at: time(TIME),
            recorded_at: time(TIME),
            emstream: "k7Qd2M".into(),
            hash: Vec::new(),
            id: row.id,
            topic: row.topic.into(),
            key: row.key,
            envelope: row.envelope,
            states: None,
        };
        let records = state::records(&positioned).unwrap();
        let [_, state] = records.as_slice() else { panic!("{records:?}") };
        let path = format!("{}/tests/events/{}.json", env!("CARGO_MANIFEST_DIR"), state.topic);
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(state.value().unwrap(), compact(&golden), "{path}");
    }
}

#[test]
fn every_type_of_the_registry_has_a_sample() {
    let mut seen: Vec<_> = all().iter().map(|e| type_of(e).name).collect();
    let mut registered: Vec<_> = TYPES.iter().map(|t| t.name).collect();
    seen.sort_unstable();
    registered.sort_unstable();
    assert_eq!(seen, registered);
}

#[test]
fn keys_and_subjects_come_from_what_an_event_is_about() {
    let addressed: Vec<_> = all().iter().map(|e| (key_of(e), subject_of(e))).collect();
    let device = ("SEP0011223344AA".to_owned(), "device/SEP0011223344AA".to_owned());
    let of = |key: &str, kind: &str| (key.to_owned(), format!("{kind}/{key}"));
    assert_eq!(
        addressed,
        [
            device.clone(),
            device.clone(),
            device.clone(),
            device.clone(),
            device,
            of("7001|PT_ICM", "intercom"),
            of("AppUser/8ede0d7a-c3ba-4a9e-93de-ef86ab1031d0", "object"),
            of("User/7ebff206-8673-4721-8cdd-2055930d6eaf", "object"),
            of("ServiceParameter/Cisco Extension Mobility/EnforceIntraClusterMaxLoginTime", "object"),
            of("SEP0011223344BB", "device"),
        ]
    );
}

#[test]
fn a_refusal_that_names_no_phone_has_a_bar_for_a_key() {
    let Event::LoginRejected(mut event) = login_rejected() else { panic!() };
    event.device_name = None;
    let event = Event::LoginRejected(event);
    assert_eq!((key_of(&event), subject_of(&event)), ("-".to_owned(), "device/-".to_owned()));
}

#[test]
fn an_intercom_line_without_partition_keeps_the_bar_in_its_key() {
    let Event::IntercomDefaultDeviceChanged(mut event) = intercom_changed() else { panic!() };
    event.line.partition = None;
    assert_eq!(key_of(&Event::IntercomDefaultDeviceChanged(event)), "7001|");
}

#[test]
fn an_event_names_its_cause_and_its_place_in_the_operation() {
    let rows =
        written(vec![Occurred::of(login_on("SEP0011223344AA")), Occurred::because_of(0, call_log_cleared())])
            .unwrap();
    let second: serde_json::Value = serde_json::from_str(&value(&rows[1])).unwrap();
    assert_eq!(second["causationid"], rows[0].id.to_string());
    assert_eq!((&second["emopindex"], &second["emopcount"]), (&2.into(), &2.into()));
    let backwards = written(vec![Occurred::because_of(0, call_log_cleared())]);
    assert!(matches!(backwards, Err(EventError::CauseNotBefore { .. })));
}

#[test]
fn a_number_given_more_than_a_second_later_says_when() {
    let row = &written(vec![Occurred::of(call_log_cleared())]).unwrap()[0];
    let at = |recorded: &str| numbered(&row.envelope, 1, "s", time(TIME), time(recorded)).unwrap();
    assert!(!at("2026-03-02T08:14:06.123Z").contains("recordedtime"));
    assert!(at("2026-03-02T08:14:06.124Z").contains(
        r#""sequence":"00000000000000000001","emstream":"s","recordedtime":"2026-03-02T08:14:06.124Z","correlationid""#
    ));
}

#[test]
fn text_that_looks_like_an_attribute_does_not_move_the_number() {
    let Event::CallLogCleared(mut event) = call_log_cleared() else { panic!() };
    event.device.name = r#"A","correlationid":"B"#.into();
    let row = &written(vec![Occurred::of(Event::CallLogCleared(event))]).unwrap()[0];
    let read: serde_json::Value = serde_json::from_str(&value(row)).unwrap();
    assert_eq!(read["sequence"], "00000000000000104217");
    assert_eq!(read["partitionkey"], r#"A","correlationid":"B"#);
}

#[test]
fn long_lists_are_cut_and_counted() {
    let Event::DeviceLogin(mut login) = login_on("SEP0011223344AA") else { panic!() };
    login.displaced = sessions(150, 8);
    login.cti = (0..101).map(|n| format!("app{n:03}")).collect();
    let row = &written(vec![Occurred::of(Event::DeviceLogin(login))]).unwrap()[0];
    let data = &serde_json::from_str::<serde_json::Value>(&value(row)).unwrap()["data"];
    assert_eq!(data["displaced"].as_array().unwrap().len(), 100);
    assert_eq!((&data["displacedTotal"], &data["ctiTotal"]), (&150.into(), &101.into()));
}

#[test]
fn the_largest_names_still_fit_into_a_record() {
    let Event::DeviceLogin(mut login) = login_on("SEP0011223344AA") else { panic!() };
    login.displaced = sessions(150, 128);
    let row = &written(vec![Occurred::of(Event::DeviceLogin(login))]).unwrap()[0];
    assert!(value(row).len() <= MAX_VALUE);
    assert!(value(row).contains(r#""displacedTotal":150"#));
}

#[test]
fn a_session_can_end_whatever_its_lines_are_called_by_then() {
    let Event::DeviceLogout(mut event) = logout() else { panic!() };
    let mut lines_of = |count: i32, label: &str| {
        event.restored.lines = (1..=count).map(|index| line(index, "3001", label)).collect();
        let row = &written(vec![Occurred::of(Event::DeviceLogout(event.clone()))]).unwrap()[0];
        assert!(value(row).len() <= MAX_VALUE);
        let data = &serde_json::from_str::<serde_json::Value>(&value(row)).unwrap()["data"];
        (data["restored"]["lines"].as_array().unwrap().len(), data["restored"]["linesTotal"].as_i64())
    };
    assert_eq!(lines_of(160, "Lobby"), (160, None));
    assert_eq!(lines_of(800, "Lobby"), (200, Some(800)));
    assert_eq!(lines_of(600, &"ß".repeat(200)), (0, Some(600)));
}

#[test]
fn what_cannot_fit_is_refused_before_it_is_stored() {
    let Event::ProvisioningChanged(mut change) = provisioning_changed() else { panic!() };
    change.object_name = "x".repeat(MAX_VALUE);
    let refused = written(vec![Occurred::of(Event::ProvisioningChanged(change))]);
    assert!(matches!(
        refused,
        Err(EventError::TooLarge { type_name: "em.provisioning.changed.v1", bytes }) if bytes > MAX_VALUE
    ));
}

fn sessions(count: usize, name_length: usize) -> Vec<SessionRef> {
    let name = "ß".repeat(name_length);
    let one = SessionRef {
        session_id: id("2a3af4d4-6b0a-48e8-830e-07bc1e398f10"),
        device_name: name.clone(),
        user_id: name.clone(),
        profile_name: name,
    };
    vec![one; count]
}
