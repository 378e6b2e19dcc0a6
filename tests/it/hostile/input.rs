//! One input of the corpus: what class it is of, what goes over the wire, what must come back.

use super::target::Expect;

/// Stands in raw bytes where the header with good credentials belongs.
pub(super) const AUTHORIZED: &str = "Authorization: @good\r\n";

/// How an input is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Door {
    /// As the body of a well-formed SOAP request with good credentials.
    Soap,
    /// As it is, over TLS.
    Tls,
    /// As it is, to the listener for phones.
    Phone,
}

/// One input.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) class: &'static str,
    pub(super) what: String,
    pub(super) door: Door,
    pub(super) bytes: Vec<u8>,
    pub(super) expect: Expect,
}

impl Input {
    /// A SOAP body.
    pub(super) fn soap(class: &'static str, bytes: impl AsRef<[u8]>, expect: Expect) -> Self {
        Self::raw(class, Door::Soap, bytes, expect)
    }

    /// Bytes as they are.
    pub(super) fn raw(class: &'static str, door: Door, bytes: impl AsRef<[u8]>, expect: Expect) -> Self {
        let bytes = bytes.as_ref().to_vec();
        let text = String::from_utf8_lossy(&bytes);
        let (_, telling) = text.split_once("<s:Body>").unwrap_or(("", &text));
        let what = telling.chars().take(250).collect();
        Self { class, what, door, bytes, expect }
    }
}
