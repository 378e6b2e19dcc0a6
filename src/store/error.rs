//! What can go wrong in the database, in words that rules can use.

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};

/// A database failure; its display is for logs, never for clients.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A row that must exist does not.
    #[error("not found")]
    NotFound,
    /// A named constraint refused the change.
    #[error("constraint {constraint}")]
    Conflict {
        /// Name of the constraint, as in the migrations.
        constraint: String,
    },
    /// Another transaction was in the way (deadlock, serialization); trying again can succeed.
    #[error("busy: {0}")]
    Busy(String),
    /// Another transaction kept a row locked for as long as a statement waits; trying again can succeed and may take as long.
    #[error("locked: {0}")]
    Locked(String),
    /// A statement ran out of time.
    #[error("slow: {0}")]
    Slow(String),
    /// The database cannot be reached.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Anything else: a bug of ours or a broken database.
    #[error("broken: {0}")]
    Broken(String),
}

impl StoreError {
    /// Whether the whole transaction may be tried again.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Locked(_))
    }

    /// Whether this is the refusal of one named constraint.
    pub fn is_conflict_with(&self, name: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint == name)
    }
}

/// Deadlock and time-outs come without a kind; connections set `lc_messages=C` so that their texts are these.
fn from_text(info: &dyn DatabaseErrorInformation) -> StoreError {
    let text = info.message();
    let busy = ["deadlock detected", "could not obtain lock", "a session vanished under lock"];
    if busy.iter().any(|b| text.contains(b)) {
        return StoreError::Busy(text.to_owned());
    }
    if text.contains("lock timeout") {
        return StoreError::Locked(text.to_owned());
    }
    if text.contains("statement timeout") {
        return StoreError::Slow(text.to_owned());
    }
    if text.contains("terminating connection") || text.contains("server closed the connection") {
        return StoreError::Unavailable(text.to_owned());
    }
    StoreError::Broken(text.to_owned())
}

impl From<Error> for StoreError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "diesel's enums are open; what it adds is Broken until decided"
    )]
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::NotFound,
            // an insert that was on its way to the default partition while the right one was attached
            Error::DatabaseError(DatabaseErrorKind::CheckViolation, info)
                if info.message().contains("violates partition constraint") =>
            {
                Self::Busy(info.message().to_owned())
            }
            // every reference is looked up in the transaction that writes it: what is gone now went meanwhile, and the next try sees it
            Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, info)
                if info.message().starts_with("insert or update on table") =>
            {
                Self::Busy(info.message().to_owned())
            }
            Error::DatabaseError(kind, info) => match kind {
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::RestrictViolation
                | DatabaseErrorKind::ExclusionViolation => {
                    Self::Conflict { constraint: info.constraint_name().unwrap_or("unnamed").to_owned() }
                }
                DatabaseErrorKind::SerializationFailure => Self::Busy(info.message().to_owned()),
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                    Self::Unavailable(info.message().to_owned())
                }
                _ => from_text(&*info),
            },
            // the connection was lost with the last answer that came, so that not even its end can be sent
            Error::BrokenTransactionManager => Self::Unavailable(error.to_string()),
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<diesel::r2d2::PoolError> for StoreError {
    fn from(error: diesel::r2d2::PoolError) -> Self {
        Self::Unavailable(without_address(&error.to_string()))
    }
}

impl From<diesel::ConnectionError> for StoreError {
    fn from(error: diesel::ConnectionError) -> Self {
        Self::Unavailable(without_address(&error.to_string()))
    }
}

/// What the client library says of a connection. Of an address that it cannot read or resolve it quotes a part, and in a part may be the
/// password, when somebody mistyped it; names are repeated only once it has tried a server (SEC-1).
fn without_address(text: &str) -> String {
    let (Some((before, _)), Some((_, after))) = (text.split_once('"'), text.rsplit_once('"')) else {
        return text.to_owned();
    };
    let tried = ["connection to server at ", "connection to server on socket "];
    match tried.iter().any(|words| before.ends_with(words)) {
        true => text.to_owned(),
        false => format!("{before}\"…\"{after}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_connection_repeats_nothing_of_its_address_but_a_server_that_was_tried() {
        for (said, shown) in [
            (
                "missing \"=\" after \"em:hunter2@h\" in connection info string",
                "missing \"…\" in connection info string",
            ),
            ("invalid percent-encoded token: \"hunter2%\"", "invalid percent-encoded token: \"…\""),
            ("invalid port number: \"hun\"ter2\"", "invalid port number: \"…\""),
            (
                "timed out waiting for connection: could not translate host name \"ter2@h\" to address: unknown",
                "timed out waiting for connection: could not translate host name \"…\" to address: unknown",
            ),
        ] {
            assert_eq!(without_address(said), shown);
        }
        for said in [
            "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  database \"d\" does not exist",
            "timed out waiting for connection: connection to server on socket \"/run/s\" failed: No such file",
            "timed out waiting for connection",
        ] {
            assert_eq!(without_address(said), said);
        }
    }

    #[test]
    fn a_connection_lost_before_its_commit_is_a_database_away_and_no_mistake_of_ours() {
        let error = StoreError::from(Error::BrokenTransactionManager);
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    }
}
