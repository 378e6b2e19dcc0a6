//! The provisioning API: SOAP in, one transaction, SOAP out.
//!
//! [`execute`] carries out one call for one actor and is shared by everything that provisions; the handlers here only turn HTTP into
//! calls and answers into HTTP. A handler never builds XML by hand and never sees a connection.

pub mod answer;
pub mod error;
pub mod listing;
pub mod mobility;
pub mod named;
pub mod object;
pub mod objects;
pub mod operation;
pub mod request;
pub mod settings;
pub mod verb;
pub mod version;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use tokio::sync::Semaphore;

use crate::auth::{Actor, OperationKind as Right, PrincipalKind, basic, page};
use crate::domain::event::{self, ActorKind, AuthType, CredentialKind, Occurred, Via};
use crate::domain::secret::{Password, Pin};
use crate::em::Wake;
use crate::em::service::Em;
use crate::event::EventError;
use crate::soap::envelope::{Call, EnvelopeError, read_call};
use crate::soap::fault::{FaultCode, fault};
use crate::soap::shape::normalise;
use crate::soap::tree::Element;
use crate::soap::{write, wsdl};
use error::AxlError;
use object::Ctx;
use operation::Handler;
use request::{Request, Secrets};
use verb::{Answer, Work};

/// Most bytes of one answer (axl.md 15).
pub const LARGEST_ANSWER: usize = 8 << 20;

/// The provisioning service of this node.
#[derive(Clone)]
pub struct Axl {
    em: Em,
    wake: Wake,
    largest_answer: usize,
    parsers: Arc<Semaphore>,
}

impl Axl {
    /// Makes the service; `wake` is called after each commit that wrote events.
    pub fn new(em: Em, wake: Wake) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { em, wake, largest_answer: LARGEST_ANSWER, parsers: Arc::new(Semaphore::new(cores)) }
    }

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

/// Carries out one call; the answer is a whole SOAP message.
pub async fn execute(
    axl: &Axl,
    call: Call,
    version: (&'static str, (u8, u8)),
    actor: &Actor,
    trace: Trace,
) -> Result<Vec<u8>, AxlError> {
    let (operation, handler) = operation::find(&call.operation)?;
    if !actor.may(operation::right(operation)) {
        return Err(AxlError::Forbidden);
    }
    let normalised = normalise(&operation.request, &call.body)?;
    if !normalised.unknown.is_empty() {
        tracing::info!(axl.operation = %operation.name, elements = ?normalised.unknown, "request holds elements that the schema does not know");
    }
    let body = normalised.element;
    let secrets = secrets_of(axl, &body).await?;
    let request =
        Request { operation, body, secrets, version: version.1, largest_answer: axl.largest_answer };
    let origin = operation_of(axl, actor, trace);
    let answer = match handler {
        Handler::Named(named) => named.run(&axl.em, &request, origin).await?,
        Handler::Verb(start) => transact(axl, start(request)?, origin).await?,
    };
    Ok(write::response(version.0, &operation.name, call.sequence, |writer| match &answer {
        Answer::Uuid(uuid) => drop(writer.element("return", &crate::soap::scalar::format_uuid(*uuid))),
        Answer::True => drop(writer.element("return", "true")),
        Answer::Written(bytes) => drop(writer.written(bytes)),
    }))
}

/// Runs the work of a call and appends its events, in one transaction.
async fn transact(axl: &Axl, work: Work, operation: event::Operation) -> Result<Answer, AxlError> {
    let origin = axl.em.origin().clone();
    let (answer, had_events) = axl
        .em
        .db()
        .write(move |tx| {
            let mut ctx = Ctx::new(tx, &operation);
            let answer = work(&mut ctx)?;
            let events = ctx.into_events();
            let had_events = !events.is_empty();
            if had_events {
                crate::event::append(tx, &origin, &operation, events)?;
            }
            Ok::<_, AxlError>((answer, had_events))
        })
        .await?;
    if had_events {
        (axl.wake)();
    }
    Ok(answer)
}

impl Ctx<'_, '_> {
    /// The events of this call in order: what ends, the object's own, what begins.
    fn into_events(self) -> Vec<Occurred> {
        let mut events = self.before;
        let shift = events.len();
        events.extend(
            self.after.into_iter().map(|e| Occurred { caused_by: e.caused_by.map(|c| c + shift), ..e }),
        );
        events
    }
}

impl From<EventError> for AxlError {
    fn from(error: EventError) -> Self {
        match error {
            EventError::Store(error) => error.into(),
            EventError::TooLarge { .. } => {
                Self::invalid("request", "changes too much at once for one event, split it")
            }
            EventError::CauseNotBefore { .. } | EventError::Json(_) | EventError::NoEnvelope { .. } => {
                Self::Internal(error.to_string())
            }
        }
    }
}

/// Hashes the PIN and password that a request carries, before any lock is held.
async fn secrets_of(axl: &Axl, body: &Element) -> Result<Secrets, AxlError> {
    let holder = body.child("user").or_else(|| body.child("appUser")).unwrap_or(body);
    let given = |tag: &str| holder.text_of(tag).filter(|text| !text.is_empty()).map(str::to_owned);
    let (pin, password) = (given("pin"), given("password"));
    if pin.is_none() && password.is_none() {
        return Ok(Secrets::default());
    }
    let pin: Option<Pin> = pin
        .map(|p| p.parse())
        .transpose()
        .map_err(|_| AxlError::invalid("pin", "a pin is 1 to 64 digits"))?;
    let password: Option<Password> = password.map(|p| p.parse()).transpose().map_err(|_| {
        AxlError::invalid("password", "a password is 1 to 128 characters without control characters")
    })?;
    let verifier = axl.em.verifier().clone();
    let hashed = tokio::task::spawn_blocking(move || {
        let pin = pin.map(|p| verifier.hash_for_storage(CredentialKind::Pin, p.expose())).transpose()?;
        let password =
            password.map(|p| verifier.hash_for_storage(CredentialKind::Password, p.expose())).transpose()?;
        Ok::<_, crate::auth::hash::HashError>(Secrets { pin, password })
    });
    hashed
        .await
        .map_err(|e| AxlError::Internal(e.to_string()))?
        .map_err(|e| AxlError::Internal(e.to_string()))
}

/// Trace context of the causing request.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// W3C `traceparent`.
    pub parent: Option<String>,
    /// W3C `tracestate`.
    pub state: Option<String>,
}

