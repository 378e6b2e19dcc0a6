//! What tests stand on: databases, gateways, clients, brokers.

pub mod database;
pub mod gateway;
pub mod http;
pub(crate) mod site;
