//! What Kafka holds is what the database says, byte for byte, and all of it (P1, P2, P9).

use std::collections::HashMap;

use super::entry::Entry;
use super::numbers::Numbers;
use super::report::{Check, Finding};
use crate::event::envelope;
use crate::event::kafka::partition_of;
use crate::store::number_line::Positioned;

/// What the database knows of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known<'a> {
    /// The event with this number.
    Event(&'a Positioned),
    /// It may have been there and is not kept any more.
    Dropped,
    /// It was given to nobody.
    NeverGiven,
    /// The same, and the present number line begins above it.
    BeforeLine,
}

/// What a partition of Kafka holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// Whether retention has dropped the beginning.
    pub(super) is_cut: bool,
    /// Number of the oldest record.
    pub(super) first: Option<i64>,
}

impl Held {
    /// Whether a number that is not there may have been dropped.
    fn may_have_dropped(self, position: i64) -> bool {
        self.is_cut && self.first.is_none_or(|first| position < first)
    }
}

/// The partitions of each topic, by its name under the default prefix.
pub(super) type Holdings = HashMap<&'static str, Vec<Held>>;

/// The checks `content` and `published`.
pub(super) struct Content {
    check: Check,
    published: Check,
    emstream: String,
    seen: Numbers,
    dropped: u64,
    abandoned: u64,
    expired: u64,
}

impl Content {
    /// Begins before the first event; the number line is the present one.
    pub(super) fn new(emstream: &str) -> Self {
        Self {
            check: Check::named("content"),
            published: Check::named("published"),
            emstream: emstream.to_owned(),
            seen: Numbers::default(),
            dropped: 0,
            abandoned: 0,
            expired: 0,
        }
    }

    /// Takes an event in Kafka; says whether it is one of the line as the database knows it.
    pub(super) fn see(&mut self, entry: &Entry, known: Known<'_>) -> bool {
        self.check.looked += 1;
        match known {
            Known::Event(event) => {
                self.seen.insert(entry.position);
                if let Some(what) = difference(entry, event) {
                    self.check.found(Finding::about(entry, what));
                }
                true
            }
            Known::Dropped => {
                self.seen.insert(entry.position);
                self.dropped += 1;
                true
            }
            // left over from before the database was restored from an older copy (9.5)
            Known::BeforeLine if entry.text("/emstream") != self.emstream => {
                self.abandoned += 1;
                false
            }
            Known::NeverGiven | Known::BeforeLine => {
                self.check.found(Finding::about(entry, "the database never gave this number"));
                false
            }
        }
    }

    /// Takes an event of the database after all of Kafka; up to a number everything is confirmed.
    pub(super) fn miss(&mut self, event: &Positioned, confirmed: i64, holdings: &Holdings) {
        if self.seen.contains(event.pos) {
            return;
        }
        let partitions = holdings.get(event.topic.as_str());
        let held = partitions.and_then(|all| {
            let place = partition_of(event.key.as_bytes(), i32::try_from(all.len()).ok()?);
            all.get(usize::try_from(place).ok()?)
        });
        if held.is_some_and(|held| held.may_have_dropped(event.pos)) {
            self.expired += 1;
            return;
        }
        let at = |what: String| Finding::of(what).number(event.pos).key(&event.key);
        if event.pos > confirmed {
            self.published.found(at(format!("of {} is not published in time", event.topic)));
        } else {
            self.check.found(at(format!("of {} is not in Kafka", event.topic)));
        }
    }

    /// Takes an event that got no number in time.
    pub(super) fn miss_unnumbered(&mut self, count: u64) {
        for _ in 0..count {
            self.published.found(Finding::of("an event got no number in time"));
        }
    }

    /// Whether everything has been published, and how many events waited for that at first.
    pub(super) fn waited(&mut self, waiting: u64) -> bool {
        self.published.looked = waiting;
        self.published.findings == 0
    }

    /// What was found: `content`, `published`.
    pub(super) fn close(mut self) -> [Check; 2] {
        self.check.note(self.dropped, "events are kept in Kafka only; the database has dropped them");
        self.check.note(self.expired, "events are kept in the database only; Kafka has dropped them");
        self.check.note(
            self.abandoned,
            "records of an earlier number line are not in the database, which was restored from an older copy",
        );
        [self.check, self.published]
    }
}

