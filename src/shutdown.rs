//! The end of a process: what stops it, and in which order its parts go (EVT-6).
//!
//! Stop accepting, finish what is in work, let the publisher flush, give leadership and name back, end. Each part has its time, and
//! a thread that hangs keeps no process alive. A killed process skips all of it and loses nothing that was acknowledged.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long one part may take to finish what it has.
pub const FLUSH: Duration = Duration::from_secs(10);
/// How long threads that still block may take once all parts have ended or had their time.
const REST: Duration = Duration::from_secs(2);

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

/// Like [`within`] for an end that blocks; a thread that is not done by then is left behind.
pub async fn within_on_thread(part: &'static str, time: Duration, end: impl FnOnce() + Send + 'static) {
    let ended = tokio::task::spawn_blocking(end);
    within(part, time, async { drop(ended.await) }).await;
}

/// Runs the program to its end; threads that block are then waited for a moment only.
pub fn run<T>(runtime: Runtime, program: impl Future<Output = T>) -> T {
    let outcome = runtime.block_on(program);
    runtime.shutdown_timeout(REST);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_blocks_for_ever_does_not_keep_the_program() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (never, waits) = std::sync::mpsc::channel::<()>();
        let begun = std::time::Instant::now();
        run(
            runtime,
            within_on_thread("stuck", Duration::from_millis(10), move || waits.recv().unwrap_or(())),
        );
        assert!(begun.elapsed() < REST + FLUSH);
        drop(never);
    }
}
