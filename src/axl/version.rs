//! Schema versions: which are served, and which one a namespace asks for (axl.md 3).

use crate::soap::shape::Version;

/// Served versions, oldest first.
pub const SERVED: [(&str, Version); 5] =
    [("11.5", (11, 5)), ("12.0", (12, 0)), ("12.5", (12, 5)), ("14.0", (14, 0)), ("15.0", (15, 0))];

const PREFIX: &str = "http://www.cisco.com/AXL/API/";

/// What the namespace of an operation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A served version; its text is echoed.
    Served(&'static str, Version),
    /// A version that is not served: the page of 599.
    Unsupported,
    /// No AXL namespace at all.
    Foreign,
}

/// Reads the namespace of an operation; version 1.0 means the oldest.
pub fn asked(namespace: Option<&str>) -> Asked {
    let Some(version) = namespace.and_then(|n| n.strip_prefix(PREFIX)) else { return Asked::Foreign };
    let version = if version == "1.0" { "11.5" } else { version };
    match SERVED.iter().find(|(text, _)| *text == version) {
        Some((text, number)) => Asked::Served(text, *number),
        None => Asked::Unsupported,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_ask_for_versions() {
        assert_eq!(asked(Some("http://www.cisco.com/AXL/API/12.5")), Asked::Served("12.5", (12, 5)));
        assert_eq!(asked(Some("http://www.cisco.com/AXL/API/1.0")), Asked::Served("11.5", (11, 5)));
        assert_eq!(asked(Some("http://www.cisco.com/AXL/API/14")), Asked::Unsupported);
        assert_eq!(asked(Some("urn:other")), Asked::Foreign);
        assert_eq!(asked(None), Asked::Foreign);
    }
}
