//! The numbers that phones and programs see: one registry, the only place where an Extension Mobility code exists.
//!
//! Each code has its number, a stable name, the text a phone shows and what to do about it. Codes are never reused.

/// A refusal or failure of a login, logout or phone page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EmCode {
    /// Anything not classified.
    Unknown,
    /// The request cannot be read, or says something twice.
    Parse,
    /// The database cannot answer, or the outcome is not known.
    Database,
    /// No such phone.
    PhoneAbsent,
    /// No such device profile, or none that this user may use.
    ProfileNotFound,
    /// Somebody else is logged in on the phone.
    PhoneOccupied,
    /// Nobody is logged in on the phone.
    NobodyLoggedIn,
    /// Extension Mobility is off on the phone, at logout.
    LogoutDisabled,
    /// Extension Mobility is off on the phone.
    LoginDisabled,
    /// No such user.
    UserAbsent,
    /// The user is logged in on another phone.
    LoggedInElsewhere,
    /// Too many requests at once, or from one source.
    Busy,
    /// Wrong user id or PIN.
    Authentication,
    /// User id or PIN left empty.
    BlankCredential,
    /// The user has no device profile.
    ProfileAbsent,
    /// The request names no phone.
    DeviceNameEmpty,
    /// The login type is none we know.
    LoginTypeInvalid,
    /// The application is unknown or its password is wrong; never told apart.
    InvalidApp,
    /// A query of no known kind.
    QueryType,
    /// The caller may not act for this user.
    ProxyRight,
    /// The PIN has expired and must be changed.
    PinExpired,
    /// Addresses are validated, and this one is not trusted.
    UntrustedAddress,
    /// Addresses are validated, and proxies are not allowed.
    ProxyNotAllowed,
    /// The PIN must be changed before it can be used.
    PinMustChange,
    /// The service behind the page is not there.
    ServiceConnection,
    /// The extension typed is the primary one of several users.
    ExtensionOfMany,
    /// The phone is protected: it plays the secure tone.
    PhoneProtected,
    /// The user's home cluster is another one.
    HomeElsewhere,
}

/// What is being done when a code appears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// Logging in.
    Login,
    /// Logging out.
    Logout,
}

impl Doing {
    /// As events, logs and metrics write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
        }
    }
}

/// All there is to say about a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmCodeEntry {
    /// The code.
    pub code: EmCode,
    /// Its number.
    pub number: u16,
    /// Stable short name, as in events and logs.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// What the person at the phone or the operator can do.
    pub advice: &'static str,
}

/// Every code, by number.
pub const CODES: [EmCode; 28] = [
    EmCode::Unknown,
    EmCode::Parse,
    EmCode::InvalidApp,
    EmCode::LogoutDisabled,
    EmCode::Database,
    EmCode::QueryType,
    EmCode::ProxyRight,
    EmCode::PhoneAbsent,
    EmCode::ProfileNotFound,
    EmCode::PhoneOccupied,
    EmCode::NobodyLoggedIn,
    EmCode::LoginDisabled,
    EmCode::UserAbsent,
    EmCode::LoggedInElsewhere,
    EmCode::Busy,
    EmCode::PinExpired,
    EmCode::UntrustedAddress,
    EmCode::ProxyNotAllowed,
    EmCode::PinMustChange,
    EmCode::Authentication,
    EmCode::BlankCredential,
    EmCode::ProfileAbsent,
    EmCode::DeviceNameEmpty,
    EmCode::ServiceConnection,
    EmCode::LoginTypeInvalid,
    EmCode::ExtensionOfMany,
    EmCode::PhoneProtected,
    EmCode::HomeElsewhere,
];

/// What a phone shows in English where that is not `Login is unavailable(N)`, as printed in the public guides (blank before the bracket
/// or not).
const OWN_PROMPTS: [(EmCode, &str); 7] = [
    (EmCode::Authentication, "Please try to login again ({number})"),
    (EmCode::BlankCredential, "Please try to login again ({number})"),
    (EmCode::LoggedInElsewhere, "Multi-Login Not Allowed ({number})"),
    (EmCode::UserAbsent, "{what} is Unavailable ({number})"),
    (EmCode::ProfileAbsent, "{what} is unavailable ({number})"),
    (EmCode::LoginTypeInvalid, "LoginType invalid({number})"),
    (EmCode::ExtensionOfMany, "DN has multiple users({number})"),
];

fn prompted(prompt: &str, doing: Doing, number: u16) -> String {
    let what = match doing {
        Doing::Login => "Login",
        Doing::Logout => "Logout",
    };
    prompt.replace("{what}", what).replace("{number}", &number.to_string())
}

