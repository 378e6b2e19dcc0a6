//! The HTTP front from outside: limits, doors, health, start and end (security.md 1).

mod access;
mod alerts;
mod bodies;
mod connections;
mod em_api;
mod handlers;
mod heads;
mod health;
mod ipv6;
mod log_level;
mod paths;
mod process;
mod sign_in;
