//! The XML objects that phones show: text, input form, menu, execute; exact in order and escaped, within the limits of the phones.
//!
//! Texts are cut to their field and lose what XML cannot carry, so that a name can never add an element. A URL is never cut: one that
//! is too long is refused. What is shown when is not decided here.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

const TITLE: usize = 32;
const NAME: usize = 64;
const MENU_ITEMS: usize = 100;
const TEXT: usize = 4000;
/// Characters of an address that phones take.
pub const URL: usize = 256;

/// A soft key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftKey {
    /// Label.
    pub name: String,
    /// Place, from 1.
    pub position: u8,
    /// What it does: an address or an internal URI.
    pub url: String,
}

/// A field of an input form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputItem {
    /// Label.
    pub display_name: String,
    /// Parameter that carries what was typed.
    pub parameter: &'static str,
    /// Which keys type what.
    pub flags: String,
    /// Text that stands there already.
    pub default_value: String,
}

/// An entry of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuItem {
    /// What it says.
    pub name: String,
    /// Where it leads.
    pub url: String,
}

/// How characters become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// Every character.
    Utf8,
    /// One byte a character; others are written as references.
    Latin1,
}

impl Charset {
    /// Its name in headers and declarations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Latin1 => "iso-8859-1",
        }
    }

    fn encode(self, text: String) -> Vec<u8> {
        match self {
            Self::Utf8 => text.into_bytes(),
            Self::Latin1 => text.chars().fold(Vec::new(), |mut bytes, c| {
                match u8::try_from(c) {
                    Ok(byte) => bytes.push(byte),
                    Err(_) => bytes.extend_from_slice(format!("&#{};", u32::from(c)).as_bytes()),
                }
                bytes
            }),
        }
    }
}

/// What a phone shows or does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    /// A text with soft keys.
    Text {
        /// First line.
        title: String,
        /// Line above the soft keys.
        prompt: String,
        /// Soft keys.
        keys: Vec<SoftKey>,
        /// The text.
        text: String,
    },
    /// A form; what is typed is sent to the address as parameters.
    Input {
        /// First line.
        title: String,
        /// Line above the soft keys.
        prompt: String,
        /// Soft keys.
        keys: Vec<SoftKey>,
        /// Where to.
        url: String,
        /// Fields.
        items: Vec<InputItem>,
    },
    /// A list to choose from; more than phones take are left out.
    Menu {
        /// First line.
        title: String,
        /// Line above the soft keys.
        prompt: String,
        /// Soft keys.
        keys: Vec<SoftKey>,
        /// Entries.
        items: Vec<MenuItem>,
    },
    /// Internal actions, at once.
    Execute(Vec<&'static str>),
}

/// A screen cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScreenError {
    /// An address is longer than phones take.
    #[error("url is longer than 256 characters")]
    UrlTooLong,
    /// The writer refused.
    #[error("screen cannot be written")]
    Write,
}

impl From<std::io::Error> for ScreenError {
    fn from(_: std::io::Error) -> Self {
        Self::Write
    }
}

type Out = Writer<Vec<u8>>;

impl Screen {
    /// The document in UTF-8.
    pub fn to_xml(&self) -> Result<String, ScreenError> {
        self.document(Charset::Utf8)
    }

    /// The document as it is sent.
    pub fn to_bytes(&self, charset: Charset) -> Result<Vec<u8>, ScreenError> {
        Ok(charset.encode(self.document(charset)?))
    }

    fn document(&self, charset: Charset) -> Result<String, ScreenError> {
        let mut out = Writer::new(Vec::new());
        out.write_event(Event::Decl(BytesDecl::new("1.0", Some(charset.name()), None)))?;
        match self {
            Self::Text { title, prompt, keys, text } => {
                inside(&mut out, "CiscoIPPhoneText", |out| {
                    head(out, title, prompt, keys)?;
                    leaf(out, "Text", &cut(text, TEXT))
                })?;
            }
            Self::Input { title, prompt, keys, url, items } => {
                inside(&mut out, "CiscoIPPhoneInput", |out| {
                    head(out, title, prompt, keys)?;
                    leaf(out, "URL", checked(url)?)?;
                    items.iter().try_for_each(|item| input_item(out, item))
                })?;
            }
            Self::Menu { title, prompt, keys, items } => {
                inside(&mut out, "CiscoIPPhoneMenu", |out| {
                    head(out, title, prompt, keys)?;
                    items.iter().take(MENU_ITEMS).try_for_each(|item| {
                        inside(out, "MenuItem", |out| {
                            leaf(out, "Name", &cut(&item.name, NAME))?;
                            leaf(out, "URL", checked(&item.url)?)
                        })
                    })
                })?;
            }
            Self::Execute(uris) => {
                inside(&mut out, "CiscoIPPhoneExecute", |out| {
                    uris.iter().try_for_each(|uri| {
                        let item = out.create_element("ExecuteItem");
                        item.with_attributes([("Priority", "0"), ("URL", *uri)]).write_empty()?;
                        Ok(())
                    })
                })?;
            }
        }
        String::from_utf8(out.into_inner()).map_err(|_| ScreenError::Write)
    }
}

/// An element with content.
fn inside(
    out: &mut Out,
    name: &str,
    content: impl FnOnce(&mut Out) -> Result<(), ScreenError>,
) -> Result<(), ScreenError> {
    out.write_event(Event::Start(quick_xml::events::BytesStart::new(name)))?;
    content(out)?;
    out.write_event(Event::End(quick_xml::events::BytesEnd::new(name)))?;
    Ok(())
}

