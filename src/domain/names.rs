//! Names as people and programs write them. They compare without case and width and keep their spelling (design.md 11).

use icu_normalizer::ComposingNormalizerBorrowed;

/// The form in which names are compared: compatibility-composed, without case.
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    nfkc.normalize(&nfkc.normalize(name).to_lowercase()).into_owned()
}

/// Why a text is no name of its kind; the text itself is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A device name with other characters, empty or longer than 128.
    #[error("a device name is 1 to 128 letters, digits, dots, underscores or hyphens")]
    Device,
    /// A user id that cannot be stored.
    #[error("a user id is 1 to 128 characters without control or formatting characters")]
    User,
    /// An object name that cannot be stored.
    #[error("a name is not empty and holds no control characters")]
    Object,
}

/// The name of a phone: `SEP` or `ATA` and a MAC address in upper case, or another name as provisioned (PHONE-2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceName(String);

/// The id with which a person or program names itself; no control or formatting characters (PHONE-2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(String);

impl DeviceName {
    /// The name as stored and shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl UserId {
    /// The id in its own spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for DeviceName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if !(1..=128).contains(&text.len()) || !text.bytes().all(legal) {
            return Err(NameError::Device);
        }
        let upper = text.to_ascii_uppercase();
        let mac = upper.strip_prefix("SEP").or_else(|| upper.strip_prefix("ATA"));
        let physical = mac.is_some_and(|m| m.len() == 12 && m.bytes().all(|b| b.is_ascii_hexdigit()));
        Ok(Self(if physical { upper } else { text.to_owned() }))
    }
}

impl std::str::FromStr for UserId {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = (1..=128).contains(&text.chars().count());
        if !fits || text.chars().any(|c| c.is_control() || is_invisible(c)) {
            return Err(NameError::User);
        }
        Ok(Self(ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()))
    }
}

/// Whether a character formats, or shows nothing: two ids that differ by it look the same (PHONE-2).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}' | '\u{890}'..='\u{891}'
        | '\u{8E2}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{E000}'..='\u{F8FF}' | '\u{FDD0}'..='\u{FDEF}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFF}' | '\u{110BD}' | '\u{110CD}'
        | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{10FFFF}')
}

impl std::fmt::Display for DeviceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn physical_phones_are_stored_in_upper_case() {
        let name: DeviceName = "sep0011aabbccdd".parse().unwrap();
        assert_eq!(name.as_str(), "SEP0011AABBCCDD");
        assert_eq!("Lobby-1".parse::<DeviceName>().unwrap().as_str(), "Lobby-1");
        assert_eq!("SEP 1".parse::<DeviceName>(), Err(NameError::Device));
    }

    #[test]
    fn names_compare_without_case_and_width() {
        assert_eq!(fold("Ｊörg"), fold("jÖRG"));
    }

    #[test]
    fn invisible_characters_are_no_user_id() {
        for invisible in ["\u{200B}", "\u{61C}", "\u{180E}", "\u{3164}", "\u{FE0F}", "\u{FFFD}", "\u{E0001}"]
        {
            assert_eq!(format!("j{invisible}doe").parse::<UserId>(), Err(NameError::User), "{invisible:?}");
        }
        assert!("jörg.東京".parse::<UserId>().is_ok());
    }
}
