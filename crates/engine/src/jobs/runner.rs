//! The only loop: runs each job when there is something to do, and sleeps until then. It registers for the wake-up, then
//! looks, then waits; a pause of at most five seconds is the fallback. A job that fails or panics is tried again, later
//! each time.

use super::{CallWebhooks, Deliver, Expire, OverdueReceipts, Progress, Purge, Report};
use crate::{Engine, Error};
use countersign_model::Channel;
use countersign_store::{Topic, Waiter};
use futures_util::FutureExt as _;
use std::{future::pending, panic::AssertUnwindSafe, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The running jobs of a process.
pub struct Jobs {
    tracker: TaskTracker,
    stop: CancellationToken,
}

/// A deadline that has passed belongs to another job, which is at it.
const SHORTEST_NAP: Duration = Duration::from_millis(20);
const LONGEST_NAP: Duration = Duration::from_secs(5);
const PURGE_EVERY: Duration = Duration::from_mins(10);
/// Clocks drift by less than a millisecond in that time.
const AGREE_EVERY: Duration = Duration::from_secs(20);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);

impl Jobs {
    /// Starts all jobs.
    #[must_use]
    pub fn start(engine: &Engine) -> Self {
        let jobs = Self { tracker: TaskTracker::new(), stop: CancellationToken::new() };
        engine.places().open(jobs.tracker.clone(), jobs.stop.clone());
        for channel in Channel::ALL {
            jobs.tracker.spawn(deliver(channel, engine.clone(), jobs.tracker.clone(), jobs.stop.clone()));
        }
        let expire = Expire(engine.clone());
        jobs.spawn(engine, "expire", Wait::UntilDue, move || {
            let job = expire.clone();
            async move { job.run_once().await }
        });
        let receipts = OverdueReceipts(engine.clone());
        jobs.spawn(engine, "receipts", Wait::UntilDueOrTold(Topic::TakeOvers), move || {
            let job = receipts.clone();
            async move { job.run_once().await }
        });
        let report = Report(engine.clone());
        jobs.spawn(engine, "report", Wait::UntilDueOrTold(Topic::Callbacks), move || {
            let job = report.clone();
            async move { job.run_once().await }
        });
        jobs.tracker.spawn(know_endpoints(engine.clone(), jobs.stop.clone()));
        jobs.tracker.spawn(call_webhooks(engine.clone(), jobs.tracker.clone(), jobs.stop.clone()));
        let purge = Purge(engine.clone());
        jobs.spawn(engine, "purge", Wait::Fixed(PURGE_EVERY), move || {
            let job = purge.clone();
            async move { job.run_once().await }
        });
        if engine.store().is_shared() {
            jobs.tracker.spawn(keep_time(engine.clone(), jobs.stop.clone()));
        }
        jobs
    }

    /// Takes up nothing new from now on, and returns once what was begun is finished. Whoever does not wait for that leaves
    /// it running.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    fn spawn<F>(&self, engine: &Engine, name: &'static str, wait: Wait, step: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = Result<Progress, Error>> + Send,
    {
        let (engine, token) = (engine.clone(), self.stop.clone());
        self.tracker.spawn(async move {
            let mut failures = 0;
            let (mut moves, mut news) = (engine.clock().moves(), wait.news(&engine));
            while !token.is_cancelled() {
                moves.mark_unchanged();
                let pause = match guarded(name, step()).await {
                    Some(Progress::More) => continue,
                    Some(Progress::Idle) => {
                        failures = 0;
                        wait.span(&engine).await
                    }
                    None => {
                        failures += 1;
                        back_off(failures)
                    }
                };
                tokio::select! {
                    () = token.cancelled() => {}
                    () = tokio::time::sleep(pause) => {}
                    () = changed(&mut news) => {}
                    _ = moves.changed() => {}
                }
            }
        });
    }
}

/// Goes by the clocks that all processes on a shared store have in common.
async fn keep_time(engine: Engine, stop: CancellationToken) {
    let mut moved = engine.store().waiter(Topic::Clock);
    while !stop.is_cancelled() {
        let agreed = engine.clock().agree(engine.store().shared_time()).await.map_err(Error::from);
        let caught_up = engine.catch_up().await;
        if let Err(error) = agreed.and(caught_up) {
            tracing::warn!(%error, "the time of the store is not known just now; the last that was known is kept");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(AGREE_EVERY) => {}
            () = moved.changed() => {}
        }
    }
}

/// Reads anew who is told of what when another process has changed it. The pause is for news that were lost, and for tools beside
/// a file, which tell nobody.
async fn know_endpoints(engine: Engine, stop: CancellationToken) {
    let mut news = engine.store().waiter(Topic::WebhookEndpoints);
    while !stop.is_cancelled() {
        if let Err(error) = engine.reload_endpoints().await {
            tracing::warn!(%error, "webhook endpoints cannot be read just now; those that were known are kept");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LONGEST_NAP) => {}
            () = news.changed() => {}
        }
    }
}

