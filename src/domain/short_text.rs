//! Short texts that programs and operators send and that are shown again as they are: one line, never blank.

/// One line of at most so many characters, without blanks around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortText<const MOST: usize>(String);

/// Why an operator does something; stands in the event.
pub type Comment = ShortText<256>;

/// A text that is blank, too long or more than a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give 1 to {0} characters without control characters")]
pub struct NoShortText(usize);

impl<const MOST: usize> ShortText<MOST> {
    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const MOST: usize> std::str::FromStr for ShortText<MOST> {
    type Err = NoShortText;
    fn from_str(text: &str) -> Result<Self, NoShortText> {
        let text = text.trim();
        let fits = (1..=MOST).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned())).ok_or(NoShortText(MOST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_one_line_that_says_something() {
        assert_eq!("  fire drill ".parse(), Ok::<Comment, _>(ShortText("fire drill".into())));
        assert!("é".repeat(256).parse::<Comment>().is_ok());
        for wrong in ["", " \n", "a\nb", "a\u{0}b", "a\u{9b}31mb", &"x".repeat(257)] {
            assert_eq!(wrong.parse::<Comment>(), Err(NoShortText(256)), "{wrong:?}");
        }
    }
}
