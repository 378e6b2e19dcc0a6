//! The default devices that the events leave are those of the database.
//!
//! Lines are told apart by their identity: one that was renamed is the same line.

use std::collections::HashMap;

use serde_json::Value;

use super::entry::Entry;
use super::report::{Check, Finding};
use crate::store::verification::IntercomRow;

/// The check `intercom`.
pub(super) struct Intercom {
    check: Check,
    /// Identity of each line that an event has told of, and of its default device.
    lines: HashMap<String, Option<String>>,
    /// Whether every event of intercom lines is still in Kafka.
    is_whole: bool,
}

impl Intercom {
    /// Begins before the first event.
    pub(super) fn new(is_whole: bool) -> Self {
        Self { check: Check::named("intercom"), lines: HashMap::new(), is_whole }
    }

    /// Takes the next event, up to the moment at which the tables were read, in the order of the line.
    pub(super) fn see(&mut self, entry: &Entry) {
        let text = |pointer| entry.text(pointer).to_owned();
        match entry.text("/type") {
            "em.intercom.defaultdevice.changed.v1" => {
                self.check.looked += 1;
                let current = entry.event.pointer("/data/current/uuid").and_then(Value::as_str);
                self.lines.insert(text("/data/line/uuid"), current.map(str::to_owned));
            }
            "em.provisioning.changed.v1" if entry.text("/data/action") == "remove" => {
                if let Some(line) = self.lines.get_mut(entry.text("/data/objectUuid")) {
                    *line = None;
                }
            }
            _ => {}
        }
    }

    /// What was found, once compared with the table, and the rows of which no event tells; a line without a default device equals one that no event has told of.
    pub(super) fn close(mut self, table: Result<Vec<IntercomRow>, String>) -> (Check, Vec<IntercomRow>) {
        let (mut older, none) = (Vec::new(), "none".to_owned());
        let rows = match table {
            Ok(rows) => rows,
            Err(why) => {
                self.check.notes.push(format!("not compared with the table: {why}"));
                return (self.check, older);
            }
        };
        for row in rows {
            let told = self.lines.remove(&row.uuid.to_string());
            if told.is_none() && !self.is_whole {
                older.push(row);
                continue;
            }
            self.check.looked += 1;
            let in_table = row.default_phone.map(|uuid| uuid.to_string());
            if told.clone().flatten() != in_table {
                let told = told.flatten().unwrap_or_else(|| none.clone());
                let in_table = in_table.unwrap_or_else(|| none.clone());
                let what = format!("the default device is {in_table} in the table and {told} in the events");
                self.check.found(Finding::of(what).key(row.key()));
            }
        }
        for (line, phone) in self.lines {
            if let Some(phone) = phone {
                let what = format!(
                    "line {line} has the default device {phone} in the events and is not in the table"
                );
                self.check.found(Finding::of(what));
            }
        }
        (self.check, older)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::super::entry::samples::with;
    use super::*;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn changed(position: i64, line: u128, phone: Option<u128>) -> Entry {
        with(position, "7001|", |event| {
            event["type"] = "em.intercom.defaultdevice.changed.v1".into();
            let current = phone.map(|phone| json!({ "uuid": id(phone) }));
            event["data"] = json!({ "line": { "uuid": id(line) }, "current": current });
        })
    }

    fn removed(position: i64, line: u128) -> Entry {
        with(position, "Line/x", |event| {
            event["type"] = "em.provisioning.changed.v1".into();
            event["data"] = json!({ "action": "remove", "objectType": "Line", "objectUuid": id(line) });
        })
    }

    fn row(line: u128, phone: Option<u128>) -> IntercomRow {
        IntercomRow { uuid: id(line), dn: "7001".into(), partition: None, default_phone: phone.map(id) }
    }

    fn findings(is_whole: bool, events: &[Entry], rows: Vec<IntercomRow>) -> u64 {
        let mut intercom = Intercom::new(is_whole);
        events.iter().for_each(|e| intercom.see(e));
        intercom.close(Ok(rows)).0.findings
    }

    #[test]
    fn lines_that_end_as_the_table_are_right() {
        let events = [changed(1, 1, Some(7)), changed(2, 2, Some(7)), changed(3, 1, None), removed(4, 2)];
        assert_eq!(findings(true, &events, vec![row(1, None), row(3, None)]), 0);
        assert_eq!(findings(true, &events[..1], vec![row(1, Some(7))]), 0);
    }

    #[test]
    fn a_default_device_that_only_one_side_has_is_found() {
        let set = [changed(1, 1, Some(7))];
        assert_eq!(findings(true, &set, vec![row(1, Some(8))]), 1, "another");
        assert_eq!(findings(true, &set, vec![row(1, None)]), 1, "emptied without an event");
        assert_eq!(findings(true, &set, Vec::new()), 1, "line gone without an event");
        assert_eq!(findings(true, &[], vec![row(1, Some(7))]), 1, "set without an event");
        assert_eq!(findings(false, &[], vec![row(1, Some(7))]), 0, "set before Kafka's history");
    }
}
