//! Maximum Concurrent Requests: so many logins and logouts of this node are under way at a time (EM-074).
//!
//! Whoever comes when all permits are taken waits, in order of arrival, for a second at most and is then answered busy. The number may
//! change with every request; permits beyond a lower one vanish as they come back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::conditions::Conditions;
use super::error::EmCode;
use super::service::Em;

/// How long a request waits on a running node.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// The permits of a node.
#[derive(Debug)]
pub(super) struct Throttle {
    permits: Arc<Semaphore>,
    size: Mutex<Size>,
    patience: Duration,
}

#[derive(Debug)]
struct Size {
    /// As many permits as there may be.
    wanted: usize,
    /// As many permits as there are beyond that.
    surplus: usize,
}

/// A right to be processed now; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    throttle: Arc<Throttle>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Throttle {
    pub(super) fn new(patience: Duration) -> Arc<Self> {
        let size = Mutex::new(Size { wanted: 0, surplus: 0 });
        Arc::new(Self { permits: Arc::new(Semaphore::new(0)), size, patience })
    }

    async fn take(self: &Arc<Self>, most: usize) -> Option<Permit> {
        self.resize(most);
        let acquired = tokio::time::timeout(self.patience, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = acquired.ok()?.ok()?;
        Some(Permit { throttle: Arc::clone(self), permit: Some(permit) })
    }

    fn resize(&self, most: usize) {
        let mut size = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        if most > size.wanted {
            let more = most - size.wanted;
            let kept = more.min(size.surplus);
            size.surplus -= kept;
            self.permits.add_permits(more - kept);
        } else if most < size.wanted {
            let fewer = size.wanted - most;
            size.surplus += fewer - self.permits.forget_permits(fewer);
        }
        size.wanted = most;
    }

    /// Logins and logouts under way.
    pub(super) fn in_progress(&self) -> usize {
        let size = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        (size.wanted + size.surplus).saturating_sub(self.permits.available_permits())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut size = self.throttle.size.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(permit) = self.permit.take_if(|_| size.surplus > 0) {
            size.surplus -= 1;
            permit.forget();
        }
    }
}

impl Em {
    /// Waits for the right to be processed, a second at most.
    pub async fn permit(&self, conditions: &Conditions) -> Result<Permit, EmCode> {
        let most = conditions.parameters.most_concurrent;
        let begun = Instant::now();
        let permit = self.throttle().take(most).await;
        let waited_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(most, waited_ms, is_granted = permit.is_some(), "a permit was asked for");
        permit.ok_or(EmCode::Busy)
    }

    /// Logins and logouts that this node is working on.
    pub fn requests_in_progress(&self) -> usize {
        self.throttle().in_progress()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_finds_no_permit_waits_a_while_and_is_busy() {
        let throttle = Throttle::new(Duration::from_millis(20));
        let first = throttle.take(1).await;
        assert!(first.is_some());
        assert!(throttle.take(1).await.is_none());
        assert_eq!(throttle.in_progress(), 1);
        drop(first);
        assert!(throttle.take(1).await.is_some());
        assert_eq!(throttle.in_progress(), 0);
    }

    #[tokio::test]
    async fn the_number_of_permits_follows_the_parameter() {
        let throttle = Throttle::new(Duration::from_millis(20));
        let mut held = vec![throttle.take(3).await.unwrap(), throttle.take(3).await.unwrap()];
        held.push(throttle.take(3).await.unwrap());
        assert!(throttle.take(2).await.is_none(), "three are under way where two may be");
        held.pop();
        assert!(throttle.take(2).await.is_none());
        held.pop();
        held.push(throttle.take(2).await.unwrap());
        assert!(throttle.take(2).await.is_none());
        held.push(throttle.take(4).await.unwrap());
        held.push(throttle.take(4).await.unwrap());
        assert!(throttle.take(4).await.is_none());
        held.clear();
        assert_eq!((throttle.in_progress(), throttle.permits.available_permits()), (0, 4));
    }
}
