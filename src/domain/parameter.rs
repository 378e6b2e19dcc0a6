//! The service parameters of Extension Mobility (axl.md 19.6): every parameter's name, type, range, default and scope, in one table.
//!
//! Promises one spelling for each value: what [`Parameter::parse`] has taken is normalised text everywhere else. Where values are kept and
//! who may change them is not decided here; what rules read from them is in [`super::policy`].

use super::login_limit::parse_duration;
use super::policy::MultipleLogin;
use super::schedule::Schedule;
use super::trust::TrustedSource;

/// The `service` under which all of these stand.
pub const SERVICE: &str = "Cisco Extension Mobility";
/// The pseudo node that carries cluster-wide values.
pub const CLUSTER_NODE: &str = "EnterpriseWideData";

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// `T` or `F`.
    Boolean,
    /// A whole number in a range.
    Number {
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// `HHH:MM` from 0:00 to 168:00.
    Duration,
    /// One of the three multiple-login behaviours.
    MultipleLogin,
    /// Rules for logouts at a time of day, up to a number of characters.
    Schedule {
        /// Greatest number of characters.
        max: usize,
    },
    /// Addresses, networks and host names, separated by semicolons, up to a number of characters.
    AddressList {
        /// Greatest number of characters.
        max: usize,
    },
}

/// Whether every node may have a value of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One value, under `EnterpriseWideData`, whatever node is named.
    Cluster,
    /// The value of the node, else that of `EnterpriseWideData`.
    Node,
}

/// One service parameter.
#[derive(Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Name without blanks, as stored and shown.
    pub name: &'static str,
    /// Name for people; accepted wherever a name is sent.
    pub display_name: &'static str,
    /// Type and range.
    pub kind: ValueKind,
    /// Value while none is set.
    pub default: &'static str,
    /// Cluster-wide or by node.
    pub scope: Scope,
}

const fn parameter(
    name: &'static str,
    display_name: &'static str,
    kind: ValueKind,
    default: &'static str,
    scope: Scope,
) -> Parameter {
    Parameter { name, display_name, kind, default, scope }
}

/// The switch of the maximum login time.
pub const ENFORCE: &str = "EnforceIntraClusterMaxLoginTime";
pub(super) const MAX_LOGIN_TIME: &str = "IntraClusterMaxLoginTime";
/// Logouts at a time of day.
pub(super) const LOGOUT_AT: &str = "AutomaticLogoutAt";
/// Minutes for which an automatic logout waits for the end of a call.
pub const IDLE_WAIT: &str = "AutomaticLogoutWaitsForIdle";
/// Minutes before an automatic logout at which the phone is warned.
pub(super) const WARNING: &str = "AutomaticLogoutWarning";
/// Minutes by which a session may be extended before its automatic logout, and how often.
pub(super) const EXTEND_BY: &str = "AutomaticLogoutExtendMinutes";
pub(super) const EXTEND_TIMES: &str = "AutomaticLogoutExtendTimes";
pub(super) const TRUSTED_LIST: &str = "TrustedListOfIPs";

