//! From the canonical element tree to typed cores: writes the chosen elements without namespaces and lets yaserde read.
//!
//! Promises: yaserde sees only what the front door and the shape have passed, and its errors, which can hold input, go
//! nowhere.

use xml::reader::ParserConfig;
use yaserde::YaDeserialize;
use yaserde::de::Deserializer;

use super::tree::Element;
use super::write::Writer;

/// A typed core could not be read although the shape accepted the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message does not have the expected content")]
pub struct ReadError;

/// Writes chosen parts of a normalised element, and nothing else of it, for `read`: an element by its name, or by a path such as
/// `lines/line/index` what a group holds of interest.
pub fn to_canonical_bytes(element: &Element, only: &[&str]) -> Vec<u8> {
    let mut writer = Writer::new();
    write_chosen(&mut writer, element, only);
    writer.finish()
}

fn write_chosen(writer: &mut Writer, element: &Element, only: &[&str]) {
    start_element(writer, element);
    for child in &element.children {
        let inside: Vec<&str> = only.iter().filter_map(|path| within(path, &child.name)).collect();
        if inside.contains(&"") {
            write_element(writer, child);
        } else if !inside.is_empty() {
            write_chosen(writer, child, &inside);
        }
    }
    writer.end();
}

/// What a path says of the inside of an element: nothing where it means the element itself; none where it does not lead there.
pub fn within<'p>(path: &'p str, element: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(element)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

fn start_element(writer: &mut Writer, element: &Element) {
    writer.start(&element.name);
    for (name, value) in &element.attributes {
        writer.attribute(name, value);
    }
}

fn write_element(writer: &mut Writer, element: &Element) {
    start_element(writer, element);
    if element.nil {
        writer.attribute("nil", "true");
    }
    writer.text(&element.text);
    for child in &element.children {
        write_element(writer, child);
    }
    writer.end();
}

/// Reads a typed core from canonical bytes; blanks in values are kept.
pub fn read<T: YaDeserialize>(bytes: &[u8]) -> Result<T, ReadError> {
    let config =
        ParserConfig::new().trim_whitespace(false).whitespace_to_characters(true).cdata_to_characters(true);
    T::deserialize(&mut Deserializer::new(config.create_reader(bytes))).map_err(|_| ReadError)
}

#[cfg(test)]
mod tests {
    use super::super::scalar::{WireBool, WireInteger, WireText, WireUuid};
    use super::*;
    use crate::domain::patch::Patch;

    #[derive(Debug, Default, PartialEq, yaserde::YaDeserialize)]
    struct Reference {
        #[yaserde(attribute = true)]
        uuid: Option<WireUuid>,
        #[yaserde(text = true)]
        name: Option<String>,
    }

    #[derive(Debug, Default, PartialEq, yaserde::YaDeserialize)]
    struct Core {
        enabled: Option<Patch<WireBool>>,
        duration: Option<Patch<WireInteger>>,
        description: Option<Patch<WireText>>,
        profile: Option<Reference>,
        missing: Option<Patch<WireBool>>,
        kept: Option<Patch<WireText>>,
    }

    #[test]
    fn a_typed_core_sees_the_chosen_elements_in_three_states() {
        let mut profile = Element::with_text("profile", "UDP");
        profile.attributes.push(("uuid".to_owned(), "{1B2C0000-0000-0000-0000-0000000000FF}".to_owned()));
        let element = Element::with_children(
            "updatePhone",
            vec![
                Element::with_text("enabled", "true"),
                Element::new("duration"),
                Element::with_text("description", " a & b "),
                profile,
                Element::with_text("kept", "back"),
            ],
        );
        let bytes = to_canonical_bytes(&element, &["enabled", "duration", "description", "profile"]);
        let expected = "<updatePhone><enabled>true</enabled><duration/><description> a &amp; b </description><profile uuid=\"{1B2C0000-0000-0000-0000-0000000000FF}\">UDP</profile></updatePhone>";
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
        let core: Core = read(&bytes).unwrap();
        assert_eq!(
            core,
            Core {
                enabled: Some(Patch::Value(WireBool(true))),
                duration: Some(Patch::Clear),
                description: Some(Patch::Value(WireText(" a & b ".to_owned()))),
                profile: Some(Reference {
                    uuid: Some("1b2c0000-0000-0000-0000-0000000000ff".parse().unwrap()),
                    name: Some("UDP".to_owned()),
                }),
                missing: None,
                kept: None,
            }
        );
    }

    #[test]
    fn a_path_chooses_what_of_a_group_is_written() {
        let line = |index: &str| {
            let dirn = Element::with_children("dirn", vec![Element::with_text("pattern", "2145")]);
            Element::with_children(
                "line",
                vec![Element::with_text("index", index), Element::with_text("label", "x"), dirn],
            )
        };
        let lines = Element::with_children("lines", vec![line("1"), line("2")]);
        let element =
            Element::with_children("phone", vec![lines, Element::new("addLines"), Element::new("x")]);
        let only = ["lines/line/index", "lines/line/dirn", "addLines/line/index", "line"];
        let bytes = to_canonical_bytes(&element, &only);
        let expected = "<phone><lines><line><index>1</index><dirn><pattern>2145</pattern></dirn></line>\
             <line><index>2</index><dirn><pattern>2145</pattern></dirn></line></lines><addLines/></phone>";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn a_value_that_a_core_cannot_take_is_an_error_without_its_text() {
        let element = Element::with_children("x", vec![Element::with_text("enabled", "maybe")]);
        let error = read::<Core>(&to_canonical_bytes(&element, &["enabled"])).unwrap_err();
        assert_eq!(error.to_string(), "the message does not have the expected content");
    }
}
