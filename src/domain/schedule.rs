//! Logouts at a time of day: which rule holds for a login, and the one moment that it means (EM-071, security.md 6).
//!
//! Written as rules with semicolons, the most specific of which holds: `user ada = never; group Night shift = 06:00 Europe/Berlin; site
//! Lobby = 18:00 Europe/Berlin; everybody = 20:00 Europe/Berlin`. A site is a device pool. A time that a day does not have moves to the
//! next one that it has; of one that it has twice, the first counts.

use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::names::fold;

/// The rules, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    whom: Whom,
    /// None: never.
    at: Option<(NaiveTime, Tz)>,
}

/// For whom a rule is made, by folded name; from the most specific on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Whom {
    User(String),
    Group(String),
    Site(String),
    Everybody,
}

/// Who logs in where, as far as rules ask.
#[derive(Debug, Clone, Copy, Default)]
pub struct Belonging<'b> {
    /// User id.
    pub user: &'b str,
    /// Names of the user's groups.
    pub groups: &'b [String],
    /// Name of the device pool of the phone.
    pub site: Option<&'b str>,
}

impl Schedule {
    /// Reads rules; the error is the one that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rules = text.split(';').map(str::trim).filter(|rule| !rule.is_empty());
        rules.map(|rule| Rule::parse(rule).ok_or_else(|| rule.to_owned())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether no rule is made for anybody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When a login of now ends: at the next time of day of the rule that holds for it.
    pub fn next(&self, who: Belonging<'_>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let holding = self.0.iter().filter(|rule| rule.whom.is_meant(who));
        let (time, zone) = holding.min_by_key(|rule| &rule.whom)?.at?;
        next_time(time, zone, now)
    }
}

impl Rule {
    fn parse(text: &str) -> Option<Self> {
        let (whom, at) = text.rsplit_once('=')?;
        Some(Self { whom: Whom::parse(whom.trim())?, at: parse_at(at.trim())? })
    }
}

fn parse_at(text: &str) -> Option<Option<(NaiveTime, Tz)>> {
    if text.eq_ignore_ascii_case("never") {
        return Some(None);
    }
    let (time, zone) = text.split_once(' ')?;
    let (hours, minutes) = time.split_once(':')?;
    let two_digits = |t: &str| (1..=2).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit());
    if !two_digits(hours) || minutes.len() != 2 || !two_digits(minutes) {
        return None;
    }
    let time = NaiveTime::from_hms_opt(hours.parse().ok()?, minutes.parse().ok()?, 0)?;
    Some(Some((time, zone.trim().parse().ok()?)))
}

impl Whom {
    fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("everybody") {
            return Some(Self::Everybody);
        }
        let (kind, name) = text.split_once(char::is_whitespace)?;
        let name = fold(name.trim());
        match kind.to_ascii_lowercase().as_str() {
            _ if name.is_empty() => None,
            "user" => Some(Self::User(name)),
            "group" => Some(Self::Group(name)),
            "site" => Some(Self::Site(name)),
            _ => None,
        }
    }

    fn is_meant(&self, who: Belonging<'_>) -> bool {
        match self {
            Self::User(name) => fold(who.user) == *name,
            Self::Group(name) => who.groups.iter().any(|group| fold(group) == *name),
            Self::Site(name) => who.site.is_some_and(|site| fold(site) == *name),
            Self::Everybody => true,
        }
    }
}

/// The next such time of day in a zone, later than now.
fn next_time(time: NaiveTime, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    // the day before, too: a time that moved forward may lie on the day after
    let today = now.with_timezone(&zone).date_naive().checked_sub_days(Days::new(1))?;
    let days = (0..4).filter_map(|n| today.checked_add_days(Days::new(n)));
    days.filter_map(|day| moment(day.and_time(time), zone)).find(|moment| *moment > now)
}

