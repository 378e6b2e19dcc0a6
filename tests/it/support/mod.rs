//! What tests stand on: databases, gateways, clients, brokers.

pub mod database;
pub(crate) mod site;
