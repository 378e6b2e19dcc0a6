//! The integration tests: one binary, one module a feature, a database of its own for every test.
#![expect(clippy::wildcard_enum_match_arm, reason = "in a test, anything else is a failure")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "what tests stand on may panic too, and is no interface"
)]

mod architecture;
mod axl;
mod em;
mod event;
mod gathered;
mod hostile;
mod http;
mod migrations;
mod nodes;
mod pages;
mod race;
mod sim;
#[path = "../soak/checker/mod.rs"]
mod soak_checker;
mod store;
mod story;
mod support;
