//! Percent-encoding: of forms, and of user ids in documents (extension-mobility.md 4.4).

use zeroize::Zeroizing;

/// Decodes a form value: `+` is a blank, and a percent sign without two digits is itself.
pub(super) fn decode_form(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(value.len()));
    let mut rest = value;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        decoded.push(match first {
            b'+' => b' ',
            b'%' => match escaped(after) {
                Some(byte) => {
                    rest = after.get(2..).unwrap_or_default();
                    byte
                }
                None => b'%',
            },
            other => *other,
        });
    }
    decoded
}

/// Decodes a user id; none when it is not encoded at all, not as UTF-8, or as what is in no user id.
pub(super) fn decode_id(id: &str) -> Option<String> {
    let escapes = id.contains('%').then(|| id.replace('+', "%2B"))?;
    let decoded = String::from_utf8(decode_form(escapes.as_bytes()).to_vec()).ok()?;
    (decoded != id && !decoded.contains(char::is_control)).then_some(decoded)
}

/// The readings of a user id, which may have been encoded once more than the document: as it stands first (extension-mobility.md 4.4).
pub(super) fn readings(id: &str) -> impl Iterator<Item = String> {
    std::iter::once(id.to_owned()).chain(decode_id(id))
}

/// Encodes all bytes of a user id but those that no URL needs to encode.
pub(super) fn encode_id(id: &str) -> String {
    let mut encoded = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn escaped(digits: &[u8]) -> Option<u8> {
    let (high, rest) = digits.split_first()?;
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(*high)? << 4 | digit(*rest.first()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded_and_what_is_no_escape_stays() {
        for (value, decoded) in [
            ("a+b%20c", "a b c"),
            ("%3Cx%3e", "<x>"),
            ("100%", "100%"),
            ("%4", "%4"),
            ("%zz%", "%zz%"),
            ("%%41", "%A"),
        ] {
            assert_eq!(decode_form(value.as_bytes()).as_slice(), decoded.as_bytes(), "{value}");
        }
        assert_eq!(decode_form(b"%ff%00").as_slice(), [0xFF, 0]);
    }

    #[test]
    fn user_ids_come_back_from_their_encoding() {
        for id in ["rkumar", "em@cisco.com", "jörg müller", "a+b", "50%"] {
            let encoded = encode_id(id);
            assert!(encoded.bytes().all(|b| b.is_ascii_graphic() && b != b'@'), "{encoded}");
            assert_eq!(decode_id(&encoded).as_deref().unwrap_or(id), id);
        }
        assert_eq!(encode_id("em@cisco.com"), "em%40cisco.com");
        for plain in ["rkumar", "a+b", "50%", "a%zz", "%ff", "a%00", "%0a"] {
            assert_eq!(decode_id(plain), None, "{plain}");
        }
    }
}
