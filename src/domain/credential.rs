//! Credentials: who holds them, which kinds are kept, what is set for them, and what a right one is good for.
//!
//! The policy is what an administrator sets by service parameters (security.md AUTH-1); the rules are what is decided about one
//! credential. Both are read with the account, so that they hold from the next request on.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::event::CredentialKind;
use super::parameter;

/// A person or a program, spelled as events spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum HolderKind {
    /// A person, provisioned as `User`.
    #[serde(rename = "end-user")]
    EndUser,
    /// A program or administrator, provisioned as `AppUser`.
    #[serde(rename = "application-user")]
    AppUser,
}

impl HolderKind {
    /// The object type under which holders of this kind are provisioned.
    pub fn object_type(self) -> &'static str {
        match self {
            Self::EndUser => "User",
            Self::AppUser => "AppUser",
        }
    }
}

/// A secret that is kept as a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// Digits, for phones.
    Pin,
    /// Text, for everything else.
    Password,
}

impl From<SecretKind> for CredentialKind {
    fn from(kind: SecretKind) -> Self {
        match kind {
            SecretKind::Pin => Self::Pin,
            SecretKind::Password => Self::Password,
        }
    }
}

/// When failed attempts lock a credential (security.md AUTH-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LockoutPolicy {
    /// Attempts before the lock; 0: never.
    pub most: i32,
    /// Seconds after which a failed attempt is forgotten.
    pub reset_seconds: i32,
    /// Seconds of the lock; 0: until somebody unlocks.
    pub lock_seconds: i32,
}

/// What is set for all credentials of a kind (security.md AUTH-1). What has no parameter is off: a password neither expires nor is
/// chosen by its holder, as there is no page yet on which it could be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialPolicy {
    /// When failed attempts lock.
    pub lockout: LockoutPolicy,
    /// Days for which a secret holds; 0: for ever.
    pub expires_days: i64,
    /// Days without use after which it is locked; 0: never.
    pub inactive_days: i64,
    /// Days before the end of which its holder is told; 0: none.
    pub warning_days: i64,
    /// What its holder may choose.
    pub choice: ChoicePolicy,
}

/// What the holder of a secret may choose; what somebody else sets need not keep to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChoicePolicy {
    /// Least number of characters.
    pub least_length: usize,
    /// How many secrets before the present one may not come again.
    pub history: usize,
    /// Minutes that a secret must have been held.
    pub least_age_minutes: i64,
    /// Whether what is easily guessed is refused.
    pub refuses_trivial: bool,
}

impl CredentialPolicy {
    /// Reads the policy from stored values; a value that is absent or damaged counts as the default.
    pub fn from_values<'v>(kind: SecretKind, value: impl Fn(&str) -> Option<&'v str>) -> Self {
        let prefix = match kind {
            SecretKind::Pin => "Pin",
            SecretKind::Password => "Password",
        };
        let text = |name: &str| {
            let parameter = parameter::find(&format!("{prefix}{name}"))?;
            Some(parameter.in_force(value(parameter.name)))
        };
        let number = |name: &str| text(name).and_then(|t| t.parse::<i32>().ok()).unwrap_or_default();
        let count = |name: &str| usize::try_from(number(name)).unwrap_or_default();
        Self {
            lockout: LockoutPolicy {
                most: number("FailedAttemptsBeforeLock"),
                reset_seconds: number("ResetFailedAttemptsAfter") * 60,
                lock_seconds: number("LockDuration") * 60,
            },
            expires_days: number("ExpiresAfterDays").into(),
            inactive_days: number("InactiveDays").into(),
            warning_days: number("ExpiryWarningDays").into(),
            choice: ChoicePolicy {
                least_length: count("MinimumLength"),
                history: count("History"),
                least_age_minutes: number("MinimumAgeMinutes").into(),
                refuses_trivial: text("TrivialCheck").as_deref() == Some("T"),
            },
        }
    }

    /// What a right secret is good for at a moment.
    pub fn standing(&self, rules: &CredentialRules, now: DateTime<Utc>) -> Standing {
        // who may not change it cannot be asked to
        if rules.must_change && !rules.cant_change {
            return Standing::MustChange;
        }
        match self.expiry(rules) {
            Some(end) if end <= now => Standing::Expired,
            end => Standing::Good {
                warned: end.map(|end| days_left(end, now)).filter(|d| *d <= self.warning_days),
            },
        }
    }

    /// When a secret ends by itself.
    pub fn expiry(&self, rules: &CredentialRules) -> Option<DateTime<Utc>> {
        let ends = self.expires_days > 0 && !rules.never_expires;
        ends.then(|| rules.changed_at + TimeDelta::days(self.expires_days))
    }

    /// Whether it was not used for so long that it is locked.
    pub fn is_inactive(&self, rules: &CredentialRules, now: DateTime<Utc>) -> bool {
        let used = rules.used_at.unwrap_or(rules.changed_at).max(rules.changed_at);
        self.inactive_days > 0 && used + TimeDelta::days(self.inactive_days) <= now
    }

    /// Whether its holder has had it too short a time to change it; one that must be changed may be.
    pub fn is_too_young(&self, rules: &CredentialRules, now: DateTime<Utc>) -> bool {
        let held_until = rules.changed_at + TimeDelta::minutes(self.choice.least_age_minutes);
        now < held_until && matches!(self.standing(rules, now), Standing::Good { .. })
    }
}

