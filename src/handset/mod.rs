//! A phone without a phone: it opens services as the firmware of real phones does, on a terminal or in a test.
//!
//! Owns the strict reader of XML objects (`object`), the browser that acts on them (`browser`), the HTTP that phones speak (`client`),
//! and the program for people who have no phone at hand (`terminal`). Promises to accept nothing that a real phone would refuse. Knows
//! nothing of Extension Mobility: it shows what it is sent.

pub mod browser;
pub mod client;
mod cookies;
mod draw;
pub mod model;
pub mod object;
pub mod push;
pub mod terminal;
pub mod trouble;

pub use browser::{Display, Done, Handset, Identity};
pub use client::{Client, Trust};
pub use model::Model;
