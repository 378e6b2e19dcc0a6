//! The same over HTTP, for administrators: `GET /operator/v1/sessions` and `POST /operator/v1/logout`, TLS only, JSON.
//!
//! The gate has checked the account; what it may is judged here. A call ends so many sessions at most and says how many are left.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::{LogoutResult, NoDuration, SessionsMeant, list, log_out};
use crate::auth::{Caller, Right};
use crate::domain::event::{Cause, Via};
use crate::event::Origin;
use crate::store::{Db, StoreError};

/// Path of the list.
pub const SESSIONS: &str = "/operator/v1/sessions";
/// Path of the logout.
pub const LOGOUT: &str = "/operator/v1/logout";

/// Sessions in one list at most.
const MOST_LISTED: i64 = 10_000;
/// Sessions that one call ends at most, so that it is answered in time.
const MOST_ENDED: usize = 200;
/// Logouts a second.
const RATE: u32 = 50;

/// What the handlers need.
#[derive(Clone)]
pub struct Operator {
    /// The database.
    pub db: Db,
    /// Where events come from.
    pub origin: Origin,
}

/// What is to end.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct LogoutAsked {
    /// Phones by name.
    phones: Vec<String>,
    /// Or the sessions of a filter.
    filter: Option<SessionsMeant>,
    /// That a filter which means everybody is meant so.
    all: bool,
    /// Show what would end, and do nothing.
    dry_run: bool,
    /// Why, for the events.
    reason: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogoutDone {
    dry_run: bool,
    results: Vec<LogoutResult>,
    /// Phones that were meant and are left for the next call.
    remaining: usize,
}

/// Why nothing is done.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the account has no role that allows this")]
    Forbidden,
    #[error("{0}")]
    Request(String),
    #[error(transparent)]
    Duration(#[from] NoDuration),
    #[error("the database does not answer; try again later")]
    Database,
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = %error, "database does not answer an operator");
        Self::Database
    }
}

impl Refused {
    fn response(&self) -> HttpResponse {
        let status = match self {
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Request(_) | Self::Duration(_) => StatusCode::BAD_REQUEST,
            Self::Database => StatusCode::SERVICE_UNAVAILABLE,
        };
        HttpResponse::build(status).json(serde_json::json!({ "error": self.to_string() }))
    }
}

/// Hangs the paths into a server.
pub fn routes(config: &mut web::ServiceConfig, operator: Operator) {
    config
        .app_data(web::Data::new(operator))
        .route(SESSIONS, web::get().to(sessions))
        .route(LOGOUT, web::post().to(logout));
}

fn caller(request: &HttpRequest) -> Result<Caller, Refused> {
    let caller = request.extensions().get::<Caller>().cloned();
    caller.filter(|caller| caller.may(Right::Operate)).ok_or(Refused::Forbidden)
}

async fn sessions(request: HttpRequest, operator: web::Data<Operator>) -> HttpResponse {
    let asked = caller(&request).and_then(|_| {
        web::Query::<SessionsMeant>::from_query(request.query_string())
            .map_err(|_| Refused::Request("parameters are phone, user, profile, site and longerThan".into()))
    });
    let found = match asked {
        Ok(meant) => blocking(move || Ok(list(&operator.db, &meant.filter()?, MOST_LISTED)?)).await,
        Err(refused) => Err(refused),
    };
    found.map_or_else(|refused| refused.response(), |found| HttpResponse::Ok().json(found))
}

async fn logout(request: HttpRequest, body: web::Bytes, operator: web::Data<Operator>) -> HttpResponse {
    let asked = caller(&request).and_then(|caller| Ok((caller, parse(&body)?)));
    let done = match asked {
        Ok((caller, asked)) => blocking(move || carry_out(&operator, &caller, asked)).await,
        Err(refused) => Err(refused),
    };
    done.map_or_else(|refused| refused.response(), |done| HttpResponse::Ok().json(done))
}

fn parse(body: &[u8]) -> Result<LogoutAsked, Refused> {
    let asked: LogoutAsked = serde_json::from_slice(body).map_err(|error| {
        Refused::Request(format!("the body is JSON with phones or filter, all, dryRun, reason: {error}"))
    })?;
    let fits = |text: &String| text.chars().count() <= 200 && !text.chars().any(char::is_control);
    if !asked.reason.iter().all(fits) {
        return Err(Refused::Request("reason: at most 200 characters without control characters".into()));
    }
    match (asked.phones.is_empty(), &asked.filter) {
        (true, None) | (false, Some(_)) => Err(Refused::Request("give phones or filter, one of them".into())),
        (true, Some(filter)) if filter.is_everything() && !asked.all && !asked.dry_run => {
            Err(Refused::Request("an empty filter means all sessions: give all, or a filter".into()))
        }
        (_, _) => Ok(asked),
    }
}

fn carry_out(operator: &Operator, caller: &Caller, asked: LogoutAsked) -> Result<LogoutDone, Refused> {
    let LogoutAsked { phones, filter, all: _, dry_run, reason } = asked;
    let mut phones: Vec<(String, Option<String>)> = phones.into_iter().map(|phone| (phone, None)).collect();
    if let Some(filter) = filter {
        let found = list(&operator.db, &filter.filter()?, MOST_LISTED)?;
        phones = found.into_iter().map(|session| (session.phone, Some(session.user))).collect();
    }
    let remaining = phones.len().saturating_sub(MOST_ENDED);
    if dry_run {
        let would =
            |(phone, user)| LogoutResult { phone, user, result: "would-log-out", code: None, advice: None };
        return Ok(LogoutDone { dry_run, results: phones.into_iter().map(would).collect(), remaining: 0 });
    }
    let mut results = Vec::new();
    for (at, (phone, _)) in phones.into_iter().take(MOST_ENDED).enumerate() {
        if at > 0 {
            std::thread::sleep(Duration::from_secs(1) / RATE);
        }
        let correlation = operator.db.ids().next();
        let cause = Cause { correlation, comment: reason.clone(), ..caller.cause(Via::Console) };
        results.push(log_out(&operator.db, &operator.origin, &phone, &cause));
    }
    Ok(LogoutDone { dry_run, results, remaining })
}

async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    web::block(f).await.unwrap_or_else(|_| Err(Refused::Database))
}
