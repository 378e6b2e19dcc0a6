//! Logins, logouts and the end of time.

use super::{Expected, Model, Session};

impl Model {
    /// By a program: any profile may be named, and no PIN is asked.
    pub(super) fn login(&mut self, phone: &str, user: &str, more: &[&str]) -> Expected {
        let after = |word: &str| more.iter().position(|w| *w == word).map(|at| more[at + 1]);
        let profile = after("with");
        match self.phones.get(phone) {
            Some(here) if !here.enabled => return Expected::refused("EM 22"),
            Some(_) if self.users.contains_key(user) => {}
            Some(_) | None => return Expected::refused("5007"),
        }
        let seconds = after("for").map(|s| s.parse().unwrap()).filter(|s| *s > 0);
        match self.admit(phone, user, profile, seconds, false) {
            Err(12) if profile.is_some() => Expected::refused("5007"),
            decided => Expected::of(decided),
        }
    }

    /// Order of the checks: extension-mobility.md 22.
    pub(super) fn admit(
        &mut self,
        phone: &str,
        user: &str,
        profile: Option<&str>,
        seconds: Option<i64>,
        by_hand: bool,
    ) -> Result<Vec<String>, u16> {
        if !self.phones[phone].enabled {
            return Err(22);
        }
        if let Some(session) = self.sessions.get(phone) {
            let same = session.user == user && profile.is_none_or(|p| p == session.profile);
            return if same { Ok(Vec::new()) } else { Err(18) };
        }
        let elsewhere = self.phones_of(|s| s.user == user);
        let displaced = match self.parameter("MultipleLoginBehavior") {
            "Auto Logout" => elsewhere,
            "Multiple Logins Not Allowed" if !elsewhere.is_empty() => return Err(25),
            _ => Vec::new(),
        };
        let person = &self.users[user];
        let chosen = match (profile, &person.default, &person.profiles[..]) {
            (Some(named), _, _) if !self.profiles.contains_key(named) => return Err(12),
            (Some(named), _, _) => named,
            (None, _, [_, _, ..]) if by_hand => return Ok(Vec::new()), // the person is asked
            (None, Some(default), _) => default,
            (None, None, []) => return Err(205),
            (None, None, [only]) => only,
            (None, None, _) => return Err(12),
        };
        let chosen = chosen.to_owned();
        let mut told: Vec<String> = displaced.iter().map(|other| self.end(other, "multiple-login")).collect();
        let lasts = [seconds, self.maximum()].into_iter().flatten().min();
        let session = Session {
            user: user.to_owned(),
            profile: chosen.clone(),
            since: self.now,
            until: lasts.map(|s| self.now + s),
            times_extended: 0,
            is_warned: false,
        };
        self.sessions.insert(phone.to_owned(), session);
        told.push(format!("login {phone} {user}"));
        if by_hand && self.is_on("ClearCallLogs") {
            told.push(format!("call-log {phone} manual-login"));
        }
        let lines = self.profiles[&chosen].clone();
        told.extend(self.choose_desk(&lines, Some(phone)));
        Ok(told)
    }

    fn maximum(&self) -> Option<i64> {
        let (hours, minutes) = self.parameter("IntraClusterMaxLoginTime").split_once(':').unwrap();
        let seconds = hours.parse::<i64>().unwrap() * 3600 + minutes.parse::<i64>().unwrap() * 60;
        Some(seconds).filter(|s| *s > 0 && self.is_on("EnforceIntraClusterMaxLoginTime"))
    }

    /// The phones, by name, on which such sessions are.
    pub(super) fn phones_of(&self, which: impl Fn(&Session) -> bool) -> Vec<String> {
        self.sessions.iter().filter(|(_, s)| which(s)).map(|(phone, _)| phone.clone()).collect()
    }

    /// Ends the session that is on a phone, and tells of it.
    pub(super) fn end(&mut self, phone: &str, reason: &str) -> String {
        let session = self.sessions.remove(phone).unwrap();
        format!("logout {phone} {} {reason}", session.user)
    }

    /// By a program.
    pub(super) fn logout(&mut self, phone: &str) -> Expected {
        let Some(here) = self.phones.get(phone) else { return Expected::refused("5007") };
        match self.sessions.contains_key(phone) {
            true => Expected::ok(vec![self.end(phone, "administrator")]),
            false => Expected::refused(if here.enabled { "EM 19" } else { "EM 5" }),
        }
    }

    /// By whoever stands at the phone.
    pub(super) fn leave(&mut self, phone: &str) -> Expected {
        let Some(here) = self.phones.get(phone) else { return Expected::refused("EM 11") };
        if !self.sessions.contains_key(phone) {
            return if here.enabled { Expected::ok(Vec::new()) } else { Expected::refused("EM 5") };
        }
        let mut told = vec![self.end(phone, "user")];
        if self.is_on("ClearCallLogs") {
            told.push(format!("call-log {phone} manual-logout"));
        }
        Expected::ok(told)
    }

    pub(super) fn sweep(&mut self) -> Expected {
        let now = self.now;
        let due = self.phones_of(|s| s.until.is_some_and(|at| at <= now));
        Expected::ok(due.iter().map(|phone| self.end(phone, "timeout")).collect())
    }
}
