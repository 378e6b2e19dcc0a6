//! The front door for all XML: bytes to one operation out of its SOAP envelope, or to one document without any, in one bounded pass
//! without recursion (XML-1 to XML-5).
//!
//! Promises: what comes out is well formed, within the limits, free of prefixes, comments and document types, and, of an envelope,
//! exactly one operation. Does not know which operations exist. Error texts are fixed and never repeat input.

use std::borrow::Cow;

use quick_xml::NsReader;
use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::{NamespaceError, PrefixDeclaration, ResolveResult};

use super::tree::Element;
use super::wellformed::{agrees, declared_encoding, is_name, is_qualified_name, pairs};
use super::write::is_xml_char;

const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The actor that is whoever gets the message.
const NEXT: &str = "http://schemas.xmlsoap.org/soap/actor/next";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

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

use EnvelopeError::{Body, Dtd, Encoding, Limit, Malformed, MustUnderstand, ProcessingInstruction, Version};

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

#[derive(PartialEq)]
enum Part {
    /// There is no envelope.
    Document,
    Before,
    Header,
    Between,
    Body,
    After,
}

/// The state of the pass: where it is, what it has counted, and the elements of the operation or document that are still open.
struct Scan {
    limits: Limits,
    depth: usize,
    elements: usize,
    comments: usize,
    text: usize,
    part: Part,
    root_seen: bool,
    first: bool,
    bindings: usize,
    open: Vec<Open>,
    /// Elements that have ended before their parents have; at last the operation or the root alone.
    ended: Vec<Element>,
    namespace: Option<String>,
}

/// An element of the operation or document that has not ended.
struct Open {
    element: Element,
    /// Where its children begin among those that have ended.
    first_child: usize,
}

impl Scan {
    fn new(limits: Limits, part: Part) -> Self {
        Self {
            limits,
            depth: 0,
            elements: 0,
            comments: 0,
            text: 0,
            part,
            root_seen: false,
            first: true,
            bindings: 0,
            open: Vec::new(),
            ended: Vec::new(),
            namespace: None,
        }
    }

    fn comment(&mut self, comment: &str) -> Result<(), EnvelopeError> {
        if comment.contains("--") || comment.ends_with('-') {
            return Err(Malformed);
        }
        self.comments += comment.len();
        if self.comments > self.limits.comments { Err(Limit("comments")) } else { Ok(()) }
    }