/// Lines are told side by side, each at a place of its endpoint.
async fn call_webhooks(engine: Engine, tracker: TaskTracker, stop: CancellationToken) {
    let job = CallWebhooks::new(&engine);
    let mut news = engine.store().waiter(Topic::WebhookDeliveries);
    let mut moves = engine.clock().moves();
    let mut failures = 0;
    while !stop.is_cancelled() {
        moves.mark_unchanged();
        let pause = match job.claim().await {
            Err(error) => {
                tracing::error!(job = "webhooks", %error, "webhooks cannot be read; it will be tried again");
                failures += 1;
                back_off(failures)
            }
            Ok(lines) => {
                failures = 0;
                for line in lines {
                    let job = job.clone();
                    tracker.spawn(async move {
                        let _ = AssertUnwindSafe(job.tell(line)).catch_unwind().await;
                    });
                }
                job.pause(LONGEST_NAP).await.max(SHORTEST_NAP)
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            () = news.changed() => {}
            () = job.freed() => {}
            _ = moves.changed() => {}
        }
    }
}

/// How long a job that found nothing waits.
#[derive(Clone, Copy)]
enum Wait {
    /// Until the next deadline in the store, or a nap.
    UntilDue,
    /// The same, or until there is news of this.
    UntilDueOrTold(Topic),
    /// So long.
    Fixed(Duration),
}

impl Wait {
    async fn span(self, engine: &Engine) -> Duration {
        match self {
            Self::Fixed(span) => span,
            Self::UntilDue | Self::UntilDueOrTold(_) => nap(engine).await,
        }
    }

    fn news(self, engine: &Engine) -> Option<Waiter> {
        match self {
            Self::UntilDueOrTold(topic) => Some(engine.store().waiter(topic)),
            Self::UntilDue | Self::Fixed(_) => None,
        }
    }
}

/// Returns once there is news; never, where none is wanted.
async fn changed(news: &mut Option<Waiter>) {
    match news {
        Some(news) => news.changed().await,
        None => pending().await,
    }
}

/// Until the next deadline in the store, of either clock; five seconds at most.
async fn nap(engine: &Engine) -> Duration {
    let (store, clock) = (engine.store(), engine.clock());
    let due = store.next_due().await.ok().flatten().map(|due| due.since(clock.now()));
    let lease_end = store.next_lease_end().await.ok().flatten().map(|end| end.since(clock.wall()));
    due.into_iter().chain(lease_end).min().map_or(LONGEST_NAP, |span| span.clamp(SHORTEST_NAP, LONGEST_NAP))
}

fn back_off(failures: u32) -> Duration {
    Duration::from_millis(100 << failures.min(9)).min(LONGEST_BACK_OFF)
}

async fn guarded(name: &str, step: impl Future<Output = Result<Progress, Error>> + Send) -> Option<Progress> {
    match AssertUnwindSafe(step).catch_unwind().await {
        Ok(Ok(progress)) => Some(progress),
        Ok(Err(error)) => {
            tracing::error!(job = name, %error, "a job could not do its step; it will be tried again");
            None
        }
        Err(_) => {
            tracing::error!(job = name, "a job panicked; it will be tried again");
            None
        }
    }
}

/// The delivery loop differs from the others in one thing: attempts run side by side. Each channel has a loop of its own. It finds
/// what nobody could send off who wrote it (`send_off.rs`): what found no place, what is tried again, and what others left behind.
async fn deliver(channel: Channel, engine: Engine, tracker: TaskTracker, stop: CancellationToken) {
    let job = Deliver(engine.clone());
    let mut outbox = engine.store().waiter(Topic::Outbox(channel));
    let mut moves = engine.clock().moves();
    let mut failures = 0;
    while !stop.is_cancelled() {
        moves.mark_unchanged();
        let taken = tokio::select! {
            () = stop.cancelled() => return,
            taken = engine.places().take(channel) => taken,
        };
        let Some(mut places) = taken else { return };
        let free = u32::try_from(places.num_permits()).unwrap_or(1);
        let pause = match job.claim(channel, free).await {
            Err(error) => {
                tracing::error!(job = "deliver", %error, "the outbox cannot be read; it will be tried again");
                failures += 1;
                back_off(failures)
            }
            Ok(messages) if messages.is_empty() => {
                failures = 0;
                drop(places);
                nap(&engine).await
            }
            Ok(messages) => {
                for message in messages {
                    // There are no more messages than places.
                    let (place, job) = (places.split(1), job.clone());
                    tracker.spawn(async move {
                        let _ = AssertUnwindSafe(job.attempt(message, None)).catch_unwind().await;
                        drop(place);
                    });
                }
                continue;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            () = outbox.changed() => {}
            _ = moves.changed() => {}
        }
    }
}
