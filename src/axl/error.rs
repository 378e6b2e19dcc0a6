//! Why a provisioning call is refused, and the one registry of AXL codes with their texts.
//!
//! Texts that clients compare are fixed (axl.md 14); the others name the field and say what to change. Nothing of SQL reaches them.

use crate::em::error::EmCode;
use crate::event::EventError;
use crate::soap::envelope::EnvelopeError;
use crate::soap::fault::{FaultCode, fault};
use crate::soap::shape::ShapeError;
use crate::store::{StoreError, TransactionError};

/// A refusal or failure of one call.
#[derive(Debug, thiserror::Error)]
pub enum AxlError {
    /// The target of a get, remove or do operation does not exist.
    #[error("Item not valid: The specified {named} was not found")]
    ItemNotFound {
        /// As axl.md 14 wants it: the name given for devices, the word `User` for users, the type else.
        named: String,
    },
    /// The target of an update does not exist.
    #[error("{kind} {name} not found")]
    UpdateTargetMissing {
        /// Type of the object.
        kind: &'static str,
        /// Name or uuid as given.
        name: String,
    },
    /// A value that breaks a rule; names the field and what to change.
    #[error("{field}: {problem}")]
    Invalid {
        /// Element name.
        field: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A reference to a name nobody knows.
    #[error("{field}: no {kind} named {name}")]
    Unresolved {
        /// Element name.
        field: String,
        /// Type that was looked in.
        kind: String,
        /// The name given.
        name: String,
    },
    /// A phone name that its product does not allow.
    #[error("The specified name has invalid characters or is not formatted correctly for this device type.")]
    DeviceName,
    /// Add or rename onto a name that exists.
    #[error("Could not insert new row - duplicate value in a UNIQUE INDEX column ({kind} {name})")]
    Duplicate {
        /// Type of the object.
        kind: String,
        /// The name that exists.
        name: String,
    },
    /// Removal of something that others point at.
    #[error("{what} is still used by {by}")]
    InUse {
        /// Type and name of the target.
        what: String,
        /// Type and name of one user.
        by: String,
    },
    /// Extension Mobility refused or could not carry out; says the number, so that both audiences know it.
    #[error("{0}. {advice}", advice = .0.entry().advice)]
    Mobility(EmCode),
    /// Known operation that this server does not offer.
    #[error("operation {0} is not available on this server")]
    NotOffered(String),
    /// Operation in no table.
    #[error("unknown request; see the schema for the operations there are")]
    UnknownOperation,
    /// The message is no envelope that can be accepted.
    #[error("{0}")]
    Envelope(#[from] EnvelopeError),
    /// The message does not have the shape of its operation.
    #[error("{0}")]
    Shape(#[from] ShapeError),
    /// The answer would be larger than allowed.
    #[error(
        "Query request too large. Total rows matched: {total} rows. Suggestive Row Fetch: less than {fewer} rows"
    )]
    TooLarge {
        /// Rows that match.
        total: usize,
        /// A page size that fits.
        fewer: usize,
    },
    /// The caller's role does not allow this; becomes a 403 page.
    #[error("not allowed")]
    Forbidden,
    /// The database cannot answer now.
    #[error("the database is not available, try again later")]
    Unavailable(#[source] StoreError),
    /// A bug of ours; the log has the request id and the cause.
    #[error("internal error")]
    Internal(String),
    /// Another transaction was in the way; retried before anyone sees it.
    #[error("the database is busy, try again later")]
    Busy(#[source] StoreError),
}

impl AxlError {
    /// Refuses a field.
    pub fn invalid(field: &str, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.to_owned(), problem: problem.into() }
    }

    /// The code of the registry.
    pub fn code(&self) -> i32 {
        match self {
            Self::ItemNotFound { .. } => 5007,
            Self::UpdateTargetMissing { .. }
            | Self::Invalid { .. }
            | Self::Unresolved { .. }
            | Self::DeviceName
            | Self::NotOffered(_)
            | Self::Forbidden => 5003,
            Self::Duplicate { .. } => -239,
            Self::InUse { .. } => -692,
            Self::UnknownOperation => 5002,
            Self::Envelope(_) | Self::Shape(_) | Self::Internal(_) => 5000,
            Self::TooLarge { .. } => -1,
            Self::Mobility(code) if !code.is_of_the_moment() => 5003,
            Self::Mobility(_) | Self::Unavailable(_) | Self::Busy(_) => 5004,
        }
    }

    /// The fault that the caller of `operation` sees.
    pub fn fault(&self, operation: &str) -> Vec<u8> {
        let code = match self {
            Self::Envelope(error) => FaultCode::from(*error),
            Self::Duplicate { .. } | Self::InUse { .. } | Self::Shape(_) | Self::UnknownOperation => {
                FaultCode::Client
            }
            Self::ItemNotFound { .. }
            | Self::UpdateTargetMissing { .. }
            | Self::Invalid { .. }
            | Self::Unresolved { .. }
            | Self::DeviceName
            | Self::Mobility(_)
            | Self::NotOffered(_)
            | Self::Forbidden
            | Self::TooLarge { .. }
            | Self::Unavailable(_)
            | Self::Internal(_)
            | Self::Busy(_) => FaultCode::Server,
        };
        fault(code, self.code(), &self.to_string(), operation)
    }
}

impl From<StoreError> for AxlError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy(_) | StoreError::Locked(_) => Self::Busy(error),
            StoreError::Slow(_) | StoreError::Unavailable(_) => Self::Unavailable(error),
            StoreError::NotFound | StoreError::Conflict { .. } | StoreError::Broken(_) => {
                Self::Internal(error.to_string())
            }
        }
    }
}

impl From<EventError> for AxlError {
    fn from(error: EventError) -> Self {
        match error {
            EventError::Store(error) => error.into(),
            EventError::TooLarge { .. } => {
                Self::invalid("request", "changes too much at once for one event, split it")
            }
            EventError::CauseNotBefore { .. } | EventError::Json(_) | EventError::NoEnvelope { .. } => {
                Self::Internal(error.to_string())
            }
        }
    }
}

impl TransactionError for AxlError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
}
