//! XML objects as the firmware of phones reads them: names by case, elements in their order, lengths kept, nothing unknown.
//!
//! Reads what a login needs: texts, forms, menus and executes. What a phone would refuse is refused here and says why, so that a page
//! that passes can be shown by every phone. Shows nothing itself.

mod children;

use std::borrow::Cow;

use serde::Serialize;

use self::children::{Children, error, length, no_text};
use crate::soap::envelope::read_document;
use crate::soap::tree::Element;

/// Bytes of an object that phones fetch at most.
pub const MOST_FETCHED: usize = 196_608;

const SHORT: usize = 32;
const URL: usize = 256;

/// What the root of any object may say about the application it belongs to; the longest value of each.
const ROOT_ATTRIBUTES: [(&str, usize); 6] = [
    ("keypadTarget", 15),
    ("appId", 64),
    ("onAppFocusLost", URL),
    ("onAppFocusGained", URL),
    ("onAppMinimized", URL),
    ("onAppClosed", URL),
];

/// One object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Object {
    /// First line, at most 32 characters; empty when there is none.
    pub title: String,
    /// Line above the soft keys, at most 32 characters; empty when there is none.
    pub prompt: String,
    /// Soft keys, at most eight.
    pub keys: Vec<SoftKey>,
    /// What is between title and prompt, or what is to be done.
    #[serde(flatten)]
    pub content: Content,
}

/// What an object is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "object", rename_all = "lowercase")]
pub enum Content {
    /// A text to read.
    Text {
        /// At most 4000 characters.
        text: String,
    },
    /// A form to fill in.
    Input {
        /// Where it is sent.
        url: String,
        /// Its fields, at most five.
        items: Vec<InputItem>,
    },
    /// A list to choose from.
    Menu {
        /// Its entries, at most a hundred.
        items: Vec<MenuItem>,
    },
    /// Things to do at once.
    Execute {
        /// At most three, one of them an address.
        items: Vec<ExecuteItem>,
    },
}

/// A soft key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SoftKey {
    /// What stands on it, at most 32 characters.
    pub name: String,
    /// Its place, from 1 to 8.
    pub position: u8,
    /// What it does: an address or an internal URI, at most 256 characters.
    pub url: String,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputItem {
    /// What stands before it, at most 32 characters.
    pub label: String,
    /// The parameter that carries what is typed, 1 to 32 characters.
    pub parameter: String,
    /// Which keys type what.
    pub flags: String,
    /// What stands there already, at most 32 characters.
    pub value: String,
}

impl InputItem {
    /// Whether what is typed is not shown.
    pub fn is_masked(&self) -> bool {
        self.flags.contains('P')
    }
}

/// An entry of a menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MenuItem {
    /// What it says, at most 64 characters.
    pub name: String,
    /// Where it leads, at most 256 characters.
    pub url: String,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExecuteItem {
    /// An address or an internal URI, 1 to 256 characters.
    pub url: String,
    /// When an address is fetched: 0 at once, 1 when the phone is idle, 2 only if it is.
    pub priority: u8,
}

/// What a phone says of an object that it cannot read; the reason is for whoever made the object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("XML Error [4]: {0}")]
pub struct XmlError(pub String);

/// Reads an object, of at most so many bytes, in the charset that its `Content-Type` names, if any.
pub fn read(bytes: &[u8], charset: Option<&str>, most: usize) -> Result<Object, XmlError> {
    if bytes.len() > most {
        return error(format!("{} bytes, a phone takes {most}", bytes.len()));
    }
    let root = read_document(&in_utf8(bytes, charset)?).or_else(|e| error(e.to_string()))?;
    let mut children = Children::of(&root);
    no_text(&root)?;
    root_attributes(&root)?;
    let is_execute = root.name == "CiscoIPPhoneExecute";
    let (title, prompt, keys) = if is_execute { Default::default() } else { head(&mut children)? };
    let content = match root.name.as_str() {
        "CiscoIPPhoneText" => Content::Text { text: children.leaf("Text", 0..=4000)? },
        "CiscoIPPhoneInput" => Content::Input {
            url: children.leaf("URL", 1..=URL)?,
            items: children.many("InputItem", 5, input_item)?,
        },
        "CiscoIPPhoneMenu" => Content::Menu { items: children.many("MenuItem", 100, menu_item)? },
        "CiscoIPPhoneExecute" => Content::Execute { items: execute_items(&mut children)? },
        other => return error(format!("{other} is no object that is known here")),
    };
    children.end()?;
    Ok(Object { title, prompt, keys, content })
}

