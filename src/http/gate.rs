//! The gate that every request passes: head, route, method, credentials, body, permit, in this order.
//!
//! Credentials are checked before the body is read (LIM-6), the body is whole before its handler runs, and a handler
//! that takes too long loses its caller. What is refused says so in a fixed text that repeats nothing of the request.

use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::Cookie;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpResponse, HttpResponseBuilder, web};
use tokio::sync::Semaphore;

use super::guard::{self, Hosts, Refusal};
use super::request_id::Door;
use super::routes::{self, Access, BodyKind, Listener, Route};
use super::{Admit, Front, NotAdmitted, body};
use crate::auth::{Caller, basic, sign_in};
use crate::clock::IdSource;
use crate::config::Limits;
use crate::telemetry::{Metrics, RequestId};

/// What the gate of one listener knows.
pub(super) struct Gate {
    pub(super) ids: IdSource,
    pub(super) metrics: Metrics,
    listener: Listener,
    hosts: Hosts,
    limits: Limits,
    admit: Admit,
    soap: Arc<Semaphore>,
}

/// Whether the connection can be used again after a refusal.
enum Connection {
    Keep,
    Close,
}

impl Gate {
    pub(super) fn new(front: &Front, listener: Listener, hosts: Hosts, soap: Arc<Semaphore>) -> Self {
        Self {
            ids: front.ids.clone(),
            metrics: front.metrics.clone(),
            listener,
            hosts,
            limits: front.limits.clone(),
            admit: Arc::clone(&front.admit),
            soap,
        }
    }

    fn scheme(&self) -> &'static str {
        match self.listener {
            Listener::Tls => "https",
            Listener::Phone | Listener::Admin => "http",
        }
    }

    /// Finds the route, or the answer to a request that has none.
    #[expect(
        clippy::result_large_err,
        reason = "an answer is what the caller returns; boxing it saves nothing"
    )]
    fn route(&self, request: &ServiceRequest) -> Result<&'static Route, HttpResponse> {
        let refused = |refusal| refuse(refusal, Connection::Close);
        guard::check(request.uri(), request.headers(), self.scheme(), &self.hosts, &self.limits)
            .map_err(refused)?;
        let (method, path, query) = (request.method(), request.path(), request.query_string());
        let Some(route) = routes::find(self.listener, method.as_str(), path, query) else {
            return Err(self.not_found(path));
        };
        if let Some(door) = request.extensions().get::<Door>() {
            door.note(route.surface);
        }
        if !route.methods.contains(&method.as_str()) {
            return Err(method_not_allowed(route, method));
        }
        if query.len() > route.query_limit(&self.limits) {
            return Err(refused(Refusal(StatusCode::URI_TOO_LONG, "query too long")));
        }
        Ok(route)
    }

    fn not_found(&self, path: &str) -> HttpResponse {
        let mut answer = builder(StatusCode::NOT_FOUND, &Connection::Keep);
        match routes::find_misspelt(self.listener, path) {
            Some(right) => answer.body(format!("not found; paths are case-sensitive: {right}\n")),
            None => answer.body("not found\n"),
        }
    }

    /// Who asks, and the cookie that the answer brings; an answer of 401 or 503 where that stays open.
    async fn admit(
        &self,
        request: &ServiceRequest,
    ) -> Result<(Caller, Option<Cookie<'static>>), HttpResponse> {
        let source = request.peer_addr().map(|a| a.ip());
        let proof = sign_in::proof(request.headers()).ok_or_else(basic::unauthorized)?;
        match (self.admit)(proof, source).await {
            Ok((principal, cookie)) => {
                let request_id = request.extensions().get::<RequestId>().map(|r| r.0).unwrap_or_default();
                Ok((Caller { principal, source, request_id }, cookie))
            }
            Err(NotAdmitted::Refused) => Err(basic::unauthorized()),
            Err(NotAdmitted::Busy) => Err(busy()),
            Err(NotAdmitted::Unavailable) => Err(try_again("the database does not answer; try again\n")),
        }
    }
}

