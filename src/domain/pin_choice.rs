//! Which PINs a person may not choose: too short, or what somebody who knows the person or the keypad tries first (security.md AUTH-2).
//!
//! Binds what a holder chooses, never what somebody else sets. Earlier PINs are known as hashes alone and are compared elsewhere.

use super::credential::ChoicePolicy;
use super::secret::Pin;

/// What is known of a person, as far as a PIN could be made of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PinOwner {
    /// User id, first name and last name.
    pub names: Vec<String>,
    /// Directory numbers.
    pub extensions: Vec<String>,
}

/// Why a PIN may not be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinFlaw {
    /// It has fewer digits than that.
    Short(usize),
    /// It is easily guessed.
    Trivial,
}

/// Digits an extension must have to be found in a PIN: less is in too many.
const SHORTEST_EXTENSION: usize = 3;
/// The same for a name that is a part of a PIN.
const SHORTEST_NAME: usize = 4;

/// Straight lines over the keys of a phone, in one direction.
const LINES: [&str; 10] = ["123", "456", "789", "147", "258", "369", "2580", "580", "159", "357"];

/// The digits of the keys that carry the letters of a name, and its own digits.
const LETTERS: [(char, &str); 8] = [
    ('2', "abc"),
    ('3', "def"),
    ('4', "ghi"),
    ('5', "jkl"),
    ('6', "mno"),
    ('7', "pqrs"),
    ('8', "tuv"),
    ('9', "wxyz"),
];

/// What is wrong with a PIN, if anything is.
pub fn flaw(pin: &Pin, owner: &PinOwner, policy: &ChoicePolicy) -> Option<PinFlaw> {
    let digits = pin.expose();
    if digits.len() < policy.least_length {
        return Some(PinFlaw::Short(policy.least_length));
    }
    (policy.refuses_trivial && is_trivial(digits, owner)).then_some(PinFlaw::Trivial)
}

fn is_trivial(digits: &str, owner: &PinOwner) -> bool {
    has_three_in_a_row(digits)
        || different(digits) < 3
        || is_sequence(digits)
        || is_repeated_group(digits)
        || is_lines(digits)
        || owner.extensions.iter().any(|extension| has_extension(digits, extension))
        || owner.names.iter().any(|name| spells(digits, name))
}

fn has_three_in_a_row(digits: &str) -> bool {
    digits.as_bytes().windows(3).any(|w| w.iter().all(|d| Some(d) == w.first()))
}

fn different(digits: &str) -> usize {
    ('0'..='9').filter(|d| digits.contains(*d)).count()
}

/// Only rising, only falling, or counted on over nine and zero.
fn is_sequence(digits: &str) -> bool {
    let pairs = || digits.as_bytes().iter().zip(digits.as_bytes().iter().skip(1));
    let counted = |step: u8| pairs().all(|(a, b)| (a - b'0' + step) % 10 == b - b'0');
    pairs().all(|(a, b)| a < b) || pairs().all(|(a, b)| a > b) || counted(1) || counted(9)
}

fn is_repeated_group(digits: &str) -> bool {
    let repeats = |length: usize| {
        let group = digits.get(..length).unwrap_or_default();
        digits.len().is_multiple_of(length) && digits == group.repeat(digits.len() / length)
    };
    (1..=digits.len() / 2).any(repeats)
}

/// Nothing but straight lines, one after the other.
fn is_lines(digits: &str) -> bool {
    let both_ways = LINES.iter().flat_map(|line| [(*line).to_owned(), reversed(line)]);
    let rest =
        |line: String| digits.strip_prefix(&line).is_some_and(|rest| rest.is_empty() || is_lines(rest));
    both_ways.into_iter().any(rest)
}

fn has_extension(digits: &str, extension: &str) -> bool {
    let number: String = extension.chars().filter(char::is_ascii_digit).collect();
    number.len() >= SHORTEST_EXTENSION && (digits.contains(&number) || digits.contains(&reversed(&number)))
}

/// Whether a PIN is a name on the keys, a part of one, or has one in it.
fn spells(digits: &str, name: &str) -> bool {
    let spelled: String = name.chars().filter_map(key_of).collect();
    spelled.contains(digits) || (spelled.len() >= SHORTEST_NAME && digits.contains(&spelled))
}

fn key_of(letter: char) -> Option<char> {
    let small = letter.to_ascii_lowercase();
    let key = LETTERS.iter().find(|(_, letters)| letters.contains(small)).map(|(key, _)| *key);
    key.or_else(|| Some(letter).filter(char::is_ascii_digit))
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::super::credential::CredentialPolicy;
    use super::*;

    fn ada() -> PinOwner {
        PinOwner {
            names: ["alove7", "Ada", "Lovelace"].map(str::to_owned).to_vec(),
            extensions: ["2145".to_owned(), "\\+4989".to_owned(), "7".to_owned()].to_vec(),
        }
    }

    fn flaw_of(pin: &str) -> Option<PinFlaw> {
        flaw(&pin.parse().unwrap(), &ada(), &CredentialPolicy::default().choice)
    }

    #[test]
    fn what_is_easily_guessed_is_trivial() {
        for (pin, why) in [
            ("11122", "three times the same"),
            ("90001", "three times the same, in the middle"),
            ("22332", "two different digits"),
            ("12345", "ascending"),
            ("13579", "ascending by two"),
            ("98765", "descending"),
            ("86420", "descending by two"),
            ("67890", "on over nine"),
            ("10987", "back over zero"),
            ("408408", "a group twice"),
            ("147258", "two columns"),
            ("963159", "a column upwards and a diagonal"),
            ("2580852", "the middle column down and up"),
            ("92145", "the extension"),
            ("05412", "the extension backwards"),
            ("49893", "a number in another writing"),
            ("56835", "the beginning of a last name"),
            ("68352", "the middle of it"),
            ("256837", "the user id with its digit"),
            ("9256837", "the user id with something before it"),
        ] {
            assert_eq!(flaw_of(pin), Some(PinFlaw::Trivial), "{pin}: {why}");
        }
    }

    #[test]
    fn what_is_not_passes() {
        for pin in ["90210", "24680", "70531", "15937", "11223", "42142142", "918273645"] {
            assert_eq!(flaw_of(pin), None, "{pin}");
        }
    }

    #[test]
    fn length_comes_first_and_the_check_may_be_off() {
        assert_eq!(flaw_of("9021"), Some(PinFlaw::Short(5)));
        let lax =
            ChoicePolicy { refuses_trivial: false, least_length: 1, ..CredentialPolicy::default().choice };
        assert_eq!(flaw(&"1".parse().unwrap(), &ada(), &lax), None);
    }
}
