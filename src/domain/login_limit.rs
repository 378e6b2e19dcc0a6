//! How long a session may last: seconds inside, `HHH:MM` only at the edge.

use chrono::{DateTime, TimeDelta, Utc};

/// Longest time that can be set: one week.
pub const LONGEST_MINUTES: u32 = 168 * 60;

/// A maximum duration of a session, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoginLimit(i32);

impl LoginLimit {
    /// A limit in seconds; zero is none.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        i32::try_from(seconds).ok().filter(|s| *s > 0).map(Self)
    }

    /// A limit in minutes; zero is none, and so is what no timer can count.
    pub fn from_minutes(minutes: u32) -> Option<Self> {
        Self::from_seconds(i64::from(minutes) * 60)
    }

    /// The duration in seconds.
    pub fn seconds(self) -> i32 {
        self.0
    }

    /// The moment at which a session that starts now is over.
    pub fn after(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + TimeDelta::seconds(i64::from(self.0))
    }
}

/// Reads `HHH:MM` (`8:00`, `:30`) as minutes, 0:00 to 168:00.
pub fn parse_duration(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if hours.len() > 3 || minutes.len() != 2 || !digits(hours) || !digits(minutes) {
        return None;
    }
    let hours: u32 = if hours.is_empty() { 0 } else { hours.parse().ok()? };
    let minutes: u32 = minutes.parse().ok().filter(|m| *m < 60)?;
    Some(hours * 60 + minutes).filter(|total| *total <= LONGEST_MINUTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_hours_and_minutes_up_to_a_week() {
        assert_eq!(parse_duration("8:00"), Some(480));
        assert_eq!(parse_duration(":30"), Some(30));
        assert_eq!(parse_duration("168:00"), Some(10_080));
        for wrong in ["", "8", "8:0", "8:60", "168:01", "-1:00", "8:000", "+8:00", "8 :00"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }
}
