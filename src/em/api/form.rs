//! The form that carries a document: finds the one control that counts, however programs write it (extension-mobility.md 2).
//!
//! Other controls are ignored wherever they stand. What comes out is decoded and has no blanks around it; whether it is XML is judged
//! behind.

use zeroize::Zeroizing;

use super::percent::decode_form;
use crate::em::error::EmCode;

/// The control that holds the document.
const CONTROL: &[u8] = b"xml=";

/// Takes the document out of a form body or a query string, where there is one; a form with two of them cannot be read.
pub(super) fn document(form: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, EmCode> {
    let (mut found, mut rest) = (None, form);
    while !rest.is_empty() {
        let (control, after) = split_control(rest);
        rest = after;
        if let Some(value) = value_of(control)
            && found.replace(decode_form(value)).is_some()
        {
            return Err(EmCode::Parse);
        }
    }
    Ok(found.map(|decoded| Zeroizing::new(decoded.trim_ascii().to_vec())))
}

fn value_of(control: &[u8]) -> Option<&[u8]> {
    control.trim_ascii_start().strip_prefix(CONTROL)
}

/// Splits off the first control. A document that is written as it is, which an encoded one never looks like, holds references that
/// begin as other controls do: it goes on to its last tag.
fn split_control(form: &[u8]) -> (&[u8], &[u8]) {
    let end_after = |from: usize| {
        let ampersand = form.iter().skip(from).position(|byte| *byte == b'&');
        ampersand.map_or(form.len(), |at| from + at)
    };
    let mut end = end_after(0);
    let is_raw = form.get(..end).and_then(value_of).is_some_and(|value| value.contains(&b'<'));
    if is_raw && let Some(last_tag) = form.iter().rposition(|byte| *byte == b'>') {
        end = end_after(last_tag);
    }
    let (control, after) = form.split_at_checked(end).unwrap_or((form, b""));
    (control, after.strip_prefix(b"&").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str) -> Result<String, EmCode> {
        let found = document(form.as_bytes())?.ok_or(EmCode::Parse)?;
        Ok(String::from_utf8(found.to_vec()).unwrap())
    }

    #[test]
    fn the_document_is_found_however_programs_write_it() {
        let wanted = "<a b=\"1\">x&amp;y z</a>";
        for form in [
            "xml=%3Ca%20b%3D%221%22%3Ex%26amp%3By%20z%3C%2Fa%3E",
            "xml=%3Ca+b=\"1\"%3Ex%26amp;y+z%3C/a%3E",
            "xml=<a b=\"1\">x&amp;y z</a>",
            "xml=<a+b=\"1\">x&amp;y z</a>\r\n",
            "xml=\n <a b=\"1\">x&amp;y z</a>\n \r\n",
            "xml=%0A%3Ca+b%3D%221%22%3Ex%26amp%3By+z%3C%2Fa%3E%0D%0A",
            "appid=x&devicename=SEP1&password=p%26&xml=%3Ca+b%3D%221%22%3Ex%26amp%3By+z%3C%2Fa%3E&submit=Go",
            "appid=x&xml=<a b=\"1\">x&amp;y z</a>&submit=Go",
            "&&xml=%3Ca+b%3D%221%22%3Ex%26amp%3By+z%3C%2Fa%3E&",
        ] {
            assert_eq!(read(form).as_deref(), Ok(wanted), "{form}");
        }
    }

    #[test]
    fn a_form_without_a_document_or_with_two_cannot_be_read() {
        for form in [
            "",
            "xml",
            "XML=%3Ca/%3E",
            "xmlx=1",
            "a=xml=1",
            "<a/>",
            "xml=%3Ca/%3E&xml=%3Ca/%3E",
            "xml=<a/>&xml=%3Ca/%3E",
        ] {
            assert_eq!(read(form), Err(EmCode::Parse), "{form}");
        }
        assert_eq!(read("xml=").as_deref(), Ok(""));
        assert_eq!(read("xml=<a/>&xml=<b/>").as_deref(), Ok("<a/>&xml=<b/>"), "no XML either");
    }

    proptest::proptest! {
        #[test]
        fn any_form_is_answered_and_an_encoded_document_comes_back(
            text in ".{0,60}",
            before in "[a-z=%+&;]{0,20}",
            noise in proptest::collection::vec(0_u8..=255, 0..60),
        ) {
            let _ = document(&noise);
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let wanted = String::from_utf8(text.as_bytes().trim_ascii().to_vec()).unwrap();
            let is_second = before.split('&').any(|control| control.starts_with("xml="));
            let wanted = if is_second { Err(EmCode::Parse) } else { Ok(wanted) };
            proptest::prop_assert_eq!(read(&format!("{before}&xml={encoded}&z=1")), wanted);
        }
    }
}
