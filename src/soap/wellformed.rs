//! What the tokenizer leaves unchecked: the grammar of start tags and of the declaration, names, and which encoding is named.
//!
//! Promises no more than yes or no; the front door (`envelope`) turns that into its errors.

const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// Reads `name='value'` pairs, each after a blank; none when they are not written so.
pub(super) fn pairs(mut rest: &str) -> Option<Vec<(&str, &str)>> {
    let mut pairs = Vec::new();
    loop {
        let pair = rest.trim_start_matches(BLANK);
        if pair.is_empty() {
            return Some(pairs);
        }
        let (name, after) = pair.split_once('=').filter(|_| pair.len() < rest.len())?;
        let after = after.trim_start_matches(BLANK);
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, left) = after.strip_prefix(quote)?.split_once(quote)?;
        pairs.push((name.trim_end_matches(BLANK), value));
        rest = left;
    }
}

/// The encoding that a declaration of XML 1.0 names, empty where it names none; none for what is no such declaration.
pub(super) fn declared_encoding(declaration: &str) -> Option<&str> {
    let pairs = pairs(declaration.strip_prefix("xml")?)?;
    let (version, mut rest) = pairs.split_first()?;
    let mut encoding = "";
    if let Some((("encoding", name), after)) = rest.split_first() {
        (encoding, rest) = (Some(*name).filter(|name| !name.is_empty())?, after);
    }
    let known = match rest {
        [] => true,
        [("standalone", value)] => matches!(*value, "yes" | "no"),
        _ => false,
    };
    (*version == ("version", "1.0") && known).then_some(encoding)
}

/// Whether a text in UTF-8 is what a sender means who names this encoding (XML-2).
pub fn agrees(encoding: &str, text: &[u8]) -> bool {
    let is = |names: &[&str]| names.iter().any(|name| encoding.eq_ignore_ascii_case(name));
    is(&["utf-8", "utf8"])
        || is(&["us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"]) && text.is_ascii()
}

/// The `charset` of a `Content-Type`.
pub fn charset(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1).filter_map(|p| p.split_once('='));
    let mut named = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    named.next().map(|(_, value)| value.trim().trim_matches(['"', '\''])).filter(|value| !value.is_empty())
}

/// Whether this is a name, with or without a prefix.
pub(super) fn is_qualified_name(name: &str) -> bool {
    match name.split_once(':') {
        Some((prefix, local)) => is_name(prefix) && is_name(local),
        None => is_name(name),
    }
}

/// Whether this is a name without a colon, by XML 1.0, fifth edition.
pub(super) fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    // nearly all names are letters only
    (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()))
        || characters.next().is_some_and(starts_name)
            && characters.all(|c| starts_name(c) || continues_name(c))
}

fn starts_name(c: char) -> bool {
    matches!(c, 'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

fn continues_name(c: char) -> bool {
    matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_stand_apart_and_are_quoted() {
        assert_eq!(pairs(" a='1'\n b = \"'\" "), Some(vec![("a", "1"), ("b", "'")]));
        assert_eq!(pairs(""), Some(vec![]));
        for wrong in ["a='1'", " a='1'b='2'", " a=1", " a", " a='1", " ='1' x"] {
            assert!(pairs(wrong).is_none_or(|p| p.iter().any(|(name, _)| !is_name(name))), "{wrong}");
        }
    }

    #[test]
    fn a_declaration_has_its_parts_in_order() {
        assert_eq!(declared_encoding("xml version='1.0'"), Some(""));
        assert_eq!(declared_encoding("xml version='1.0' encoding=\"x\" standalone='no' "), Some("x"));
        for wrong in [
            "xml",
            "xml version='1.1'",
            "xml encoding='x'",
            "xml encoding='x' version='1.0'",
            "xml version='1.0' standalone='no' encoding='x'",
            "xml version='1.0' standalone='maybe'",
            "xml version='1.0' encoding=''",
            "xml version='1.0' a='b'",
        ] {
            assert_eq!(declared_encoding(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_encoding_agrees_where_the_bytes_mean_the_same_in_it() {
        assert!(agrees("Utf-8", "ö".as_bytes()) && agrees("ISO-8859-1", b"o"));
        assert!(
            !agrees("ISO-8859-1", "ö".as_bytes())
                && !agrees("us-ascii", "ö".as_bytes())
                && !agrees("utf-16", b"o")
        );
        assert_eq!(charset("text/xml; action=x; Charset=\"utf-8\""), Some("utf-8"));
        assert_eq!(charset("text/xml; charset="), None);
    }

    #[test]
    fn names_are_those_of_xml() {
        assert!(["a", "_", "ä.-1", "a:b"].into_iter().all(is_qualified_name));
        assert!(
            ["", ":", "a:", ":a", "a:b:c", "1", "-a", "a×", "\u{B7}a", "a b"]
                .into_iter()
                .all(|n| !is_qualified_name(n))
        );
    }
}
