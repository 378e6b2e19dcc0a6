//! The end of a process: what stops it, and in which order its parts go (EVT-6).
//!
//! Stop accepting, finish what is in work, let the publisher flush, give leadership and name back, end. A killed process
//! skips all of it and loses nothing that was acknowledged.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long the publisher may take to send what it has.
pub const FLUSH: Duration = Duration::from_secs(10);

/// The signals that ask a process to end; from the moment this exists they are heard.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens to SIGTERM and SIGINT; inside the runtime only.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the first of them.
    pub async fn asked(mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Lets one part end within its time, and says when it did not.
pub async fn within(part: &'static str, time: Duration, end: impl Future<Output = ()>) {
    if tokio::time::timeout(time, end).await.is_err() {
        tracing::warn!(part, "a part did not end in its time");
    }
}
