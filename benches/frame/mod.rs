//! What all benches share: rounds with medians and ratios, CPU time, the private servers, a gateway, a site of many phones, load.
//!
//! A bench measures ours and its peer in the same rounds, turn about, so that what else the machine does hits both. Nothing here knows
//! what is measured.

pub(crate) mod cpu;
pub(crate) mod gateway;
pub(crate) mod kafka;
pub(crate) mod lab;
pub(crate) mod load;
pub(crate) mod machine;
pub(crate) mod pgbench;
pub(crate) mod requests;
pub(crate) mod rounds;
pub(crate) mod server;
pub(crate) mod site;
pub(crate) mod table;

/// What anything here comes to; an error ends the bench with its text.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
