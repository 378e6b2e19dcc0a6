//! Documents that go out, byte for byte as clients cut them apart (extension-mobility.md 4): one element a line, nothing before it, a
//! declaration where nothing was asked but done.
//!
//! Promises that no failure holds the word `success` and no success holds `<error`: many clients look for nothing else. Texts of failures
//! are fixed and repeat nothing of the request.

use super::percent::encode_id;
use crate::em::error::EmCode;
use crate::soap::write::Writer;
use crate::store::presence::{Person, PhonePresence};

/// Which documents have a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declaration {
    /// Answers to requests.
    Yes,
    /// Answers to queries.
    No,
}

/// A request was carried out.
pub(super) fn success() -> Vec<u8> {
    let mut lines = Lines::open(Declaration::Yes);
    lines.line("success", "");
    lines.finish()
}

/// A request or query was refused.
pub(super) fn failure(code: EmCode, declaration: Declaration) -> Vec<u8> {
    let mut lines = Lines::open(declaration);
    lines.start("failure", None);
    lines.0.start("error").attribute("code", &code.number().to_string()).text(text(code));
    lines.end();
    lines.finish()
}

/// Who is on phones, in the order asked.
pub(super) fn phones(asked: &[(String, Option<PhonePresence>)]) -> Vec<u8> {
    let mut lines = results("deviceUserResults");
    for (name, found) in asked {
        let name = found.as_ref().map_or(name, |phone| &phone.name);
        lines.start("device", Some(("name", name)));
        match found {
            None => lines.line("doesNotExist", ""),
            Some(phone) => {
                lines.line_or_none("userID", phone.user.as_deref().map(encode_id).as_deref());
                lines.line_or_none("lastlogin", phone.last_user.as_deref());
                lines.line("emccDevice", "no");
            }
        }
        lines.end();
    }
    lines.finish()
}

/// On which phones users are, in the order asked.
pub(super) fn devices(asked: &[(String, Option<Person>)]) -> Vec<u8> {
    users("userDevicesResults", asked, |lines, person| {
        person.phones.iter().for_each(|phone| lines.line("deviceName", phone));
        if person.phones.is_empty() {
            lines.line("none", "");
        }
    })
}

/// Which users there are, in the order asked.
pub(super) fn existing(asked: &[(String, Option<Person>)]) -> Vec<u8> {
    users("checkUserResults", asked, |lines, person| lines.line("exists", &encode_id(&person.name)))
}

/// The profiles of users, in the order asked.
pub(super) fn profiles(asked: &[(String, Option<Person>)]) -> Vec<u8> {
    users("deviceProfileResults", asked, |lines, person| {
        for profile in &person.profiles {
            lines.start("deviceProfile", None);
            lines.line("deviceProfileName", profile);
            let is_default = person.default_profile.as_ref() == Some(profile);
            lines.line("isDefaultDeviceProfile", if is_default { "t" } else { "f" });
            lines.end();
        }
        if person.profiles.is_empty() {
            lines.line("none", "");
        }
    })
}

fn users(name: &str, asked: &[(String, Option<Person>)], one: impl Fn(&mut Lines, &Person)) -> Vec<u8> {
    let mut lines = results(name);
    for (id, found) in asked {
        let id = found.as_ref().map_or(id, |person| &person.name);
        lines.start("user", Some(("id", &encode_id(id))));
        match found {
            Some(person) => one(&mut lines, person),
            None => lines.line("doesNotExist", ""),
        }
        lines.end();
    }
    lines.finish()
}

fn results(name: &str) -> Lines {
    let mut lines = Lines::open(Declaration::No);
    lines.start(name, None);
    lines
}

/// Texts of failures that are not the title of the code; clients look for parts of some (extension-mobility.md 4.6).
const OWN_TEXTS: [(EmCode, &str); 4] = [
    (EmCode::InvalidApp, "DB Query Error: Application Authentication Error: Could not authenticate"),
    (
        EmCode::PhoneOccupied,
        "Policy Violation: com.cisco.emservice.PolicyValidatorException: Phone currently has user logged in.",
    ),
    (
        EmCode::LoginDisabled,
        "Policy Violation: com.cisco.emservice.PolicyValidatorException: Device does not allow hoteling.",
    ),
    (
        EmCode::LoggedInElsewhere,
        "Policy Violation: com.cisco.emservice.PolicyValidatorException: Not allowed to log into multiple devices.",
    ),
];

fn text(code: EmCode) -> &'static str {
    OWN_TEXTS.iter().find(|(own, _)| *own == code).map_or(code.entry().title, |(_, text)| text)
}

/// A document under way.
struct Lines(Writer);

impl Lines {
    fn open(declaration: Declaration) -> Self {
        let mut writer = Writer::new();
        if declaration == Declaration::Yes {
            writer.written(b"<?xml version=\"1.0\"?>\n");
        }
        let mut lines = Self(writer);
        lines.start("response", None);
        lines
    }

    fn start(&mut self, name: &str, attribute: Option<(&str, &str)>) {
        self.0.start(name);
        if let Some((name, value)) = attribute {
            self.0.attribute(name, value);
        }
        self.0.written(b"\n");
    }

    fn end(&mut self) {
        self.0.end().written(b"\n");
    }

    fn line(&mut self, name: &str, text: &str) {
        self.0.element(name, text).written(b"\n");
    }

    /// Clients count the children of a device.
    fn line_or_none(&mut self, name: &str, text: Option<&str>) {
        match text {
            Some(text) => self.line(name, text),
            None => self.line("none", ""),
        }
    }

    /// Closes what is open, each on a line of its own.
    fn finish(mut self) -> Vec<u8> {
        while self.0.is_open() {
            self.end();
        }
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::em::error::CODES;

    #[test]
    fn no_failure_speaks_of_success_and_no_success_holds_an_error() {
        for code in CODES {
            for (declaration, start) in [
                (Declaration::Yes, "<?xml version=\"1.0\"?>\n<response>\n"),
                (Declaration::No, "<response>\n"),
            ] {
                let document = String::from_utf8(failure(code, declaration)).unwrap();
                assert!(document.starts_with(start) && document.ends_with("\n</response>\n"), "{document}");
                assert!(!document.to_lowercase().contains("success"), "{document}");
                assert!(document.contains(&format!("\n<error code=\"{}\">", code.number())), "{document}");
                assert!(document.lines().all(|line| line.matches('>').count() <= 2), "{document}");
            }
        }
        assert_eq!(success(), b"<?xml version=\"1.0\"?>\n<response>\n<success/>\n</response>\n");
        let hostile = "\n<error code=\"1\">".to_owned();
        for document in [phones(&[(hostile.clone(), None)]), existing(&[(hostile, None)])] {
            let document = String::from_utf8(document).unwrap();
            assert!(!document.contains("<error") && document.lines().count() == 7, "{document}");
        }
    }
}
