//! Whether the process lives, whether it can serve, and what it counts. Loopback only.
//!
//! Ready means: the database answers and we are not stopping. Kafka away only degrades (EVT-6).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::store::{Db, StoreError};
use crate::telemetry::Metrics;

/// What an operator should know while addresses are not checked, whatever the parameter says: nothing obeys it yet.
const OPEN_LOGOUT: &str = "ValidateIPAddress has no effect yet: whoever can name a phone can log it out";

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
    copying: Arc<dyn Fn() -> Copying + Send + Sync>,
    standing: Vec<&'static str>,
}

#[derive(Serialize)]
struct Report<'a> {
    status: &'static str,
    node: &'a str,
    database: &'static str,
    kafka: Copying,
    degraded: bool,
    warnings: &'a [&'static str],
}

impl Health {
    /// `copying` asks the publisher; `standing` are warnings that hold as long as the process lives.
    pub fn new(
        db: Db,
        node: &str,
        copying: Arc<dyn Fn() -> Copying + Send + Sync>,
        standing: Vec<&'static str>,
    ) -> Self {
        Self { db, node: node.to_owned(), stopping: Arc::default(), copying, standing }
    }

    /// From now on we are not ready.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    async fn report(&self) -> HttpResponse {
        let database = self.db.read(|_| Ok::<_, StoreError>(())).await;
        let answers = database.is_ok();
        if let Err(error) = database {
            tracing::warn!(%error, "the database does not answer");
        }
        let mut warnings = self.standing.clone();
        warnings.push(OPEN_LOGOUT);
        let kafka = (self.copying)();
        let stopping = self.stopping.load(Ordering::SeqCst);
        let report = Report {
            status: if stopping {
                "stopping"
            } else if answers {
                "ready"
            } else {
                "not-ready"
            },
            node: &self.node,
            database: if answers { "connected" } else { "away" },
            kafka,
            degraded: matches!(kafka, Copying::Away | Copying::Blocked),
            warnings: &warnings,
        };
        if answers && !stopping {
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

async fn counts(metrics: web::Data<Metrics>) -> HttpResponse {
    match metrics.encode() {
        Ok(text) => HttpResponse::Ok()
            .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
            .body(text),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}
