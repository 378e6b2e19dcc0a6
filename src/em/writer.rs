//! The writers: two threads that take what has gathered, write it in one transaction and answer each request.
//!
//! They take turns: while one decides, the other leaves what comes to gather, and begins when that is enough or when the first has only
//! its commit left, so that batches are large and flushes overlap. A turn that lasts, because of a lock, is not waited for.
//! A batch holds distinct phones and distinct users; a request that names a phone or user that is in it waits for the next, in order. A
//! failing batch is run again request by request, so that no request fails for its neighbours; when the database is away, all of it fails.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::asked::{Asked, Reply};
use super::batch::{self, BatchOutcome};
use super::error::EmCode;
use crate::domain::ids::{PhonePk, UserPk};
use crate::event::{EventError, Origin};
use crate::store::names::{Named, Names};
use crate::store::sessions::{self, Committed};
use crate::store::writer_connection::WriterConnection;
use crate::store::{Db, StoreError, TransactionError};

/// Requests in one transaction at most.
const MOST_IN_BATCH: usize = 128;
const WRITERS: usize = 2;
/// So many requests are a batch worth beginning while another writer decides; it has a core to itself meanwhile.
const ENOUGH: usize = 32;
/// How long fewer are left to gather while another writer decides.
const LONGEST_TURN: Duration = Duration::from_millis(20);
/// How often a request is tried alone, or again because somebody unexpected was on its phone.
const TRIES: u32 = 10;
/// Between two looks at what became of a commit.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What is called after every commit that wrote events.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

struct Waiting {
    asked: Asked,
    tries: u32,
    reply: oneshot::Sender<Reply>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    closed: bool,
    /// Writers that live.
    writers: usize,
    /// Writers that have taken a batch and are not at its commit yet.
    deciding: usize,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    ready: Condvar,
}

/// The queue and its threads; they finish what waits and end when this is dropped.
pub(super) struct Writers {
    most_waiting: usize,
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for requests and for the turn, and takes a batch; `None` once the queue is closed and empty.
    fn take(self: &Arc<Self>) -> Option<(Vec<Waiting>, Turn)> {
        let mut queue = self.lock();
        loop {
            let idle = |queue: &mut Queue| queue.waiting.is_empty() && !queue.closed;
            queue = self.ready.wait_while(queue, idle).unwrap_or_else(PoisonError::into_inner);
            if queue.waiting.is_empty() {
                return None;
            }
            let wait = |queue: &mut Queue| queue.deciding > 0 && queue.waiting.len() < ENOUGH;
            let waited = self.ready.wait_timeout_while(queue, LONGEST_TURN, wait);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
            if !queue.waiting.is_empty() {
                queue.deciding += 1;
                return Some((queue.take_distinct(), Turn(Arc::clone(self))));
            }
        }
    }
}

/// A batch is being decided; the next one begins when this is dropped.
struct Turn(Arc<Shared>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.lock().deciding -= 1;
        self.0.ready.notify_one();
    }
}

/// Counts a writer as living until this is dropped; the last one leaves nobody waiting for nothing.
struct Presence(Arc<Shared>);

impl Presence {
    fn of(shared: &Arc<Shared>) -> Self {
        shared.lock().writers += 1;
        Self(Arc::clone(shared))
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.writers = queue.writers.saturating_sub(1);
        if queue.writers == 0 {
            queue.closed = true;
            let abandoned = std::mem::take(&mut queue.waiting);
            drop(queue);
            drop(abandoned);
        }
    }
}

impl Queue {
    /// Whether a writer that waits may begin with the last request, or has to look at the time from it on.
    fn changes_something(&self) -> bool {
        self.deciding == 0 || self.waiting.len() == 1 || self.waiting.len() >= ENOUGH
    }

