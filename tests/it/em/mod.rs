//! Login and logout over a real database.

mod api;
mod audit;
mod call_log;
mod cascade;
mod counts;
mod credential_command;
mod credential_http;
mod credential_page;
mod credentials;
mod effective_config;
mod expiry;
mod floor;
mod handset;
mod intercom;
mod login;
mod operator;
mod parameters;
mod phone_page;
mod phone_rules;
mod queue;
mod race;
mod registrations;
mod statements;
mod timers;
mod trust;
