//! Group commit: what many callers want written at the same time becomes one commit, with one sync of the disk. This
//! belongs to the store and not to a backend, since every backend gains by it (measured: 17 times on SQLite, 4 times on
//! PostgreSQL).
//!
//! Groups form by themselves, without a timer: while one is being committed, the next one gathers. A caller hears of its
//! own work only after the commit that made it durable. A backend's writer loops over [`Groups`], applies every work of a
//! [`Group`] such that one that fails leaves its neighbours alone, commits, and answers. If the writer dies, its groups
//! are dropped, and whoever waits hears that at once.

use crate::{
    Batch, Change, Error, Topic, sandbox,
    wake::{Topics, Wake},
};
use countersign_model::{Channel, Message, Timestamp, message::MessageState, webhook::DeliveryState};
use std::time::Duration;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

/// More in one commit gains nothing, and makes the first of them wait.
const LARGEST_GROUP: usize = 512;
/// Callers beyond this wait for their place: a slow disk slows them down, and does not fill the memory.
const LONGEST_QUEUE: usize = 8 * LARGEST_GROUP;

/// One thing for the writer.
#[derive(Debug)]
pub(crate) enum Work {
    Write(Batch),
    Claim(Claim),
}

/// Which messages are to be leased; see [`crate::Store::claim_messages`].
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// Of which channel: one that is slow takes nothing from the others.
    pub channel: Channel,
    /// The clock of the rules, which dev mode moves.
    pub now: Timestamp,
    /// The clock that nobody moves, so that no lease is broken by moving the other.
    pub wall: Timestamp,
    /// On that clock: until when they are the caller's.
    pub lease_until: Timestamp,
    /// At most so many.
    pub limit: u32,
}

/// What became of one work: the messages that a claim took; nothing more to tell of a batch.
pub(crate) type Outcome = Result<Vec<Message>, Error>;

struct Job {
    work: Work,
    reply: oneshot::Sender<Outcome>,
    /// From then on nobody waits for it, and it is not begun any more.
    until: Option<Instant>,
}

enum Request {
    Job(Job),
    /// Answered by dropping the sender, which happens when the writer has ended.
    Close(oneshot::Sender<()>),
}

/// A queue, and its other end for the backend's writer.
pub(crate) fn queue() -> (Queue, Groups) {
    let (sender, requests) = mpsc::channel(LONGEST_QUEUE);
    (Queue { requests: sender, patience: None }, Groups { requests, closers: Vec::new() })
}

/// Where callers put their work.
pub(crate) struct Queue {
    requests: mpsc::Sender<Request>,
    patience: Option<Duration>,
}

impl Queue {
    /// For a writer that may have to wait for somebody else: how long a caller waits for both.
    pub(crate) fn with_patience(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
    }

    /// Hands over a work, and waits until it is durable or refused; or as long as its patience lasts, and then it may have been
    /// begun.
    pub(crate) async fn submit(&self, work: Work) -> Outcome {
        let (reply, answer) = oneshot::channel();
        let until = self.patience.map(|patience| Instant::now() + patience);
        let handed_over = async {
            let stopped = || Error::Unavailable("its writer has stopped".to_owned());
            self.requests.send(Request::Job(Job { work, reply, until })).await.map_err(|_| stopped())?;
            answer.await.unwrap_or_else(|_| Err(stopped()))
        };
        let Some(until) = until else { return handed_over.await };
        timeout_at(until, handed_over)
            .await
            .unwrap_or_else(|_| Err(Error::Unavailable("its writer did not answer in time".to_owned())))
    }

    /// Waits until the writer takes no more work: it was closed, or it died.
    pub(crate) async fn ended(&self) {
        self.requests.closed().await;
    }

    /// Takes no more work, and waits until what is queued is done and the writer has ended.
    pub(crate) async fn close(&self) {
        let (reply, ended) = oneshot::channel();
        // Both can only fail because the writer has ended already.
        let _ = self.requests.send(Request::Close(reply)).await;
        let _ = ended.await;
    }
}

/// Where a writer takes groups from. It is dropped last of all that the writer has, since that is what `close` waits for.
pub(crate) struct Groups {
    requests: mpsc::Receiver<Request>,
    closers: Vec<oneshot::Sender<()>>,
}

impl Groups {
    /// The same as [`Self::next_blocking`], for a writer that is a task.
    pub(crate) async fn next(&mut self) -> Option<Group> {
        let mut taken = Vec::with_capacity(LARGEST_GROUP.min(self.requests.len() + 1));
        match self.requests.recv_many(&mut taken, LARGEST_GROUP).await {
            0 => None,
            _ => Some(self.sort(taken)),
        }
    }

