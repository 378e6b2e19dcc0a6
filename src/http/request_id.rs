//! The outermost layer: an identity for every request, one spelling of its source, the headers of every answer, one log line.
//!
//! The query never reaches the log: phones send PINs in it (PHONE-4).

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use tracing::Instrument;

use super::body::Answer;
use super::connections::Counted;
use super::gate::Gate;
use crate::telemetry::{HttpLabels, Metrics, RequestId, StatusClass, Surface};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Which door a request came through; the gate notes it, the counters read it, also when the request is gone with its handler.
#[derive(Clone)]
pub(super) struct Door(Rc<Cell<Surface>>);

impl Door {
    pub(super) fn note(&self, surface: Surface) {
        self.0.set(surface);
    }
}

/// Runs one request inside its span.
pub(super) async fn trace(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<Answer>, actix_web::Error> {
    unmap(&mut request);
    let Some(gate) = request.app_data::<web::Data<Gate>>().cloned() else {
        let answer = next.call(request).await?;
        return Ok(answer.map_into_boxed_body().map_body(|_, text| Answer::new(text, None)));
    };
    let id = RequestId(gate.ids.next());
    let at_work = request.conn_data::<Counted>().map(|connection| connection.at_work(id));
    request.extensions_mut().insert(id);
    let surface = Rc::new(Cell::new(Surface::Unknown));
    request.extensions_mut().insert(Door(Rc::clone(&surface)));
    let span = tracing::info_span!(
        "request",
        request.id = %id,
        http.method = request.method().as_str(),
        http.path = request.path(),
        http.peer = request.peer_addr().map(|a| a.ip().to_string()),
        http.client_request_id = client_id(request.headers()),
        log.watched = tracing::field::Empty,
    );
    let start = Instant::now();
    async move {
        match next.call(request).await {
            Ok(mut answer) => {
                dress(answer.headers_mut(), id);
                tell(&gate.metrics, answer.status(), surface.get(), start);
                Ok(answer.map_into_boxed_body().map_body(|_, text| Answer::new(text, at_work)))
            }
            Err(error) => {
                let mut answer = error.error_response();
                dress(answer.headers_mut(), id);
                tell(&gate.metrics, answer.status(), surface.get(), start);
                Err(InternalError::from_response(error, answer).into())
            }
        }
    }
    .instrument(span)
    .await
}

/// Gives an IPv4 client of an IPv6 listener the address that everybody knows it by: logs, limits and events then agree.
fn unmap(request: &mut ServiceRequest) {
    if let Some(peer) = &mut request.head_mut().peer_addr {
        peer.set_ip(peer.ip().to_canonical());
    }
}

fn tell(metrics: &Metrics, status: StatusCode, surface: Surface, start: Instant) {
    let labels = HttpLabels { surface, status: StatusClass::of(status.as_u16()) };
    metrics.http_requests.get_or_create(&labels).inc();
    if surface == Surface::Phone {
        metrics.requests_handled.inc();
    }
    metrics.http_seconds.observe(start.elapsed().as_secs_f64());
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    if surface == Surface::Admin {
        tracing::debug!(http.status = status.as_u16(), elapsed_ms, "request answered");
    } else {
        tracing::info!(http.status = status.as_u16(), elapsed_ms, "request answered");
    }
}

/// A client's own id helps its operator to find the line; it is logged and never sent back.
fn client_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(&X_REQUEST_ID).and_then(|v| v.to_str().ok())
}

/// The headers of every answer.
fn dress(headers: &mut HeaderMap, id: RequestId) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(X_REQUEST_ID, value);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::{App, HttpRequest, test};

    use super::*;

    async fn seen(peer: &'static str) -> String {
        let source = |request: HttpRequest| async move { request.peer_addr().unwrap().to_string() };
        let app = test::init_service(App::new().wrap(from_fn(trace)).default_service(web::to(source))).await;
        let request = test::TestRequest::default().peer_addr(peer.parse().unwrap()).to_request();
        let body = test::call_and_read_body(&app, request).await;
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[actix_web::test]
    async fn handlers_see_an_ipv4_client_of_an_ipv6_listener_by_its_own_address() {
        assert_eq!(seen("[::ffff:10.20.4.17]:1").await, "10.20.4.17:1");
        assert_eq!(seen("[2001:db8::7]:1").await, "[2001:db8::7]:1");
        assert_eq!(seen("10.20.4.17:1").await, "10.20.4.17:1");
    }
}