impl EmCode {
    /// All there is to say about this code.
    #[rustfmt::skip]
    pub const fn entry(self) -> EmCodeEntry {
        let (number, name, title, advice) = match self {
            Self::Unknown => (0, "unknown", "Unknown Error", "Try again; tell the administrator if it stays."),
            Self::Parse => (1, "parse-error", "Error on Parsing", "The request of this phone cannot be read."),
            Self::InvalidApp => (3, "invalid-app-user", "Invalid App User", "The application and its password do not fit."),
            Self::LogoutDisabled => (5, "logout-disabled", "Dev Logon Disabled", "Extension Mobility is off on this phone."),
            Self::Database => (6, "database-error", "Database Error", "The service cannot reach its data. Try again shortly."),
            Self::QueryType => (8, "query-type-undetermined", "Query Type Undetermined", "The query asks nothing that is known."),
            Self::ProxyRight => (10, "no-proxy-right", "User Lacks App Proxy Rights", "Give the application the group Standard EM Authentication Proxy Rights."),
            Self::PhoneAbsent => (11, "phone-absent", "Device Does Not Exist", "This phone is not known. Ask the administrator to add it."),
            Self::ProfileNotFound => (12, "profile-not-found", "Dev Profile Not Found", "No device profile fits. Ask the administrator for a default profile."),
            Self::PhoneOccupied => (18, "phone-occupied", "Another User Logged In", "Log out on this phone first."),
            Self::NobodyLoggedIn => (19, "nobody-logged-in", "No User Logged In", "Nobody is logged in on this phone."),
            Self::LoginDisabled => (22, "device-logon-disabled", "Dev Logon Disabled", "Extension Mobility is off on this phone."),
            Self::UserAbsent => (23, "user-absent", "User Not Found", "This user is not known."),
            Self::LoggedInElsewhere => (25, "user-logged-in-elsewhere", "User Logged in Elsewhere", "Log out on the other phone first."),
            Self::Busy => (26, "busy", "Busy Please Try Again", "Too many requests. Try again in a minute."),
            Self::PinExpired => (27, "credential-expired", "Change Password", "The PIN has expired. Change it first."),
            Self::UntrustedAddress => (28, "untrusted-address", "Untrusted IP Error", "This address may not log in or out here. Ask the administrator to trust it."),
            Self::ProxyNotAllowed => (30, "proxy-not-allowed", "Proxy Not Allowed", "The request came through a proxy. Ask the administrator to allow it."),
            Self::PinMustChange => (41, "pin-change-required", "PIN Change Is Required", "Change the PIN first."),
            Self::Authentication => (201, "authentication-error", "Authentication Error", "Check user ID and PIN."),
            Self::BlankCredential => (202, "blank-user-or-pin", "Blank User ID or PIN", "Enter both user ID and PIN."),
            Self::ProfileAbsent => (205, "profile-absent", "User Profile Absent", "Ask the administrator for a device profile."),
            Self::DeviceNameEmpty => (207, "device-name-empty", "Device Name Empty", "The service URL of this phone names no device."),
            Self::ServiceConnection => (208, "service-connection-error", "EM Service Connection Error", "Extension Mobility is not active on this server. Try again shortly."),
            Self::LoginTypeInvalid => (215, "login-type-invalid", "Login Type Invalid", "The login type in the service URL must be UID, SP or DN."),
            Self::ExtensionOfMany => (216, "dn-has-multiple-users", "DN Has Multiple Users", "Several users have this extension. Log in by user ID."),
            Self::PhoneProtected => (251, "phone-protected", "Protected Phone", "Extension Mobility is not available on a protected phone."),
            Self::HomeElsewhere => (252, "home-cluster-elsewhere", "Home Cluster Elsewhere", "This user belongs to another cluster."),
        };
        EmCodeEntry { code: self, number, name, title, advice }
    }

    /// Whether the moment is in the way, not a rule or a mistake: the same request may succeed a little later.
    pub fn is_of_the_moment(self) -> bool {
        matches!(self, Self::Database | Self::Busy | Self::ServiceConnection)
    }

    /// The number.
    pub fn number(self) -> u16 {
        self.entry().number
    }

    /// The code of a number.
    pub fn of_number(number: u16) -> Option<Self> {
        CODES.into_iter().find(|code| code.number() == number)
    }

    /// What a phone shows in English where it is not what it shows of other codes.
    pub fn own_prompt(self, doing: Doing) -> Option<String> {
        let (_, prompt) = OWN_PROMPTS.iter().find(|(code, _)| *code == self)?;
        Some(prompted(prompt, doing, self.number()))
    }

    /// What a phone shows in English.
    pub fn phone_text(self, doing: Doing) -> String {
        self.own_prompt(doing)
            .unwrap_or_else(|| prompted("{what} is unavailable({number})", doing, self.number()))
    }
}

impl std::fmt::Display for EmCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let entry = self.entry();
        write!(f, "EM {}: {}", entry.number, entry.title)
    }
}

impl std::error::Error for EmCode {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_stands_once_in_the_registry_and_fits_a_prompt() {
        let numbers: BTreeSet<u16> = CODES.iter().map(|code| code.number()).collect();
        assert_eq!(numbers.len(), CODES.len());
        // only the source knows how many there are
        let (_, variants) = include_str!("error.rs").split_once("pub enum EmCode {").unwrap();
        let variants = variants.lines().take_while(|line| *line != "}");
        assert_eq!(variants.filter(|line| line.ends_with(',')).count(), CODES.len());
        for entry in CODES.map(EmCode::entry) {
            for doing in [Doing::Login, Doing::Logout] {
                let text = entry.code.phone_text(doing);
                assert!(text.len() <= 32 && text.contains(&format!("({})", entry.number)), "{text}");
            }
        }
    }
}