/// All parameters, in the order in which they are listed: the twelve known ones, then ours.
#[rustfmt::skip]
pub static PARAMETERS: &[Parameter] = &[
    parameter(ENFORCE, "Enforce Intra-cluster Maximum Login Time", ValueKind::Boolean, "F", Scope::Cluster),
    parameter(MAX_LOGIN_TIME, "Intra-cluster Maximum Login Time", ValueKind::Duration, "0:00", Scope::Cluster),
    parameter("InterClusterMaxLoginTime", "Inter-cluster Maximum Login Time", ValueKind::Duration, "10:00", Scope::Cluster),
    parameter("MaximumConcurrentRequests", "Maximum Concurrent Requests", ValueKind::Number { min: 1, max: 1000 }, "5", Scope::Node),
    parameter("MultipleLoginBehavior", "Multiple Login Behavior", ValueKind::MultipleLogin, "Multiple Logins Not Allowed", Scope::Cluster),
    parameter("AlphanumericUserID", "Alphanumeric User ID", ValueKind::Boolean, "T", Scope::Cluster),
    parameter("RememberLastUserLoggedIn", "Remember the Last User Logged In", ValueKind::Boolean, "F", Scope::Cluster),
    parameter("ClearCallLogs", "Clear Call Logs on Intra-cluster EM", ValueKind::Boolean, "F", Scope::Cluster),
    parameter("ValidateIPAddress", "Validate IP Address", ValueKind::Boolean, "F", Scope::Cluster),
    parameter(TRUSTED_LIST, "Trusted List of IPs", ValueKind::AddressList { max: 1024 }, "", Scope::Cluster),
    parameter("AllowProxy", "Allow Proxy", ValueKind::Boolean, "F", Scope::Cluster),
    parameter("ExtensionMobilityCacheSize", "Extension Mobility Cache Size", ValueKind::Number { min: 1000, max: 20_000 }, "10000", Scope::Node),
    parameter("IntercomDefaultDeviceByAXL", "Intercom Default Device Chosen on AXL Assignment", ValueKind::Boolean, "T", Scope::Cluster),
    parameter("ExtensionMobilityActivated", "Extension Mobility Service Activated", ValueKind::Boolean, "T", Scope::Node),
    parameter("ExtensionMobilityPagesActivated", "Extension Mobility Application Activated", ValueKind::Boolean, "T", Scope::Node),
    parameter(LOGOUT_AT, "Automatic Logout at a Time of Day", ValueKind::Schedule { max: 4096 }, "", Scope::Cluster),
    parameter(IDLE_WAIT, "Automatic Logout Waits for the End of a Call", ValueKind::Number { min: 0, max: 480 }, "0", Scope::Cluster),
    parameter(WARNING, "Automatic Logout Warning Minutes Before", ValueKind::Number { min: 0, max: 1440 }, "5", Scope::Cluster),
    parameter(EXTEND_BY, "Automatic Logout Extend By Minutes", ValueKind::Number { min: 0, max: 1440 }, "0", Scope::Cluster),
    parameter(EXTEND_TIMES, "Automatic Logout Times It May Be Extended", ValueKind::Number { min: 1, max: 100 }, "1", Scope::Cluster),
    parameter("ServiceConnectionErrorIs207", "EM Service Connection Error Printed as 207", ValueKind::Boolean, "F", Scope::Cluster),
    parameter("ClearCallLogsAtEveryLogout", "Clear Call Logs at Every Logout", ValueKind::Boolean, "F", Scope::Cluster),
    parameter("StrictEMServiceRequests", "Strict EM Service Requests", ValueKind::Boolean, "F", Scope::Cluster),
    parameter("PinFailedAttemptsBeforeLock", "PIN Failed Attempts Before Lock", ValueKind::Number { min: 0, max: 100 }, "3", Scope::Cluster),
    parameter("PinResetFailedAttemptsAfter", "PIN Minutes Until Failed Attempts Are Forgotten", ValueKind::Number { min: 1, max: 120 }, "30", Scope::Cluster),
    parameter("PinLockDuration", "PIN Minutes of a Lock", ValueKind::Number { min: 0, max: 1440 }, "30", Scope::Cluster),
    parameter("PinMinimumLength", "PIN Minimum Length", ValueKind::Number { min: 1, max: 64 }, "5", Scope::Cluster),
    parameter("PinExpiresAfterDays", "PIN Expires After Days", ValueKind::Number { min: 0, max: 365 }, "180", Scope::Cluster),
    parameter("PinHistory", "PIN Previous PINs Refused", ValueKind::Number { min: 0, max: 25 }, "12", Scope::Cluster),
    parameter("PinMinimumAgeMinutes", "PIN Minimum Age in Minutes", ValueKind::Number { min: 0, max: 129_600 }, "0", Scope::Cluster),
    parameter("PinTrivialCheck", "PIN Check for Trivial PINs", ValueKind::Boolean, "T", Scope::Cluster),
    parameter("PinInactiveDays", "PIN Inactive Days Allowed", ValueKind::Number { min: 0, max: 5000 }, "0", Scope::Cluster),
    parameter("PinExpiryWarningDays", "PIN Expiry Warning Days", ValueKind::Number { min: 0, max: 90 }, "0", Scope::Cluster),
    parameter("PasswordFailedAttemptsBeforeLock", "Password Failed Attempts Before Lock", ValueKind::Number { min: 0, max: 100 }, "3", Scope::Cluster),
    parameter("PasswordResetFailedAttemptsAfter", "Password Minutes Until Failed Attempts Are Forgotten", ValueKind::Number { min: 1, max: 120 }, "30", Scope::Cluster),
    parameter("PasswordLockDuration", "Password Minutes of a Lock", ValueKind::Number { min: 0, max: 1440 }, "30", Scope::Cluster),
];

