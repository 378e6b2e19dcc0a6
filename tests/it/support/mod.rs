//! What tests stand on: databases, gateways, clients, brokers.

pub(crate) mod axl;
pub mod broker;
pub mod database;
pub mod gateway;
pub mod http;
pub mod many;
pub(crate) mod outside;
pub mod process;
pub(crate) mod site;

/// Waits for something that must come soon; fails the test instead of hanging.
pub(crate) async fn in_time<T>(what: impl std::future::IntoFuture<Output = T>) -> T {
    tokio::time::timeout(std::time::Duration::from_secs(60), what).await.expect("comes within a minute")
}