    fn take_distinct(&mut self) -> Vec<Waiting> {
        let mut phones: HashSet<Named<PhonePk>> = HashSet::new();
        let mut users: HashSet<Named<UserPk>> = HashSet::new();
        let mut batch = Vec::new();
        let mut left = VecDeque::new();
        while let Some(next) = self.waiting.pop_front() {
            if batch.len() == MOST_IN_BATCH {
                left.push_back(next);
                break;
            }
            // Both sets grow even for a request that stays behind, so that later ones do not overtake it.
            let Names { phone, user, .. } = &next.asked.names;
            let is_free_phone = phones.insert(phone.clone());
            let is_free_user = user.as_ref().is_none_or(|user| users.insert(user.clone()));
            if is_free_phone && is_free_user {
                batch.push(next);
            } else {
                left.push_back(next);
            }
        }
        left.append(&mut self.waiting);
        self.waiting = left;
        batch
    }
}

impl Writers {
    /// Starts them; of requests beyond `most_waiting` each is answered busy at once.
    pub(super) fn start(db: &Db, origin: &Origin, most_waiting: usize, wake: &Wake) -> Self {
        let shared = Arc::new(Shared::default());
        let threads = (0..WRITERS)
            .map(|_| {
                let (db, origin, wake) = (db.clone(), origin.clone(), Arc::clone(wake));
                let (shared, presence) = (Arc::clone(&shared), Presence::of(&shared));
                let writer = Writer { db, origin, wake, shared, connection: None, _presence: presence };
                std::thread::spawn(move || writer.run())
            })
            .collect();
        Self { most_waiting, shared, threads: Mutex::new(threads) }
    }

    /// Whether all of them live.
    pub(super) fn are_running(&self) -> bool {
        self.shared.lock().writers == WRITERS
    }

    /// Queues a request and waits for its answer; the waiting ends with code 6 when the writers are gone.
    pub(super) async fn ask(&self, asked: Asked) -> Result<Reply, EmCode> {
        let (reply, replied) = oneshot::channel();
        {
            let mut queue = self.shared.lock();
            if queue.closed {
                return Err(EmCode::Database);
            }
            if queue.waiting.len() >= self.most_waiting {
                return Err(EmCode::Busy);
            }
            queue.waiting.push_back(Waiting { asked, tries: 0, reply });
            if queue.changes_something() {
                self.shared.ready.notify_one();
            }
        }
        replied.await.map_err(|_| EmCode::Database)
    }

    /// Takes no more requests and waits until those that came are answered; the first caller waits, others do not.
    pub(super) fn finish(&self) {
        self.shared.lock().closed = true;
        self.shared.ready.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a writer of logins has panicked");
            }
        }
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.finish();
    }
}

struct Writer {
    db: Db,
    origin: Origin,
    wake: Wake,
    shared: Arc<Shared>,
    connection: Option<WriterConnection>,
    /// Dropped last, and with a panic too.
    _presence: Presence,
}

/// Why a transaction gave no replies.
enum Failure {
    /// Nothing was written.
    NotWritten(EventError),
    /// The connection was lost while committing, and nobody can say what became of it.
    Unknown,
}

impl Writer {
    fn run(mut self) {
        while let Some((batch, turn)) = self.shared.take() {
            let asked: Vec<&Asked> = batch.iter().map(|w| &w.asked).collect();
            match self.transact_again_when_away(&asked, Some(turn)) {
                Ok(replies) => self.deliver(batch, replies),
                Err(Failure::NotWritten(error)) if !is_away(&error) && batch.len() > 1 => {
                    tracing::info!(batch.size = batch.len(), error = %error, "batch runs again one by one");
                    batch.into_iter().for_each(|one| self.run_alone(one));
                }
                Err(Failure::NotWritten(error)) if error.is_transient() => {
                    batch.into_iter().for_each(|one| self.run_alone(one));
                }
                Err(failure) => refuse(batch, &failure),
            }
        }
    }

    fn run_alone(&mut self, one: Waiting) {
        // after a slow batch, one by one takes longer than its callers wait
        if one.reply.is_closed() {
            return;
        }
        let mut tries = 0;
        loop {
            tries += 1;
            match self.transact_again_when_away(&[&one.asked], None) {
                Ok(replies) => return self.deliver(vec![one], replies),
                Err(Failure::NotWritten(error)) if error.is_transient() && tries < TRIES => {}
                Err(failure) => return refuse(vec![one], &failure),
            }
        }
    }