/// Who asks, in the words of events (design.md, rulings).
fn operation_of(axl: &Axl, actor: &Actor, trace: Trace) -> event::Operation {
    let principal = &actor.principal;
    let (kind, auth_type) = match (principal.kind, principal.is_super) {
        (PrincipalKind::AppUser, true) => (ActorKind::Administrator, AuthType::User),
        (PrincipalKind::AppUser, false) => (ActorKind::Application, AuthType::ServiceAccount),
        (PrincipalKind::EndUser, _) => (ActorKind::User, AuthType::AppUser),
    };
    let id = Some(principal.name.as_str().to_owned());
    let address = actor.source.map(|a| a.to_canonical().to_string());
    event::Operation {
        correlation: axl.em.new_id(),
        part: None,
        actor: event::Actor { kind, id: id.clone(), address, via: Via::Soap },
        auth_type,
        auth_id: id,
        traceparent: trace.parent,
        tracestate: trace.state,
    }
}

async fn post(axl: web::Data<Axl>, request: HttpRequest, bytes: web::Bytes) -> HttpResponse {
    let Some(actor) = request.extensions().get::<Actor>().cloned() else { return basic::unauthorized() };
    let call = match parse(&axl, bytes).await {
        Ok(call) => call,
        Err(error) => return soap(fault(FaultCode::from(error), 5000, &error.to_string(), "")),
    };
    let version = match version::asked(call.namespace.as_deref()) {
        version::Asked::Served(text, number) => (text, number),
        version::Asked::Unsupported => return unsupported_version(),
        version::Asked::Foreign => return soap(AxlError::UnknownOperation.fault("")),
    };
    let name =
        operation::find(&call.operation).map(|(operation, _)| operation.name.clone()).unwrap_or_default();
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let trace = Trace { parent: header("traceparent"), state: header("tracestate") };
    match execute(&axl, call, version, &actor, trace).await {
        Ok(bytes) => HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/xml;charset=UTF-8")).body(bytes),
        Err(AxlError::Forbidden) => basic::forbidden(),
        Err(error) => {
            log_failure(&error, &name, &actor);
            soap(error.fault(&name))
        }
    }
}

/// Parse work is CPU-bound: off the workers, and at most one a core at a time (XML-8).
async fn parse(axl: &Axl, bytes: web::Bytes) -> Result<Call, EnvelopeError> {
    let _turn = axl.parsers.acquire().await;
    let parsed = tokio::task::spawn_blocking(move || read_call(&bytes)).await;
    parsed.unwrap_or(Err(EnvelopeError::Malformed))
}

/// The full cause is logged once, here; clients get the fixed text.
fn log_failure(error: &AxlError, operation: &str, actor: &Actor) {
    let user = actor.principal.name.as_str();
    match error {
        AxlError::Internal(cause) => {
            tracing::error!(axl.operation = %operation, user.id = %user, %cause, "provisioning call failed inside");
        }
        AxlError::Unavailable(cause) | AxlError::Busy(cause) => {
            tracing::error!(axl.operation = %operation, user.id = %user, %cause, "database does not answer a provisioning call");
        }
        refusal => {
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
    let may = request.extensions().get::<Actor>().map(|a| a.may(Right::AxlBanner));
    match may {
        None => basic::unauthorized(),
        Some(false) => basic::forbidden(),
        Some(true) => HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page::banner()),
    }
}

fn description(request: &HttpRequest, version: &str) -> HttpResponse {
    let connection = request.connection_info();
    let address = format!("https://{}/axl/", connection.host());
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