    /// Waits for work, and takes all that is queued then; none once the queue is closed and empty. For a writer with a
    /// thread of its own.
    pub(crate) fn next_blocking(&mut self) -> Option<Group> {
        let mut taken = Vec::with_capacity(LARGEST_GROUP.min(self.requests.len() + 1));
        match self.requests.blocking_recv_many(&mut taken, LARGEST_GROUP) {
            0 => None,
            _ => Some(self.sort(taken)),
        }
    }

    /// Whether nobody waits for the next group just now.
    pub(crate) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    fn sort(&mut self, taken: Vec<Request>) -> Group {
        let mut jobs = Vec::with_capacity(taken.len());
        for request in taken {
            match request {
                // Its caller has given up, and was told that nobody knows; so it is better not to be done.
                Request::Job(job) if job.until.is_some_and(|until| until <= Instant::now()) => {}
                Request::Job(job) => jobs.push(job),
                Request::Close(closer) => {
                    self.requests.close();
                    self.closers.push(closer);
                }
            }
        }
        Group(jobs)
    }
}

/// Work that is committed together.
pub(crate) struct Group(Vec<Job>);

impl Group {
    /// What is to be done, in the order of the outcomes that [`Self::answer`] takes.
    pub(crate) fn works(&self) -> impl Iterator<Item = &Work> {
        self.0.iter().map(|job| &job.work)
    }

    /// The commit is on the disk: wakes whoever waits for what is in it, and tells each caller what became of its work.
    pub(crate) fn answer(self, outcomes: Vec<Outcome>, wake: &Wake) {
        let written = self.0.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).map(|(job, _)| &job.work);
        wake.wake(written.map(topics_of_work).fold(Topics::default(), Topics::and));
        for (job, outcome) in self.0.into_iter().zip(outcomes) {
            // A caller that no longer waits is no error.
            let _ = job.reply.send(outcome);
        }
    }

    /// There was no commit: nobody's work is done.
    pub(crate) fn refuse(self, error: &Error) {
        for job in self.0 {
            let _ = job.reply.send(Err(error.clone()));
        }
    }
}

fn topics_of_work(work: &Work) -> Topics {
    match work {
        Work::Claim(_) => Topics::default(),
        Work::Write(batch) => batch.0.iter().map(topics_of).fold(Topics::default(), Topics::and),
    }
}

/// Who is to hear of a change.
fn topics_of(change: &Change) -> Topics {
    if let Change::Sandbox(sandbox::Change::AdvanceClock { .. }) = change {
        // What was to wait is due now, perhaps.
        return Topics::of(Channel::ALL.map(Topic::Outbox)).and(Topics::of([Topic::Clock]));
    }
    Topics::of(topic_of(change))
}