fn leaf(out: &mut Out, name: &str, text: &str) -> Result<(), ScreenError> {
    out.create_element(name).write_text_content(BytesText::new(text))?;
    Ok(())
}

fn head(out: &mut Out, title: &str, prompt: &str, keys: &[SoftKey]) -> Result<(), ScreenError> {
    leaf(out, "Title", &cut(title, TITLE))?;
    leaf(out, "Prompt", &cut(prompt, TITLE))?;
    keys.iter().try_for_each(|key| {
        inside(out, "SoftKeyItem", |out| {
            leaf(out, "Name", &cut(&key.name, TITLE))?;
            leaf(out, "Position", &key.position.to_string())?;
            leaf(out, "URL", checked(&key.url)?)
        })
    })
}

fn input_item(out: &mut Out, item: &InputItem) -> Result<(), ScreenError> {
    inside(out, "InputItem", |out| {
        leaf(out, "DisplayName", &cut(&item.display_name, TITLE))?;
        leaf(out, "QueryStringParam", item.parameter)?;
        leaf(out, "InputFlags", &item.flags)?;
        // Half a value would be a wrong one.
        let fits = item.default_value.chars().count() <= TITLE;
        leaf(out, "DefaultValue", &if fits { cut(&item.default_value, TITLE) } else { String::new() })
    })
}

/// A text without what XML 1.0 cannot carry, at most so long.
fn cut(text: &str, most: usize) -> String {
    let carried = |c: &char| {
        matches!(c, '\t' | '\n' | '\r') || (!c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}'))
    };
    text.chars().filter(carried).take(most).collect()
}

fn checked(url: &str) -> Result<&str, ScreenError> {
    if url.chars().count() <= URL { Ok(url) } else { Err(ScreenError::UrlTooLong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_written_in_the_order_phones_read() {
        let screen = Screen::Input {
            title: "Extension Mobility".into(),
            prompt: "Enter user ID and PIN".into(),
            keys: vec![SoftKey { name: "<<".into(), position: 2, url: "SoftKey:<<".into() }],
            url: "http://gate:8080/emapp/EMAppServlet?device=SEP1&loginType=UID".into(),
            items: vec![InputItem {
                display_name: "PIN".into(),
                parameter: "seq",
                flags: "NP".into(),
                default_value: String::new(),
            }],
        };
        insta::assert_snapshot!(screen.to_xml().unwrap(), @r#"<?xml version="1.0" encoding="utf-8"?><CiscoIPPhoneInput><Title>Extension Mobility</Title><Prompt>Enter user ID and PIN</Prompt><SoftKeyItem><Name>&lt;&lt;</Name><Position>2</Position><URL>SoftKey:&lt;&lt;</URL></SoftKeyItem><URL>http://gate:8080/emapp/EMAppServlet?device=SEP1&amp;loginType=UID</URL><InputItem><DisplayName>PIN</DisplayName><QueryStringParam>seq</QueryStringParam><InputFlags>NP</InputFlags><DefaultValue></DefaultValue></InputItem></CiscoIPPhoneInput>"#);
    }

    #[test]
    fn a_name_can_never_add_an_element() {
        let screen = Screen::Text {
            title: "x".repeat(40),
            prompt: "</Prompt><SoftKeyItem>\u{1}\u{7f}".into(),
            keys: Vec::new(),
            text: "a & b".into(),
        };
        let xml = screen.to_xml().unwrap();
        assert!(xml.contains(&format!("<Title>{}</Title>", "x".repeat(32))));
        assert!(xml.contains("<Prompt>&lt;/Prompt&gt;&lt;SoftKeyItem&gt;</Prompt>"));
        assert!(xml.contains("<Text>a &amp; b</Text>"));
    }

    #[test]
    fn a_menu_leads_where_its_entries_say_and_latin_1_refers_to_what_it_lacks() {
        let items = vec![MenuItem { name: "büro 北京".into(), url: "http://gate/?a=1&b=2".into() }];
        let screen = Screen::Menu { title: "T".into(), prompt: "P".into(), keys: Vec::new(), items };
        insta::assert_snapshot!(screen.to_xml().unwrap(), @r#"<?xml version="1.0" encoding="utf-8"?><CiscoIPPhoneMenu><Title>T</Title><Prompt>P</Prompt><MenuItem><Name>büro 北京</Name><URL>http://gate/?a=1&amp;b=2</URL></MenuItem></CiscoIPPhoneMenu>"#);
        let bytes = screen.to_bytes(Charset::Latin1).unwrap();
        let text: String = bytes.iter().map(|b| char::from(*b)).collect();
        assert!(
            text.contains("encoding=\"iso-8859-1\"") && text.contains("<Name>büro &#21271;&#20140;</Name>"),
            "{text}"
        );
    }

    #[test]
    fn the_call_log_is_cleared_by_an_execute() {
        let screen = Screen::Execute(vec!["Init:CallHistory", "Init:Services"]);
        insta::assert_snapshot!(screen.to_xml().unwrap(), @r#"<?xml version="1.0" encoding="utf-8"?><CiscoIPPhoneExecute><ExecuteItem Priority="0" URL="Init:CallHistory"/><ExecuteItem Priority="0" URL="Init:Services"/></CiscoIPPhoneExecute>"#);
    }

    #[test]
    fn an_address_is_never_cut() {
        let key = SoftKey { name: "Yes".into(), position: 1, url: "x".repeat(257) };
        let screen = Screen::Text {
            title: String::new(),
            prompt: String::new(),
            keys: vec![key],
            text: String::new(),
        };
        assert_eq!(screen.to_xml(), Err(ScreenError::UrlTooLong));
    }
}
