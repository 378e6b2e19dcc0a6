//! The product's rules and words, without database, network or clock: everything is an argument.

pub mod event;
pub mod ids;
pub mod names;
pub mod patch;
pub mod secret;
