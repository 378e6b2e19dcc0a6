//! Reads a request body inside its limits of size, time and speed (LIM-3, LIM-4), and hands over the body of an answer.
//!
//! The library itself waits for a stalled body without end, so every body is read here before its handler runs.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::connections::AtWork;
use super::guard::Refusal;
use crate::config::Limits;

const TOO_LONG: Refusal = Refusal(StatusCode::PAYLOAD_TOO_LARGE, "request body too large");
const TOO_SLOW: Refusal = Refusal(StatusCode::REQUEST_TIMEOUT, "request body too slow");
const BROKEN: Refusal = Refusal(StatusCode::BAD_REQUEST, "request body broken off");

/// How long a body may need before its speed counts.
const HEAD_START: Duration = Duration::from_secs(1);

/// Reads the whole body; nothing is allocated because a header promised it.
pub(super) async fn read(
    payload: &mut Payload,
    announced: Option<u64>,
    limit: usize,
    limits: &Limits,
) -> Result<Bytes, Refusal> {
    if announced.is_some_and(|n| n > limit as u64) {
        return Err(TOO_LONG);
    }
    let start = Instant::now();
    let end = start + limits.body_time();
    let mut body = BytesMut::new();
    loop {
        let deadline = end.min(start + patience(body.len(), limits));
        match timeout_at(deadline, payload.next()).await {
            Err(_) => return Err(TOO_SLOW),
            Ok(None) => return Ok(body.freeze()),
            Ok(Some(Err(_))) => return Err(BROKEN),
            Ok(Some(Ok(chunk))) if body.len() + chunk.len() > limit => return Err(TOO_LONG),
            Ok(Some(Ok(chunk))) => body.extend_from_slice(&chunk),
        }
    }
}

/// How long after the begin of a body the next part of it may come.
fn patience(received: usize, limits: &Limits) -> Duration {
    let earned = received as u64 * 1000 / limits.body_bytes_per_second.max(1);
    HEAD_START + Duration::from_millis(earned)
}

/// Bytes of an answer that are handed over at a time. The library asks for more when the client has taken nearly all before.
const PIECE: usize = 16 << 10;

/// The body of an answer: its connection counts as at work until all of it is handed over, and each piece shows that its client takes it.
pub(super) struct Answer {
    text: BoxBody,
    rest: Bytes,
    at_work: Option<AtWork>,
}

impl Answer {
    /// The clock of its client begins here: the library asks for nothing as long as it holds more than it can send of answers before.
    pub(super) fn new(text: BoxBody, at_work: Option<AtWork>) -> Self {
        if let Some(at_work) = &at_work {
            at_work.answer_is_taken();
        }
        Self { text, rest: Bytes::new(), at_work }
    }
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.text.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if let Some(at_work) = &self.at_work {
            at_work.answer_is_taken();
        }
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.text).poll_next(context)) {
                Some(Ok(bytes)) => self.rest = bytes,
                end => return Poll::Ready(end),
            }
        }
        let piece = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(self.rest.split_to(piece))))
    }
}

/// The body of an answer that ends its connection: it keeps what is left of the request's body until it is sent.
pub(super) struct Parting {
    text: BoxBody,
    _unread: Payload,
}

impl Parting {
    pub(super) fn new(text: BoxBody, unread: Payload) -> Self {
        Self { text, _unread: unread }
    }
}

impl MessageBody for Parting {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.text.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.text).poll_next(context)
    }
}

/// Reads away the body of a refused request, so that its answer arrives (LIM-6); false: it is too long or too slow.
pub(super) async fn drain(payload: &mut Payload, announced: Option<u64>, limits: &Limits) -> bool {
    if announced.is_some_and(|n| n > limits.drain_bytes as u64) {
        return false;
    }
    let end = Instant::now() + limits.drain_time();
    let mut seen = 0;
    loop {
        match timeout_at(end, payload.next()).await {
            Ok(None) => return true,
            Ok(Some(Ok(chunk))) if seen + chunk.len() <= limits.drain_bytes => seen += chunk.len(),
            Ok(Some(_)) | Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_of_a_body_counts_after_its_first_second() {
        let patience = |received| patience(received, &Limits::default());
        assert_eq!([0, 1024, 2048].map(patience), [1, 2, 3].map(Duration::from_secs));
    }
}
