//! Threads for hashing: as many as cores, a queue of 64, and busy beyond that (security.md LIM-9).
//!
//! Hashing never runs on an async worker and never waits without bound.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

const QUEUE: usize = 64;

type Work = Box<dyn FnOnce() + Send>;

/// The queue was full, or the pool is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PoolBusy;

/// The pool; threads end when the last handle is dropped.
#[derive(Clone)]
pub(super) struct HashPool(SyncSender<Work>);

impl HashPool {
    pub(super) fn start(threads: usize) -> Self {
        let (sender, receiver) = sync_channel::<Work>(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..threads.max(1) {
            let receiver = Arc::clone(&receiver);
            std::thread::spawn(move || work(&receiver));
        }
        Self(sender)
    }

    /// Runs `f` on the pool.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolBusy> {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move || drop(answer.send(f())));
        self.0.try_send(work).map_err(|_| PoolBusy)?;
        answered.await.map_err(|_| PoolBusy)
    }
}

fn work(receiver: &Mutex<Receiver<Work>>) {
    loop {
        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(work) => work(),
            Err(_) => return,
        }
    }
}
