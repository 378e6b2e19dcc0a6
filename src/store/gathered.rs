//! What many requests need to read or write at the same moment, in one statement for all of them.
//!
//! A thread with a connection of its own takes what has been asked while its last statement ran, and gives way to a backlog where more may
//! come. Promises that the statement which answers a request began after the request asked, so that nobody is told what was true before;
//! equal keys are read once and written each. A statement that cannot be carried out is repeated for each key, so that what is at fault
//! fails alone. When the connection was lost, a read is repeated and a write never. A write whose caller has gone is forgotten, as are all
//! who have given up while the database does not answer.

use std::collections::HashMap;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use tokio::sync::oneshot;

use super::backlog::Backlog;
use super::{Db, StoreError, Tx};

/// Keys in one statement at most.
const MOST_IN_STATEMENT: usize = 256;
/// So many questions wait before those that nobody waits for any more are dropped; as many that somebody waits for are refused.
const MOST_WAITING: usize = 8_192;
/// How long a request waits for its answer: a little over what a statement may take.
const PATIENCE: Duration = Duration::from_secs(6);

/// Looks up or writes all keys in one statement; gives one value a key, in their order.
pub type Lookup<K, V> = fn(&mut Tx<'_>, &[K]) -> Result<Vec<V>, StoreError>;

type Reply<V> = oneshot::Sender<Result<V, StoreError>>;

/// Reads or writes for many; cheap to copy. The thread ends with the last copy.
pub struct Gathered<K, V>(Arc<Handle<K, V>>);

struct Handle<K, V>(Arc<Shared<K, V>>);

struct Shared<K, V> {
    asked: Mutex<Asked<K, V>>,
    changed: Condvar,
}

struct Asked<K, V> {
    waiting: Vec<(K, Reply<V>)>,
    closed: bool,
}

impl<K, V> Clone for Gathered<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Drop for Handle<K, V> {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

impl<K, V> Shared<K, V> {
    fn lock(&self) -> MutexGuard<'_, Asked<K, V>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a question; false: too many wait.
    fn push(&self, key: K, reply: Reply<V>) -> bool {
        let mut asked = self.lock();
        if asked.waiting.len() >= MOST_WAITING {
            asked.waiting.retain(|(_, reply)| !reply.is_closed());
        }
        let has_room = asked.waiting.len() < MOST_WAITING;
        if has_room {
            asked.waiting.push((key, reply));
        }
        has_room
    }

    /// Waits until something is asked and takes all of it, up to what one statement bears; `None`: nobody can ask any more.
    fn take(&self, most: usize, backlog: &Backlog) -> Option<Vec<(K, Reply<V>)>> {
        let nobody = |asked: &mut Asked<K, V>| asked.waiting.is_empty() && !asked.closed;
        let asked = self.changed.wait_while(self.lock(), nobody).unwrap_or_else(PoisonError::into_inner);
        let is_full = asked.waiting.len() >= most;
        drop(asked);
        if !is_full {
            backlog.give_way();
        }
        let mut asked = self.lock();
        let most = asked.waiting.len().min(most);
        (most > 0).then(|| asked.waiting.drain(..most).collect())
    }
}

impl<K, V> Gathered<K, V>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + 'static,
{
    /// Starts the thread; it connects when it is first asked.
    pub fn start(db: &Db, lookup: Lookup<K, V>) -> Self {
        Self::with(db, lookup, Access::Read, MOST_IN_STATEMENT)
    }

    /// The same for a statement that writes.
    pub fn writing(db: &Db, write: Lookup<K, V>) -> Self {
        Self::with(db, write, Access::Write, MOST_IN_STATEMENT)
    }

    /// The same for keys so large that each has a statement of its own, and is answered before the next one.
    pub fn one_by_one(db: &Db, lookup: Lookup<K, V>) -> Self {
        Self::with(db, lookup, Access::Read, 1)
    }

    fn with(db: &Db, lookup: Lookup<K, V>, access: Access, most: usize) -> Self {
        let asked = Mutex::new(Asked { waiting: Vec::new(), closed: false });
        let shared = Arc::new(Shared { asked, changed: Condvar::new() });
        let mut worker = Worker { db: db.clone(), lookup, access, connection: None, used_at: Instant::now() };
        let takes = Arc::clone(&shared);
        let backlog = db.backlog().clone();
        std::thread::spawn(move || {
            while let Some(waiting) = takes.take(most, &backlog) {
                worker.answer(waiting);
            }
        });
        Self(Arc::new(Handle(shared)))
    }

    /// Looks one key up together with what others ask at this moment.
    pub async fn ask(&self, key: K) -> Result<V, StoreError> {
        let (reply, replied) = oneshot::channel();
        let shared = &self.0.0;
        if !shared.push(key, reply) {
            return Err(StoreError::Unavailable("too many questions wait".into()));
        }
        shared.changed.notify_one();
        match tokio::time::timeout(PATIENCE, replied).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(StoreError::Broken("a question ended without an answer".into())),
            Err(_) => Err(StoreError::Unavailable("a question was not answered in time".into())),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

struct Worker<K, V> {
    db: Db,
    lookup: Lookup<K, V>,
    access: Access,
    connection: Option<PgConnection>,
    /// When the connection answered last.
    used_at: Instant,
}

impl<K, V> Worker<K, V>
where
    K: Eq + Hash + Clone,
    V: Clone,
{
    fn answer(&mut self, mut waiting: Vec<(K, Reply<V>)>) {
        if self.access == Access::Write {
            waiting.retain(|(_, reply)| !reply.is_closed());
        }
        if waiting.is_empty() {
            return;
        }
        let mut places: HashMap<K, usize> = HashMap::with_capacity(waiting.len());
        let mut keys: Vec<K> = Vec::new();
        let mut wanted: Vec<(usize, Reply<V>)> = Vec::with_capacity(waiting.len());
        for (key, reply) in waiting {
            let mut push = |key| {
                keys.push(key);
                keys.len() - 1
            };
            let place = match self.access {
                Access::Read => *places.entry(key).or_insert_with_key(|key| push(key.clone())),
                Access::Write => push(key),
            };
            wanted.push((place, reply));
        }
        let found = self.look_up_each(&keys);
        for (place, reply) in wanted {
            let answer = found.get(place).cloned().unwrap_or_else(|| Err(missing(keys.len(), found.len())));
            // whoever asked may have given up
            drop(reply.send(answer));
        }
    }

    /// What cannot be read fails alone; a database that is slow or away fails all, since one by one they would take as many times longer.
    fn look_up_each(&mut self, keys: &[K]) -> Vec<Result<V, StoreError>> {
        let found = self.look_up_again_when_away(keys).and_then(|values| match values.len() {
            found if found == keys.len() => Ok(values),
            found => Err(missing(keys.len(), found)),
        });
        match found {
            Ok(values) => values.into_iter().map(Ok).collect(),
            Err(StoreError::Broken(_)) if keys.len() > 1 => {
                keys.iter().flat_map(|key| self.look_up_each(std::slice::from_ref(key))).collect()
            }
            Err(error) => vec![Err(error); keys.len()],
        }
    }

    /// A connection that was cut while it stood idle is found out only by using it: once more with a new one, unless something may have been
    /// written.
    fn look_up_again_when_away(&mut self, keys: &[K]) -> Result<Vec<V>, StoreError> {
        let was_connected = self.connection.is_some();
        match self.look_up(keys) {
            Err(StoreError::Unavailable(_)) if was_connected && self.access == Access::Read => {
                self.look_up(keys)
            }
            outcome => outcome,
        }
    }

    fn look_up(&mut self, keys: &[K]) -> Result<Vec<V>, StoreError> {
        let mut connection = match self.kept() {
            Some(connection) => connection,
            None => match self.access {
                Access::Read => self.db.connect_for_lookups()?,
                Access::Write => self.db.connect_for_constant_statements()?,
            },
        };
        let (db, lookup) = (&self.db, self.lookup);
        // a mistake of ours costs the requests of one statement, not the thread that all others wait for
        let outcome =
            catch_unwind(AssertUnwindSafe(|| db.statement_on(&mut connection, |tx| lookup(tx, keys))))
                .unwrap_or_else(|_| Err(StoreError::Broken("a lookup has panicked".into())));
        if outcome.is_ok() {
            self.connection = Some(connection);
            self.used_at = Instant::now();
        }
        outcome
    }

    /// The connection, if there is one; for a write, which is not repeated, only one that is surely good.
    fn kept(&mut self) -> Option<PgConnection> {
        let mut connection = self.connection.take()?;
        let is_good = self.access == Access::Read
            || self.used_at.elapsed() < super::pool::TRUSTED
            || connection.batch_execute("SELECT 1").is_ok();
        is_good.then_some(connection)
    }
}

fn missing(asked: usize, found: usize) -> StoreError {
    StoreError::Broken(format!("{found} answers to {asked} keys"))
}
