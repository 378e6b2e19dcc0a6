//! Threads for hashing: as many as cores, a queue of 64, and busy beyond that after a second (security.md LIM-9).
//!
//! Hashing never runs on an async worker and never waits without bound. A place is taken before anything is charged for the work, so
//! that being busy costs nobody an attempt. What waits for a thread counts as backlog, to which statements give way. A job that panics
//! ends itself, not its thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::store::backlog::Backlog;

const QUEUE: usize = 64;
/// How long a check may wait for a place.
const PATIENCE: Duration = Duration::from_secs(1);

type Work = Box<dyn FnOnce() + Send>;

/// All places are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PoolBusy;

/// A job panicked, or the pool is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoAnswer;

/// The pool; threads end when the last handle is dropped.
#[derive(Clone)]
pub(super) struct HashPool {
    queue: Sender<Work>,
    places: Arc<Semaphore>,
    backlog: Backlog,
}

/// A place in the pool, free again when its job has ended or this is dropped.
pub(super) struct Place {
    pool: HashPool,
    permit: OwnedSemaphorePermit,
}

impl HashPool {
    pub(super) fn start(threads: usize, backlog: &Backlog) -> Self {
        let threads = threads.max(1);
        let (queue, receiver) = channel::<Work>();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..threads {
            let receiver = Arc::clone(&receiver);
            std::thread::spawn(move || work(&receiver));
        }
        Self { queue, places: Arc::new(Semaphore::new(threads + QUEUE)), backlog: backlog.clone() }
    }

    /// Takes a place; waits for one as long as for a connection of the database.
    pub(super) async fn reserve(&self) -> Result<Place, PoolBusy> {
        let acquired = tokio::time::timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        let permit = acquired.ok().and_then(Result::ok).ok_or(PoolBusy)?;
        Ok(Place { pool: self.clone(), permit })
    }

    /// Takes a place, or says at once that there is none.
    pub(super) fn try_reserve(&self) -> Result<Place, PoolBusy> {
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| PoolBusy)?;
        Ok(Place { pool: self.clone(), permit })
    }
}

impl Place {
    /// Runs `f` on the pool.
    pub(super) async fn run<T: Send + 'static>(
        self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let Self { pool, permit } = self;
        let (answer, answered) = oneshot::channel();
        let queued = pool.backlog.enter();
        let work: Work = Box::new(move || {
            drop(queued);
            let outcome = f();
            drop(permit);
            drop(answer.send(outcome));
        });
        pool.queue.send(work).map_err(|_| NoAnswer)?;
        answered.await.map_err(|_| NoAnswer)
    }
}

fn work(receiver: &Mutex<Receiver<Work>>) {
    loop {
        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = next else { return };
        // The hook for panics has logged it, and the caller gets no answer.
        let _panicked = catch_unwind(AssertUnwindSafe(work));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_that_panics_leaves_its_thread_and_its_place_to_the_next() {
        let pool = HashPool::start(1, &Backlog::default());
        for _ in 0..QUEUE + 2 {
            let place = pool.try_reserve().unwrap();
            assert_eq!(place.run(|| panic!("a job")).await, Err::<(), _>(NoAnswer));
        }
        assert_eq!(pool.try_reserve().unwrap().run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_full_pool_is_busy_until_a_place_is_given_back() {
        let pool = HashPool::start(1, &Backlog::default());
        let mut places: Vec<Place> = (0..=QUEUE).map(|_| pool.try_reserve().unwrap()).collect();
        assert_eq!(pool.try_reserve().err(), Some(PoolBusy));
        places.pop();
        assert!(pool.reserve().await.is_ok());
    }
}
