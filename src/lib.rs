//! emgate: an open Extension Mobility gateway.
//!
//! Layers, from bottom to top; a module may use modules below it, never above (`tests/it/architecture.rs` checks it):
//!
//! | layer | modules |
//! |---|---|
//! | 5 | `main`, `app`, `shutdown` |
//! | 4 | `http` |
//! | 3 | `axl`, `em`, `handset` |
//! | 2 | `event`, `auth` |
//! | 1 | `store`, `soap` |
//! | 0 | `domain`, `clock`, `config`, `telemetry` |
#![forbid(unsafe_code)]

pub mod app;
pub mod auth;
pub mod axl;
pub mod clock;
pub mod config;
pub mod domain;
pub mod em;
pub mod event;
pub mod handset;
pub mod http;
pub mod shutdown;
pub mod soap;
pub mod store;
pub mod telemetry;
