//! The provisioning API: SOAP in, one transaction, SOAP out.
//!
//! [`execute()`] carries out one call for one caller and is shared by everything that provisions; the handlers here only turn HTTP into
//! calls and answers into HTTP. A handler never builds XML by hand and never sees a connection.

pub mod announce;
pub mod answer;
pub mod error;
pub mod execute;
pub mod listing;
pub mod member_ids;
pub mod mobility;
pub mod named;
pub mod object;
pub mod objects;
pub mod operation;
pub mod page;
pub mod request;
pub mod settings;
pub mod verb;
pub mod version;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HOST};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};

use crate::auth::{Caller, Right, basic};
use crate::soap::wsdl;
use error::AxlError;
pub use execute::{Axl, Trace, execute};

impl Axl {
    /// Hangs the service and its schema into a server.
    pub fn mount(self) -> impl Fn(&mut web::ServiceConfig) + Send + Sync + 'static {
        move |config| {
            config
                .app_data(web::Data::new(self.clone()))
                .route("/axl/", web::post().to(post))
                .route("/axl/", web::get().to(get))
                .route("/axl/{file:.+}", web::get().to(schema_file));
        }
    }
}

async fn post(axl: web::Data<Axl>, request: HttpRequest, bytes: web::Bytes) -> HttpResponse {
    let Some(caller) = request.extensions().get::<Caller>().cloned() else { return basic::unauthorized() };
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok());
    let content_type = header("content-type").unwrap_or_default();
    let call = match execute::parse(&axl, content_type, bytes).await {
        Ok(call) => call,
        Err(error) => return soap(AxlError::from(error).fault("")),
    };
    let version = match version::asked(call.namespace.as_deref()) {
        version::Asked::Served(text, number) => (text, number),
        version::Asked::Unsupported => return unsupported_version(),
        version::Asked::Foreign => return soap(AxlError::UnknownOperation.fault("")),
    };
    let name = operation::named_in_faults(&call.operation).to_owned();
    let trace = Trace::read(header("traceparent"), header("tracestate"));
    match execute(&axl, call, version, &caller, trace).await {
        Ok(bytes) => HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/xml;charset=UTF-8")).body(bytes),
        Err(AxlError::Forbidden) => basic::forbidden(),
        Err(error) => {
            log_failure(&error, &name, &caller);
            soap(error.fault(&name))
        }
    }
}

/// The full cause is logged once, here; clients get the fixed text.
fn log_failure(error: &AxlError, operation: &str, caller: &Caller) {
    let user = caller.principal.name.as_str();
    match error {
        AxlError::Internal(cause) => {
            tracing::error!(axl.operation = %operation, user.id = %user, %cause, "provisioning call failed inside");
        }
        AxlError::Unavailable(cause) | AxlError::Busy(cause) => {
            tracing::error!(axl.operation = %operation, user.id = %user, %cause, "database does not answer a provisioning call");
        }
        AxlError::Mobility(code) if code.is_of_the_moment() => {
            tracing::warn!(axl.operation = %operation, user.id = %user, %code, "login or logout not carried out, the caller may try again");
        }
        refusal @ (AxlError::ItemNotFound { .. }
        | AxlError::UpdateTargetMissing { .. }
        | AxlError::Invalid { .. }
        | AxlError::Unresolved { .. }
        | AxlError::DeviceName
        | AxlError::Duplicate { .. }
        | AxlError::InUse { .. }
        | AxlError::Mobility(_)
        | AxlError::NotOffered(_)
        | AxlError::UnknownOperation
        | AxlError::Envelope(_)
        | AxlError::Shape(_)
        | AxlError::TooLarge { .. }
        | AxlError::Forbidden) => {
            tracing::info!(axl.operation = %operation, user.id = %user, axl.code = refusal.code(), "provisioning call refused")
        }
    }
}

fn soap(fault: Vec<u8>) -> HttpResponse {
    HttpResponse::InternalServerError().insert_header((CONTENT_TYPE, "text/xml;charset=UTF-8")).body(fault)
}

fn unsupported_version() -> HttpResponse {
    let served: Vec<&str> = version::SERVED.iter().map(|(text, _)| *text).collect();
    let status = StatusCode::from_u16(599).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .body(page::unsupported_version(&served))
}

/// The banner, or the description when it is asked for.
async fn get(request: HttpRequest) -> HttpResponse {
    let query = request.query_string();
    if query.split('&').any(|p| p.split('=').next().is_some_and(|n| n.eq_ignore_ascii_case("wsdl"))) {
        return description(&request, wsdl::NEWEST_VERSION);
    }
    let may = request.extensions().get::<Caller>().map(|a| a.may(Right::AxlBanner));
    match may {
        None => basic::unauthorized(),
        Some(false) => basic::forbidden(),
        Some(true) => HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page::banner()),
    }
}

fn description(request: &HttpRequest, version: &str) -> HttpResponse {
    let host = request.headers().get(HOST).and_then(|h| h.to_str().ok()).unwrap_or("localhost:8443");
    let address = format!("https://{host}/axl/");
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(wsdl::description(version, &address))
}

/// A file of the schema; a version may stand before it, as in `12.5/AXLAPI.wsdl`.
async fn schema_file(request: HttpRequest, file: web::Path<String>) -> HttpResponse {
    let (version, path) = match file.split_once('/') {
        Some((first, rest)) if version::SERVED.iter().any(|(text, _)| *text == first) => (first, rest),
        Some(_) | None => (wsdl::NEWEST_VERSION, file.as_str()),
    };
    if path == "AXLAPI.wsdl" {
        return description(&request, version);
    }
    match wsdl::schema_file(path, version) {
        Some(text) => HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(text),
        None => HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("not found\n"),
    }
}
