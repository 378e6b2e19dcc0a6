//! Extension Mobility: logging people in and out, whatever surface asks.

pub mod error;
