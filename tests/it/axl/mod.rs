//! The provisioning API from outside: the quirks of real clients, then one file an object.

mod accounts;
mod lists;
mod lost_fields;
mod phone;
mod quirks;
mod races;
mod samples;
mod user;
mod versions;
