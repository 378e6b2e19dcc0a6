//! The writers: two threads that take what has gathered, write it in one transaction and answer each request.
//!
//! A failing batch is run again request by request, so that no request fails for its neighbours; when the database is away, all of it
//! fails.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::asked::{Asked, Reply};
use super::batch::{self, BatchOutcome};
use super::error::EmCode;
use super::queue::{Presence, Queue, Turn, Waiting};
use crate::event::{EventError, Origin};
use crate::store::sessions::{self, Committed};
use crate::store::writer_connection::WriterConnection;
use crate::store::{Db, StoreError, TransactionError};

const WRITERS: usize = 2;
/// How often a request is tried alone, or again because somebody unexpected was on its phone.
const TRIES: u32 = 10;
/// Between two looks at what became of a commit.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What is called after every commit that wrote events.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// The queue and its threads; they finish what waits and end when this is dropped.
pub(super) struct Writers {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Writers {
    /// Starts them; of requests beyond `most_waiting` each is answered busy at once.
    pub(super) fn start(db: &Db, origin: &Origin, most_waiting: usize, wake: &Wake) -> Self {
        let queue = Queue::of(most_waiting, db.backlog());
        let threads = (0..WRITERS)
            .map(|_| {
                let (db, origin, wake) = (db.clone(), origin.clone(), Arc::clone(wake));
                let (queue, presence) = (Arc::clone(&queue), Presence::of(&queue));
                let writer = Writer { db, origin, wake, queue, connection: None, _presence: presence };
                std::thread::spawn(move || writer.run())
            })
            .collect();
        Self { queue, threads: Mutex::new(threads) }
    }

    /// Whether all of them live.
    pub(super) fn are_running(&self) -> bool {
        self.queue.writers() == WRITERS
    }

    /// Queues a request and waits for its answer; the waiting ends with code 6 when the writers are gone.
    pub(super) async fn ask(&self, asked: Asked) -> Result<Reply, EmCode> {
        let replied = self.queue.push(asked)?;
        replied.await.map_err(|_| EmCode::Database)
    }

    /// Takes no more requests and waits until those that came are answered; the first caller waits, others do not.
    pub(super) fn finish(&self) {
        self.queue.close();
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
    queue: Arc<Queue>,
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
        while let Some((batch, turn)) = self.queue.take() {
            let asked: Vec<&Asked> = batch.iter().map(|w| &w.asked).collect();
            match self.transact_again_when_away(&asked, Some(turn)) {
                Ok(replies) => {
                    tracing::debug!(batch.size = batch.len(), "a batch was carried out");
                    self.deliver(batch, replies);
                }
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
        for tries in 1.. {
            // one by one and time after time takes longer than callers wait
            if one.reply.is_closed() {
                return;
            }
            match self.transact_again_when_away(&[&one.asked], None) {
                Ok(replies) => return self.deliver(vec![one], replies),
                // who stands at a lock holds a writer up, and has stood there with its batch already
                Err(Failure::NotWritten(error))
                    if error.is_transient() && !is_locked(&error) && tries < TRIES => {}
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
        let was_connected = self.connection.is_some();
        match self.transact(asked, turn) {
            Err(Failure::NotWritten(error)) if is_away(&error) && was_connected => {
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
        self.queue.put_back(again);
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

fn is_locked(error: &EventError) -> bool {
    matches!(error, EventError::Store(StoreError::Locked(_)))
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
