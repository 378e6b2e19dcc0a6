//! The metrics registry and the metrics of the HTTP front; label values come from enums only.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// All metrics of the process; clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    /// Parts of the program that panicked.
    pub panics: Counter,
    /// Requests answered.
    pub http_requests: Family<HttpLabels, Counter>,
    /// Requests for pages of phones and the application API, which operators know as `RequestsHandled`.
    pub requests_handled: Counter,
    /// Time to the answer.
    pub http_seconds: Histogram,
    /// Connections open now.
    pub http_connections: Gauge,
    /// Connections refused because there were too many.
    pub http_connections_refused: Counter,
}

/// What a request was about and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HttpLabels {
    /// Which door it came through.
    pub surface: Surface,
    /// First digit of the status.
    pub status: StatusClass,
}

/// The doors of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Surface {
    /// Pages of phones and the application API.
    Phone,
    /// SOAP and its schema.
    Soap,
    /// What operators and reporting systems call.
    Operator,
    /// Health and metrics.
    Admin,
    /// A path that nobody serves.
    Unknown,
}

/// Kinds of HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(missing_docs, reason = "the names say it")]
pub enum StatusClass {
    Informational,
    Success,
    Redirection,
    ClientError,
    ServerError,
}

impl StatusClass {
    /// The kind of a status number.
    pub fn of(status: u16) -> Self {
        match status {
            0..=199 => Self::Informational,
            200..=299 => Self::Success,
            300..=399 => Self::Redirection,
            400..=499 => Self::ClientError,
            500..=u16::MAX => Self::ServerError,
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        let metrics = Self {
            registry: Arc::new(Mutex::new(Registry::default())),
            panics: Counter::default(),
            http_requests: Family::default(),
            requests_handled: Counter::default(),
            http_seconds: Histogram::new(bounds),
            http_connections: Gauge::default(),
            http_connections_refused: Counter::default(),
        };
        let m = metrics.clone();
        metrics.register(|r| {
            r.register("em_panics", "Parts of the program that panicked", m.panics);
            r.register("em_http_requests", "Requests answered", m.http_requests);
            let handled = r.sub_registry_with_label(("perfmon".into(), "RequestsHandled".into()));
            let help = "Requests for pages of phones and the application API";
            handled.register("em_requests_handled", help, m.requests_handled);
            r.register("em_http_request_seconds", "Time to the answer", m.http_seconds);
            r.register("em_http_connections", "Connections open now", m.http_connections);
            r.register(
                "em_http_connections_refused",
                "Connections over the limit",
                m.http_connections_refused,
            );
        });
        metrics
    }
}

impl Metrics {
    /// Adds the metrics of another part of the program.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Writes all of them in the OpenMetrics text format.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
