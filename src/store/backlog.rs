//! Work that waits for a core, and the patience of those who would take the core from it.
//!
//! While hashes wait for their threads, a statement begun at once only takes time from them, and one begun a little later carries more
//! requests. Promises that no statement waits longer than a few milliseconds for it, and none while threads are to be had.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long somebody gives way at most: what comes meanwhile makes up for it, and twice as long gained nothing more.
const LONGEST: Duration = Duration::from_millis(4);
/// So much work for each core may wait without anybody giving way to it: threads have that until more comes.
const SPARE: usize = 2;

/// Work of this process that waits; cheap to copy.
#[derive(Debug, Clone)]
pub struct Backlog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    waiting: Mutex<usize>,
    eased: Condvar,
    spare: usize,
}

/// A piece of work that waits until this is dropped.
#[derive(Debug)]
pub struct Queued(Backlog);

impl Default for Backlog {
    fn default() -> Self {
        Self::of_cores(std::thread::available_parallelism().map_or(1, usize::from))
    }
}

impl Backlog {
    fn of_cores(cores: usize) -> Self {
        Self(Arc::new(Shared { waiting: Mutex::default(), eased: Condvar::new(), spare: SPARE * cores }))
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more piece of work.
    pub fn enter(&self) -> Queued {
        *self.lock() += 1;
        Queued(self.clone())
    }

    /// Blocks the calling thread until little work waits, for some milliseconds at most; not for async workers.
    pub fn give_way(&self) {
        self.give_way_for(LONGEST);
    }

    fn give_way_for(&self, longest: Duration) {
        let is_long = |waiting: &mut usize| *waiting > self.0.spare;
        drop(self.0.eased.wait_timeout_while(self.lock(), longest, is_long));
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        let Self(backlog) = self;
        let mut waiting = backlog.lock();
        *waiting -= 1;
        if *waiting == backlog.0.spare {
            backlog.0.eased.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn nobody_gives_way_to_as_much_as_the_threads_are_about_to_take() {
        let backlog = Backlog::of_cores(2);
        let _little: Vec<Queued> = (0..2 * SPARE).map(|_| backlog.enter()).collect();
        let begun = Instant::now();
        backlog.give_way_for(LONG);
        assert!(begun.elapsed() < LONG);
    }

    #[test]
    fn who_gives_way_goes_on_when_work_has_been_taken() {
        let backlog = Backlog::of_cores(1);
        let mut work: Vec<Queued> = (0..=SPARE).map(|_| backlog.enter()).collect();
        let begun = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| backlog.give_way_for(LONG));
            // long enough for it to wait; where it does not yet, it finds that the work was taken
            std::thread::sleep(Duration::from_millis(100));
            work.pop();
        });
        assert!(begun.elapsed() < LONG);
    }

    #[test]
    fn work_that_is_never_taken_holds_nobody_up_for_long() {
        let backlog = Backlog::of_cores(1);
        let _work: Vec<Queued> = (0..=SPARE).map(|_| backlog.enter()).collect();
        let begun = Instant::now();
        backlog.give_way_for(Duration::from_millis(1));
        assert!(begun.elapsed() >= Duration::from_millis(1));
    }
}
