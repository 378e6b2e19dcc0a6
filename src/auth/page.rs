//! The HTML pages that stand where API clients look for a text: `HTTP Status 401` and its like (axl.md 2).
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert!(html("<b>", "&").contains("<h1>&lt;b&gt;</h1><p>&amp;</p>"));
    }
}
