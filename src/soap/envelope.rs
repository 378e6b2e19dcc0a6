//! The front door for all XML: bytes to one operation out of its SOAP envelope, or to one document without any, in one bounded pass
//! without recursion (XML-1 to XML-5).
//!
//! Promises: what comes out is well formed, within the limits, free of prefixes, comments and document types, and, of an envelope,
//! exactly one operation. Does not know which operations exist. Error texts are fixed and never repeat input.

mod scan;

use std::borrow::Cow;

use quick_xml::NsReader;
use quick_xml::events::{BytesDecl, Event};
use quick_xml::name::NamespaceError;

use self::scan::{Part, Scan};
use super::tree::Element;
use super::wellformed::{agrees, declared_encoding};

/// How much of anything one message may hold (XML-3).
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Levels of nesting, the envelope included.
    pub depth: usize,
    /// Elements in all.
    pub elements: usize,
    /// Attributes of one element.
    pub attributes: usize,
    /// Namespace declarations in all.
    pub bindings: usize,
    /// Bytes of one name.
    pub name: usize,
    /// Bytes of one attribute value.
    pub value: usize,
    /// Bytes of one text.
    pub text: usize,
    /// Bytes of all comments.
    pub comments: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 32,
            elements: 20_000,
            attributes: 32,
            bindings: 64,
            name: 128,
            value: 4 << 10,
            text: 256 << 10,
            comments: 64 << 10,
        }
    }
}

/// Why a message was not let in; the texts go to the client as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not well-formed XML, or not the structure of an envelope.
    #[error("the message is not well-formed XML")]
    Malformed,
    /// A document type declaration, in whatever spelling.
    #[error("document type declarations are not accepted")]
    Dtd,
    /// A processing instruction after the declaration.
    #[error("processing instructions are not accepted")]
    ProcessingInstruction,
    /// More than one of the limits allows.
    #[error("the message exceeds the limit on {0}")]
    Limit(&'static str),
    /// The document element is not a SOAP 1.1 envelope.
    #[error("the message is not a SOAP 1.1 envelope")]
    Version,
    /// A header that must be understood; none is.
    #[error("a mandatory header is not understood")]
    MustUnderstand,
    /// No operation, several operations, or text beside them.
    #[error("the body must hold exactly one operation")]
    Body,
    /// Bytes that are not UTF-8, or characters that XML forbids.
    #[error("the message is not XML 1.0 in UTF-8")]
    Encoding,
}

use EnvelopeError::{Dtd, Encoding, Limit, Malformed, ProcessingInstruction};

/// One operation out of its envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Local name of the operation element.
    pub operation: String,
    /// Namespace of the operation element; it holds the version that was asked for.
    pub namespace: Option<String>,
    /// The `sequence` attribute, when it is a number.
    pub sequence: Option<u64>,
    /// The operation element.
    pub body: Element,
    /// Bytes of the whole message.
    pub size: usize,
}

/// Reads a message under the default limits.
pub fn read_call(bytes: &[u8]) -> Result<Call, EnvelopeError> {
    read_call_within(bytes, Limits::default())
}

/// Reads a message under the given limits.
pub fn read_call_within(bytes: &[u8], limits: Limits) -> Result<Call, EnvelopeError> {
    let (body, namespace) = read(bytes, Scan::new(limits, Part::Before))?;
    let sequence = body.attribute("sequence").and_then(|value| value.trim().parse().ok());
    Ok(Call { operation: body.name.clone(), namespace, sequence, body, size: bytes.len() })
}

/// Reads a document that stands for itself under the default limits; gives its root.
pub fn read_document(bytes: &[u8]) -> Result<Element, EnvelopeError> {
    Ok(read(bytes, Scan::new(Limits::default(), Part::Document))?.0)
}

/// Reads what is wanted and the namespace that it is in.
fn read(bytes: &[u8], mut scan: Scan) -> Result<(Element, Option<String>), EnvelopeError> {
    let text = &*with_plain_line_ends(decode(bytes)?);
    // nearly no message has it, so that its texts need no look for it
    let ends_cdata = text.contains("]]>");
    let mut reader = NsReader::from_str(text);
    reader.resolver_mut().set_max_namespace_bindings(scan.limits.bindings);
    loop {
        let event = reader.read_event().map_err(|error| reader_error(&error))?;
        let first = std::mem::take(&mut scan.first);
        match event {
            Event::Eof => break,
            Event::DocType(_) => return Err(Dtd),
            Event::PI(_) => return Err(ProcessingInstruction),
            Event::Decl(_) if !first => return Err(Malformed),
            Event::Decl(declaration) => declared(&declaration, text)?,
            Event::Comment(comment) => scan.comment(&comment)?,
            Event::Start(start) => scan.start(&reader, &start)?,
            Event::Empty(start) => {
                scan.start(&reader, &start)?;
                scan.end();
            }
            Event::End(_) => scan.end(),
            Event::GeneralRef(reference) => scan.reference(&reference)?,
            Event::Text(text) if ends_cdata && text.contains("]]>") => return Err(Malformed),
            Event::Text(text) => scan.text(&text, false)?,
            Event::CData(text) => scan.text(&text, true)?,
        }
    }
    scan.finish()
}

/// Takes the bytes as UTF-8 text without its mark, and refuses characters that XML forbids (UTF-16 shows as NUL).
pub fn decode(bytes: &[u8]) -> Result<&str, EnvelopeError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| Encoding)?;
    // byte by byte below the blank; beyond it XML forbids two characters only
    let forbidden = |byte: u8| (byte < 0x20) & (byte != b'\t') & (byte != b'\n') & (byte != b'\r');
    let legal = !bytes.iter().fold(false, |any, byte| any | forbidden(*byte))
        && !["\u{FFFE}", "\u{FFFF}"].iter().any(|character| text.contains(character));
    if legal && !text.starts_with('\u{FEFF}') { Ok(text) } else { Err(Encoding) }
}

/// A line may end in CR LF or CR too; everything behind sees LF (XML 1.0, 2.11).
fn with_plain_line_ends(text: &str) -> Cow<'_, str> {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n").into() } else { text.into() }
}

fn declared(declaration: &BytesDecl<'_>, text: &str) -> Result<(), EnvelopeError> {
    let encoding = declared_encoding(declaration).ok_or(Malformed)?;
    let latin = encoding.to_ascii_lowercase();
    let ours = encoding.is_empty()
        || matches!(latin.as_str(), "utf-8" | "us-ascii") && agrees(encoding, text.as_bytes());
    if ours { Ok(()) } else { Err(Encoding) }
}

fn reader_error(error: &quick_xml::Error) -> EnvelopeError {
    // The reader's own cap on namespace declarations is the only limit that it enforces itself.
    if let quick_xml::Error::Namespace(NamespaceError::TooManyBindings(_)) = error {
        Limit("namespace declarations")
    } else {
        Malformed
    }
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
