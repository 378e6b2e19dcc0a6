//! The texts that are not about a code, by the names under which language files have them.

use serde::Deserialize;

/// One text that is not about a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "en.toml shows each of them")]
pub enum Phrase {
    Title,
    EnterUserId,
    EnterExtension,
    EnterSelfServiceId,
    UserId,
    Extension,
    SelfServiceId,
    Pin,
    Submit,
    Select,
    Exit,
    Yes,
    No,
    ChangePin,
    Retry,
    More,
    ChooseProfile,
    LogOut,
    LoggedInHere,
    LogsOutIn,
    Extend,
    SessionExtended,
    LoggedOut,
    LoggedInElsewhere,
    LogIn,
    LoginDone,
    LogoutDone,
    PhoneRestarts,
    Error,
    Reference,
    LoginUnavailable,
    LogoutUnavailable,
    ChangeCredential,
    EnterPins,
    CurrentPin,
    NewPin,
    ConfirmPin,
    Change,
    PinChanged,
    PinChangeSuccessful,
    PinFieldsBlank,
    PinsDiffer,
    PinNotDigits,
    PinWrong,
    PinLocked,
    PinKept,
    PinTooYoung,
    PinTooShort,
    PinTrivial,
    PinRepeated,
    PinChangeUnavailable,
    PinChoice,
    PinEnds,
}

impl Phrase {
    /// Whether it stands in the text of a screen, which is long; others must fit their line.
    pub(super) fn is_long(self) -> bool {
        matches!(
            self,
            Self::LoggedInHere
                | Self::LogsOutIn
                | Self::LoggedInElsewhere
                | Self::PhoneRestarts
                | Self::Error
                | Self::Reference
                | Self::PinChangeSuccessful
                | Self::PinChoice
                | Self::PinEnds
        )
    }
}