    fn start(&mut self, reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<(), EnvelopeError> {
        if self.depth == 0 && self.root_seen {
            return Err(Malformed);
        }
        self.root_seen = true;
        self.depth += 1;
        self.elements += 1;
        self.text = 0;
        if self.depth > self.limits.depth {
            return Err(Limit("nesting"));
        }
        if self.elements > self.limits.elements {
            return Err(Limit("elements"));
        }
        if start.name().into_inner().len() > self.limits.name {
            return Err(Limit("name length"));
        }
        let (local, prefix) = start.name().decompose();
        let local = local.into_inner();
        if !is_name(local) || !prefix.is_none_or(|prefix| is_name(prefix.into_inner())) {
            return Err(Malformed);
        }
        let attributes = pairs(start.attributes_raw()).ok_or(Malformed)?;
        if !attributes.iter().all(|(name, _)| is_qualified_name(name)) {
            return Err(Malformed);
        }
        let namespace = match reader.resolver().resolve_prefix(prefix, true) {
            ResolveResult::Bound(namespace) => Some(namespace.into_inner()),
            ResolveResult::Unbound => None,
            ResolveResult::Unknown(_) => return Err(Malformed),
        };
        self.place(local, namespace)?;
        let mut element = Element::new(local);
        if !attributes.is_empty() {
            self.attributes(reader, start, &mut element)?;
        }
        if self.part == Part::Document || self.part == Part::Body && self.depth >= 3 {
            self.open.push(Open { element, first_child: self.ended.len() });
        }
        Ok(())
    }

    /// Checks that an element of the envelope stands where the envelope has one (XML-5).
    fn place(&mut self, local: &str, namespace: Option<&str>) -> Result<(), EnvelopeError> {
        match self.depth {
            _ if self.part == Part::Document => Ok(()),
            1 if local == "Envelope" && namespace == Some(SOAP11) => Ok(()),
            1 => Err(Version),
            2 => {
                self.part = match (local, namespace, &self.part) {
                    ("Header", Some(SOAP11), Part::Before) => Part::Header,
                    ("Body", Some(SOAP11), Part::Before | Part::Between) => Part::Body,
                    _ => return Err(Malformed),
                };
                Ok(())
            }
            3 if self.part == Part::Body => {
                if !self.ended.is_empty() {
                    return Err(Body);
                }
                self.namespace = namespace.map(str::to_owned);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn attributes(
        &mut self,
        reader: &NsReader<&[u8]>,
        start: &BytesStart<'_>,
        element: &mut Element,
    ) -> Result<(), EnvelopeError> {
        let mut seen: Vec<(&str, &str)> = Vec::new();
        let (mut mandatory, mut ours) = (false, true);
        for (count, attribute) in start.attributes().enumerate() {
            if count >= self.limits.attributes {
                return Err(Limit("attributes"));
            }
            let attribute = attribute.map_err(|_| Malformed)?;
            if attribute.value.len() > self.limits.value {
                return Err(Limit("attribute length"));
            }
            if attribute.key.into_inner().len() > self.limits.name {
                return Err(Limit("name length"));
            }
            if let Some(prefix) = attribute.key.as_namespace_binding() {
                self.bind(prefix, &attribute.value)?;
                continue;
            }
            let value = attribute_value(&attribute)?;
            let truth = matches!(value.trim(), "1" | "true");
            let (namespace, local) = reader.resolver().resolve_attribute(attribute.key);
            let local = local.into_inner();
            match namespace {
                ResolveResult::Unknown(_) => return Err(Malformed),
                ResolveResult::Bound(namespace) => {
                    let expanded = (namespace.into_inner(), local);
                    if seen.contains(&expanded) {
                        return Err(Malformed);
                    }
                    seen.push(expanded);
                    match expanded {
                        (SOAP11, "mustUnderstand") => mandatory = truth,
                        (SOAP11, "actor") => ours = ["", NEXT].contains(&value.trim()),
                        (XSI, "nil") => element.nil = truth,
                        _ => (),
                    }
                }
                ResolveResult::Unbound => element.attributes.push((local.to_owned(), value)),
            }
        }
        let block = self.depth == 3 && self.part == Part::Header;
        if block && mandatory && ours { Err(MustUnderstand) } else { Ok(()) }
    }

    fn bind(&mut self, prefix: PrefixDeclaration<'_>, namespace: &str) -> Result<(), EnvelopeError> {
        self.bindings += 1;
        if self.bindings > self.limits.bindings {
            return Err(Limit("namespace declarations"));
        }
        let reserved = match prefix {
            PrefixDeclaration::Default => matches!(namespace, XML | XMLNS),
            PrefixDeclaration::Named(_) => namespace.is_empty(),
        };
        if reserved { Err(Malformed) } else { Ok(()) }
    }

    fn end(&mut self) {
        self.text = 0;
        if let Some(Open { mut element, first_child }) = self.open.pop() {
            element.children = self.ended.split_off(first_child);
            self.ended.push(element);
        }
        if self.depth == 2 && self.part != Part::Document {
            self.part = if self.part == Part::Header { Part::Between } else { Part::After };
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), EnvelopeError> {
        let resolved = match reference.resolve_char_ref() {
            Ok(Some(character)) if is_xml_char(character) => character,
            Ok(Some(_)) | Err(_) => return Err(Malformed),
            Ok(None) => match &**reference {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                _ => return Err(Malformed),
            },
        };
        self.text(resolved.encode_utf8(&mut [0; 4]), true)
    }

    /// Takes a piece of text; `marked` says that it was written as CDATA or as a reference, so it is no mere blank.
    fn text(&mut self, text: &str, marked: bool) -> Result<(), EnvelopeError> {
        let blank = || !marked && text.trim_ascii().is_empty();
        self.text += text.len();
        if self.text > self.limits.text {
            return Err(Limit("text length"));
        }
        match self.open.last_mut() {
            Some(Open { element, .. }) if element.text.is_empty() => element.text = text.to_owned(),
            Some(Open { element, .. }) => element.text.push_str(text),
            None if blank() => {}
            None if self.depth == 2 && self.part == Part::Body => return Err(Body),
            None if self.part == Part::Header && self.depth > 2 => {}
            None => return Err(Malformed),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(Element, Option<String>), EnvelopeError> {
        if self.depth != 0 || !self.root_seen {
            return Err(Malformed);
        }
        Ok((self.ended.pop().ok_or(Body)?, self.namespace))
    }
}

fn attribute_value(attribute: &Attribute<'_>) -> Result<String, EnvelopeError> {
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| Malformed)?;
    let legal = !attribute.value.contains('<') && value.chars().all(is_xml_char);
    if legal { Ok(value.into_owned()) } else { Err(Malformed) }
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