    /// A connection that was cut while it stood idle is found out only by using it: once more with a new one.
    fn transact_again_when_away(
        &mut self,
        asked: &[&Asked],
        turn: Option<Turn>,
    ) -> Result<Vec<Reply>, Failure> {
        match self.transact(asked, turn) {
            Err(Failure::NotWritten(error)) if is_away(&error) => {
                tracing::warn!(error = %error, "a writer connects again");
                self.transact(asked, None)
            }
            outcome => outcome,
        }
    }

    /// Answers everybody; who must try again goes back to the front of the queue.
    fn deliver(&self, batch: Vec<Waiting>, replies: Vec<Reply>) {
        let mut again = Vec::new();
        for (mut one, reply) in batch.into_iter().zip(replies) {
            match reply {
                Reply::Again if one.tries < TRIES => {
                    one.tries += 1;
                    again.push(one);
                }
                Reply::Again => drop(one.reply.send(Reply::Refused(EmCode::Busy))),
                reply @ (Reply::Login(_) | Reply::Logout(_) | Reply::Refused(_)) => {
                    drop(one.reply.send(reply));
                }
            }
        }
        if !again.is_empty() {
            let mut queue = self.shared.lock();
            again.into_iter().rev().for_each(|one| queue.waiting.push_front(one));
            drop(queue);
            self.shared.ready.notify_one();
        }
    }

    /// Gives the turn away when only the commit is left, or after a failure.
    fn transact(&mut self, asked: &[&Asked], turn: Option<Turn>) -> Result<Vec<Reply>, Failure> {
        let mut decided: Option<BatchOutcome> = None;
        let origin = self.origin.clone();
        let outcome = self.connection().and_then(|connection| {
            connection.transaction(|tx| {
                decided = Some(batch::run(tx, asked, &origin)?);
                drop(turn);
                Ok::<(), EventError>(())
            })
        });
        let Err(error) = outcome else {
            let decided = decided.ok_or(Failure::Unknown)?;
            if decided.transaction.is_some() {
                (self.wake)();
            }
            return Ok(decided.replies);
        };
        if !error.is_transient() {
            self.connection = None;
        }
        match decided {
            None => Err(Failure::NotWritten(error)),
            Some(decided) => self.after_lost_commit(decided, error),
        }
    }

    /// The closure ended well and the commit did not answer: asks the database what became of it, never guesses (CON-10).
    fn after_lost_commit(&mut self, decided: BatchOutcome, error: EventError) -> Result<Vec<Reply>, Failure> {
        tracing::error!(error = %error, "commit of logins was not answered");
        let Some(transaction) = decided.transaction else { return Ok(decided.replies) };
        for _ in 0..TRIES {
            self.connection = None;
            let asked = self.connection().and_then(|connection| {
                connection.transaction(|tx| sessions::did_commit(tx, transaction).map_err(EventError::from))
            });
            match asked {
                Ok(Committed::Yes) => {
                    (self.wake)();
                    return Ok(decided.replies);
                }
                Ok(Committed::No) => return Err(Failure::NotWritten(error)),
                Ok(Committed::Forgotten) => break,
                // The server may still be at it, or be coming back.
                Ok(Committed::NotYet) | Err(_) => std::thread::sleep(LOOK_AGAIN),
            }
        }
        Err(Failure::Unknown)
    }

    fn connection(&mut self) -> Result<&mut WriterConnection, EventError> {
        if self.connection.is_none() {
            self.connection = Some(WriterConnection::open(&self.db)?);
        }
        self.connection.as_mut().ok_or_else(|| StoreError::Unavailable("no connection".into()).into())
    }
}

fn is_away(error: &EventError) -> bool {
    matches!(error, EventError::Store(StoreError::Unavailable(_)))
}

fn refuse(batch: Vec<Waiting>, failure: &Failure) {
    match failure {
        Failure::NotWritten(error) => tracing::error!(error = %error, "logins and logouts not written"),
        Failure::Unknown => tracing::error!("nobody can say whether logins and logouts were written"),
    }
    for one in batch {
        drop(one.reply.send(Reply::Refused(EmCode::Database)));
    }
}
