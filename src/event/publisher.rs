//! The two threads behind publication: one numbers, one copies to Kafka, both only while this node leads.
//!
//! Promises that publication resumes by itself after any outage, oldest first, and that a record refused for good stops it instead
//! of being skipped. Knows how far things are ([`Status`]); who is told is decided elsewhere.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::EventError;
use super::copier::{Copier, CopyError};
use super::kafka::{KafkaFailure, KafkaSettings};
use super::sequencer::{Leadership, ROUND, Round};
use super::signal::Signal;
pub use super::status::Status;
use crate::store::{Db, number_line};

/// How often the database is looked at without a hint.
const POLL: Duration = Duration::from_millis(50);
/// How often a standing-by node tries to lead, and a leader notes what is acknowledged when idle.
const SECOND: Duration = Duration::from_secs(1);
/// How often partitions are made and the backlog is counted by the leader.
const HOUR: Duration = Duration::from_secs(3600);
/// Longest pause between attempts to reach Kafka.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Pause after a refusal that time alone will not mend, and after being fenced.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);
/// What stopping may take for what is already committed.
const DRAIN: Duration = Duration::from_secs(5);
/// The backlog is counted up to here.
const COUNTED: i64 = 100_001;

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
    committed: Signal,
    numbered: Signal,
    stop: AtomicBool,
    /// Epoch of this node's term; 0: it does not lead.
    term: AtomicI64,
    confirmed: AtomicI64,
    fenced: AtomicBool,
    status: Mutex<Status>,
}

/// Starts numbering and, where Kafka is configured, copying.
pub fn start(db: Db, settings: Option<KafkaSettings>) -> std::io::Result<Publisher> {
    let status = Status { volatile: settings.as_ref().is_some_and(|s| s.volatile), ..Status::default() };
    let copies = settings.is_some();
    let shared = Arc::new(Shared {
        db,
        settings,
        committed: Signal::default(),
        numbered: Signal::default(),
        stop: AtomicBool::new(false),
        term: AtomicI64::new(0),
        confirmed: AtomicI64::new(0),
        fenced: AtomicBool::new(false),
        status: Mutex::new(status),
    });
    let thread = |name: &str, body: fn(&Shared)| {
        let shared = shared.clone();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || body(&shared))
    };
    let mut threads = vec![thread("sequencer", Shared::sequence)?];
    if copies {
        threads.push(thread("publisher", Shared::copy)?);
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
        self.shared.stop.store(true, Ordering::SeqCst);
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
}

impl Shared {
    fn status(&self) -> std::sync::MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Waits in small steps, so that stopping is heard.
    fn pause(&self, most: Duration) {
        let until = Instant::now() + most;
        while !self.stopping() && Instant::now() < until {
            std::thread::sleep(POLL.min(until.saturating_duration_since(Instant::now())));
        }
    }

    /// The sequencer thread: lead, or stand by.
    fn sequence(&self) {
        while !self.stopping() {
            match self.lead() {
                Ok(()) => {}
                Err(e) => {
                    tracing::warn!(reason = %e, "numbering of events interrupted: {e}");
                    self.status().error = Some(format!("database: {e}"));
                }
            }
            self.term.store(0, Ordering::SeqCst);
            self.numbered.raise();
            self.status().leader = false;
            self.pause(if self.fenced.swap(false, Ordering::SeqCst) { REFUSED_PAUSE } else { SECOND });
        }
    }

    /// One term: from the wait for leadership to its loss.
    fn lead(&self) -> Result<(), EventError> {
        let mut connection = self.db.connect()?;
        let mut leadership = loop {
            match Leadership::try_take(&self.db, connection)? {
                Ok(leadership) => break leadership,
                Err(back) => connection = back,
            }
            self.refresh_status()?;
            self.pause(SECOND);
            if self.stopping() {
                return Ok(());
            }
        };
        let line = leadership.line().clone();
        tracing::info!(epoch = line.leader_epoch, "this node numbers events from {} on", line.last_pos + 1);
        self.confirmed.store(line.confirmed_pos, Ordering::SeqCst);
        self.term.store(line.leader_epoch, Ordering::SeqCst);
        self.numbered.raise();
        {
            let mut status = self.status();
            (status.leader, status.epoch, status.emstream) = (true, line.leader_epoch, line.emstream);
            (status.last, status.confirmed) = (line.last_pos, line.confirmed_pos);
            status.error = None;
        }
        self.number_until_deposed(&mut leadership)
    }