/// Why a value is not accepted; says what would be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// Not a boolean.
    #[error("{0} is T or F")]
    Boolean(&'static str),
    /// Not a number in range.
    #[error("{name} is a whole number from {min} to {max}")]
    Number {
        /// Parameter.
        name: &'static str,
        /// Least value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// Not a time in range.
    #[error("{0} is a time from 0:00 to 168:00, as hours:minutes")]
    Duration(&'static str),
    /// Not one of the choices.
    #[error("{0} is Multiple Logins Allowed, Multiple Logins Not Allowed or Auto Logout")]
    MultipleLogin(&'static str),
    /// A list that is too long.
    #[error("{name} is text of at most {max} characters")]
    TooLong {
        /// Parameter.
        name: &'static str,
        /// Greatest number of characters.
        max: usize,
    },
    /// A rule that is none.
    #[error(
        "{name} is rules such as \"site Lobby = 18:00 Europe/Berlin\" for everybody, a site, group or user, separated by semicolons; \"{rule}\" is none"
    )]
    Rule {
        /// Parameter.
        name: &'static str,
        /// The rule.
        rule: String,
    },
    /// An entry of a list that is no address, network or host name.
    #[error(
        "{name} is addresses, networks such as 10.1.0.0/16 and host names, separated by semicolons; \"{entry}\" is none"
    )]
    Entry {
        /// Parameter.
        name: &'static str,
        /// The entry.
        entry: String,
    },
}

/// Finds a parameter by its name or display name, in any letter case.
pub fn find(name: &str) -> Option<&'static Parameter> {
    let wanted = name.trim();
    PARAMETERS
        .iter()
        .find(|p| p.name.eq_ignore_ascii_case(wanted) || p.display_name.eq_ignore_ascii_case(wanted))
}

fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ if text.eq_ignore_ascii_case("t") || text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("f") || text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

impl Parameter {
    /// The `valueType` of the provisioning API.
    pub fn value_type(&self) -> &'static str {
        match self.kind {
            ValueKind::Boolean => "boolean",
            ValueKind::Number { .. } => "long",
            ValueKind::Duration
            | ValueKind::MultipleLogin
            | ValueKind::Schedule { .. }
            | ValueKind::AddressList { .. } => "string",
        }
    }

    /// The value in force: the stored one in its one spelling, or the default where that is absent or damaged.
    pub fn in_force(&self, stored: Option<&str>) -> String {
        stored.and_then(|text| self.parse(text).ok()).unwrap_or_else(|| self.default.to_owned())
    }

    /// Brings a value to its one spelling, or says what is accepted.
    pub fn parse(&self, text: &str) -> Result<String, ParameterError> {
        let text = text.trim();
        match self.kind {
            ValueKind::Boolean => parse_boolean(text)
                .map(|on| if on { "T" } else { "F" }.to_owned())
                .ok_or(ParameterError::Boolean(self.name)),
            ValueKind::Number { min, max } => text
                .parse::<i64>()
                .ok()
                .filter(|n| (min..=max).contains(n))
                .map(|n| n.to_string())
                .ok_or(ParameterError::Number { name: self.name, min, max }),
            ValueKind::Duration => parse_duration(text)
                .map(|minutes| format!("{}:{:02}", minutes / 60, minutes % 60))
                .ok_or(ParameterError::Duration(self.name)),
            ValueKind::MultipleLogin => MultipleLogin::find(text)
                .map(|(full, _)| full.to_owned())
                .ok_or(ParameterError::MultipleLogin(self.name)),
            ValueKind::Schedule { max } | ValueKind::AddressList { max } if text.chars().count() > max => {
                Err(ParameterError::TooLong { name: self.name, max })
            }
            ValueKind::Schedule { .. } => Schedule::parse(text)
                .map(|_| text.to_owned())
                .map_err(|rule| ParameterError::Rule { name: self.name, rule }),
            ValueKind::AddressList { .. } => TrustedSource::parse_list(text)
                .map(|_| text.to_owned())
                .map_err(|entry| ParameterError::Entry { name: self.name, entry }),
        }
    }
}

