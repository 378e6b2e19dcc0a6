//! Secrets that people and programs send us. They cannot be printed and are wiped when dropped.

use zeroize::Zeroizing;

/// A PIN: 1 to 64 ASCII digits (security.md PHONE-2).
#[derive(Clone)]
pub struct Pin(Zeroizing<String>);

/// A password, at most 128 characters.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// Why a text is no secret of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// A PIN that is not 1 to 64 digits.
    #[error("a pin is 1 to 64 digits")]
    Pin,
    /// A password that is empty, too long or holds control characters.
    #[error("a password is 1 to 128 characters without control characters")]
    Password,
}

impl Pin {
    /// The digits, for hashing only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Password {
    /// The text, for hashing only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Pin {
    type Err = SecretError;
    fn from_str(text: &str) -> Result<Self, SecretError> {
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| Self(Zeroizing::new(text.to_owned()))).ok_or(SecretError::Pin)
    }
}

impl std::str::FromStr for Password {
    type Err = SecretError;
    fn from_str(text: &str) -> Result<Self, SecretError> {
        let fits = (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| Self(Zeroizing::new(text.to_owned()))).ok_or(SecretError::Password)
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(…)")
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_digits_and_never_printed() {
        assert_eq!("12a".parse::<Pin>().err(), Some(SecretError::Pin));
        assert_eq!("".parse::<Pin>().err(), Some(SecretError::Pin));
        let pin: Pin = "90210".parse().unwrap();
        assert!(!format!("{pin:?}").contains("90210"));
    }
}
