//! The writer of everything this layer sends: escaping, `<x/>` for what is empty, and the response envelope.
//!
//! Promises well-formed output: characters that XML cannot carry are left out, open elements are closed at the end, and
//! there is no white space between elements (axl.md 4). Names come from the schema or have passed the front door.

use std::ops::Range;

/// Whether XML 1.0 can carry a character.
pub fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// The namespace of a schema version, such as `15.0`.
pub fn version_namespace(version: &str) -> String {
    format!("http://www.cisco.com/AXL/API/{version}")
}

/// Writes elements into bytes.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    /// Where the names of the open elements stand in what is written.
    open: Vec<Range<usize>>,
    in_tag: bool,
}

impl Writer {
    /// Starts with nothing.
    pub fn new() -> Self {
        Self { out: Vec::with_capacity(1024), ..Self::default() }
    }

    /// Opens an element.
    pub fn start(&mut self, name: &str) -> &mut Self {
        self.close_tag();
        self.out.push(b'<');
        self.open.push(self.out.len()..self.out.len() + name.len());
        self.out.extend_from_slice(name.as_bytes());
        self.in_tag = true;
        self
    }

    /// Adds an attribute to the element just opened; after content it is too late and nothing is written.
    pub fn attribute(&mut self, name: &str, value: &str) -> &mut Self {
        if self.in_tag {
            self.out.push(b' ');
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(b"=\"");
            escape(value, true, &mut self.out);
            self.out.push(b'"');
        }
        self
    }

    /// Adds text to the element that is open; empty text leaves it `<x/>`.
    pub fn text(&mut self, text: &str) -> &mut Self {
        if !text.is_empty() {
            self.close_tag();
            escape(text, false, &mut self.out);
        }
        self
    }

    /// Closes the element opened last.
    pub fn end(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            if self.in_tag {
                self.out.extend_from_slice(b"/>");
                self.in_tag = false;
            } else {
                self.out.extend_from_slice(b"</");
                self.out.extend_from_within(name);
                self.out.push(b'>');
            }
        }
        self
    }

    /// Writes an element that holds text.
    pub fn element(&mut self, name: &str, text: &str) -> &mut Self {
        self.start(name).text(text).end()
    }

    /// Writes an element whose content the closure writes.
    pub fn within(&mut self, name: &str, content: impl FnOnce(&mut Writer)) -> &mut Self {
        self.start(name);
        content(self);
        self.end()
    }

    /// Adds elements that another writer has finished.
    pub fn written(&mut self, bytes: &[u8]) -> &mut Self {
        self.close_tag();
        self.out.extend_from_slice(bytes);
        self
    }

    /// Writes a declaration, which belongs before anything else.
    fn declaration(&mut self) {
        self.out.extend_from_slice(b"<?xml version='1.0' encoding='UTF-8'?>");
    }

    /// How many bytes are written so far (axl.md 15 limits the size of an answer).
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing is written yet.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Whether an element is open.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Closes what is open and hands the bytes over.
    pub fn finish(mut self) -> Vec<u8> {
        while !self.open.is_empty() {
            self.end();
        }
        self.out
    }

    fn close_tag(&mut self) {
        if self.in_tag {
            self.out.push(b'>');
            self.in_tag = false;
        }
    }
}

fn escape(text: &str, attribute: bool, out: &mut Vec<u8>) {
    let mut written = 0;
    for (at, c) in text.char_indices() {
        let instead = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' if attribute => "&quot;",
            '\r' => "&#13;",
            '\t' if attribute => "&#9;",
            '\n' if attribute => "&#10;",
            c if is_xml_char(c) => continue,
            _ => "",
        };
        out.extend_from_slice(text.get(written..at).unwrap_or_default().as_bytes());
        out.extend_from_slice(instead.as_bytes());
        written = at + c.len_utf8();
    }
    out.extend_from_slice(text.get(written..).unwrap_or_default().as_bytes());
}

/// Opens declaration, envelope and body.
pub(super) fn open_envelope() -> Writer {
    let mut writer = Writer::new();
    writer.declaration();
    writer
        .start("soapenv:Envelope")
        .attribute("xmlns:soapenv", "http://schemas.xmlsoap.org/soap/envelope/")
        .start("soapenv:Body");
    writer
}

/// Writes the answer to an operation (axl.md 4): the prefixes are part of what clients rely on.
pub fn response(
    version: &str,
    operation: &str,
    sequence: Option<u64>,
    content: impl FnOnce(&mut Writer),
) -> Vec<u8> {
    let mut writer = open_envelope();
    writer.start(&format!("ns:{operation}Response")).attribute("xmlns:ns", &version_namespace(version));
    if let Some(sequence) = sequence {
        writer.attribute("sequence", &sequence.to_string());
    }
    content(&mut writer);
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_has_the_prefixes_and_quotes_that_clients_rely_on() {
        let bytes = response("12.5", "getPhone", Some(7), |writer| {
            writer.within("return", |writer| {
                writer.start("phone").attribute("ctiid", "12").attribute("uuid", "{A}");
                writer.element("name", "R&D <\"x\">").element("description", "").end();
            });
        });
        let expected = "<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body><ns:getPhoneResponse xmlns:ns=\"http://www.cisco.com/AXL/API/12.5\" sequence=\"7\"><return><phone ctiid=\"12\" uuid=\"{A}\"><name>R&amp;D &lt;\"x\"&gt;</name><description/></phone></return></ns:getPhoneResponse></soapenv:Body></soapenv:Envelope>";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn an_empty_list_is_an_empty_return() {
        let bytes = response("15.0", "listPhone", None, |writer| {
            writer.within("return", |_| {});
        });
        let text = String::from_utf8(bytes).unwrap();
        let inner = "<ns:listPhoneResponse xmlns:ns=\"http://www.cisco.com/AXL/API/15.0\"><return/></ns:listPhoneResponse>";
        assert!(text.contains(inner), "{text}");
    }

    #[test]
    fn characters_that_xml_cannot_carry_are_left_out() {
        let mut writer = Writer::new();
        writer.start("a").attribute("b", "1\u{0}\t2\r\"").text("x\u{1}\u{FFFE}y\r\n]]>\u{1F600}").end();
        let expected = "<a b=\"1&#9;2&#13;&quot;\">xy&#13;\n]]&gt;\u{1F600}</a>";
        assert_eq!(String::from_utf8(writer.finish()).unwrap(), expected);
    }
}
