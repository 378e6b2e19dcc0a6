//! The event log, folded as a subscriber would: who is on which phone, which intercom line stands where, what is called how.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use emgate::store::{Db, StoreError, schema::event_log};
use serde_json::Value;

use crate::support::axl::told;
use crate::support::site;

/// What all events so far add up to. Objects are known by their identity, so that new names reach everywhere.
#[derive(Default)]
pub(super) struct Fold {
    read_to: i64,
    names: BTreeMap<String, (String, String)>,
    sessions: BTreeMap<String, Value>,
    lines: BTreeMap<String, Value>,
}

impl Fold {
    /// Takes in what is new in the log; gives it in lines, or says what contradicts what was before.
    pub(super) fn read(&mut self, db: &Db) -> Result<Vec<String>, String> {
        let read_to = self.read_to;
        let rows: Vec<(i64, String, Value)> = db
            .write_blocking(|tx| -> Result<_, StoreError> {
                let new = event_log::table.filter(event_log::seq.gt(read_to)).order(event_log::seq);
                Ok(new
                    .select((event_log::seq, event_log::type_, event_log::envelope))
                    .load(tx.connection())?)
            })
            .unwrap();
        let mut lines = Vec::new();
        for (seq, type_, envelope) in rows {
            let data = &envelope["data"];
            let line = told(&site::told(&type_, data), &type_, data);
            self.take(&type_, data).map_err(|what| format!("{line}: {what}"))?;
            lines.push(line);
            self.read_to = seq;
        }
        Ok(lines)
    }

    fn take(&mut self, type_: &str, data: &Value) -> Result<(), String> {
        let device = text(&data["device"]["uuid"]);
        match type_ {
            "em.device.login.v1" => {
                let ended =
                    |s: &Value| self.sessions.values().all(|other| other["sessionId"] != s["sessionId"]);
                if !data["displaced"].as_array().unwrap().iter().all(ended) {
                    return Err("a displaced session goes on".into());
                }
                if self.sessions.insert(device, data.clone()).is_some() {
                    return Err("somebody is on that phone".into());
                }
            }
            "em.device.logout.v1" => {
                let session = self.sessions.remove(&device).ok_or("nobody is on that phone")?;
                same(&session, data, &["sessionId", "user", "profile", "loginTime"])?;
                let lasted = moment(&data["logoutTime"]) - moment(&data["loginTime"]);
                if data["durationSeconds"] != lasted.num_seconds() {
                    return Err(format!("{} seconds", data["durationSeconds"]));
                }
            }
            "em.session.expiring.v1" => {
                let session = self.sessions.get(&device).ok_or("nobody is on that phone")?;
                same(session, data, &["sessionId", "expiresAt"])?;
            }
            "em.session.extended.v1" => {
                let session = self.sessions.get_mut(&device).ok_or("nobody is on that phone")?;
                same(session, data, &["sessionId"])?;
                if session["expiresAt"] != data["previousExpiresAt"] {
                    return Err(format!("it ended at {}", session["expiresAt"]));
                }
                session["expiresAt"] = data["expiresAt"].clone();
            }
            "em.intercom.defaultdevice.changed.v1" => {
                let line = self.lines.insert(text(&data["line"]["dn"]), data["current"].clone());
                if line.unwrap_or_default()["uuid"] != data["previous"]["uuid"] {
                    return Err("the line was elsewhere".into());
                }
            }
            "em.provisioning.changed.v1" => {
                let (id, name) = (text(&data["objectUuid"]), text(&data["objectName"]));
                match data["action"].as_str() {
                    Some("remove") => drop(self.names.remove(&id).ok_or("it was not there")?),
                    _ => drop(self.names.insert(id, (text(&data["objectType"]), name))),
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The part of the tables' picture that events tell of.
    pub(super) fn picture(&self) -> Vec<String> {
        let name = |id: &Value| self.names.get(&text(id)).map_or("?", |(_, name)| name.as_str());
        let mut picture = Vec::new();
        for (device, s) in &self.sessions {
            let who = format!("{} {}", name(&s["user"]["uuid"]), name(&s["profile"]["uuid"]));
            let until = s["expiresAt"].as_str().map_or("-".to_owned(), |_| seconds(&s["expiresAt"]));
            let phone = name(&Value::from(device.as_str()));
            picture.push(format!("session {phone} {who} since {} until {until}", seconds(&s["loginTime"])));
        }
        for (type_, name) in self.names.values() {
            match type_.as_str() {
                "Phone" => picture.push(format!("phone {name}")),
                "DeviceProfile" => picture.push(format!("profile {name}")),
                "User" => picture.push(format!("user {name}")),
                "Line" => {
                    let dn = name.trim_end_matches('|');
                    let at = self.lines.get(dn).and_then(|phone| phone.get("uuid"));
                    picture.push(format!("line {dn} {}", at.map_or("-", name_of(self))));
                }
                _ => {}
            }
        }
        picture.sort();
        picture
    }
}

/// A user or profile may have a new name by now, and is the same by its identity.
fn same(session: &Value, data: &Value, fields: &[&str]) -> Result<(), String> {
    for field in fields {
        let identity = |v: &Value| v[field].get("uuid").unwrap_or(&v[field]).clone();
        if identity(session) != identity(data) {
            return Err(format!("{field} is {}, it was {}", data[field], session[field]));
        }
    }
    Ok(())
}

fn name_of<'f>(fold: &'f Fold) -> impl Fn(&Value) -> &'f str {
    |id| fold.names.get(&text(id)).map_or("?", |(_, name)| name.as_str())
}

/// The same part of a picture of the tables.
pub(super) fn told_part(picture: &[String]) -> Vec<String> {
    let told = |line: &String| {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "session" | "line" => Some(line.clone()),
            "phone" | "profile" | "user" => Some(words[..2].join(" ")),
            _ => None,
        }
    };
    let mut part: Vec<String> = picture.iter().filter_map(told).collect();
    part.sort();
    part
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn moment(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

fn seconds(value: &Value) -> String {
    let begin: DateTime<Utc> = "2026-03-02T08:00:00Z".parse().unwrap();
    (moment(value) - begin).num_seconds().to_string()
}
