//! What a phone sends to the page, read from the query string.
//!
//! Names are case sensitive, unknown ones are ignored, a known one that comes twice is refused, never merged (PHONE-2). PINs leave here
//! as [`Pin`]s and are nowhere logged.

use zeroize::Zeroizing;

use super::refusal::Refusal;
use crate::domain::names::DeviceName;
use crate::domain::secret::Pin;
use crate::em::error::EmCode;

/// One request of a phone.
pub(super) struct CredentialRequest {
    /// The phone, as it names itself.
    pub(super) phone: DeviceName,
    /// What it wants.
    pub(super) wish: Wish,
}

/// What a phone wants.
pub(super) enum Wish {
    /// The form; with a user id it does not ask for one.
    Open(Option<String>),
    /// The change.
    Change(Typed),
}

/// What was typed; no field is blank, and the new PIN was repeated.
pub(super) struct Typed {
    pub(super) user_id: String,
    pub(super) old: Zeroizing<String>,
    pub(super) new: Pin,
}

#[derive(Default)]
struct Parameters {
    device: Option<String>,
    change: Option<String>,
    user_id: Option<String>,
    old: Option<Zeroizing<String>>,
    new: Option<Zeroizing<String>>,
    again: Option<Zeroizing<String>>,
}

/// Reads the pairs of a query string.
pub(super) fn parse(pairs: Vec<(String, String)>) -> Result<CredentialRequest, Refusal> {
    let Parameters { device, change, user_id, old, new, again } = by_name(pairs)?;
    let unavailable = |code| Refusal::Unavailable(code);
    let device =
        device.filter(|d| !d.trim().is_empty()).ok_or_else(|| unavailable(EmCode::DeviceNameEmpty))?;
    let wish = match change.as_deref() {
        Some("true") => Wish::Change(typed(user_id, [old, new, again])?),
        Some(_) | None => Wish::Open(user_id.filter(|id| !id.trim().is_empty())),
    };
    Ok(CredentialRequest { phone: device.parse().map_err(|_| unavailable(EmCode::PhoneAbsent))?, wish })
}

fn typed(user_id: Option<String>, pins: [Option<Zeroizing<String>>; 3]) -> Result<Typed, Refusal> {
    let [old, new, again] = pins.map(|pin| pin.filter(|p| !p.is_empty()).ok_or(Refusal::Blank));
    let user_id = user_id.filter(|id| !id.trim().is_empty()).ok_or(Refusal::Blank)?;
    let (old, new, again) = (old?, new?, again?);
    if new != again {
        return Err(Refusal::Differ);
    }
    Ok(Typed { user_id, old, new: new.parse().map_err(|_| Refusal::NoPin)? })
}

fn by_name(pairs: Vec<(String, String)>) -> Result<Parameters, Refusal> {
    let mut parameters = Parameters::default();
    let Parameters { device, change, user_id, old, new, again } = &mut parameters;
    for (name, value) in pairs {
        let repeated = match name.as_str() {
            "device" => device.replace(value).is_some(),
            "changePin" => change.replace(value).is_some(),
            "userid" => user_id.replace(value).is_some(),
            "oldpin" => old.replace(Zeroizing::new(value)).is_some(),
            "newpin" => new.replace(Zeroizing::new(value)).is_some(),
            "confirmnewpin" => again.replace(Zeroizing::new(value)).is_some(),
            _ => false,
        };
        if repeated {
            return Err(Refusal::Unavailable(EmCode::Parse));
        }
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::em::texts::Texts;

    fn refused(query: &str) -> Option<String> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let parsed = parse(pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect());
        parsed.err().map(|refusal| refusal.prompt(&Texts::built_in().unwrap().choose("en")))
    }

    #[test]
    fn refusals_come_in_their_order() {
        let change = "changePin=true&userid=ada&oldpin=1&newpin=2&confirmnewpin=2";
        for (query, prompt) in [
            ("", "PIN change is unavailable(207)"),
            ("device= &changePin=true", "PIN change is unavailable(207)"),
            ("device=a b&changePin=true&userid=ada", "Fill in all fields"),
            ("device=a b", "PIN change is unavailable(11)"),
            (&format!("device=SEP1&{change}&newpin=2"), "PIN change is unavailable(1)"),
            (&format!("device=SEP1&{}", change.replace("ada", "")), "Fill in all fields"),
            (&format!("device=SEP1&{}", change.replace("oldpin=1", "oldpin=")), "Fill in all fields"),
            (
                &format!("device=SEP1&{}", change.replace("&newpin=2", "&newpin=3")),
                "New PIN and Confirm PIN differ",
            ),
            (&format!("device=SEP1&{}", change.replace("newpin=2", "newpin=2x")), "A PIN is 1 to 64 digits"),
        ] {
            assert_eq!(refused(query).as_deref(), Some(prompt), "{query}");
        }
        for query in [format!("device=SEP1&{change}&x=1&x=2"), "device=SEP1&changePin=1&oldpin=2".to_owned()]
        {
            assert_eq!(refused(&query), None, "{query}");
        }
    }
}
