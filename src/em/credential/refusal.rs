//! Why a PIN is not changed, each with the one line that a phone shows for it, of at most 32 characters.

use super::code_of;
use crate::auth::proof::Refused;
use crate::domain::pin_choice::PinFlaw;
use crate::em::error::EmCode;
use crate::em::texts::{Language, Phrase};

/// Why a PIN is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A field was left empty.
    Blank,
    /// The new PIN and its repetition differ.
    Differ,
    /// The new PIN is no PIN.
    NoPin,
    /// Nobody has the name, or the present PIN is another one; never told apart.
    Wrong,
    /// The name is locked, whether somebody has it or not.
    Locked,
    /// An administrator does not let this person change it.
    Kept,
    /// It was changed a moment ago.
    TooYoung,
    /// The new one is too short or easily guessed.
    Flaw(PinFlaw),
    /// The new one was used before.
    Repeated,
    /// The phone may not, or the moment is in the way.
    Unavailable(EmCode),
}

impl Refusal {
    /// The line; in English, clients compare the one for locked accounts.
    pub fn prompt(self, language: &Language) -> String {
        let (phrase, number) = self.phrase();
        language.filled(phrase, &[("n", &number.to_string())])
    }

    /// What is said, and the number in it, where there is one.
    fn phrase(self) -> (Phrase, usize) {
        match self {
            Self::Blank => (Phrase::PinFieldsBlank, 0),
            Self::Differ => (Phrase::PinsDiffer, 0),
            Self::NoPin => (Phrase::PinNotDigits, 0),
            Self::Wrong => (Phrase::PinWrong, 0),
            Self::Locked => (Phrase::PinLocked, 0),
            Self::Kept => (Phrase::PinKept, 0),
            Self::TooYoung => (Phrase::PinTooYoung, 0),
            Self::Flaw(PinFlaw::Short(least)) => (Phrase::PinTooShort, least),
            Self::Flaw(PinFlaw::Trivial) => (Phrase::PinTrivial, 0),
            Self::Repeated => (Phrase::PinRepeated, 0),
            Self::Unavailable(code) => (Phrase::PinChangeUnavailable, code.number().into()),
        }
    }

    /// What there is to say beyond that line.
    pub fn explanation(self, language: &Language) -> String {
        match self {
            Self::Unavailable(code) => language.explain(code, code.number()),
            Self::Flaw(_) | Self::Repeated => language.phrase(Phrase::PinChoice).to_owned(),
            Self::Blank
            | Self::Differ
            | Self::NoPin
            | Self::Wrong
            | Self::Locked
            | Self::Kept
            | Self::TooYoung => self.prompt(language),
        }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Wrong => Self::Wrong,
            Refused::Locked => Self::Locked,
            other @ (Refused::MustChange
            | Refused::Expired
            | Refused::Limited
            | Refused::Busy
            | Refused::Store(_)) => Self::Unavailable(code_of(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::em::error::CODES;
    use crate::em::texts::Texts;

    #[test]
    fn every_prompt_fits_a_phone_in_every_language() {
        let flaws = [PinFlaw::Short(64), PinFlaw::Trivial].map(Refusal::Flaw);
        let codes = CODES.map(Refusal::Unavailable);
        let plain = [
            Refusal::Blank,
            Refusal::Differ,
            Refusal::NoPin,
            Refusal::Wrong,
            Refusal::Locked,
            Refusal::Kept,
            Refusal::TooYoung,
            Refusal::Repeated,
        ];
        for language in ["en", "zh"].map(|tag| Texts::built_in().unwrap().choose(tag)) {
            for refusal in flaws.into_iter().chain(codes).chain(plain) {
                let prompt = refusal.prompt(&language);
                assert!((1..=32).contains(&prompt.chars().count()) && !prompt.contains('{'), "{prompt}");
                assert!(!refusal.explanation(&language).is_empty());
            }
        }
    }
}
