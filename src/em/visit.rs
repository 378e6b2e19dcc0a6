//! What all pages of phones share: what they need, what they read of the HTTP request, and the HTTP answer that carries a screen or a
//! refusal.

use std::sync::Arc;

use actix_web::http::header::{
    ACCEPT_CHARSET, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_TYPE, EXPIRES, HOST, HeaderMap, HeaderName, VIA,
};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use uuid::Uuid;

use super::error::{Doing, EmCode};
use super::screen::{Charset, Screen, SoftKey};
use super::service::Em;
use super::texts::{Language, Phrase, Texts, weighted};
use super::trust::Route;
use crate::auth::Source;
use crate::domain::event::Trace;
use crate::domain::names::DeviceName;
use crate::telemetry::RequestId;

/// A date in the past keeps the page out of the phone's history; some phones want a year after 1970.
const LONG_AGO: &str = "Sat, 01 Jan 2000 00:00:00 GMT";
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");
const FORWARDED: [HeaderName; 3] =
    [VIA, HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("forwarded")];

/// What a page needs.
#[derive(Clone)]
pub struct PhonePage {
    /// The service.
    pub em: Em,
    /// `host:port` for addresses when the request names no host.
    pub default_authority: String,
    /// What is shown, in every language.
    pub texts: Arc<Texts>,
}

/// What a request says beside its query.
pub(super) struct Visit {
    /// Scheme and host as the phone reached us; forwarded headers count for nothing.
    pub(super) base: String,
    /// The language of the screen.
    pub(super) language: Arc<Language>,
    /// How the request came.
    pub(super) route: Route,
    /// Identity of the request.
    pub(super) request: Option<Uuid>,
    /// The trace that the request belongs to.
    pub(super) trace: Trace,
    charset: Charset,
    /// What finds the log lines of the request.
    reference: Option<String>,
}

impl Visit {
    pub(super) fn of(request: &HttpRequest, page: &PhonePage) -> Self {
        let headers = request.headers();
        let scheme = if request.app_config().secure() { "https" } else { "http" };
        let host = text(headers, &HOST).unwrap_or(&page.default_authority);
        let id = request.extensions().get::<RequestId>().copied();
        Self {
            base: format!("{scheme}://{host}"),
            language: page.texts.choose(text(headers, &ACCEPT_LANGUAGE).unwrap_or_default()),
            route: route_of(request),
            trace: Trace::read(text(headers, &TRACE_PARENT), text(headers, &TRACE_STATE)),
            charset: charset(text(headers, &ACCEPT_CHARSET).unwrap_or_default()),
            request: id.map(|id| id.0),
            reference: id.map(|id| id.short()),
        }
    }

    /// A refusal of this request, asked for by a user id where one is proved.
    pub(super) fn refusal<'r>(&'r self, code: EmCode, doing: Doing, user_id: Option<&'r str>) -> Refusal<'r> {
        Refusal { code, number: code.number(), doing, user_id, trace: self.reference.as_deref() }
    }

    /// To whom a failed attempt is charged.
    pub(super) fn source(&self, phone: &DeviceName) -> Source {
        Source { address: self.route.address, phone: Some(phone.to_string()) }
    }

    /// A screen that cannot be written is a mistake of ours or a host name too long for phones: the log says which.
    pub(super) fn respond(&self, screen: &Screen, phone: Option<&DeviceName>) -> HttpResponse {
        let body = screen.to_bytes(self.charset).unwrap_or_else(|error| {
            let phone = phone.map_or("", DeviceName::as_str);
            tracing::error!(phone.name = %phone, error = %error, "a screen cannot be written");
            let refusal = self.refusal(EmCode::Unknown, Doing::Login, None);
            refusal.screen(&self.language, None).to_bytes(self.charset).unwrap_or_default()
        });
        HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, format!("text/xml; charset={}", self.charset.name())))
            .insert_header((EXPIRES, LONG_AGO))
            .insert_header((CACHE_CONTROL, "no-store"))
            .body(body)
    }
}

/// A refusal as it is shown.
#[derive(Clone, Copy)]
pub(super) struct Refusal<'r> {
    /// The code.
    pub(super) code: EmCode,
    /// The number printed for it.
    pub(super) number: u16,
    /// What was asked for.
    pub(super) doing: Doing,
    /// Who asked, as typed.
    pub(super) user_id: Option<&'r str>,
    /// What finds the log lines of this request.
    pub(super) trace: Option<&'r str>,
}

impl Refusal<'_> {
    /// The screen, with a first key where there is something to do.
    pub(super) fn screen(&self, language: &Language, first: Option<SoftKey>) -> Screen {
        let exit = language.phrase(Phrase::Exit).to_owned();
        let exit = SoftKey { name: exit, position: 3, url: "SoftKey:Exit".to_owned() };
        let mut text = language.explain(self.code, self.number);
        // that a PIN is wrong and that nobody has the id must be the same bytes
        if let Some(trace) = self.trace.filter(|_| self.code != EmCode::Authentication) {
            text = format!("{text} {}", language.filled(Phrase::Reference, &[("trace", trace)]));
        }
        Screen::Text {
            title: language.phrase(Phrase::Title).to_owned(),
            prompt: language.prompt(self.code, self.doing, self.number),
            keys: first.into_iter().chain([exit]).collect(),
            text,
        }
    }
}

/// How a request came: from where, and whether anything says that a proxy was in between.
pub(super) fn route_of(request: &HttpRequest) -> Route {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let is_proxied = FORWARDED.iter().any(|name| request.headers().contains_key(name));
    Route { peer, address: peer, is_proxied }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// UTF-8 unless a phone prefers Latin-1: what that does not have is written as references.
fn charset(accepted: &str) -> Charset {
    let weight = |name: &str| {
        let entries = accepted.split(',').filter_map(weighted);
        entries.filter(|(_, charset)| charset == name).map(|(weight, _)| weight).fold(0.0, f32::max)
    };
    if weight("iso-8859-1") > weight("utf-8").max(weight("*")) { Charset::Latin1 } else { Charset::Utf8 }
}

/// The pages of this node are switched off: what a phone says then is that the service is not there (EM-155).
pub(super) fn not_activated() -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .content_type("text/plain; charset=utf-8")
        .body("Extension Mobility Application is not activated on this node\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_that_prefers_latin_1_gets_it() {
        for (accepted, latin) in [
            ("", false),
            ("utf-8,iso-8859-1;q=0.8", false),
            ("ISO-8859-1", true),
            ("iso-8859-1,utf-8;q=0.8", true),
            ("iso-8859-1,*", false),
            ("utf-8;q=0, iso-8859-1;q=0.1", true),
        ] {
            assert_eq!(charset(accepted) == Charset::Latin1, latin, "{accepted}");
        }
    }
}
