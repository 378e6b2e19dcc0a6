//! What tests stand on: databases, gateways, clients, brokers.

pub mod database;
pub mod gateway;
pub mod http;
pub mod process;
pub(crate) mod site;