/// The document in UTF-8, whatever it came in; what it says of its encoding must be what its header says.
fn in_utf8<'b>(bytes: &'b [u8], charset: Option<&str>) -> Result<Cow<'b, [u8]>, XmlError> {
    let declared = declared_encoding(bytes);
    let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
    if let (Some(charset), Some(declared)) = (charset, declared)
        && !is(charset, declared)
    {
        return error(format!("its header says {charset}, the object {declared}"));
    }
    match charset.or(declared) {
        None => Ok(Cow::Borrowed(bytes)),
        Some(name) if is(name, "utf-8") => Ok(Cow::Borrowed(bytes)),
        Some(name) if is(name, "iso-8859-1") => {
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            let text = declared.map_or_else(|| text.clone(), |name| text.replacen(name, "utf-8", 1));
            Ok(Cow::Owned(text.into_bytes()))
        }
        Some(other) => error(format!("phones read utf-8 and iso-8859-1, not {other}")),
    }
}

/// The encoding that the declaration of a document names.
fn declared_encoding(bytes: &[u8]) -> Option<&str> {
    let end = bytes.windows(2).position(|pair| pair == b"?>")?;
    let declaration = str::from_utf8(bytes.get(..end)?).ok()?.strip_prefix("<?xml")?;
    let (_, rest) = declaration.split_once("encoding=")?;
    rest.get(1..)?.split(['"', '\'']).next()
}

fn root_attributes(root: &Element) -> Result<(), XmlError> {
    for (name, value) in &root.attributes {
        let known = ROOT_ATTRIBUTES.iter().find(|(known, _)| known == name);
        match known {
            Some((_, most)) if value.chars().count() <= *most => {}
            Some((_, most)) => return error(format!("{name} is longer than {most} characters")),
            None => return error(format!("{} has no attribute {name}", root.name)),
        }
    }
    Ok(())
}

fn head(children: &mut Children<'_>) -> Result<(String, String, Vec<SoftKey>), XmlError> {
    let title = children.optional_leaf("Title", 0..=SHORT)?.unwrap_or_default();
    let prompt = children.optional_leaf("Prompt", 0..=SHORT)?.unwrap_or_default();
    let keys = children.many("SoftKeyItem", 8, soft_key)?;
    children.many("KeyItem", 32, key_item)?;
    Ok((title, prompt, keys))
}

fn soft_key(children: &mut Children<'_>) -> Result<SoftKey, XmlError> {
    let name = children.optional_leaf("Name", 0..=SHORT)?.unwrap_or_default();
    let position = children.leaf("Position", 1..=1)?;
    let position = position.parse().ok().filter(|position| (1..=8).contains(position));
    let position = position.ok_or_else(|| XmlError("Position is not 1 to 8".to_owned()))?;
    let url = children.optional_leaf("URL", 0..=URL)?.unwrap_or_default();
    children.optional_leaf("URLDown", 0..=URL)?;
    Ok(SoftKey { name, position, url })
}

/// A key of the keypad that an application takes over; it is read, and nothing here presses it.
fn key_item(children: &mut Children<'_>) -> Result<(), XmlError> {
    children.leaf("Key", 1..=SHORT)?;
    children.optional_leaf("URL", 0..=URL)?;
    children.optional_leaf("URLDown", 0..=URL)?;
    Ok(())
}

fn input_item(children: &mut Children<'_>) -> Result<InputItem, XmlError> {
    let label = children.optional_leaf("DisplayName", 0..=SHORT)?.unwrap_or_default();
    let parameter = children.leaf("QueryStringParam", 1..=SHORT)?;
    let flags = children.leaf("InputFlags", 1..=3)?;
    if !flags.chars().all(|flag| "ATNEULP".contains(flag)) {
        return error(format!("InputFlags {flags} are none"));
    }
    let value = children.optional_leaf("DefaultValue", 0..=SHORT)?.unwrap_or_default();
    Ok(InputItem { label, parameter, flags, value })
}