/// How an event in Kafka differs from that in the database.
fn difference(entry: &Entry, event: &Positioned) -> Option<String> {
    if event.topic != entry.span.topic {
        return Some(format!("belongs to topic {}", event.topic));
    }
    if event.key != entry.key {
        return Some(format!("has the key \"{}\" in the database", event.key));
    }
    let Some(value) = envelope::published(event) else {
        return Some("the database holds no envelope under this number".to_owned());
    };
    let differs = value.bytes().zip(entry.value.bytes()).position(|(a, b)| a != b);
    match differs {
        Some(at) => Some(format!("the value differs from that in the database from byte {at} on")),
        None if value.len() != entry.value.len() => {
            Some(format!("the value has {} bytes, {} in the database", entry.value.len(), value.len()))
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::super::entry::samples::with;
    use super::*;

    const KEY: &str = "SEP0011223344AA";

    fn stored(pos: i64) -> Positioned {
        let moment = DateTime::UNIX_EPOCH;
        Positioned {
            pos,
            created_at: moment,
            recorded_at: moment,
            emstream: "s".into(),
            hash: Vec::new(),
            id: Uuid::nil(),
            topic: "em.session.v1".into(),
            key: KEY.into(),
            envelope: r#"{"id":"x","correlationid":"c"}"#.into(),
            states: None,
        }
    }

    /// The record that the publisher makes of it.
    fn published(event: &Positioned) -> Entry {
        let mut entry = with(event.pos, KEY, |_| ());
        entry.value = envelope::published(event).unwrap();
        entry
    }

    fn holdings(held: Held) -> Holdings {
        [("em.session.v1", vec![held; 6])].into()
    }

    const WHOLE: Held = Held { is_cut: false, first: Some(1) };

    #[test]
    fn an_equal_value_is_right_and_every_other_is_found() {
        let event = stored(1);
        let findings = |change: &dyn Fn(&mut Entry)| {
            let mut entry = published(&event);
            change(&mut entry);
            let mut content = Content::new("s");
            assert!(content.see(&entry, Known::Event(&event)));
            content.close()[0].first.iter().map(|f| f.what.clone()).collect::<Vec<_>>()
        };
        assert_eq!(findings(&|_| ()), [""; 0]);
        assert_eq!(
            findings(&|e| e.value = e.value.replace("\"x\"", "\"y\"")),
            ["the value differs from that in the database from byte 7 on"]
        );
        assert_eq!(findings(&|e| e.value.push(' ')), ["the value has 80 bytes, 79 in the database"]);
        assert_eq!(
            findings(&|e| e.key = "other".into()),
            ["has the key \"SEP0011223344AA\" in the database"]
        );
    }

    #[test]
    fn a_number_that_was_never_given_is_found_unless_an_earlier_line_explains_it() {
        let mut content = Content::new("s");
        let phantom = with(9, KEY, |_| ());
        let left_over = with(8, KEY, |event| event["emstream"] = "before".into());
        assert!(!content.see(&phantom, Known::NeverGiven) && !content.see(&left_over, Known::BeforeLine));
        assert!(!content.see(&left_over, Known::NeverGiven), "above the beginning of the line");
        assert!(content.see(&with(2, KEY, |_| ()), Known::Dropped));
        let [check, _] = content.close();
        assert_eq!((check.looked, check.findings, check.first[0].sequence), (4, 2, Some(9)));
        assert_eq!(check.notes.len(), 2, "{:?}", check.notes);
    }

    #[test]
    fn an_event_that_is_not_in_kafka_is_lost_expired_or_late() {
        let check = |held: Held, confirmed: i64| {
            let mut content = Content::new("s");
            let seen = stored(6);
            content.see(&published(&seen), Known::Event(&seen));
            for event in [stored(5), stored(6), stored(7)] {
                content.miss(&event, confirmed, &holdings(held));
            }
            let all = content.waited(1);
            let [check, published] = content.close();
            assert_eq!(all, published.findings == 0);
            let numbers = |c: &Check| c.first.iter().map(|f| f.sequence.unwrap()).collect::<Vec<_>>();
            (numbers(&check), numbers(&published))
        };
        assert_eq!(check(WHOLE, 7), (vec![5, 7], vec![]));
        assert_eq!(check(WHOLE, 6), (vec![5], vec![7]));
        assert_eq!(check(Held { is_cut: true, first: Some(6) }, 7), (vec![7], vec![]));
        assert_eq!(check(Held { is_cut: true, first: None }, 7), (vec![], vec![]));
        let mut nowhere = Content::new("s");
        nowhere.miss(&stored(5), 7, &Holdings::new());
        assert_eq!(nowhere.close()[0].findings, 1, "a topic that is not there");
    }
}
