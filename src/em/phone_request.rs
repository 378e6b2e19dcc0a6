//! What a phone sends to its Extension Mobility service, read from the query string.
//!
//! Names are case sensitive, unknown ones are ignored, a known one that comes twice is refused, never merged (PHONE-2). The PIN leaves
//! here as a `Pin` and is nowhere logged.

use zeroize::Zeroizing;

use super::error::EmCode;
use crate::domain::names::DeviceName;

/// One request of a phone.
pub(super) struct PhoneRequest {
    /// The phone, as it names itself.
    pub(super) phone: DeviceName,
    /// What it wants.
    pub(super) wish: Wish,
}

/// What a phone wants.
pub(super) enum Wish {
    /// The form, or the question whether to log out.
    Open,
    /// Log in with what was typed; neither is blank.
    LogIn {
        /// User id as typed.
        user_id: String,
        /// PIN as typed.
        pin: Zeroizing<String>,
    },
    /// Log out.
    LogOut,
}

#[derive(Default)]
struct Parameters {
    device: Option<String>,
    user_id: Option<String>,
    pin: Option<Zeroizing<String>>,
    login_type: Option<String>,
    log_out: Option<String>,
}

/// Reads the pairs of a query string; the order of refusals is 207, 215, 202, 11.
pub(super) fn parse(pairs: Vec<(String, String)>) -> Result<PhoneRequest, EmCode> {
    let Parameters { device, user_id, pin, login_type, log_out } = gather(pairs)?;
    let device = device.filter(|d| !d.trim().is_empty()).ok_or(EmCode::DeviceNameEmpty)?;
    if !matches!(login_type.as_deref(), None | Some("" | "null" | "UID")) {
        return Err(EmCode::LoginTypeInvalid);
    }
    let wish = match (log_out.as_deref(), user_id, pin) {
        (Some("true"), _, _) => Wish::LogOut,
        (_, None, None) => Wish::Open,
        (_, Some(user_id), Some(pin)) if !user_id.trim().is_empty() && !pin.is_empty() => {
            Wish::LogIn { user_id, pin }
        }
        (_, _, _) => return Err(EmCode::BlankCredential),
    };
    Ok(PhoneRequest { phone: device.parse().map_err(|_| EmCode::PhoneAbsent)?, wish })
}

fn gather(pairs: Vec<(String, String)>) -> Result<Parameters, EmCode> {
    let mut parameters = Parameters::default();
    for (name, value) in pairs {
        let repeated = match name.as_str() {
            "device" => parameters.device.replace(value).is_some(),
            "userid" => parameters.user_id.replace(value).is_some(),
            "seq" => parameters.pin.replace(Zeroizing::new(value)).is_some(),
            "loginType" => parameters.login_type.replace(value).is_some(),
            "doLogout" => parameters.log_out.replace(value).is_some(),
            _ => false,
        };
        if repeated {
            return Err(EmCode::Parse);
        }
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(pairs: &[(&str, &str)]) -> Option<EmCode> {
        parse(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()).err()
    }

    #[test]
    fn refusals_come_in_their_order() {
        assert_eq!(code(&[]), Some(EmCode::DeviceNameEmpty));
        assert_eq!(code(&[("device", " "), ("loginType", "X")]), Some(EmCode::DeviceNameEmpty));
        assert_eq!(code(&[("device", "SEP1"), ("loginType", "X")]), Some(EmCode::LoginTypeInvalid));
        assert_eq!(code(&[("device", "a b"), ("userid", "ada"), ("seq", "")]), Some(EmCode::BlankCredential));
        assert_eq!(code(&[("device", "SEP1"), ("seq", "1")]), Some(EmCode::BlankCredential));
        assert_eq!(code(&[("device", "a b")]), Some(EmCode::PhoneAbsent));
        assert_eq!(code(&[("device", "SEP1"), ("device", "SEP2")]), Some(EmCode::Parse));
        assert_eq!(code(&[("device", "SEP1"), ("EMCC", "#EMCC#"), ("check", "1"), ("check", "2")]), None);
    }
}
