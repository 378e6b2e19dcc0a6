//! Whether the process lives, whether it can serve, and what it counts. Loopback only.
//!
//! Ready means: the database answers and we are not stopping. Kafka away only degrades (EVT-6). What administrators have switched off is
//! named in `components`.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde::Serialize;

use super::hints::{Component, Components, Hints};
use crate::store::{Db, StoreError};
use crate::telemetry::Metrics;

/// So long the database may take to say how it is; one that is frozen says nothing at all.
const PATIENCE: Duration = Duration::from_secs(3);

/// How copying events to Kafka goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Copying {
    /// No broker is configured, or this process does not publish.
    Off,
    /// The broker answers.
    Connected,
    /// The broker answers, and the whole state is being published again.
    Republishing,
    /// The broker does not answer; events wait in the database.
    Away,
    /// An event cannot be numbered, or a record is refused for good: publication stands still there until someone acts.
    Blocked,
}

/// What readiness is told by others.
#[derive(Clone)]
pub struct Health {
    db: Db,
    node: String,
    stopping: Arc<AtomicBool>,
    told: Told,
    active: Family<Component, Gauge>,
    connected: Gauge,
}

/// Where readiness asks the rest of the process.
#[derive(Clone)]
pub struct Told {
    /// How the publisher fares.
    pub copying: Arc<dyn Fn() -> Copying + Send + Sync>,
    /// The web proxy through which a request came last.
    pub last_proxy: Arc<dyn Fn() -> Option<IpAddr> + Send + Sync>,
    /// Warnings that hold as long as the process lives.
    pub standing: Vec<&'static str>,
}

#[derive(Serialize)]
struct Report<'a> {
    status: &'static str,
    node: &'a str,
    database: &'static str,
    kafka: Copying,
    degraded: bool,
    /// None while the database, which knows, does not answer.
    components: Option<Components>,
    warnings: Vec<String>,
}

impl Health {
    /// Of a node that has not been asked yet.
    pub fn new(db: Db, node: &str, told: Told) -> Self {
        let (active, connected) = (Family::default(), Gauge::default());
        Self { db, node: node.to_owned(), stopping: Arc::default(), told, active, connected }
    }

    /// Adds what an alarm can rest on to the metrics.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Whether a part of this node is switched on";
        registry.register("em_component_active", help, self.active.clone());
        registry.register("em_database_connected", "Whether the database answers", self.connected.clone());
    }

    /// From now on we are not ready.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// What holds on this node now, noted for the metrics; none while the database does not answer.
    async fn look(&self) -> Option<Hints> {
        let node = self.node.clone();
        let read = tokio::time::timeout(PATIENCE, self.db.read(move |tx| Hints::read(tx, &node))).await;
        let read = read.unwrap_or_else(|_| Err(StoreError::Slow("the database says nothing".into())));
        self.connected.set(read.is_ok().into());
        match read {
            Ok(hints) => {
                for (component, is_active) in hints.gauges() {
                    self.active.get_or_create(&component).set(is_active.into());
                }
                Some(hints)
            }
            Err(error) => {
                tracing::warn!(%error, "the database does not answer");
                None
            }
        }
    }

    async fn report(&self) -> HttpResponse {
        let hints = self.look().await;
        let mut warnings: Vec<String> = self.told.standing.iter().map(|&w| w.to_owned()).collect();
        warnings.extend(hints.iter().flat_map(|hints| hints.warnings((self.told.last_proxy)())));
        let kafka = (self.told.copying)();
        let stopping = self.stopping.load(Ordering::SeqCst);
        let report = Report {
            status: match (stopping, &hints) {
                (true, _) => "stopping",
                (false, Some(_)) => "ready",
                (false, None) => "not-ready",
            },
            node: &self.node,
            database: if hints.is_some() { "connected" } else { "away" },
            kafka,
            degraded: matches!(kafka, Copying::Away | Copying::Blocked),
            components: hints.as_ref().map(Hints::components),
            warnings,
        };
        if hints.is_some() && !stopping {
            HttpResponse::Ok().json(report)
        } else {
            HttpResponse::ServiceUnavailable().json(report)
        }
    }
}

/// Hangs in the admin paths.
pub(super) fn mount(config: &mut web::ServiceConfig, health: Health, metrics: Metrics) {
    config
        .app_data(web::Data::new(health))
        .app_data(web::Data::new(metrics))
        .route("/health/live", web::get().to(live))
        .route("/health/ready", web::get().to(ready))
        .route("/metrics", web::get().to(counts));
}

async fn live() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({"status": "live"}))
}

async fn ready(health: web::Data<Health>) -> HttpResponse {
    health.report().await
}

async fn counts(health: web::Data<Health>, metrics: web::Data<Metrics>) -> HttpResponse {
    let _noted = health.look().await;
    match metrics.encode() {
        Ok(text) => HttpResponse::Ok()
            .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
            .body(text),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}