/// What a change of one parameter makes of another: a maximum switches enforcement on, enforcement off empties the maximum.
pub fn implied(changed: &Parameter, value: &str) -> Option<(&'static Parameter, &'static str)> {
    match (changed.name, value) {
        (MAX_LOGIN_TIME, "0:00") => None,
        (MAX_LOGIN_TIME, _) => find(ENFORCE).map(|p| (p, "T")),
        (ENFORCE, "F") => find(MAX_LOGIN_TIME).map(|p| (p, "0:00")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_in_its_own_spelling() {
        for parameter in PARAMETERS {
            assert_eq!(
                parameter.parse(parameter.default).as_deref(),
                Ok(parameter.default),
                "{}",
                parameter.name
            );
        }
    }

    #[test]
    fn what_is_absent_or_damaged_counts_as_the_default() {
        let warning = find("AutomaticLogoutWarning").unwrap();
        let in_force = |stored| warning.in_force(stored);
        assert_eq!([Some("7"), Some("x"), Some("-1"), None].map(in_force), ["7", "5", "5", "5"]);
    }

    #[test]
    fn parameters_are_found_by_either_name_in_any_case() {
        assert_eq!(find("clearcalllogs").map(|p| p.name), Some("ClearCallLogs"));
        assert_eq!(find("multiple login behavior").map(|p| p.name), Some("MultipleLoginBehavior"));
        assert_eq!(find("nothing"), None);
    }

    #[test]
    fn values_come_out_in_one_spelling() {
        let parse = |name: &str, text: &str| find(name).unwrap().parse(text).ok();
        assert_eq!(parse("ClearCallLogs", "True").as_deref(), Some("T"));
        assert_eq!(parse("ClearCallLogs", "yes"), None);
        assert_eq!(parse("IntraClusterMaxLoginTime", ":30").as_deref(), Some("0:30"));
        assert_eq!(parse("IntraClusterMaxLoginTime", "168:01"), None);
        assert_eq!(
            parse("MultipleLoginBehavior", "not allowed").as_deref(),
            Some("Multiple Logins Not Allowed")
        );
        assert_eq!(parse("ExtensionMobilityCacheSize", "999"), None);
        assert_eq!(parse("TrustedListOfIPs", &"10.0.0.1;".repeat(114)), None, "1026 characters");
        assert_eq!(parse("TrustedListOfIPs", "10.0.0.1;*").as_deref(), None);
        assert_eq!(parse("TrustedListOfIPs", " 10.0.0.1;proxy1 ").as_deref(), Some("10.0.0.1;proxy1"));
    }

    #[test]
    fn a_maximum_switches_enforcement_on_and_enforcement_off_empties_it() {
        let after = |name: &str, value: &str| implied(find(name).unwrap(), value).map(|(p, v)| (p.name, v));
        assert_eq!(after(MAX_LOGIN_TIME, "8:00"), Some((ENFORCE, "T")));
        assert_eq!(after(MAX_LOGIN_TIME, "0:00"), None);
        assert_eq!(after(ENFORCE, "F"), Some((MAX_LOGIN_TIME, "0:00")));
        assert_eq!(after(ENFORCE, "T"), None);
    }
}
