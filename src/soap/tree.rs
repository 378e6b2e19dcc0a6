//! The element tree that the front door builds: local names, text, attributes, nothing of namespaces.
//!
//! Text may be a PIN or a password, so `Debug` shows names and lengths only (SEC-1).
//!
//! Depth is bounded by whoever builds a tree (`envelope` allows 32 levels), so walking and dropping it may recurse.

use std::fmt;

/// One element of a request, or of a canonical body made from it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// The local name.
    pub name: String,
    /// Attributes by local name, without namespace declarations and without those of the schema-instance namespace.
    pub attributes: Vec<(String, String)>,
    /// All text directly inside, references resolved, in order.
    pub text: String,
    /// Child elements in document order.
    pub children: Vec<Element>,
    /// Whether `xsi:nil` was true.
    pub nil: bool,
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} {} attributes, {} bytes>", self.name, self.attributes.len(), self.text.len())?;
        f.debug_list().entries(&self.children).finish()
    }
}

impl Element {
    /// Makes an empty element.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Makes an element that holds text.
    pub fn with_text(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), ..Self::default() }
    }

    /// Makes an element that holds elements.
    pub fn with_children(name: &str, children: Vec<Element>) -> Self {
        Self { name: name.to_owned(), children, ..Self::default() }
    }

    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of this name, in order.
    pub fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of this name.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether nothing is inside: no child, and no text other than blanks; nil counts as nothing.
    pub fn is_blank(&self) -> bool {
        self.nil || (self.children.is_empty() && self.text.chars().all(char::is_whitespace))
    }
}
