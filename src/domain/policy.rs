//! What rules read from the service parameters of [`super::parameter`], typed; a value that is absent or damaged counts as the default.

use chrono::TimeDelta;

use super::login_limit::{LoginLimit, parse_duration};
use super::parameter::{
    ENFORCE, EXTEND_BY, EXTEND_TIMES, LOGOUT_AT, MAX_LOGIN_TIME, TRUSTED_LIST, WARNING, find,
};
use super::schedule::Schedule;
use super::session_expiry::ExpiryPolicy;
use super::trust::{TrustPolicy, TrustedSource};

/// What multiple logins of one user do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MultipleLogin {
    /// Several sessions at once.
    Allow,
    /// The second login is refused.
    Refuse,
    /// The second login ends the first session.
    LogOutElsewhere,
}

impl MultipleLogin {
    const TEXTS: [(&'static str, Self); 3] = [
        ("Multiple Logins Allowed", Self::Allow),
        ("Multiple Logins Not Allowed", Self::Refuse),
        ("Auto Logout", Self::LogOutElsewhere),
    ];

    /// Finds one by its text, in any letter case and with or without *Multiple Logins*; gives its one spelling with it.
    pub(super) fn find(text: &str) -> Option<(&'static str, Self)> {
        let short = |full: &'static str| full.strip_prefix("Multiple Logins ").unwrap_or(full);
        Self::TEXTS
            .into_iter()
            .find(|(full, _)| text.eq_ignore_ascii_case(full) || text.eq_ignore_ascii_case(short(full)))
    }
}

/// What login and logout read from the cluster's parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginPolicy {
    /// What a second login of the same user does.
    pub multiple_login: MultipleLogin,
    /// Maximum login time while enforced.
    pub limit: Option<LoginLimit>,
    /// Logouts at a time of day.
    pub schedule: Schedule,
    /// Whether a manual login or logout clears the phone's call log.
    pub clear_call_logs: bool,
    /// Whether every logout clears it, whoever or whatever ends the session (EM-090).
    pub clear_at_every_logout: bool,
    /// Whether an intercom line without default device takes the phone on which it comes up.
    pub choose_intercom_phone: bool,
    /// What comes before an automatic logout.
    pub expiry: ExpiryPolicy,
}

fn in_force<'v>(value: &impl Fn(&str) -> Option<&'v str>, name: &str) -> String {
    find(name).map(|parameter| parameter.in_force(value(name))).unwrap_or_default()
}

impl LoginPolicy {
    /// Reads the policy from stored values; a value that is absent or damaged counts as the default.
    pub fn from_values<'v>(value: impl Fn(&str) -> Option<&'v str>) -> Self {
        let text = |name| in_force(&value, name);
        let enforced = text(ENFORCE) == "T";
        let limit = parse_duration(&text(MAX_LOGIN_TIME)).and_then(LoginLimit::from_minutes);
        Self {
            multiple_login: MultipleLogin::find(&text("MultipleLoginBehavior"))
                .map_or(MultipleLogin::Refuse, |(_, behaviour)| behaviour),
            limit: limit.filter(|_| enforced),
            schedule: Schedule::parse(&text(LOGOUT_AT)).unwrap_or_default(),
            clear_call_logs: text("ClearCallLogs") == "T",
            clear_at_every_logout: text("ClearCallLogsAtEveryLogout") == "T",
            choose_intercom_phone: text("IntercomDefaultDeviceByAXL") == "T",
            expiry: expiry_policy(&value),
        }
    }
}

impl Default for LoginPolicy {
    fn default() -> Self {
        Self::from_values(|_| None)
    }
}

/// What surfaces read from the parameters in force on a node before they know who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmParameters {
    /// Whether logins and logouts are carried out on this node (EM-032).
    pub is_active: bool,
    /// Whether this node shows pages to phones.
    pub has_pages: bool,
    /// Whether code 208 is printed as 207, as the reference system does (EM-151).
    pub connection_error_is_207: bool,
    /// Logins and logouts at a time.
    pub most_concurrent: usize,
    /// Whether user ids may have letters.
    pub letters: bool,
    /// Whether the form shows who was logged in last.
    pub remember_last_user: bool,
    /// Whether documents of programs must be as the API's grammar says, element by element.
    pub strict_documents: bool,
    /// From where requests may come.
    pub trust: TrustPolicy,
    /// What comes before an automatic logout.
    pub expiry: ExpiryPolicy,
}

/// What comes before an automatic logout, of stored values.
fn expiry_policy<'v>(value: impl Fn(&str) -> Option<&'v str>) -> ExpiryPolicy {
    let number = |name| -> i16 { in_force(&value, name).parse().unwrap_or_default() };
    ExpiryPolicy {
        warning: TimeDelta::minutes(number(WARNING).into()),
        extend_by: TimeDelta::minutes(number(EXTEND_BY).into()),
        most_times: number(EXTEND_TIMES),
    }
}

impl EmParameters {
    /// Reads them from stored values; a value that is absent or damaged counts as the default.
    pub fn from_values<'v>(value: impl Fn(&str) -> Option<&'v str>) -> Self {
        let text = |name| in_force(&value, name);
        let is_on = |name| text(name) == "T";
        let most_concurrent = text("MaximumConcurrentRequests").parse().unwrap_or(5);
        Self {
            is_active: is_on("ExtensionMobilityActivated"),
            has_pages: is_on("ExtensionMobilityPagesActivated"),
            connection_error_is_207: is_on("ServiceConnectionErrorIs207"),
            most_concurrent,
            letters: is_on("AlphanumericUserID"),
            remember_last_user: is_on("RememberLastUserLoggedIn"),
            strict_documents: is_on("StrictEMServiceRequests"),
            trust: TrustPolicy {
                validate: is_on("ValidateIPAddress"),
                allow_proxy: is_on("AllowProxy"),
                trusted: TrustedSource::parse_list(&text(TRUSTED_LIST)).unwrap_or_default(),
            },
            expiry: expiry_policy(&value),
        }
    }
}

impl Default for EmParameters {
    fn default() -> Self {
        Self::from_values(|_| None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_counts_only_while_enforced() {
        let policy = |enforced: &'static str| {
            LoginPolicy::from_values(move |name| match name {
                ENFORCE => Some(enforced),
                MAX_LOGIN_TIME => Some("8:00"),
                _ => None,
            })
        };
        assert_eq!(policy("T").limit.map(LoginLimit::seconds), Some(28_800));
        assert_eq!(policy("F").limit, None);
    }

    #[test]
    fn a_damaged_value_switches_nothing_off() {
        let damaged = |_: &str| Some("?");
        assert_eq!(EmParameters::from_values(damaged), EmParameters::default());
        assert_eq!(LoginPolicy::from_values(damaged), LoginPolicy::default());
        assert!(EmParameters::default().is_active && EmParameters::default().letters);
    }
}