    fn number_until_deposed(&self, leadership: &mut Leadership) -> Result<(), EventError> {
        let mut partitions_due = Instant::now();
        let mut note_due = Instant::now() + SECOND;
        let mut noted = self.confirmed.load(Ordering::SeqCst);
        let mut leave_by = None;
        loop {
            if Instant::now() >= partitions_due {
                partitions_due += HOUR;
                if let Err(e) = leadership.make_partitions(&self.db) {
                    tracing::warn!(reason = %e, "partitions of the event log were not made: {e}");
                }
            }
            let confirmed = self.confirmed.load(Ordering::SeqCst);
            let round = leadership.round(&self.db, confirmed)?;
            match round {
                Round::Deposed => return Ok(()),
                Round::Numbered { last, .. } => {
                    noted = confirmed;
                    self.status().last = last;
                    self.numbered.raise();
                }
                Round::Idle => {}
            }
            if Instant::now() >= note_due {
                note_due = Instant::now() + SECOND;
                if confirmed > noted && leadership.confirm(&self.db, confirmed)? == Round::Deposed {
                    return Ok(());
                }
                noted = confirmed;
                self.refresh_status()?;
            }
            if self.fenced.load(Ordering::SeqCst) {
                return Ok(());
            }
            let behind =
                matches!(round, Round::Numbered { events, .. } if i32::try_from(events) == Ok(ROUND));
            if behind {
                continue;
            }
            if self.stopping() {
                let leave_by = *leave_by.get_or_insert_with(|| Instant::now() + DRAIN);
                if round == Round::Idle && (self.is_all_copied() || Instant::now() >= leave_by) {
                    leadership.confirm(&self.db, self.confirmed.load(Ordering::SeqCst))?;
                    return Ok(());
                }
            }
            self.committed.wait(POLL);
        }
    }

    /// Whether there is nothing left that copying could still do.
    fn is_all_copied(&self) -> bool {
        let status = self.status();
        self.settings.is_none()
            || status.error.is_some()
            || self.confirmed.load(Ordering::SeqCst) >= status.last
    }

    fn refresh_status(&self) -> Result<(), EventError> {
        let (line, pending) = self.db.write_blocking(|tx| {
            Ok::<_, EventError>((number_line::line(tx)?, number_line::count_pending(tx, COUNTED)?))
        })?;
        let mut status = self.status();
        // a leader knows of acknowledgements before the database does
        let known = if status.leader { self.confirmed.load(Ordering::SeqCst) } else { 0 };
        (status.last, status.confirmed) = (line.last_pos, line.confirmed_pos.max(known));
        (status.emstream, status.pending) = (line.emstream, pending);
        if !status.leader {
            (status.epoch, status.error) = (line.leader_epoch, None);
        }
        Ok(())
    }

    /// The publisher thread: copy while this node leads, begin anew after trouble.
    fn copy(&self) {
        let mut pause = Duration::from_millis(100);
        loop {
            let epoch = self.term.load(Ordering::SeqCst);
            if epoch == 0 {
                if self.stopping() {
                    return;
                }
                self.numbered.wait(POLL * 4);
                continue;
            }
            let begun = Instant::now();
            let Err(error) = self.copy_for(epoch);
            if begun.elapsed() > LONGEST_PAUSE {
                pause = Duration::from_millis(100);
            }
            self.settle(&error, &mut pause);
        }
    }

    /// Copies until something stops it.
    fn copy_for(&self, epoch: i64) -> Result<std::convert::Infallible, CopyError> {
        let Some(settings) = &self.settings else { return Err(KafkaFailure::Stopped.into()) };
        let go_on = || self.term.load(Ordering::SeqCst) == epoch;
        self.status().sending_since = Some(Instant::now());
        let mut copier = Copier::take_over(&self.db, settings, epoch, &go_on)?;
        self.confirmed.store(copier.confirmed(), Ordering::SeqCst);
        {
            let mut status = self.status();
            (status.error, status.blocked) = (None, false);
        }
        loop {
            let before = copier.confirmed();
            // before the log is read: it may hold more than this node knows of yet
            self.status().sending_since = Some(Instant::now());
            copier.step(&self.db, &go_on)?;
            self.status().sending_since = None;
            if !go_on() {
                return Err(KafkaFailure::Stopped.into());
            }
            if copier.confirmed() > before {
                self.confirmed.store(copier.confirmed(), Ordering::SeqCst);
                self.status().confirmed = copier.confirmed();
                if self.stopping() {
                    self.committed.raise();
                }
            } else {
                self.numbered.wait(POLL);
            }
        }
    }

    /// Says why copying stopped and waits as long as that asks for.
    fn settle(&self, error: &CopyError, pause: &mut Duration) {
        let wait = match error {
            CopyError::Kafka(KafkaFailure::Stopped) => return,
            CopyError::Kafka(KafkaFailure::Fenced) | CopyError::Deposed => {
                tracing::warn!("another publisher has taken over; this node stands by");
                self.fenced.store(true, Ordering::SeqCst);
                self.committed.raise();
                SECOND
            }
            CopyError::Kafka(KafkaFailure::Refused { .. } | KafkaFailure::Setting(_)) => {
                tracing::error!(reason = %error, "publication stands still: {error}");
                self.status().blocked = true;
                REFUSED_PAUSE
            }
            CopyError::Log(EventError::NoEnvelope { .. }) => {
                tracing::error!(reason = %error, "publication stands still: {error}");
                self.status().blocked = true;
                REFUSED_PAUSE
            }
            CopyError::Kafka(KafkaFailure::Unavailable(_)) | CopyError::Log(_) => {
                tracing::warn!(reason = %error, "publication interrupted: {error}");
                *pause = (*pause * 2).min(LONGEST_PAUSE);
                *pause
            }
        };
        {
            let mut status = self.status();
            (status.error, status.sending_since) = (Some(error.to_string()), None);
            status.restarts += 1;
        }
        self.pause(wait);
    }
}