/// Days that a secret still holds, the one that has begun included.
fn days_left(end: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    (end - now - TimeDelta::milliseconds(1)).num_days() + 1
}

/// What is decided about one credential, and its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialRules {
    /// Its holder may not change it.
    pub cant_change: bool,
    /// Its holder must change it before anything else.
    pub must_change: bool,
    /// It holds for ever.
    pub never_expires: bool,
    /// When it was set.
    pub changed_at: DateTime<Utc>,
    /// When it was right for the last time.
    pub used_at: Option<DateTime<Utc>>,
}

/// What a right secret is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// For everything.
    Good {
        /// Days after which it ends, where its holder is to be told.
        warned: Option<i64>,
    },
    /// For nothing but being changed.
    MustChange,
    /// The same: its time is over.
    Expired,
}

impl Default for LockoutPolicy {
    /// The values of AUTH-1: three attempts, forgotten after half an hour, locked for half an hour.
    fn default() -> Self {
        Self { most: 3, reset_seconds: 1800, lock_seconds: 1800 }
    }
}

impl Default for CredentialPolicy {
    /// The values of AUTH-1 for PINs.
    fn default() -> Self {
        Self::from_values(SecretKind::Pin, |_| None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    const DAY: i64 = 86_400;

    fn rules() -> CredentialRules {
        CredentialRules {
            cant_change: false,
            must_change: false,
            never_expires: false,
            changed_at: at(0),
            used_at: None,
        }
    }

    #[test]
    fn defaults_are_those_of_the_policy_for_each_kind() {
        let pin = CredentialPolicy::default();
        assert_eq!(pin.lockout, LockoutPolicy::default());
        assert_eq!((pin.expires_days, pin.inactive_days, pin.warning_days), (180, 0, 0));
        let choice =
            ChoicePolicy { least_length: 5, history: 12, least_age_minutes: 0, refuses_trivial: true };
        assert_eq!(pin.choice, choice);
        let password = CredentialPolicy::from_values(SecretKind::Password, |_| None);
        assert_eq!((password.lockout, password.expires_days), (LockoutPolicy::default(), 0));
    }

    #[test]
    fn values_that_are_set_count_for_their_kind_alone() {
        let value = |name: &str| match name {
            "PinFailedAttemptsBeforeLock" => Some("0"),
            "PinLockDuration" => Some("5"),
            "PasswordFailedAttemptsBeforeLock" => Some("9"),
            "PinTrivialCheck" => Some("F"),
            _ => None,
        };
        let pin = CredentialPolicy::from_values(SecretKind::Pin, value);
        assert_eq!((pin.lockout.most, pin.lockout.lock_seconds), (0, 300));
        assert!(!pin.choice.refuses_trivial);
        let password = CredentialPolicy::from_values(SecretKind::Password, value);
        assert_eq!((password.lockout.most, password.lockout.lock_seconds), (9, 1800));
    }

    #[test]
    fn a_secret_ends_at_its_moment_unless_it_never_does() {
        let policy = CredentialPolicy { warning_days: 2, ..CredentialPolicy::default() };
        let standing = |seconds| policy.standing(&rules(), at(seconds));
        assert_eq!(standing(180 * DAY), Standing::Expired);
        assert_eq!(standing(180 * DAY - 1), Standing::Good { warned: Some(1) });
        assert_eq!(standing(178 * DAY), Standing::Good { warned: Some(2) });
        assert_eq!(standing(178 * DAY - 1), Standing::Good { warned: None });
        let never = CredentialRules { never_expires: true, ..rules() };
        assert_eq!(policy.standing(&never, at(999 * DAY)), Standing::Good { warned: None });
        let off = CredentialPolicy { expires_days: 0, ..policy };
        assert_eq!(off.standing(&rules(), at(999 * DAY)), Standing::Good { warned: None });
    }

    #[test]
    fn what_must_be_changed_goes_first_but_not_where_it_cannot_be() {
        let policy = CredentialPolicy::default();
        let must = CredentialRules { must_change: true, ..rules() };
        assert_eq!(policy.standing(&must, at(999 * DAY)), Standing::MustChange);
        let cannot = CredentialRules { cant_change: true, ..must };
        assert_eq!(policy.standing(&cannot, at(0)), Standing::Good { warned: None });
    }

    #[test]
    fn age_and_use_are_measured_from_the_last_change() {
        let young = ChoicePolicy { least_age_minutes: 10, ..CredentialPolicy::default().choice };
        let policy = CredentialPolicy { inactive_days: 30, choice: young, ..CredentialPolicy::default() };
        assert!(policy.is_too_young(&rules(), at(599)) && !policy.is_too_young(&rules(), at(600)));
        let must = CredentialRules { must_change: true, ..rules() };
        assert!(!policy.is_too_young(&must, at(1)));
        assert!(
            policy.is_inactive(&rules(), at(30 * DAY)) && !policy.is_inactive(&rules(), at(30 * DAY - 1))
        );
        let used = CredentialRules { used_at: Some(at(DAY)), ..rules() };
        assert!(!policy.is_inactive(&used, at(30 * DAY)));
    }
}
