//! The grammar of requests and queries (extension-mobility.md 3), for those who want to be strict: every element where it belongs, none
//! besides, no text between elements.

use crate::soap::tree::Element;

/// What stands at one place inside an element.
enum Part {
    /// One of these.
    One(&'static [&'static str]),
    /// This, or nothing.
    Maybe(&'static str),
    /// This, once or more often.
    Some(&'static str),
}

use Part::{Maybe, One, Some as Several};

const REMOTE: Part = Maybe("remoteIPAddr");
const PROXIED: Part = Maybe("isViaHeaderSet");

/// What stands inside an element; none: text, or nothing.
fn parts(name: &str) -> Option<&'static [Part]> {
    Some(match name {
        "request" => &[One(&["appInfo"]), One(&["login", "logout", "logoutAll"])],
        "query" => &[
            One(&["appInfo"]),
            One(&[
                "deviceUserQuery",
                "userDevicesQuery",
                "checkUser",
                "deviceProfileQuery",
                "userDeviceProfileQuery",
            ]),
        ],
        "appInfo" => &[One(&["appID"]), One(&["appCertificate", "appEncryptedCertificate"])],
        "login" => &[
            One(&["deviceName"]),
            One(&["userID"]),
            Maybe("deviceProfile"),
            Maybe("exclusiveDuration"),
            REMOTE,
            PROXIED,
        ],
        "logout" => &[One(&["deviceName"]), REMOTE, PROXIED],
        "logoutAll" => &[REMOTE, PROXIED],
        "exclusiveDuration" => &[One(&["time", "indefinite"])],
        "indefinite" => &[],
        // servers of a later release send their login type with it
        "deviceUserQuery" => &[Several("deviceName"), Maybe("loginType"), REMOTE],
        "userDevicesQuery" => &[Several("userID"), REMOTE],
        "checkUser" | "deviceProfileQuery" | "userDeviceProfileQuery" => {
            &[Several("userID"), REMOTE, PROXIED]
        }
        _ => return None,
    })
}

/// Whether an element and all in it is as the grammar says.
pub(super) fn allows(element: &Element) -> bool {
    let Some(parts) = parts(&element.name) else {
        return element.children.is_empty() && element.attributes.is_empty();
    };
    let names: Vec<&str> = element.children.iter().map(|child| child.name.as_str()).collect();
    let rest = parts.iter().try_fold(names.as_slice(), |names, part| part.take(names));
    rest.is_some_and(<[&str]>::is_empty)
        && element.text.trim().is_empty()
        && element.attributes.is_empty()
        && element.children.iter().all(allows)
}

impl Part {
    /// What is left after this part; none: it is missing.
    fn take<'n, 'e>(&self, names: &'n [&'e str]) -> Option<&'n [&'e str]> {
        match self {
            One(known) => {
                names.split_first().filter(|(first, _)| known.contains(first)).map(|(_, rest)| rest)
            }
            Maybe(known) => Some(names.strip_prefix(&[*known]).unwrap_or(names)),
            Several(known) => {
                let many = names.iter().take_while(|name| *name == known).count();
                names.get(many..).filter(|_| many > 0)
            }
        }
    }
}
