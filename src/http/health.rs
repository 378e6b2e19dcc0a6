//! Whether the process lives, whether it can serve, and what it counts. Loopback only.
//!
//! Ready means: the database answers and we are not stopping. Kafka away only degrades (EVT-6).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::domain::names::fold;
use crate::domain::policy::EmParameters;
use crate::store::Db;
use crate::store::conditions::{self, ConditionsKey};
use crate::telemetry::Metrics;

/// What an operator should know while addresses are not checked.
const OPEN_LOGOUT: &str = "ValidateIPAddress is F: whoever can name a phone can log it out";
/// What he should know while an administrator has switched parts of this node off.
const INACTIVE: &str = "ExtensionMobilityActivated is F on this node: logins and logouts get code 208";
const NO_PAGES: &str = "ExtensionMobilityPagesActivated is F on this node: phones get 503";

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

    /// The parameters in force on this node; none while the database does not answer.
    async fn parameters(&self) -> Option<Arc<EmParameters>> {
        let key = ConditionsKey { node: fold(&self.node).into(), phone: None };
        let read = self.db.read(move |tx| conditions::find(tx, std::slice::from_ref(&key))).await;
        match read {
            Ok(found) => Some(found.into_iter().next().map(|c| c.parameters).unwrap_or_default()),
            Err(error) => {
                tracing::warn!(%error, "the database does not answer");
                None
            }
        }
    }

    async fn report(&self) -> HttpResponse {
        let parameters = self.parameters().await;
        let answers = parameters.is_some();
        let mut warnings = self.standing.clone();
        warnings.extend(parameters.iter().flat_map(|p| warnings_of(p)));
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

fn warnings_of(parameters: &EmParameters) -> impl Iterator<Item = &'static str> {
    let warnings = [
        (!parameters.trust.validate, OPEN_LOGOUT),
        (!parameters.is_active, INACTIVE),
        (!parameters.has_pages, NO_PAGES),
    ];
    warnings.into_iter().filter_map(|(holds, warning)| holds.then_some(warning))
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
