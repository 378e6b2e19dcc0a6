//! The provisioning API from outside: the quirks of real clients, then one file an object.

mod lost_fields;
mod phone;
mod quirks;
mod samples;
mod user;