/// Takes a request through the gate to its handler.
pub(super) async fn pass(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(gate) = request.app_data::<web::Data<Gate>>().cloned() else {
        return Ok(request.into_response(HttpResponse::NotFound().finish()));
    };
    let announced = announced_length(&request);
    if let Some(path) = routes::find_slashed_twice(gate.listener, request.path()) {
        set_path(&mut request, path);
    }
    let route = match gate.route(&request) {
        Ok(route) => route,
        Err(answer) => return Ok(give_back(request, answer, announced, &gate.limits).await),
    };
    let mut sign_in = None;
    if route.access == Access::Account {
        match gate.admit(&request).await {
            Ok((caller, cookie)) => {
                request.extensions_mut().insert(caller);
                sign_in = cookie;
            }
            Err(answer) => return Ok(give_back(request, answer, announced, &gate.limits).await),
        }
    }
    let limit = route.body_limit(&gate.limits);
    let mut payload = request.take_payload();
    match body::read(&mut payload, announced, limit, &gate.limits).await {
        Ok(bytes) => request.set_payload(Payload::from(bytes)),
        Err(refusal) => {
            return Ok(request.into_response(hang_up(refuse(refusal, Connection::Close), payload)));
        }
    }
    let _permit = match route.body {
        BodyKind::Soap => match Arc::clone(&gate.soap).try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_full) => return Ok(request.into_response(busy())),
        },
        BodyKind::Nothing | BodyKind::Form => None,
    };
    let mut answer = handle(request, next, &gate.limits).await?;
    if let Some(cookie) = sign_in {
        answer.response_mut().add_cookie(&cookie)?;
    }
    Ok(answer)
}

/// Goes on as if the request had named this path; its query stays.
fn set_path(request: &mut ServiceRequest, path: &str) {
    let query = request.uri().query().map_or_else(String::new, |query| format!("?{query}"));
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = format!("{path}{query}").parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

/// Waits for the handler as long as one may take.
async fn handle(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    limits: &Limits,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match tokio::time::timeout(limits.handler_time(), next.call(request)).await {
        Ok(Ok(answer)) => match answer.response().error().map(fixed_text) {
            None => Ok(answer.map_into_boxed_body()),
            Some(fixed) => Ok(answer.into_response(fixed)),
        },
        Ok(Err(error)) => Err(as_error(fixed_text(&error))),
        Err(_) => {
            tracing::error!("a handler took too long; its work may still be done");
            let late = Refusal(StatusCode::REQUEST_TIMEOUT, "no answer in time");
            Err(as_error(refuse(late, Connection::Close)))
        }
    }
}

/// Texts of libraries stay here: what a client is told of an error is its status.
fn fixed_text(error: &actix_web::Error) -> HttpResponse {
    let status = error.as_response_error().status_code();
    tracing::info!(%error, http.status = status.as_u16(), "a handler refused a request");
    refuse(Refusal(status, "request refused"), Connection::Close)
}

/// The request is gone with its handler, so this answer travels as an error.
fn as_error(answer: HttpResponse) -> actix_web::Error {
    InternalError::from_response("refused", answer).into()
}

/// Answers a refused request after its body is out of the way, or closes the connection.
async fn give_back(
    mut request: ServiceRequest,
    mut answer: HttpResponse,
    announced: Option<u64>,
    limits: &Limits,
) -> ServiceResponse<BoxBody> {
    let closing = answer.head().connection_type() == actix_web::http::ConnectionType::Close;
    let mut payload = request.take_payload();
    if closing || !body::drain(&mut payload, announced, limits).await {
        answer.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
        answer = hang_up(answer, payload);
    }
    request.into_response(answer)
}

/// Lets the connection end after this answer. The library reads on without end where a chunked body was dropped; where
/// it still lives when the answer is out, it closes the connection after a moment.
fn hang_up(answer: HttpResponse, payload: Payload) -> HttpResponse {
    answer.map_body(|_, body| BoxBody::new(body::Parting::new(body, payload)))
}

fn announced_length(request: &ServiceRequest) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

fn builder(status: StatusCode, connection: &Connection) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer.content_type("text/plain; charset=utf-8");
    match connection {
        Connection::Keep => (),
        Connection::Close => drop(answer.force_close()),
    }
    answer
}

fn refuse(Refusal(status, text): Refusal, connection: Connection) -> HttpResponse {
    builder(status, &connection).body(format!("{text}\n"))
}

/// The answer where the table has a path and no handler hangs.
pub(super) fn nothing_here() -> HttpResponse {
    refuse(Refusal(StatusCode::NOT_FOUND, "not found"), Connection::Keep)
}

fn busy() -> HttpResponse {
    try_again("busy; try again\n")
}

/// Says what is missing (EM-154).
fn try_again(text: &'static str) -> HttpResponse {
    let mut answer = builder(StatusCode::SERVICE_UNAVAILABLE, &Connection::Keep);
    answer.insert_header((header::RETRY_AFTER, HeaderValue::from_static("1")));
    answer.body(text)
}

fn method_not_allowed(route: &Route, method: &Method) -> HttpResponse {
    let connection = if *method == Method::CONNECT { Connection::Close } else { Connection::Keep };
    let mut answer = builder(StatusCode::METHOD_NOT_ALLOWED, &connection);
    answer.insert_header((header::ALLOW, route.methods.join(", ")));
    answer.body("method not allowed\n")
}
