//! The HTML pages of the provisioning API: the banner that clients probe for, and the refusal of a version (axl.md 2, 3).
//!
//! Every text is ours and fixed; nothing of the request is repeated.

use crate::auth::page::html;

/// The page of 599; `versions` are the schema versions that are served, oldest first.
pub fn unsupported_version(versions: &[&str]) -> String {
    let list = match versions.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    };
    let text = format!("Incorrect axl version. Supported axl versions are {list}");
    html(&format!("HTTP Status 599 - {text}"), "Send the request in the namespace of a version listed above.")
}

/// The page that tells clients that credentials are good.
pub fn banner() -> String {
    html(
        "Cisco CallManager: AXL Web Service",
        "The AXL API is working. Requests are sent to this address by POST.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_find_the_versions_in_the_page_of_599() {
        let page = unsupported_version(&["11.5", "12.0", "14.0"]);
        assert!(page.contains(
            "HTTP Status 599 - Incorrect axl version. Supported axl versions are 11.5, 12.0 and 14.0"
        ));
    }
}
