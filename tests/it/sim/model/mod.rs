//! What ought to happen, written from the documents and without the gateway's own rules: everything in memory, by name.

mod audit;
mod expiry;
mod login;
mod objects;
mod pin;

use std::collections::BTreeMap;

/// A small world.
#[derive(Default)]
pub(super) struct Model {
    /// Seconds since the beginning.
    pub(super) now: i64,
    phones: BTreeMap<String, Phone>,
    profiles: BTreeMap<String, Vec<String>>,
    users: BTreeMap<String, User>,
    sessions: BTreeMap<String, Session>,
    lines: BTreeMap<String, Option<String>>,
    parameters: BTreeMap<String, String>,
    /// Wrong attempts at each phone since the process began.
    wrong_at: BTreeMap<String, u32>,
}

struct Phone {
    enabled: bool,
}

#[derive(Default)]
struct User {
    profiles: Vec<String>,
    default: Option<String>,
    phones: Vec<String>,
    pin: String,
    failed: u32,
    failed_at: i64,
    locked_until: Option<i64>,
}

#[derive(Clone)]
struct Session {
    user: String,
    profile: String,
    since: i64,
    until: Option<i64>,
    times_extended: i64,
    is_warned: bool,
}

/// What an action ought to come to.
pub(super) struct Expected {
    /// `ok`, `EM` with a number, or the code of a fault.
    pub(super) answer: String,
    /// The events, one line each.
    pub(super) told: Vec<String>,
    /// Whether nothing at all may change.
    pub(super) is_refusal: bool,
}

impl Expected {
    fn ok(told: Vec<String>) -> Self {
        Self { answer: "ok".into(), told, is_refusal: false }
    }

    fn refused(answer: impl Into<String>) -> Self {
        Self { answer: answer.into(), told: Vec::new(), is_refusal: true }
    }

    fn of(outcome: Result<Vec<String>, u16>) -> Self {
        outcome.map_or_else(|number| Self::refused(format!("EM {number}")), Self::ok)
    }
}

impl Model {
    /// The world before anything happened: two intercom lines.
    pub(super) fn new(lines: &[&str]) -> Self {
        Self { lines: lines.iter().map(|l| ((*l).to_owned(), None)).collect(), ..Self::default() }
    }

    pub(super) fn act(&mut self, action: &str) -> Expected {
        let words: Vec<&str> = action.split(' ').collect();
        let mut expected = self.change(action, &words);
        expected.told.extend(self.audit(&words, &expected.answer));
        expected
    }

    fn change(&mut self, action: &str, words: &[&str]) -> Expected {
        match words[..] {
            ["login", phone, user, ref more @ ..] => self.login(phone, user, more),
            ["pin-login", phone, user, pin] => self.pin_login(phone, user, pin),
            ["logout", phone] => self.logout(phone),
            ["leave", phone] => self.leave(phone),
            ["wait", seconds] => {
                self.now += seconds.parse::<i64>().unwrap();
                Expected::ok(Vec::new())
            }
            ["sweep"] => self.sweep(),
            ["warn"] => self.warn(),
            ["extend", phone] => self.extend(phone),
            ["parameter", name, ..] => self.set_parameter(name, action.splitn(3, ' ').nth(2).unwrap()),
            ["add", kind, name] => self.add(kind, name),
            ["remove", kind, name] => self.remove(kind, name),
            ["rename", kind, name, new] => self.rename(kind, name, new),
            ["enable", phone] => self.enable(phone, true),
            ["disable", phone] => self.enable(phone, false),
            ["profiles", user, ref names @ ..] => self.give_profiles(user, names),
            ["default", user, profile] => self.give_default(user, Some(profile).filter(|p| *p != "-")),
            ["phones", user, ref names @ ..] => self.give_phones(user, names),
            ["pin", user, pin] => self.give_pin(user, pin),
            ["buttons", profile, ref lines @ ..] => self.put_lines(profile, lines),
            ["desk", line, phone] => self.place_line(line, Some(phone).filter(|p| *p != "-")),
            ["number" | "crash"] => Expected::ok(Vec::new()),
            ["restart"] => {
                self.wrong_at.clear();
                Expected::ok(Vec::new())
            }
            _ => panic!("no action: {action}"),
        }
    }

    fn parameter(&self, name: &str) -> &str {
        let default = match name {
            "MultipleLoginBehavior" => "Multiple Logins Not Allowed",
            "IntraClusterMaxLoginTime" => "0:00",
            "IntercomDefaultDeviceByAXL" => "T",
            "AutomaticLogoutWarning" => "5",
            "AutomaticLogoutExtendMinutes" => "0",
            "AutomaticLogoutExtendTimes" => "1",
            _ => "F",
        };
        self.parameters.get(name).map_or(default, String::as_str)
    }

    fn is_on(&self, name: &str) -> bool {
        self.parameter(name) == "T"
    }

    /// A maximum switches enforcement on, enforcement off empties the maximum (axl.md 19.6).
    fn set_parameter(&mut self, name: &str, value: &str) -> Expected {
        let implied = match (name, value) {
            ("IntraClusterMaxLoginTime", value) if value != "0:00" => {
                Some(("EnforceIntraClusterMaxLoginTime", "T"))
            }
            ("EnforceIntraClusterMaxLoginTime", "F") => Some(("IntraClusterMaxLoginTime", "0:00")),
            _ => None,
        };
        let mut told = Vec::new();
        for (name, value, mark) in
            [Some((name, value, "")), implied.map(|(n, v)| (n, v, " implied"))].into_iter().flatten()
        {
            let before = self.parameter(name).to_owned();
            if before != value {
                told.push(format!("parameter {name} - {before} -> {value}{mark}"));
            }
            self.parameters.insert(name.to_owned(), value.to_owned());
        }
        Expected::ok(told)
    }

    /// What the tables ought to hold.
    pub(super) fn picture(&self) -> Vec<String> {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let mut picture = Vec::new();
        for (phone, s) in &self.sessions {
            let until = or_none(s.until.map(|at| at.to_string()));
            picture.push(format!("session {phone} {} {} since {} until {until}", s.user, s.profile, s.since));
        }
        for (name, phone) in &self.phones {
            picture.push(format!("phone {name} {}", if phone.enabled { "on" } else { "off" }));
        }
        picture.extend(
            self.profiles.iter().map(|(name, lines)| format!("profile {name} [{}]", lines.join(" "))),
        );
        for (name, user) in &self.users {
            let locked = or_none(user.locked_until.map(|at| at.to_string()));
            picture.push(format!(
                "user {name} profiles [{}] default {} phones [{}] failed {} locked {locked}",
                user.profiles.join(" "),
                or_none(user.default.clone()),
                user.phones.join(" "),
                user.failed
            ));
        }
        picture
            .extend(self.lines.iter().map(|(line, phone)| format!("line {line} {}", or_none(phone.clone()))));
        picture.extend(self.parameters.iter().map(|(name, value)| format!("parameter {name} {value}")));
        picture.sort();
        picture
    }
}