fn topic_of(change: &Change) -> Option<Topic> {
    match change {
        Change::InsertMessage(message) => Some(Topic::Outbox(message.channel)),
        Change::UpdateMessage(message) if message.state == MessageState::Queued => Some(Topic::Outbox(message.channel)),
        Change::UpdateMessage(message) => message.chain.next_due_at.map(|_| Topic::TakeOvers),
        Change::InsertCallback(_) => Some(Topic::Callbacks),
        Change::InsertWebhookDelivery(_) => Some(Topic::WebhookDeliveries),
        // One that nobody has, and that was not tried: somebody asks for it again.
        Change::UpdateWebhookDelivery(delivery) => {
            let is_free = delivery.state == DeliveryState::Pending && delivery.leased_until.as_ms() == 0;
            (is_free && delivery.attempts == 0).then_some(Topic::WebhookDeliveries)
        }
        Change::PutWebhookEndpoint(_) | Change::DeleteWebhookEndpoint { .. } => Some(Topic::WebhookEndpoints),
        Change::Sandbox(sandbox::Change::Deliver(_) | sandbox::Change::RecordCall(_)) => Some(Topic::Inbox),
        Change::Sandbox(
            sandbox::Change::AdvanceClock { .. }
            | sandbox::Change::Empty
            | sandbox::Change::PlanOutcome { .. }
            | sandbox::Change::PlanLookup { .. },
        )
        | Change::InsertTenant(_)
        | Change::InsertApiKey { .. }
        | Change::InsertLeasedMessage { .. }
        | Change::PutAccount(_)
        | Change::TouchApiKey { .. }
        | Change::RevokeApiKey { .. }
        | Change::PutService(_)
        | Change::DeleteService { .. }
        | Change::PutConfiguration(_)
        | Change::DeleteConfiguration { .. }
        | Change::InsertTrial(_)
        | Change::TrialSucceeded { .. }
        | Change::PutTemplate(_)
        | Change::DeleteTemplate { .. }
        | Change::InsertVerification(_)
        | Change::UpdateVerification(_)
        | Change::AssertVerification { .. }
        | Change::PutDestination { .. }
        | Change::InsertEvent(_)
        | Change::Probe
        | Change::UpdateCallback(_)
        | Change::DeleteCallback { .. }
        | Change::InsertAnswer(_)
        | Change::PurgeAnswers { .. }
        | Change::PurgeVerifications { .. }
        | Change::PurgeDestinations { .. }
        | Change::InsertUser(_)
        | Change::UpdateUser(_)
        | Change::DeleteUser { .. }
        | Change::InsertFactor(_)
        | Change::UpdateFactor(_)
        | Change::DeleteFactor { .. }
        | Change::SpendToken { .. }
        | Change::PurgeSpentTokens { .. }
        | Change::InsertActivity(_)
        | Change::PurgeActivities { .. }
        | Change::PutClient(_)
        | Change::DeleteClient { .. }
        | Change::PutSigningKey(_)
        | Change::DeleteSigningKey { .. }
        | Change::InsertRefreshToken(_)
        | Change::DeleteRefreshToken { .. }
        | Change::PurgeRefreshTokens { .. }
        | Change::PutMfaChoice(_)
        | Change::PutMfaSession(_)
        | Change::PurgeMfaSessions { .. }
        | Change::DeleteWebhookDelivery { .. }
        | Change::PurgeWebhookDeliveries { .. }
        | Change::InsertSetting { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[tokio::test]
    async fn work_that_waits_for_a_writer_that_dies_is_refused_and_so_is_later_work() {
        let (queue, mut groups) = queue();
        let dying = thread::spawn(move || {
            let _group = groups.next_blocking();
            std::panic::resume_unwind(Box::new("the writer dies"));
        });
        let refused = Err(Error::Unavailable("its writer has stopped".to_owned()));
        tokio::select! { biased;
            () = queue.ended() => panic!("it lives"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(queue.submit(Work::Write(Batch::new())).await, refused);
        queue.ended().await;
        assert!(dying.join().is_err());
        assert_eq!(queue.submit(Work::Write(Batch::new())).await, refused);
        queue.close().await;
    }

    #[tokio::test]
    async fn what_is_queued_before_the_close_is_done_and_what_comes_later_is_refused() {
        let (queue, mut groups) = queue();
        let (early, (), late) = tokio::join!(biased; queue.submit(Work::Write(Batch::new())), queue.close(), async {
            thread::spawn(move || {
                while let Some(group) = groups.next_blocking() {
                    let outcomes = group.works().map(|_| Ok(Vec::new())).collect();
                    group.answer(outcomes, &Wake::new());
                }
            });
            tokio::task::yield_now().await;
            queue.requests.closed().await;
            queue.submit(Work::Write(Batch::new())).await
        });
        assert_eq!(early, Ok(Vec::new()));
        assert_eq!(late, Err(Error::Unavailable("its writer has stopped".to_owned())));
    }

    #[tokio::test]
    async fn a_group_takes_what_is_queued_and_no_more_than_its_limit() {
        let (queue, mut groups) = queue();
        for _ in 0..LARGEST_GROUP + 3 {
            let (reply, _) = oneshot::channel();
            let job = Job { work: Work::Write(Batch::new()), reply, until: None };
            assert!(queue.requests.send(Request::Job(job)).await.is_ok());
        }
        drop(queue);
        let sizes = thread::spawn(move || {
            let next = || groups.next_blocking().map(|group| group.works().count());
            std::iter::from_fn(next).collect::<Vec<_>>()
        });
        assert_eq!(sizes.join().unwrap(), [LARGEST_GROUP, 3]);
    }

    #[tokio::test]
    async fn whoever_waits_too_long_is_told_so_and_what_was_not_begun_by_then_never_is() {
        let (queue, mut groups) = queue();
        let mut queue = queue.with_patience(Duration::ZERO);
        let refused = queue.submit(Work::Write(Batch::new())).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        queue.patience = None;
        let (kept, ()) = tokio::join!(biased; queue.submit(Work::Claim(CLAIM)), async {
            let group = groups.next().await.unwrap();
            assert!(matches!(group.works().collect::<Vec<_>>()[..], [Work::Claim(_)]));
            group.answer(vec![Ok(Vec::new())], &Wake::new());
        });
        assert_eq!(kept, Ok(Vec::new()));
    }

    const CLAIM: Claim = Claim {
        channel: Channel::Sms,
        now: Timestamp::from_ms(0),
        wall: Timestamp::from_ms(0),
        lease_until: Timestamp::from_ms(0),
        limit: 1,
    };
}
