//! The HTML pages that stand where API clients look for a text: `HTTP Status 401` and its like (axl.md 2, 3).
//!
//! Every text is ours and fixed, or escaped here; nothing of the request is repeated.

use quick_xml::escape::escape;

/// A whole HTML page with one heading and one sentence.
pub fn html(heading: &str, sentence: &str) -> String {
    let (heading, sentence) = (escape(heading), escape(sentence));
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{heading}</title></head>\
         <body><h1>{heading}</h1><p>{sentence}</p></body></html>\n"
    )
}

/// The page of 401.
pub fn unauthorized() -> String {
    html("HTTP Status 401 - Unauthorized", "Sign in with an application user or end user and its password.")
}

/// The page of 403.
pub fn forbidden() -> String {
    html("HTTP Status 403 - Forbidden", "The account has no role that allows this.")
}

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

    #[test]
    fn texts_are_escaped() {
        assert!(html("<b>", "&").contains("<h1>&lt;b&gt;</h1><p>&amp;</p>"));
    }
}