fn menu_item(children: &mut Children<'_>) -> Result<MenuItem, XmlError> {
    let name = children.optional_leaf("Name", 0..=64)?.unwrap_or_default();
    Ok(MenuItem { name, url: children.optional_leaf("URL", 0..=URL)?.unwrap_or_default() })
}

fn execute_items(children: &mut Children<'_>) -> Result<Vec<ExecuteItem>, XmlError> {
    let mut items = Vec::new();
    while let Some(element) = children.next("ExecuteItem") {
        no_text(element)?;
        let is_known = |(name, _): &(String, String)| ["URL", "Priority"].contains(&name.as_str());
        if !element.children.is_empty() || !element.attributes.iter().all(is_known) {
            return error("ExecuteItem has the attributes URL and Priority and nothing inside");
        }
        let url = element.attribute("URL").unwrap_or_default().to_owned();
        let priority = element.attribute("Priority").unwrap_or("0").parse().ok().filter(|p| *p <= 2);
        let priority = priority.ok_or_else(|| XmlError("Priority is not 0, 1 or 2".to_owned()))?;
        length("the URL of ExecuteItem", &url, 1..=URL)?;
        items.push(ExecuteItem { url, priority });
    }
    let addresses = items.iter().filter(|item| is_address(&item.url)).count();
    if items.len() > 3 || addresses > 1 {
        return error("CiscoIPPhoneExecute has at most three items, one of them an address");
    }
    Ok(items)
}

