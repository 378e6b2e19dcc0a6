//! From the name of an operation to what does it: a verb of a served type, a named operation, or why neither.

use super::error::AxlError;
use super::named::{self, NamedOperation};
use super::objects::{self, Start};
use crate::auth::Right;
use crate::soap::shape::{Operation, OperationKind, Schema};

/// Names of every operation of the API, one a line: to tell unknown from not offered.
const KNOWN: &str = include_str!("operations.txt");

/// What carries an operation out.
#[derive(Debug, Clone, Copy)]
pub enum Handler {
    /// A verb of an object type.
    Verb(Start),
    /// An operation of its own.
    Named(NamedOperation),
}

/// Finds what carries an operation out.
pub fn find(name: &str) -> Result<(&'static Operation, Handler), AxlError> {
    let missing = || {
        let known = KNOWN.lines().any(|line| line == name);
        if known { AxlError::NotOffered(name.to_owned()) } else { AxlError::UnknownOperation }
    };
    let operation = Schema::get().operation(name).ok_or_else(missing)?;
    let handler = match (operation.kind, operation.object.as_deref()) {
        (OperationKind::Named, _) => named::find(name).map(Handler::Named),
        (kind, Some(object)) => objects::find(object).and_then(|entry| entry.start(kind)).map(Handler::Verb),
        (_, None) => None,
    };
    handler.map(|handler| (operation, handler)).ok_or_else(missing)
}

/// The name of an operation as faults repeat it, offered or not; nothing is repeated that is in no table.
pub fn named_in_faults(name: &str) -> &'static str {
    let offered = Schema::get().operation(name).map(|operation| operation.name.as_str());
    offered.or_else(|| KNOWN.lines().find(|line| *line == name)).unwrap_or_default()
}

/// The right that an operation asks for; everything that does not only read is a write (axl.md 17).
pub fn right(operation: &Operation) -> Right {
    match operation.kind {
        OperationKind::Get | OperationKind::List => Right::AxlRead,
        OperationKind::Named if operation.name == "getCCMVersion" => Right::AxlRead,
        OperationKind::Add | OperationKind::Update | OperationKind::Remove | OperationKind::Named => {
            Right::AxlWrite
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_schema_has_a_handler() {
        for operation in Schema::get().operations() {
            assert!(find(&operation.name).is_ok(), "{} is in the schema and has no handler", operation.name);
        }
    }

    #[test]
    fn every_verb_that_is_served_is_in_the_schema() {
        for entry in &objects::OBJECTS {
            for (kind, verb) in [
                (OperationKind::Add, "add"),
                (OperationKind::Update, "update"),
                (OperationKind::Get, "get"),
                (OperationKind::Remove, "remove"),
                (OperationKind::List, "list"),
            ] {
                let name = format!("{verb}{}", entry.name);
                assert_eq!(entry.start(kind).is_some(), Schema::get().operation(&name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn unknown_and_not_offered_are_told_apart() {
        assert!(matches!(find("addHuntPilot"), Err(AxlError::NotOffered(_))));
        assert!(matches!(find("addNonsense"), Err(AxlError::UnknownOperation)));
    }

    #[test]
    fn faults_repeat_every_known_name_and_no_other() {
        for name in KNOWN.lines() {
            assert_eq!(named_in_faults(name), name);
        }
        for name in ["", "addNonsense", "getphone", "addPhone "] {
            assert_eq!(named_in_faults(name), "", "{name}");
        }
    }
}
