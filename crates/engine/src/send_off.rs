//! A new message goes at once. While this process has a free place for it, the batch that makes it leases it to this process, too, and
//! whoever has written the batch makes the first attempt: nobody has to look for it in the outbox, which would cost a commit of its
//! own. What finds no place, is due later, or is written where no jobs run (the command line) waits in the outbox for the delivery job.
//!
//! Nothing is lost by it. The row is the same, on the disk before anybody is answered; and a lease whose owner died ends, as each does.

use crate::{
    Engine,
    jobs::{Deliver, LEASE},
};
use countersign_model::{Channel, Message, Verification};
use countersign_store::{Batch, Error as StoreError};
use futures_util::{
    FutureExt as _,
    future::{BoxFuture, join_all},
};
use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How many messages of one channel are on their way to providers at once.
const MESSAGES_AT_ONCE: usize = 128;

/// The places of each channel, so that a slow mail relay does not hold up text messages, and who does the work.
pub(crate) struct Places {
    of_channel: [Arc<Semaphore>; Channel::ALL.len()],
    workers: RwLock<Option<Workers>>,
}

#[derive(Clone)]
struct Workers {
    tracker: TaskTracker,
    stop: CancellationToken,
}

/// A message that is leased by the batch that makes it.
struct Leased {
    message: Message,
    /// The one whose code it carries, as the batch leaves it.
    verification: Option<Verification>,
    place: OwnedSemaphorePermit,
}

impl Default for Places {
    fn default() -> Self {
        let of_channel = Channel::ALL.map(|_| Arc::new(Semaphore::new(MESSAGES_AT_ONCE)));
        Self { of_channel, workers: RwLock::default() }
    }
}

impl Places {
    /// From now on there is somebody to do the work, until it is stopped.
    pub(crate) fn open(&self, tracker: TaskTracker, stop: CancellationToken) {
        *self.workers.write().unwrap_or_else(PoisonError::into_inner) = Some(Workers { tracker, stop });
    }

    /// Waits for a place, and takes up to half of those that are free: the others are for what is written meanwhile.
    pub(crate) async fn take(&self, channel: Channel) -> Option<OwnedSemaphorePermit> {
        let places = self.of(channel)?;
        let mut taken = Arc::clone(places).acquire_owned().await.ok()?;
        let more = u32::try_from(places.available_permits() / 2).unwrap_or(0);
        if let Ok(more) = Arc::clone(places).try_acquire_many_owned(more) {
            taken.merge(more);
        }
        Some(taken)
    }

    fn take_one(&self, channel: Channel) -> Option<OwnedSemaphorePermit> {
        Arc::clone(self.of(channel)?).try_acquire_owned().ok()
    }

    fn of(&self, channel: Channel) -> Option<&Arc<Semaphore>> {
        Channel::ALL.into_iter().zip(&self.of_channel).find(|(it, _)| *it == channel).map(|(_, places)| places)
    }

    fn workers(&self) -> Option<Workers> {
        let workers = self.workers.read().unwrap_or_else(PoisonError::into_inner).clone();
        workers.filter(|workers| !workers.stop.is_cancelled())
    }
}

impl Engine {
    /// Writes a batch, and sends what is new in it. Once begun it goes on, whoever still waits for it.
    pub(crate) async fn write_and_send_off(&self, mut batch: Batch) -> Result<(), StoreError> {
        let workers = if batch.has_new_messages() { self.places().workers() } else { None };
        let leased = if workers.is_some() { self.lease_new(&mut batch) } else { Vec::new() };
        let Some(workers) = workers.filter(|_| !leased.is_empty()) else { return self.store().write(batch).await };
        let (engine, (told, written)) = (self.clone(), oneshot::channel());
        workers.tracker.spawn(async move {
            let outcome = engine.store().write(batch).await;
            let is_written = outcome.is_ok();
            // Whoever no longer waits is no error.
            let _ = told.send(outcome);
            if is_written {
                join_all(leased.into_iter().map(|leased| leased.go(Deliver(engine.clone())))).await;
            }
        });
        written.await.unwrap_or_else(|_| Err(StoreError::Unavailable("its writer has stopped".to_owned())))
    }

    fn lease_new(&self, batch: &mut Batch) -> Vec<Leased> {
        let (now, until) = (self.now(), self.clock().wall().plus(LEASE));
        let mut places = Vec::new();
        let messages = batch.lease_new_messages(until, |message| {
            let is_due = message.due_at.is_some_and(|due| due <= now);
            let place = if is_due { self.places().take_one(message.channel) } else { None };
            let is_taken = place.is_some();
            places.extend(place);
            is_taken
        });
        let leased = messages.into_iter().zip(places).map(|(message, place)| {
            let of = message.verification().and_then(|of| batch.verification(message.tenant, of));
            let verification = of.map(|of| Verification { version: of.version + 1, ..of.clone() });
            Leased { message, verification, place }
        });
        leased.collect()
    }
}

impl Leased {
    /// Boxed, since an attempt writes, too.
    fn go(self, job: Deliver) -> BoxFuture<'static, ()> {
        let Self { message, verification, place } = self;
        Box::pin(async move {
            // What panics is logged where it does; the lease ends, and the message comes again.
            let _ = AssertUnwindSafe(job.attempt(message, verification)).catch_unwind().await;
            drop(place);
        })
    }
}
