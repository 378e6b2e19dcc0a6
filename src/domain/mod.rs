//! The product's rules and words, without database, network or clock: everything is an argument.

pub mod credential;
pub mod effective_config;
pub mod event;
pub mod ids;
pub mod login;
pub mod login_limit;
pub mod logout;
pub mod names;
pub mod parameter;
pub mod patch;
pub mod pin_choice;
pub mod policy;
pub mod schedule;
pub mod secret;
pub mod session_expiry;
pub mod short_text;
pub mod snapshot;
pub mod trust;
