//! The state of the one pass over a message: where it is, what it has counted, and what has been built of the operation or document.

use quick_xml::NsReader;
use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesRef, BytesStart};
use quick_xml::name::{PrefixDeclaration, ResolveResult};

use super::EnvelopeError::{self, Body, Limit, Malformed, MustUnderstand, Version};
use super::Limits;
use crate::soap::tree::Element;
use crate::soap::wellformed::{is_name, is_qualified_name, pairs};
use crate::soap::write::is_xml_char;

pub(super) const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The actor that is whoever gets the message.
const NEXT: &str = "http://schemas.xmlsoap.org/soap/actor/next";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

#[derive(PartialEq)]
pub(super) enum Part {
    /// There is no envelope.
    Document,
    Before,
    Header,
    Between,
    Body,
    After,
}

/// The state of the pass: where it is, what it has counted, and the elements of the operation or document that are still open.
pub(super) struct Scan {
    pub(super) limits: Limits,
    depth: usize,
    elements: usize,
    comments: usize,
    text: usize,
    part: Part,
    root_seen: bool,
    pub(super) first: bool,
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
    pub(super) fn new(limits: Limits, part: Part) -> Self {
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

    pub(super) fn comment(&mut self, comment: &str) -> Result<(), EnvelopeError> {
        if comment.contains("--") || comment.ends_with('-') {
            return Err(Malformed);
        }
        self.comments += comment.len();
        if self.comments > self.limits.comments { Err(Limit("comments")) } else { Ok(()) }
    }

    pub(super) fn start(
        &mut self,
        reader: &NsReader<&[u8]>,
        start: &BytesStart<'_>,
    ) -> Result<(), EnvelopeError> {
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

    pub(super) fn end(&mut self) {
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

    pub(super) fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), EnvelopeError> {
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
    pub(super) fn text(&mut self, text: &str, marked: bool) -> Result<(), EnvelopeError> {
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

    pub(super) fn finish(mut self) -> Result<(Element, Option<String>), EnvelopeError> {
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
