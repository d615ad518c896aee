//! Who is at it. The fewer connections work at the same time, the more there is for each to do at once, and the less each row costs. But
//! one that takes long, since it waits for a lock or for the disk, must not hold up everybody: then another one takes its turn.

use std::{pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// What takes longer holds nobody up.
const QUICK: Duration = Duration::from_millis(20);

/// So many are at it at once, as long as they are quick.
#[derive(Clone)]
pub(super) struct Turns(Arc<Semaphore>);

/// The right to be at it.
pub(super) struct Turn(Option<OwnedSemaphorePermit>);

impl Turns {
    pub(super) fn new(at_once: usize) -> Self {
        Self(Arc::new(Semaphore::new(at_once)))
    }

    /// Waits for it.
    pub(super) async fn next(&self) -> Turn {
        // Nobody closes it.
        Turn(Arc::clone(&self.0).acquire_owned().await.ok())
    }
}

impl Turn {
    /// Does something; if it takes long, somebody else's turn begins meanwhile.
    pub(super) async fn spend<T>(mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        if let Ok(done) = timeout(QUICK, &mut work).await {
            return done;
        }
        self.0 = None;
        work.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn who_is_quick_is_followed_at_once_and_who_is_slow_is_not_waited_for() {
        let turns = Turns::new(1);
        let first = turns.next().await;
        assert!(turns.next().now_or_never().is_none(), "somebody is at it");
        first.spend(ready(())).await;

        let slow = turns.next().await;
        let mut slow = pin!(slow.spend(pending::<()>()));
        tokio::select! { biased;
            () = &mut slow => panic!("it never ends"),
            _ = turns.next() => {}
        }
    }
}
