//! Extension Mobility: logging people in and out, whatever surface asks.

pub mod api;
mod asked;
pub mod audit;
mod batch;
pub mod cascade;
pub mod conditions;
mod counts;
pub mod credential;
pub mod error;
pub mod lockout_event;
mod logout_all;
pub mod operator;
pub mod outcome;
pub mod phone_app;
mod queue;
pub mod registrations;
pub mod screen;
pub mod service;
mod session_events;
pub mod session_expiry;
mod strangers;
pub mod sweep;
pub mod texts;
pub mod throttle;
pub mod trust;
pub mod visit;
mod writer;

pub use writer::Wake;