/// Whether something to do is an address to fetch.
pub(super) fn is_address(url: &str) -> bool {
    let begins = |scheme: &str| url.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme));
    begins("http://") || begins("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(xml: &str) -> Result<Object, String> {
        read(xml.as_bytes(), None, MOST_FETCHED).map_err(|e| e.0)
    }

    fn text(inside: &str) -> Result<Object, String> {
        of(&format!("<CiscoIPPhoneText>{inside}</CiscoIPPhoneText>"))
    }

    #[test]
    fn every_object_of_a_login_is_read() {
        let keys = "<SoftKeyItem><Name>&lt;&lt;</Name><Position>2</Position><URL>SoftKey:&lt;&lt;</URL></SoftKeyItem>";
        let form = of(&format!("<?xml version='1.0' encoding='utf-8'?>\n<CiscoIPPhoneInput appId='a'>\n<Title>T</Title><Prompt>P</Prompt>{keys}<URL>http://g/?a=1&amp;b=2</URL><InputItem><DisplayName>PIN</DisplayName><QueryStringParam>seq</QueryStringParam><InputFlags>NP</InputFlags><DefaultValue></DefaultValue></InputItem></CiscoIPPhoneInput>")).unwrap();
        assert_eq!((form.title.as_str(), form.prompt.as_str()), ("T", "P"));
        let key = SoftKey { name: "<<".into(), position: 2, url: "SoftKey:<<".into() };
        assert_eq!(form.keys, [key]);
        let Content::Input { url, items } = form.content else { panic!() };
        assert_eq!((url.as_str(), items[0].parameter.as_str()), ("http://g/?a=1&b=2", "seq"));
        assert!(items[0].is_masked());
        let menu = of(
            "<CiscoIPPhoneMenu><MenuItem><Name>n</Name><URL>http://g/</URL></MenuItem></CiscoIPPhoneMenu>",
        );
        let item = MenuItem { name: "n".into(), url: "http://g/".into() };
        assert_eq!(menu.unwrap().content, Content::Menu { items: vec![item] });
        let execute = of(
            "<CiscoIPPhoneExecute><ExecuteItem Priority=\"0\" URL=\"Init:CallHistory\"/><ExecuteItem URL=\"http://g/\"/></CiscoIPPhoneExecute>",
        );
        let Content::Execute { items } = execute.unwrap().content else { panic!() };
        assert_eq!(
            items.iter().map(|i| (i.url.as_str(), i.priority)).collect::<Vec<_>>(),
            [("Init:CallHistory", 0), ("http://g/", 0)]
        );
    }

    #[test]
    fn what_firmware_does_not_read_is_refused_and_says_why() {
        let long = |name: &str, n: usize| format!("<{name}>{}</{name}>", "é".repeat(n));
        for (inside, why) in [
            ("<Text>a & b</Text>", "not well-formed"),
            ("<Text>a</Text><Title>t</Title>", "Title in CiscoIPPhoneText is unknown, or not in its place"),
            ("<Prompt>p</Prompt><Title>t</Title><Text/>", "Text is missing in CiscoIPPhoneText"),
            ("<text>a</text>", "Text is missing"),
            ("<Text>a</Text><Text>a</Text>", "not in its place"),
            ("<Text>a<b/></Text>", "Text holds more than a text"),
            ("<Text a='1'>a</Text>", "Text holds more than a text"),
            ("x<Text>a</Text>", "text in CiscoIPPhoneText"),
            ("", "Text is missing"),
            (
                "<SoftKeyItem><Position>9</Position><URL>SoftKey:Exit</URL></SoftKeyItem><Text/>",
                "Position is not 1 to 8",
            ),
            (
                "<SoftKeyItem><URL>SoftKey:Exit</URL><Position>1</Position></SoftKeyItem><Text/>",
                "Position is",
            ),
            (&format!("{}<Text/>", long("Title", 33)), "Title is not 0 to 32 characters long"),
            (&long("Text", 4001), "Text is not 0 to 4000"),
            (
                &format!("{}<Text/>", "<SoftKeyItem><Position>1</Position></SoftKeyItem>".repeat(9)),
                "more than 8",
            ),
        ] {
            let refused = text(inside).unwrap_err();
            assert!(refused.contains(why), "{inside}: {refused}");
        }
        assert!(text(&format!("{}{}", long("Title", 32), long("Text", 4000))).is_ok());
        for (xml, why) in [
            ("<CiscoIPPhoneText x='1'><Text/></CiscoIPPhoneText>", "has no attribute x"),
            ("<CiscoIPPhoneInput><URL></URL></CiscoIPPhoneInput>", "URL is not 1 to 256"),
            ("<CiscoIPPhoneStatus/>", "CiscoIPPhoneStatus is no object"),
            ("<CiscoIPPhoneExecute><ExecuteItem Priority='3' URL='a'/></CiscoIPPhoneExecute>", "Priority"),
            (
                "<CiscoIPPhoneExecute><ExecuteItem URL='http://a'/><ExecuteItem URL='HTTP://b'/></CiscoIPPhoneExecute>",
                "one of them an address",
            ),
            ("<!DOCTYPE a><CiscoIPPhoneText><Text/></CiscoIPPhoneText>", "document type"),
        ] {
            let refused = of(xml).unwrap_err();
            assert!(refused.contains(why), "{xml}: {refused}");
        }
        let menu = "<MenuItem><Name>n</Name></MenuItem>".repeat(101);
        assert!(of(&format!("<CiscoIPPhoneMenu>{menu}</CiscoIPPhoneMenu>")).is_err());
        assert!(read(b"<CiscoIPPhoneText><Text/></CiscoIPPhoneText>", None, 20).is_err());
    }

    #[test]
    fn latin_1_is_read_where_header_and_declaration_agree() {
        let document = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><CiscoIPPhoneText><Text>b\xfcro &#21271;</Text></CiscoIPPhoneText>";
        for charset in [None, Some("iso-8859-1")] {
            let object = read(document, charset, MOST_FETCHED).unwrap();
            assert_eq!(object.content, Content::Text { text: "büro 北".into() });
        }
        assert!(read(document, Some("utf-8"), MOST_FETCHED).is_err());
        let bare = b"<CiscoIPPhoneText><Text>b\xfcro</Text></CiscoIPPhoneText>";
        assert!(
            read(bare, Some("iso-8859-1"), MOST_FETCHED).is_ok() && read(bare, None, MOST_FETCHED).is_err()
        );
        assert!(read(bare, Some("utf-16"), MOST_FETCHED).is_err());
    }
}
