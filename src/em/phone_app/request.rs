//! What a phone sends to its Extension Mobility service, read from the query string.
//!
//! Names are case sensitive, unknown ones are ignored but for a login type in another spelling, and one that comes twice is refused, never
//! merged (PHONE-2). The PIN leaves here as typed and is nowhere logged.

use std::collections::HashSet;

use zeroize::Zeroizing;

use crate::domain::event::LoginMethod;
use crate::domain::names::DeviceName;
use crate::em::error::EmCode;

/// One request of a phone.
pub(super) struct PhoneRequest {
    /// The phone, as it names itself.
    pub(super) phone: DeviceName,
    /// What the person types to say who it is.
    pub(super) login_type: LoginMethod,
    /// What it wants.
    pub(super) wish: Wish,
}

/// What a phone wants.
pub(super) enum Wish {
    /// The form, or the question whether to log out.
    Open,
    /// Log in with what was typed; neither is blank.
    LogIn {
        /// User id, extension or self-service id as typed.
        typed: String,
        /// PIN as typed.
        pin: Zeroizing<String>,
    },
    /// Log in with a profile of the menu, or see more of the menu.
    Choose {
        /// What stands for the PIN.
        ticket: Zeroizing<String>,
        /// The profile by its identity; none: the next page of the menu.
        profile: Option<String>,
        /// How many profiles were shown before.
        shown: usize,
    },
    /// Log out.
    LogOut,
    /// Extend the session that ends then, in seconds since 1970.
    Extend(i64),
    /// Why somebody is not logged in any more.
    Notice,
}

/// The names that a service URL may give a login type, and what each means.
pub(super) const LOGIN_TYPES: [(&str, LoginMethod); 3] =
    [("UID", LoginMethod::UserId), ("SP", LoginMethod::SelfServiceId), ("DN", LoginMethod::PrimaryExtension)];

#[derive(Default)]
struct Parameters {
    device: Option<String>,
    user_id: Option<String>,
    pin: Option<Zeroizing<String>>,
    login_type: Option<String>,
    log_out: Option<String>,
    ticket: Option<Zeroizing<String>>,
    profile: Option<String>,
    shown: Option<String>,
    extend: Option<String>,
    notice: Option<String>,
    misspells_login_type: bool,
}

/// What cannot be read.
pub(super) struct Unreadable {
    /// Why.
    pub(super) code: EmCode,
    /// The page to begin again with, where that can be read.
    pub(super) page: Option<(DeviceName, LoginMethod)>,
}

impl From<EmCode> for Unreadable {
    fn from(code: EmCode) -> Self {
        Self { code, page: None }
    }
}

/// Reads the pairs of a query string; the order of refusals is 1, 207, 215, 202, 11.
pub(super) fn parse(pairs: Vec<(String, String)>) -> Result<PhoneRequest, Unreadable> {
    let Parameters {
        device,
        user_id,
        pin,
        login_type,
        log_out,
        ticket,
        profile,
        shown,
        extend,
        notice,
        misspells_login_type,
    } = gather(pairs)?;
    let device = device.filter(|d| !d.trim().is_empty()).ok_or(EmCode::DeviceNameEmpty)?;
    if misspells_login_type {
        return Err(EmCode::LoginTypeInvalid.into());
    }
    let login_type = parse_login_type(login_type.as_deref())?;
    let wish = match (log_out.as_deref(), ticket, user_id, pin) {
        (Some("true"), ..) => Wish::LogOut,
        (_, Some(ticket), ..) => {
            Wish::Choose { ticket, profile, shown: shown.and_then(|n| n.parse().ok()).unwrap_or_default() }
        }
        (_, None, None, None) => match extend.and_then(|end| end.parse().ok()) {
            Some(end) => Wish::Extend(end),
            None if notice.as_deref() == Some("true") => Wish::Notice,
            None => Wish::Open,
        },
        (_, None, Some(typed), Some(pin)) if !typed.trim().is_empty() && !pin.trim().is_empty() => {
            Wish::LogIn { typed: typed.trim().to_owned(), pin }
        }
        (..) => {
            let page = device.parse().ok().map(|phone| (phone, login_type));
            return Err(Unreadable { code: EmCode::BlankCredential, page });
        }
    };
    Ok(PhoneRequest { phone: device.parse().map_err(|_| EmCode::PhoneAbsent)?, login_type, wish })
}

/// Firmware may send `null` or nothing where the service URL names no type.
fn parse_login_type(text: Option<&str>) -> Result<LoginMethod, EmCode> {
    match text {
        None | Some("" | "null") => Ok(LoginMethod::UserId),
        Some(text) => LOGIN_TYPES
            .into_iter()
            .find_map(|(name, method)| (name == text).then_some(method))
            .ok_or(EmCode::LoginTypeInvalid),
    }
}

fn gather(pairs: Vec<(String, String)>) -> Result<Parameters, EmCode> {
    let (mut parameters, mut names) = (Parameters::default(), HashSet::new());
    for (name, value) in pairs {
        match name.as_str() {
            "device" => parameters.device = Some(value),
            "userid" => parameters.user_id = Some(value),
            "seq" => parameters.pin = Some(Zeroizing::new(value)),
            "loginType" => parameters.login_type = Some(value),
            // EM-043: whoever wrote the URL meant it, and would wonder why phones ask for something else
            other if other.eq_ignore_ascii_case("loginType") => parameters.misspells_login_type = true,
            "doLogout" => parameters.log_out = Some(value),
            "t" => parameters.ticket = Some(Zeroizing::new(value)),
            "p" => parameters.profile = Some(value),
            "extend" => parameters.extend = Some(value),
            "notice" => parameters.notice = Some(value),
            "n" => parameters.shown = Some(value),
            _ => {}
        }
        if !names.insert(name) {
            return Err(EmCode::Parse);
        }
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(pairs: &[(&str, &str)]) -> Option<EmCode> {
        parse(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
            .err()
            .map(|unreadable| unreadable.code)
    }

    #[test]
    fn refusals_come_in_their_order() {
        assert_eq!(code(&[]), Some(EmCode::DeviceNameEmpty));
        assert_eq!(code(&[("device", " "), ("loginType", "X")]), Some(EmCode::DeviceNameEmpty));
        assert_eq!(code(&[("device", "SEP1"), ("loginType", "uid")]), Some(EmCode::LoginTypeInvalid));
        assert_eq!(code(&[("device", "a b"), ("userid", "ada"), ("seq", "")]), Some(EmCode::BlankCredential));
        assert_eq!(code(&[("device", "SEP1"), ("seq", "1")]), Some(EmCode::BlankCredential));
        assert_eq!(code(&[("device", "a b")]), Some(EmCode::PhoneAbsent));
        assert_eq!(code(&[("device", "SEP1"), ("device", "SEP2")]), Some(EmCode::Parse));
        assert_eq!(code(&[("device", "SEP1"), ("check", "1"), ("check", "2")]), Some(EmCode::Parse));
        assert_eq!(code(&[("device", "SEP1"), ("EMCC", "#EMCC#"), ("check", "1")]), None);
        for name in ["LoginType", "logintype"] {
            let pairs = [("device", "SEP1"), (name, "DN"), ("loginType", "UID")];
            assert_eq!(code(&pairs), Some(EmCode::LoginTypeInvalid), "{name}");
        }
    }
}
