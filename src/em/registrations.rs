//! Where phones are, told by whoever knows: a PBX or an adapter reports over HTTP (design.md 22; security.md PHONE-1).
//!
//! `POST /operator/v1/registrations` takes a report of up to 300 phones in one transaction and answers for each; `GET` shows what is known,
//! a page at a time. TLS only; a program with the proxy right may report, an administrator too. The reported address is what Validate IP
//! Address compares with, and a call that is reported is what an automatic logout may wait for.

use std::collections::BTreeSet;
use std::net::IpAddr;

use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::auth::{Caller, Right};
use crate::domain::names::{DeviceName, fold};
use crate::store::registrations::{self, PhoneKnown, PhoneReport, Registration};
use crate::store::{Db, StoreError};

/// Path of the feed.
pub const PATH: &str = "/operator/v1/registrations";

/// Phones in one report, and in one page of the list.
const MOST: usize = 300;

/// A report.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    phones: Vec<Reported>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Reported {
    name: String,
    status: ReportedStatus,
    address: Option<IpAddr>,
    protocol: Option<ReportedProtocol>,
    active_load: Option<String>,
    busy: Option<bool>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReportedStatus {
    Registered,
    Unregistered,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum ReportedProtocol {
    #[serde(rename = "SIP")]
    Sip,
    #[serde(rename = "SCCP")]
    Sccp,
}

/// What became of the report of a phone.
#[derive(Serialize)]
struct Taken {
    name: String,
    result: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    name: String,
    status: String,
    address: Option<String>,
    protocol: Option<String>,
    active_load: Option<String>,
    busy: bool,
    reported_by: Option<String>,
    reported_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    after: String,
}

/// Why nothing is done.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the account has no role that allows this")]
    Forbidden,
    #[error("{0}")]
    Request(String),
    #[error("the database does not answer; try again later")]
    Database,
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = %error, "database does not take a report of phones");
        Self::Database
    }
}

/// Hangs the path into a server.
pub fn routes(config: &mut web::ServiceConfig, db: Db) {
    config.app_data(web::Data::new(db)).route(PATH, web::get().to(show)).route(PATH, web::post().to(take));
}

async fn take(request: HttpRequest, body: web::Bytes, db: web::Data<Db>) -> HttpResponse {
    respond(async {
        let caller = caller(&request)?;
        let reports = parse(&body)?;
        let (by, told) = (caller.principal.name.to_string(), reports.clone());
        let exist = db.write(move |tx| registrations::report(tx, &by, &told)).await?;
        let taken = reports.into_iter().zip(exist).map(|(report, exists)| Taken {
            name: report.name,
            result: if exists { "taken" } else { "unknown-phone" },
        });
        Ok(taken.collect::<Vec<_>>())
    })
    .await
}

async fn show(request: HttpRequest, db: web::Data<Db>) -> HttpResponse {
    respond(async {
        caller(&request)?;
        let page = web::Query::<Page>::from_query(request.query_string()).map_err(|_| {
            Refused::Request("the parameter is after, the last name of the page before".into())
        })?;
        let after = fold(&page.after);
        let most = i64::try_from(MOST).unwrap_or(i64::MAX);
        let known = db.read(move |tx| registrations::list(tx, &after, most)).await?;
        Ok(known.into_iter().map(shown).collect::<Vec<_>>())
    })
    .await
}

async fn respond<T: Serialize>(work: impl Future<Output = Result<T, Refused>>) -> HttpResponse {
    match work.await {
        Ok(done) => HttpResponse::Ok().json(done),
        Err(refused) => {
            let status = match refused {
                Refused::Forbidden => StatusCode::FORBIDDEN,
                Refused::Request(_) => StatusCode::BAD_REQUEST,
                Refused::Database => StatusCode::SERVICE_UNAVAILABLE,
            };
            HttpResponse::build(status).json(serde_json::json!({ "error": refused.to_string() }))
        }
    }
}

fn caller(request: &HttpRequest) -> Result<Caller, Refused> {
    let caller = request.extensions().get::<Caller>().cloned().ok_or(Refused::Forbidden)?;
    let may = caller.may(Right::EmService) || caller.may(Right::Operate);
    if may { Ok(caller) } else { Err(Refused::Forbidden) }
}

/// Reads a report; the whole of it is refused where a phone is in it twice or something cannot be.
fn parse(body: &[u8]) -> Result<Vec<PhoneReport>, Refused> {
    let report: Report = serde_json::from_slice(body)
        .map_err(|error| Refused::Request(format!("the body is JSON with phones: {error}")))?;
    if report.phones.is_empty() || report.phones.len() > MOST {
        return Err(Refused::Request(format!("phones: 1 to {MOST} at a time")));
    }
    let mut seen = BTreeSet::new();
    for phone in &report.phones {
        let name: Result<DeviceName, _> = phone.name.parse();
        name.map_err(|error| Refused::Request(format!("name: {error}")))?;
        if !seen.insert(fold(&phone.name)) {
            return Err(Refused::Request(format!("name: \"{}\" is in the report twice", phone.name)));
        }
        let fits = |text: &String| text.chars().count() <= 64 && !text.chars().any(char::is_control);
        if !phone.active_load.iter().all(fits) {
            return Err(Refused::Request(
                "activeLoad: at most 64 characters without control characters".into(),
            ));
        }
    }
    Ok(report.phones.into_iter().map(reported).collect())
}

fn reported(phone: Reported) -> PhoneReport {
    let Reported { name, status, address, protocol, active_load, busy } = phone;
    PhoneReport {
        name,
        registration: match status {
            ReportedStatus::Registered => Registration::Registered,
            ReportedStatus::Unregistered => Registration::Unregistered,
        },
        address: address.map(|address| address.to_canonical()),
        protocol: protocol.map(|protocol| match protocol {
            ReportedProtocol::Sip => "SIP".to_owned(),
            ReportedProtocol::Sccp => "SCCP".to_owned(),
        }),
        active_load,
        is_busy: busy,
    }
}

fn shown(known: PhoneKnown) -> Known {
    let PhoneKnown { name, status, address, protocol, active_load, is_busy, reported_by, reported_at } =
        known;
    Known { name, status, address, protocol, active_load, busy: is_busy, reported_by, reported_at }
}
