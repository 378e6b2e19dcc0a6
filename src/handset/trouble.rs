//! What a phone shows when it gets nothing that it can show.

use serde::Serialize;

use super::object::XmlError;

/// What went wrong, in the phone's words and in ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{shown}")]
pub struct Trouble {
    /// What the phone shows.
    #[serde(rename = "trouble")]
    pub shown: String,
    /// What was the matter, for whoever runs the service; holds nothing that was typed.
    pub detail: String,
}

impl Trouble {
    fn new(shown: &str, detail: impl Into<String>) -> Self {
        Self { shown: shown.to_owned(), detail: detail.into() }
    }

    /// An address without a host that can be found.
    pub(super) fn host(detail: impl Into<String>) -> Self {
        Self::new("Host Not Found", detail)
    }

    /// Nobody answers, or not as HTTP does.
    pub(super) fn no_answer(detail: impl Into<String>) -> Self {
        Self::new("HTTP Error [8]", detail)
    }

    /// An answer with nothing in it.
    pub(super) fn empty() -> Self {
        Self::new("HTTP Error [10]", "the answer is empty")
    }

    /// An answer that is a refusal, by its status.
    pub(super) fn status(status: u16, path: &str) -> Self {
        Self::new(&format!("HTTP Error ({status})"), format!("{path} is answered with status {status}"))
    }
}

impl From<XmlError> for Trouble {
    fn from(error: XmlError) -> Self {
        Self::new("XML Error [4]", error.0)
    }
}
