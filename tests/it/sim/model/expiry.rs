//! What comes before the end of time: warnings, and sessions that are extended at their phone (design.md 16, docs/parameters.md).

use super::{Expected, Model, Session};

impl Model {
    fn minutes(&self, parameter: &str) -> i64 {
        self.parameter(parameter).parse::<i64>().unwrap() * 60
    }

    /// The end of a session that is so near that its phone is warned; one that was short from the beginning is not warned.
    fn near_end(&self, session: &Session) -> Option<i64> {
        let warning = self.minutes("AutomaticLogoutWarning");
        let end = session.until?;
        (warning > 0 && end - self.now <= warning && end - session.since > warning).then_some(end)
    }

    /// By how many seconds a session may be extended now.
    fn extendable(&self, session: &Session) -> Option<i64> {
        let end = self.near_end(session)?;
        let more = self.minutes("AutomaticLogoutExtendMinutes");
        let most: i64 = self.parameter("AutomaticLogoutExtendTimes").parse().unwrap();
        (more > 0 && session.times_extended < most && end + more > self.now).then_some(more)
    }

    /// Each end that is near is told of once, unless it is past already.
    pub(super) fn warn(&mut self) -> Expected {
        let now = self.now;
        let near = |s: &Session| !s.is_warned && self.near_end(s).is_some_and(|end| end > now);
        let phones = self.phones_of(near);
        let told = phones.iter().map(|phone| {
            let more = self.extendable(&self.sessions[phone]).map_or("-".to_owned(), |more| more.to_string());
            format!("expiring {phone} {} extendable {more}", self.sessions[phone].user)
        });
        let told = told.collect();
        for phone in &phones {
            self.sessions.get_mut(phone).unwrap().is_warned = true;
        }
        Expected::ok(told)
    }

    /// By whoever stands at the phone and presses the key that is there.
    pub(super) fn extend(&mut self, phone: &str) -> Expected {
        let Some(here) = self.phones.get(phone) else { return Expected::refused("EM 11") };
        let Some(session) = self.sessions.get(phone) else {
            return if here.enabled { Expected::ok(Vec::new()) } else { Expected::refused("EM 22") };
        };
        let Some(more) = self.extendable(session) else { return Expected::ok(Vec::new()) };
        let session = self.sessions.get_mut(phone).unwrap();
        session.until = session.until.map(|end| end + more);
        session.times_extended += 1;
        session.is_warned = false;
        Expected::ok(vec![format!("extended {phone} {} times {}", session.user, session.times_extended)])
    }
}
