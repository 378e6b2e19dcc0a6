//! The door of operators and adapters, `/operator/v1/`: a request as a value, an answer as JSON, and one shape of refusal,
//! `{"error": …}`, which names the field and says what to change.
//!
//! The gate has checked the account and bounded the body; what the account may is judged here. TLS only.

use std::str::FromStr;

use actix_web::error::QueryPayloadError;
use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use super::members::Members;
use crate::auth::{Caller, Right};
use crate::domain::event::{Cause, Trace, Via};
use crate::event::EventError;
use crate::store::StoreError;

/// Why nothing is done.
#[derive(Debug, thiserror::Error)]
pub(in crate::em) enum Refused {
    /// The account has none of the rights.
    #[error("the account has no role that allows this")]
    Forbidden,
    /// The request cannot be meant so.
    #[error("{0}")]
    Request(String),
    /// What it is about does not exist.
    #[error("{0}")]
    Absent(String),
    /// The moment is in the way.
    #[error("the gateway cannot do this at the moment; look whether it was done before you try again")]
    Unavailable,
}

impl Refused {
    /// A field that has to be another one.
    pub(in crate::em) fn field(name: &str, why: impl std::fmt::Display) -> Self {
        Self::Request(format!("{name}: {why}"))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Request(_) => StatusCode::BAD_REQUEST,
            Self::Absent(_) => StatusCode::NOT_FOUND,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<EventError> for Refused {
    fn from(error: EventError) -> Self {
        tracing::error!(%error, "database does not answer an operator");
        Self::Unavailable
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        EventError::from(error).into()
    }
}

/// Who asks, when one of the rights is theirs.
pub(in crate::em) fn admit(request: &HttpRequest, rights: &[Right]) -> Result<Caller, Refused> {
    let caller = request.extensions().get::<Caller>().cloned();
    caller.filter(|caller| rights.iter().any(|right| caller.may(*right))).ok_or(Refused::Forbidden)
}

/// The cause of what a caller asks, in the trace of the request.
pub(in crate::em) fn cause(request: &HttpRequest, caller: &Caller) -> Cause {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    caller.cause(Via::Console).traced(&Trace::read(header("traceparent"), header("tracestate")))
}

/// Reads what a body asks.
pub(in crate::em) fn body<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    let unread = |why: &dyn std::fmt::Display| Refused::Request(format!("the body cannot be read: {why}"));
    // the library repeats what stands in the place of an object
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(unread(&"give a JSON object"));
    }
    let Members(asked) = serde_json::from_slice(body).map_err(|error| unread(&error))?;
    match serde_json::from_slice(body) {
        Ok(value) if holds_nul(&value) => Err(unread(&"a text holds the character U+0000")),
        Ok(_) | Err(_) => Ok(asked),
    }
}

/// Whether a text in it holds the one character that is in no text of the database.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(members) => members.values().any(holds_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Reads what a query string asks.
pub(in crate::em) fn query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Refused> {
    let read = web::Query::from_query(request.query_string()).map(web::Query::into_inner);
    let asked = read.map_err(|error| match error {
        QueryPayloadError::Deserialize(error) => {
            Refused::Request(format!("the parameters cannot be read: {error}"))
        }
        _ => Refused::Request("the parameters cannot be read".to_owned()),
    })?;
    let mut pairs = form_urlencoded::parse(request.query_string().as_bytes());
    match pairs.find(|(_, value)| value.contains('\0')) {
        Some((name, _)) => Err(Refused::field(&name, "it holds the character U+0000")),
        None => Ok(asked),
    }
}

/// Reads a text as something else and refuses it in the words of that, never in its own: it may be a secret.
pub(in crate::em) fn text<'de, D, T>(text: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: std::fmt::Display>,
{
    given_text(text)?.ok_or_else(no_text)
}

/// Reads a text that may be left out, or null.
pub(in crate::em) fn given_text<'de, D, T>(text: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: std::fmt::Display>,
{
    let text = Option::<String>::deserialize(text).map_err(|_| no_text::<D::Error>())?;
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

fn no_text<E: serde::de::Error>() -> E {
    E::custom("give a text")
}

/// Reads a yes or no, likewise.
pub(in crate::em) fn flag<'de, D: Deserializer<'de>>(flag: D) -> Result<bool, D::Error> {
    bool::deserialize(flag).map_err(|_| D::Error::custom("give true or false"))
}

/// Does what blocks on a thread for that.
pub(in crate::em) async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    web::block(work).await.unwrap_or(Err(Refused::Unavailable))
}

/// Answers with what came of it.
pub(in crate::em) async fn answer<T: Serialize>(
    work: impl Future<Output = Result<T, Refused>>,
) -> HttpResponse {
    match work.await {
        Ok(done) => HttpResponse::Ok().json(done),
        Err(refused) => {
            HttpResponse::build(refused.status()).json(serde_json::json!({ "error": refused.to_string() }))
        }
    }
}
