//! The end of a process: what stops it, and in which order its parts go (EVT-6).
//!
//! Stop accepting, finish what is in work, let the publisher flush, give leadership and name back, end. A killed process
//! skips all of it and loses nothing that was acknowledged.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// How long the publisher may take to send what it has.
pub const FLUSH: Duration = Duration::from_secs(10);

/// Waits for SIGTERM or SIGINT.
pub async fn asked() -> std::io::Result<&'static str> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => Ok("SIGTERM"),
        _ = interrupt.recv() => Ok("SIGINT"),
    }
}

/// Lets one part end within its time, and says when it did not.
pub async fn within(part: &'static str, time: Duration, end: impl Future<Output = ()>) {
    if tokio::time::timeout(time, end).await.is_err() {
        tracing::warn!(part, "a part did not end in its time");
    }
}
