//! What comes before an automatic logout: when its phone is warned, and whether and how far the session may be extended. Pure rules.
//!
//! Promises that nobody is warned of an end that was just set: a session that lasts no longer than the warning comes before its end has
//! none.

use chrono::{DateTime, TimeDelta, Utc};

/// What the cluster's parameters say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExpiryPolicy {
    /// How long before the end a phone is warned; zero: never.
    pub warning: TimeDelta,
    /// By how much a session is extended at a time; zero: not at all.
    pub extend_by: TimeDelta,
    /// How often it may be.
    pub most_times: i16,
}

/// A session that ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiring {
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// How often it was extended.
    pub times_extended: i16,
}

impl Expiring {
    /// Whole minutes until the end, begun ones counted; none when it is past.
    pub fn minutes_left(&self, now: DateTime<Utc>) -> i64 {
        ((self.expires_at - now).num_seconds().max(0) + 59) / 60
    }
}

impl ExpiryPolicy {
    /// Whether the end is so near that the phone is warned of it.
    pub fn warns(&self, session: &Expiring, now: DateTime<Utc>) -> bool {
        let is_near = session.expires_at - now <= self.warning;
        self.warning > TimeDelta::zero() && is_near && session.expires_at - session.started_at > self.warning
    }

    /// The end of a session that has been warned once it is extended, where it may be.
    pub fn extended_end(&self, session: &Expiring, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let may = self.extend_by > TimeDelta::zero() && session.times_extended < self.most_times;
        let end = session.expires_at + self.extend_by;
        (may && self.warns(session, now) && end > now).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: ExpiryPolicy =
        ExpiryPolicy { warning: TimeDelta::minutes(5), extend_by: TimeDelta::minutes(15), most_times: 2 };

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn session(minutes: i64, times_extended: i16) -> Expiring {
        Expiring { started_at: at(0), expires_at: at(minutes), times_extended }
    }

    #[test]
    fn a_phone_is_warned_so_long_before_the_end_and_not_of_one_that_was_just_set() {
        assert!(!POLICY.warns(&session(60, 0), at(54)));
        assert!(POLICY.warns(&session(60, 0), at(55)));
        assert!(POLICY.warns(&session(60, 0), at(61)), "while a call is waited for");
        assert!(!POLICY.warns(&session(5, 0), at(4)), "it began with less");
        let never = ExpiryPolicy { warning: TimeDelta::zero(), ..POLICY };
        assert!(!never.warns(&session(60, 0), at(60)));
    }

    #[test]
    fn a_minute_that_has_begun_counts() {
        let left = |seconds| session(60, 0).minutes_left(at(60) - TimeDelta::seconds(seconds));
        assert_eq!([left(300), left(299), left(241), left(1), left(0), left(-5)], [5, 5, 5, 1, 0, 0]);
    }

    #[test]
    fn a_session_is_extended_from_the_warning_on_and_so_often() {
        assert_eq!(POLICY.extended_end(&session(60, 0), at(54)), None, "too early");
        assert_eq!(POLICY.extended_end(&session(60, 0), at(55)), Some(at(75)));
        assert_eq!(POLICY.extended_end(&session(75, 1), at(74)), Some(at(90)));
        assert_eq!(POLICY.extended_end(&session(90, 2), at(89)), None, "often enough");
        assert_eq!(POLICY.extended_end(&session(60, 0), at(75)), None, "that would be over, too");
        let not = ExpiryPolicy { extend_by: TimeDelta::zero(), ..POLICY };
        assert_eq!(not.extended_end(&session(60, 0), at(59)), None);
    }
}
