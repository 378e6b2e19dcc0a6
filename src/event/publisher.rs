//! The threads behind publication: one numbers, one copies to Kafka, one drops what is old, all only while this node leads.
//!
//! Promises that publication resumes by itself after any outage, oldest first, and that an event that cannot be numbered or is refused
//! for good stops it there instead of being skipped. Knows how far things are ([`Status`]); who is told is decided elsewhere.

mod copying;
mod dropping;
mod numbering;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::counts::Counts;
use super::kafka::KafkaSettings;
use super::retention::Retention;
use super::signal::Signal;
pub use super::status::{Standing, Status};
use crate::store::Db;

/// How often the database is looked at without a hint.
const POLL: Duration = Duration::from_millis(50);
/// How often a standing-by node tries to lead, and a leader notes what is acknowledged when idle.
const SECOND: Duration = Duration::from_secs(1);
/// Pause after what time alone will not mend, and after being shut out.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);
/// What stopping may take for what is already committed.
const DRAIN: Duration = Duration::from_secs(5);

/// The publisher of this node.
pub struct Publisher {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// Wakes the publisher of this node; cheap to copy and to call.
#[derive(Clone)]
pub struct Waker(Arc<Shared>);

struct Shared {
    db: Db,
    settings: Option<KafkaSettings>,
    retention: Retention,
    committed: Signal,
    numbered: Signal,
    /// When the end was asked for.
    asked_to_stop: OnceLock<Instant>,
    /// Epoch of this node's term; 0: it does not lead.
    term: AtomicI64,
    confirmed: AtomicI64,
    /// Epoch of the last term whose publisher another one has shut out; 0: none.
    shut_out: AtomicI64,
    /// Whether the age of a transaction has been complained of.
    alarmed_of_age: AtomicBool,
    status: Mutex<Status>,
    counts: Counts,
}

/// Starts numbering and, where Kafka is configured, copying and dropping what it has and is old.
pub fn start(db: Db, settings: Option<KafkaSettings>, retention: Retention) -> std::io::Result<Publisher> {
    let copies = settings.is_some();
    let drops = retention != Retention::ForEver && settings.as_ref().is_some_and(|s| !s.volatile);
    let shared = Arc::new(Shared::new(db, settings, retention));
    let thread = |name: &str, body: fn(&Shared)| {
        let shared = shared.clone();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || body(&shared))
    };
    let mut threads = vec![thread("sequencer", Shared::sequence)?];
    if copies {
        threads.push(thread("publisher", Shared::copy)?);
    }
    if drops {
        threads.push(thread("dropping", Shared::drop_old)?);
    }
    Ok(Publisher { shared: shared.clone(), threads })
}

impl Publisher {
    /// Says that something was committed.
    pub fn wake(&self) {
        self.shared.committed.raise();
    }

    /// Something that can wake it from elsewhere.
    pub fn waker(&self) -> Waker {
        Waker(self.shared.clone())
    }

    /// How far things are.
    pub fn status(&self) -> Status {
        self.shared.status().clone()
    }

    /// Whether its threads live; they end only with a panic as long as this is not stopped.
    pub fn is_running(&self) -> bool {
        self.threads.iter().all(|thread| !thread.is_finished())
    }

    /// Publishes what is committed, for a few seconds at most, and gives leadership back.
    pub fn stop(mut self) {
        self.ask_to_stop();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a publisher thread had panicked");
            }
        }
    }

    fn ask_to_stop(&self) {
        self.shared.asked_to_stop.get_or_init(Instant::now);
        self.shared.committed.raise();
        self.shared.numbered.raise();
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.ask_to_stop();
    }
}

impl Waker {
    /// Says that something was committed.
    pub fn wake(&self) {
        self.0.committed.raise();
    }

    /// How far things are.
    pub fn status(&self) -> Status {
        self.0.status().clone()
    }

    /// What is counted.
    pub(super) fn counts(&self) -> Counts {
        self.0.counts.clone()
    }
}

impl Shared {
    fn new(db: Db, settings: Option<KafkaSettings>, retention: Retention) -> Self {
        let status = Status { volatile: settings.as_ref().is_some_and(|s| s.volatile), ..Status::default() };
        Self {
            db,
            settings,
            retention,
            committed: Signal::default(),
            numbered: Signal::default(),
            asked_to_stop: OnceLock::new(),
            term: AtomicI64::new(0),
            confirmed: AtomicI64::new(0),
            shut_out: AtomicI64::new(0),
            alarmed_of_age: AtomicBool::new(false),
            status: Mutex::new(status),
            counts: Counts::default(),
        }
    }

    fn status(&self) -> std::sync::MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another publisher has shut out that of this term. A later term of this node is another matter.
    fn is_shut_out(&self, epoch: i64) -> bool {
        epoch != 0 && self.shut_out.load(Ordering::SeqCst) == epoch
    }

    fn stopping(&self) -> bool {
        self.asked_to_stop.get().is_some()
    }

    /// Whether stopping has taken longer than a sequencer that works would take.
    fn is_overdue(&self) -> bool {
        self.asked_to_stop.get().is_some_and(|at| at.elapsed() > DRAIN + 2 * SECOND)
    }

    /// Waits in small steps, so that stopping is heard.
    fn pause(&self, most: Duration) {
        let until = Instant::now() + most;
        while !self.stopping() && Instant::now() < until {
            std::thread::sleep(POLL.min(until.saturating_duration_since(Instant::now())));
        }
    }
}
