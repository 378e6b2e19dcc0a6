//! PINs in the hands of those who hold them: the page on which they are changed (EM-057 to EM-061), and what a check of one means on a
//! phone.
//!
//! Wrong, unknown and locked. A page that tells of locks could be asked which names exist, and one that tells of the right PIN of a
//! locked name could be asked for PINs without being counted. So the text for a locked account, which clients compare, is shown as soon
//! as the *name* is locked, whatever PIN came with it, and names that nobody has are counted and locked like others, on all nodes
//! (HASH-2). What remains is what the text is for: whoever asks for a name that an administrator has locked is told to go there.
//! Whether a PIN must be changed or has expired is said to those alone who gave it right (AUTH-7).

pub mod change;
pub mod command;
pub mod expiry;
pub mod http;
mod made_pin;
pub mod operator;
pub mod page;
pub mod refusal;
mod request;

use super::error::EmCode;
use crate::auth::proof::Refused;

/// What a phone or program is told when a PIN was not taken.
pub fn code_of(refused: Refused) -> EmCode {
    match refused {
        Refused::Wrong | Refused::Locked => EmCode::Authentication,
        Refused::MustChange => EmCode::PinMustChange,
        Refused::Expired => EmCode::PinExpired,
        Refused::Limited | Refused::Busy => EmCode::Busy,
        Refused::Store(error) => {
            tracing::error!(%error, "the database does not answer a check of a PIN");
            EmCode::Database
        }
    }
}
