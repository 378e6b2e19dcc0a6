//! Scalars of the wire as types: text to value and back, for yaserde and for the shape's checks.
//!
//! Owns the spellings (axl.md 5): how a boolean, an integer, a uuid may come in, and the one way each goes out. Error
//! texts are fixed and never repeat input.

use std::fmt;
use std::io::Read;
use std::str::FromStr;

use uuid::Uuid;
use xml::reader::XmlEvent;
use yaserde::YaDeserialize;
use yaserde::de::Deserializer;

use crate::domain::patch::Patch;

/// Reads a uuid in either letter case, with or without braces.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    let inner = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    if inner.len() == 36 { Uuid::try_parse(inner).ok() } else { None }
}

/// Writes a uuid as answers have it: braces and upper case.
pub fn format_uuid(uuid: Uuid) -> String {
    format!("{{{uuid:X}}}")
}

/// Reads a boolean in every spelling that clients send.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "t" | "true" | "True" | "1" => Some(true),
        "f" | "false" | "False" | "0" => Some(false),
        _ => None,
    }
}

/// A boolean on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, yaserde::DefaultYaSerde)]
pub struct WireBool(pub bool);

impl FromStr for WireBool {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_bool(text.trim()).map(Self).ok_or("not a boolean")
    }
}

impl fmt::Display for WireBool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "true" } else { "false" })
    }
}

/// An integer on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, yaserde::DefaultYaSerde)]
pub struct WireInteger(pub i64);

impl FromStr for WireInteger {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim().parse().map(Self).map_err(|_| "not an integer")
    }
}

impl fmt::Display for WireInteger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A uuid on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, yaserde::DefaultYaSerde)]
pub struct WireUuid(pub Uuid);

impl FromStr for WireUuid {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_uuid(text.trim()).map(Self).ok_or("not a uuid")
    }
}

impl fmt::Display for WireUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_uuid(self.0))
    }
}

/// Text on the wire that is never trimmed, for secrets and for free text inside generics.
#[derive(Clone, Default, PartialEq, Eq, yaserde::DefaultYaSerde)]
pub struct WireText(pub String);

impl FromStr for WireText {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for WireText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for WireText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WireText(..)")
    }
}

/// Reading the three states: declare the field `Option<Patch<T>>` and take `unwrap_or_default()`.
impl<T> YaDeserialize for Patch<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    fn deserialize<R: Read>(reader: &mut Deserializer<R>) -> yaserde::Result<Self> {
        let unexpected = || Err(yaserde::Error::custom("unexpected content"));
        let XmlEvent::StartElement { attributes, .. } = reader.next_event()? else { return unexpected() };
        let nil =
            attributes.iter().any(|a| a.name.local_name == "nil" && matches!(a.value.as_str(), "true" | "1"));
        // The end element stays for the caller.
        if matches!(reader.peek()?, XmlEvent::EndElement { .. }) {
            return Ok(Self::Clear);
        }
        let XmlEvent::Characters(text) = reader.next_event()? else { return unexpected() };
        if nil {
            return Ok(Self::Clear);
        }
        text.parse().map(Self::Value).map_err(yaserde::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_and_uuids_are_read_in_every_spelling() {
        for (text, value) in
            [("t", true), ("True", true), ("1", true), ("f", false), ("False", false), ("0", false)]
        {
            assert_eq!(parse_bool(text), Some(value));
        }
        assert_eq!(parse_bool("TRUE"), None);
        let uuid = Uuid::from_u128(0x1b2c_0000_0000_0000_0000_0000_0000_00ff);
        let printed = "{1B2C0000-0000-0000-0000-0000000000FF}";
        assert_eq!(format_uuid(uuid), printed);
        for text in [printed, &printed.to_lowercase(), &printed[1..37]] {
            assert_eq!(parse_uuid(text), Some(uuid));
        }
        for text in ["", "?", "{1B2C0000-0000-0000-0000-0000000000FF", "1b2c00000000000000000000000000ff"] {
            assert_eq!(parse_uuid(text), None);
        }
    }
}
