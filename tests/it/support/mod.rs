//! What tests stand on: databases, gateways, clients, brokers.

pub(crate) mod axl;
pub mod broker;
pub mod database;
pub mod gateway;
pub mod http;
pub mod many;
pub(crate) mod outside;
pub mod process;
pub(crate) mod relay;
pub(crate) mod site;
pub(crate) mod waiting;
