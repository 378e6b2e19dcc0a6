//! What one piece of text may be, and its canonical form (axl.md 5).

use std::borrow::Cow;

use crate::soap::scalar::{format_uuid, parse_bool, parse_uuid};

/// What kind of text a scalar holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextClass {
    /// Any characters.
    Plain,
    /// A boolean.
    Boolean,
    /// A whole number between two bounds, both included.
    Integer(i64, i64),
    /// A uuid.
    Uuid,
    /// A music source: 0 to 51, or the word `null`.
    MusicSource,
    /// Twelve hexadecimal digits.
    MacAddress,
}

/// What a scalar may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextRule {
    /// The kind of text.
    pub class: TextClass,
    /// How many characters at most.
    pub max_length: Option<usize>,
}

/// What is wrong with an element; the texts never repeat what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It must be given and must not be empty.
    #[error("a value is required")]
    Missing,
    /// It names an object, a credential, a role or a target, and stands there twice.
    #[error("may be given only once")]
    Repeated,
    /// More members than the schema allows.
    #[error("may hold at most {0} members")]
    TooMany(u32),
    /// Two branches of one choice are given.
    #[error("cannot be combined with \"{0}\"")]
    Exclusive(String),
    /// Text is longer than the schema allows.
    #[error("is longer than {0} characters")]
    TooLong(usize),
    /// Elements where text belongs.
    #[error("must hold text only")]
    NotText,
    /// Not a boolean.
    #[error("is not a boolean")]
    NotBoolean,
    /// Not a whole number between the two bounds.
    #[error("is not an integer from {0} to {1}")]
    NotInteger(i64, i64),
    /// Not a uuid.
    #[error("is not a uuid")]
    NotUuid,
    /// Not a music source.
    #[error("is not a music source from 0 to 51")]
    NotMusicSource,
    /// Not a MAC address.
    #[error("is not a MAC address of 12 hexadecimal digits")]
    NotMacAddress,
}

impl TextRule {
    /// Any text of at most so many characters.
    pub const fn plain(max_length: Option<usize>) -> Self {
        Self { class: TextClass::Plain, max_length }
    }

    /// A class of text without a length of its own.
    pub const fn of(class: TextClass) -> Self {
        Self { class, max_length: None }
    }

    /// Checks text that is not empty and gives its canonical form, which may be the text itself.
    pub fn canonical<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, Problem> {
        if let Some(max) = self.max_length
            && text.len() > max
            && text.chars().count() > max
        {
            return Err(Problem::TooLong(max));
        }
        match self.class {
            TextClass::Plain => Ok(text.into()),
            TextClass::Boolean => match parse_bool(text) {
                Some(value) => Ok(if value { "true" } else { "false" }.into()),
                None => Err(Problem::NotBoolean),
            },
            TextClass::Integer(min, max) => text
                .parse::<i64>()
                .ok()
                .filter(|number| (min..=max).contains(number))
                .map(|number| number.to_string().into())
                .ok_or(Problem::NotInteger(min, max)),
            TextClass::Uuid => parse_uuid(text).map(|uuid| format_uuid(uuid).into()).ok_or(Problem::NotUuid),
            TextClass::MusicSource if text.eq_ignore_ascii_case("null") => Ok("null".into()),
            TextClass::MusicSource => text
                .parse::<u8>()
                .ok()
                .filter(|source| *source <= 51)
                .map(|source| source.to_string().into())
                .ok_or(Problem::NotMusicSource),
            TextClass::MacAddress if text.len() == 12 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Ok(text.to_ascii_uppercase().into())
            }
            TextClass::MacAddress => Err(Problem::NotMacAddress),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_come_out_in_one_spelling() {
        let canonical = |class, text| TextRule::of(class).canonical(text);
        assert_eq!(canonical(TextClass::Boolean, "True"), Ok("true".into()));
        assert_eq!(canonical(TextClass::Boolean, "yes"), Err(Problem::NotBoolean));
        assert_eq!(canonical(TextClass::Integer(0, 9), "+007"), Ok("7".into()));
        assert_eq!(canonical(TextClass::Integer(0, 9), "10"), Err(Problem::NotInteger(0, 9)));
        assert_eq!(canonical(TextClass::Integer(0, 9), "1.0"), Err(Problem::NotInteger(0, 9)));
        assert_eq!(canonical(TextClass::MusicSource, "NULL"), Ok("null".into()));
        assert_eq!(canonical(TextClass::MusicSource, "52"), Err(Problem::NotMusicSource));
        assert_eq!(canonical(TextClass::MacAddress, "0011aabbccdd"), Ok("0011AABBCCDD".into()));
        assert_eq!(canonical(TextClass::Uuid, "?"), Err(Problem::NotUuid));
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        let rule = TextRule::plain(Some(3));
        assert_eq!(rule.canonical("äöü"), Ok("äöü".into()));
        assert_eq!(rule.canonical("äöüß"), Err(Problem::TooLong(3)));
    }
}
