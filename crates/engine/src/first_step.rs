//! What became of a message at its first step. The answer to a request never depends on a provider: the message is in the outbox,
//! on the disk, before anybody waits. Who wants to tell its caller at once that no provider took it waits here, for a bounded
//! time, and hears of it from the delivery job of the same process, which notes each step after it was written.

use crate::{Caller, Engine, Error};
use countersign_model::{Message, MessageId, Scope, VerificationId, message::MessageState};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// What became of a message so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstStep {
    /// A provider has it.
    Taken,
    /// Every provider of the route was asked, and none took it.
    NotTaken,
    /// That is not known yet.
    Open,
}

/// Who waits for news of which message.
#[derive(Default)]
pub(crate) struct Steps(Mutex<HashMap<MessageId, Arc<Notify>>>);

impl Steps {
    /// A step of this message was written.
    pub(crate) fn note(&self, id: MessageId) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some(waiting) = waiting {
            waiting.notify_one();
        }
    }

    /// Each message has one who waits at most: the request that made it.
    fn watch(&self, id: MessageId) -> Watch<'_> {
        let news = Arc::new(Notify::new());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&news));
        Watch { steps: self, id, news }
    }
}

struct Watch<'s> {
    steps: &'s Steps,
    id: MessageId,
    news: Arc<Notify>,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.steps.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Engine {
    /// What became of the first message of a verification, at most so much later.
    ///
    /// # Errors
    /// When the caller may not see it, or the store cannot be asked.
    pub async fn first_step(
        &self,
        caller: &Caller,
        of: VerificationId,
        patience: Duration,
    ) -> Result<FirstStep, Error> {
        caller.must_have(Scope::VerificationsWrite)?;
        let messages = self.store().messages_of(caller.tenant(), of).await?;
        let Some(id) = messages.first().map(|message| message.id) else { return Ok(FirstStep::Open) };
        let (deadline, watch) = (Instant::now() + patience, self.steps().watch(id));
        // Registered first, then looked at, then waited for: nothing is missed.
        loop {
            let message = self.store().message(caller.tenant(), id).await?;
            let step = message.as_ref().map_or(FirstStep::Open, judged);
            if step != FirstStep::Open || timeout_at(deadline, watch.news.notified()).await.is_err() {
                return Ok(step);
            }
        }
    }
}

fn judged(message: &Message) -> FirstStep {
    match message.state {
        MessageState::Accepted | MessageState::Delivered | MessageState::Unconfirmed => FirstStep::Taken,
        // Another message has taken over, and may be taken.
        MessageState::Failed if message.chain.next.is_some() => FirstStep::Open,
        // Reported as undelivered later on: somebody had it.
        MessageState::Failed if message.provider.is_some() => FirstStep::Taken,
        MessageState::Failed => FirstStep::NotTaken,
        // All were asked once: it would be tried again after a pause.
        MessageState::Queued if message.rounds > 0 => FirstStep::NotTaken,
        MessageState::Queued | MessageState::Leased | MessageState::Dropped => FirstStep::Open,
    }
}
