//! `docs/codes.md`: every code of both registries.

use std::fmt::Write as _;

use emgate::axl::error::AxlError;
use emgate::em::error::{CODES, Doing, EmCode};
use emgate::soap::envelope::EnvelopeError;
use emgate::soap::shape::{Problem, ShapeError};
use emgate::store::StoreError;

use super::{assert_written, cell, root, variants};

const HEAD: &str = "# Codes

Written from the registries, `src/em/error.rs` and `src/axl/error.rs`, by a test; a code is never used for anything else.

## On phones, in the application API and in events

An answer of the application API carries number and name of this table, with 3, 18, 22 and 25 the words that clients look for; a page of
a phone shows the text of its language, here in English; events, logs and metrics carry number and short name. *Again* says that the
moment is in the way: the same request may succeed a little later.

| code | short name | name | when | on the phone | again | what to do |
|---|---|---|---|---|---|---|
";

const AXL: &str = "
## In faults of the provisioning API

A refused `doDeviceLogin` or `doDeviceLogout` names the code of the table above in its message. Clients compare some of these texts, so
they are fixed; what stands in ‹› is of the call.

| axlcode | when | message | what to do |
|---|---|---|---|
";

const AROUND: &str = "
Around the faults: status 401 asks for credentials, 403 means that the account may not do this, 503 with `Retry-After` that too many
requests are in work, 599 that the version in the namespace is not served; the page lists those that are.
";

/// What a person at the phone is told, at login, and at logout where that is another text.
fn on_the_phone(code: EmCode) -> String {
    let [login, logout] = [Doing::Login, Doing::Logout].map(|doing| code.phone_text(doing));
    if login == logout { login } else { format!("{login} / {logout}") }
}

fn mobility() -> String {
    let source = std::fs::read_to_string(root().join("src/em/error.rs")).unwrap();
    let causes = variants(&source, "EmCode");
    let mut table = String::new();
    for entry in CODES.map(EmCode::entry) {
        let name = format!("{:?}", entry.code);
        let (_, cause) = causes.iter().find(|(variant, _)| *variant == name).expect("a variant");
        let again = if entry.code.is_of_the_moment() { "yes" } else { "" };
        let phone = on_the_phone(entry.code);
        let (number, short, title, advice) = (entry.number, entry.name, entry.title, entry.advice);
        writeln!(table, "| {number} | `{short}` | {title} | {cause} | {phone} | {again} | {advice} |")
            .unwrap();
    }
    table
}

/// One of each kind, with names for what is of the call.
fn faults() -> Vec<AxlError> {
    let text = |what: &str| format!("‹{what}›");
    let store = || StoreError::Unavailable(String::new());
    vec![
        AxlError::ItemNotFound { named: text("name") },
        AxlError::UpdateTargetMissing { kind: "‹type›", name: text("name") },
        AxlError::Invalid { field: text("element"), problem: text("what to change") },
        AxlError::Unresolved { field: text("element"), kind: text("type"), name: text("name") },
        AxlError::DeviceName,
        AxlError::Duplicate { kind: text("type"), name: text("name") },
        AxlError::InUse { what: text("type and name"), by: text("type and name") },
        AxlError::Mobility(EmCode::LoggedInElsewhere),
        AxlError::Mobility(EmCode::Busy),
        AxlError::NotOffered(text("operation")),
        AxlError::UnknownOperation,
        AxlError::Envelope(EnvelopeError::Malformed),
        AxlError::Shape(ShapeError { path: text("element"), problem: Problem::Missing }),
        AxlError::TooLarge { total: 0, fewer: 0 },
        AxlError::Forbidden,
        AxlError::Unavailable(store()),
        AxlError::Internal(String::new()),
        AxlError::Busy(store()),
    ]
}

fn advice(fault: &AxlError) -> &'static str {
    match fault {
        AxlError::ItemNotFound { .. } | AxlError::UpdateTargetMissing { .. } => "Name or add what is there.",
        AxlError::Invalid { .. } | AxlError::Shape(_) => "Change the element that is named.",
        AxlError::Unresolved { .. } => "Add what is referred to first, or correct the name.",
        AxlError::DeviceName => "Name the phone as its model asks, such as SEP and twelve digits.",
        AxlError::Duplicate { .. } => "Choose another name, or update what is there.",
        AxlError::InUse { .. } => "Take it away from what uses it first.",
        AxlError::Mobility(code) if code.is_of_the_moment() => "Try again.",
        AxlError::Mobility(_) => "See the table above.",
        AxlError::NotOffered(_) | AxlError::UnknownOperation => {
            "Look into the schema for the operations there are."
        }
        AxlError::Envelope(_) => "Send one SOAP 1.1 envelope in UTF-8 with one operation in its body.",
        AxlError::TooLarge { .. } => "Ask for fewer rows with `first` and `skip`.",
        AxlError::Forbidden => "Give the account the group that the operation asks for.",
        AxlError::Unavailable(_) | AxlError::Busy(_) => "Try again.",
        AxlError::Internal(_) => "Look for the request id of the answer in the log.",
    }
}

fn provisioning() -> String {
    let source = std::fs::read_to_string(root().join("src/axl/error.rs")).unwrap();
    let causes = variants(&source, "AxlError");
    let mut table = String::new();
    let mut seen = Vec::new();
    for fault in faults() {
        let debug = format!("{fault:?}");
        let name = debug.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned();
        let (_, cause) = causes.iter().find(|(variant, _)| *variant == name).expect("a variant");
        let message = cell(&fault.to_string());
        writeln!(table, "| {} | {cause} | {message} | {} |", fault.code(), advice(&fault)).unwrap();
        seen.push(name);
    }
    let missing: Vec<_> = causes.iter().filter(|(variant, _)| !seen.contains(variant)).collect();
    assert!(missing.is_empty(), "faults without a row: {missing:?}");
    table
}

#[test]
fn the_page_of_codes_says_what_the_registries_say() {
    assert_written("codes.md", &format!("{HEAD}{}{AXL}{}{AROUND}", mobility(), provisioning()));
}