/// The moment of a local time: the first of two, the end of the gap for none.
fn moment(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    // gaps are whole minutes and shorter than a day and a half
    let later = (0..=36 * 60).map(|minutes| local + TimeDelta::minutes(minutes));
    later
        .filter_map(|local| zone.from_local_datetime(&local).earliest())
        .next()
        .map(|m| m.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(rules: &str, who: Belonging<'_>, now: &str) -> Option<String> {
        let moment = Schedule::parse(rules).unwrap().next(who, now.parse().unwrap());
        moment.map(|m| m.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    }

    fn everybody(at: &str, now: &str) -> String {
        next(&format!("everybody = {at}"), Belonging::default(), now).unwrap()
    }

    #[test]
    fn the_most_specific_rule_holds_and_may_say_never() {
        let rules = "everybody = 20:00 UTC; site Lobby = 18:00 UTC; group Night shift=6:00 UTC; user Ada = never; site lobby = 1:00 UTC";
        let groups = ["night SHIFT".to_owned()];
        let at = |user, groups, site| next(rules, Belonging { user, groups, site }, "2026-11-28T12:00:00Z");
        assert_eq!(at("bob", &[], None).as_deref(), Some("2026-11-28T20:00:00Z"));
        assert_eq!(at("bob", &[], Some("LOBBY")).as_deref(), Some("2026-11-28T18:00:00Z"));
        assert_eq!(at("bob", &groups, Some("Lobby")).as_deref(), Some("2026-11-29T06:00:00Z"));
        assert_eq!(at("ADA", &groups, Some("Lobby")), None);
    }

    #[test]
    fn a_time_of_day_is_the_next_one_in_its_zone() {
        assert_eq!(everybody("18:00 Europe/Berlin", "2026-11-28T16:59:59Z"), "2026-11-28T17:00:00Z");
        assert_eq!(everybody("18:00 Europe/Berlin", "2026-11-28T17:00:00Z"), "2026-11-29T17:00:00Z");
        assert_eq!(everybody("18:00 Asia/Kathmandu", "2026-11-28T12:16:00Z"), "2026-11-29T12:15:00Z");
        assert_eq!(everybody("0:30 Pacific/Kiritimati", "2026-11-28T09:00:00Z"), "2026-11-28T10:30:00Z");
    }

    #[test]
    fn nights_of_changing_clocks_have_each_time_once() {
        // Berlin: 02:00 to 03:00 is not there on 29 March 2026, and there twice on 25 October
        assert_eq!(everybody("2:30 Europe/Berlin", "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00Z");
        assert_eq!(everybody("2:30 Europe/Berlin", "2026-03-29T01:00:00Z"), "2026-03-30T00:30:00Z");
        assert_eq!(everybody("2:30 Europe/Berlin", "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(everybody("2:30 Europe/Berlin", "2026-10-25T00:45:00Z"), "2026-10-26T01:30:00Z");
        // New York: 8 March and 1 November
        assert_eq!(everybody("2:30 America/New_York", "2026-03-08T05:00:00Z"), "2026-03-08T07:00:00Z");
        assert_eq!(everybody("1:30 America/New_York", "2026-11-01T04:00:00Z"), "2026-11-01T05:30:00Z");
        // Samoa left out a whole day
        assert_eq!(everybody("12:00 Pacific/Apia", "2011-12-30T09:59:00Z"), "2011-12-30T10:00:00Z");
    }

    #[test]
    fn what_is_no_rule_is_named() {
        for wrong in [
            "18:00",
            "everybody 18:00 UTC",
            "everybody = 24:00 UTC",
            "everybody = 18:00 Berlin",
            "user = never",
            "everybody = 18:60 UTC",
            "everybody = 18:00",
            "room 5 = 18:00 UTC",
            "everybody = 18:0 UTC",
            "= never",
        ] {
            assert_eq!(Schedule::parse(&format!("user x=never; {wrong}")), Err(wrong.to_owned()));
        }
        assert_eq!(Schedule::parse(" ; ").map(|s| s.is_empty()), Ok(true));
    }
}
