//! Children of an element, read in the one order that phones know; what is left over, missing, too long or out of its place is an error.

use std::ops::RangeInclusive;
use std::slice;

use super::XmlError;
use crate::soap::tree::Element;

pub(super) fn error<T>(why: impl Into<String>) -> Result<T, XmlError> {
    Err(XmlError(why.into()))
}

pub(super) fn no_text(element: &Element) -> Result<(), XmlError> {
    if element.text.trim().is_empty() { Ok(()) } else { error(format!("text in {}", element.name)) }
}

pub(super) fn length(what: &str, text: &str, range: RangeInclusive<usize>) -> Result<(), XmlError> {
    if range.contains(&text.chars().count()) {
        return Ok(());
    }
    error(format!("{what} is not {} to {} characters long", range.start(), range.end()))
}

/// The children of an element that nobody has read yet, in order.
pub(super) struct Children<'e> {
    parent: &'e str,
    rest: slice::Iter<'e, Element>,
}

impl<'e> Children<'e> {
    pub(super) fn of(parent: &'e Element) -> Self {
        Self { parent: &parent.name, rest: parent.children.iter() }
    }

    /// The next one, if it has this name.
    pub(super) fn next(&mut self, name: &str) -> Option<&'e Element> {
        let next = self.rest.as_slice().first().filter(|element| element.name == name);
        next.inspect(|_| {
            self.rest.next();
        })
    }

    pub(super) fn optional_leaf(
        &mut self,
        name: &str,
        range: RangeInclusive<usize>,
    ) -> Result<Option<String>, XmlError> {
        let Some(element) = self.next(name) else { return Ok(None) };
        if !element.children.is_empty() || !element.attributes.is_empty() {
            return error(format!("{name} holds more than a text"));
        }
        length(name, &element.text, range)?;
        Ok(Some(element.text.clone()))
    }

    pub(super) fn leaf(&mut self, name: &str, range: RangeInclusive<usize>) -> Result<String, XmlError> {
        match self.optional_leaf(name, range)? {
            Some(text) => Ok(text),
            None => error(format!("{name} is missing in {}, or not in its place", self.parent)),
        }
    }

    /// All that come now and have this name, each read whole.
    pub(super) fn many<T>(
        &mut self,
        name: &str,
        most: usize,
        mut read: impl FnMut(&mut Children<'_>) -> Result<T, XmlError>,
    ) -> Result<Vec<T>, XmlError> {
        let mut found = Vec::new();
        while let Some(element) = self.next(name) {
            no_text(element)?;
            if !element.attributes.is_empty() {
                return error(format!("{name} has no attributes"));
            }
            let mut inside = Children::of(element);
            found.push(read(&mut inside)?);
            inside.end()?;
        }
        if found.len() > most { error(format!("more than {most} times {name}")) } else { Ok(found) }
    }

    pub(super) fn end(&self) -> Result<(), XmlError> {
        match self.rest.as_slice().first() {
            None => Ok(()),
            Some(left) => error(format!("{} in {} is unknown, or not in its place", left.name, self.parent)),
        }
    }
}
