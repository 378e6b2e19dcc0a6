//! What the process says about itself: log lines, metrics, request ids.
//!
//! Logs are JSON lines on standard error (LOG-1). Library targets that print what they parse are off in every build,
//! whatever the operator's filter says.

mod levels;
mod log;
mod metrics;

use uuid::Uuid;

pub use levels::{LevelReport, Levels, TooManyWatched, Watch, WatchReport};
pub use log::{LogError, start};
pub use metrics::{HttpLabels, Metrics, StatusClass, Surface};

/// Our identity of one request: in its answer, its log lines and its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

impl RequestId {
    /// The last eight digits, for people who read it to somebody: what begins an identity is its time.
    pub fn short(&self) -> String {
        let mut digits = self.0.simple().to_string();
        digits.split_off(24)
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Has the log say everything about the request at hand where its phone or user is watched; neither is printed for it.
pub fn look_at(phone: Option<&str>, user: Option<&str>) {
    if let Some(levels) = Levels::of_process() {
        levels.look_at(phone, user);
    }
}

/// Logs and counts every panic. The request that panicked ends and the process goes on (LIM-1); with a part that all requests need, such
/// as a writer of logins, the process ends in order.
pub fn count_panics(metrics: &Metrics) {
    let counter = metrics.panics.clone();
    std::panic::set_hook(Box::new(move |panic| {
        counter.inc();
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(panic.place = place, "a part of the program panicked; what it worked on is lost");
    }));
}
