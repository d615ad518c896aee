//! Takes messages out of the outbox and hands them to providers: one provider, one attempt, one durable step at a time, so
//! that a crash repeats at most the step it interrupted. When to try again is `countersign_model::message`'s rule.

use super::Progress;
use crate::{Engine, Error, metrics::Attempt};
use countersign_delivery::{Accepted, Outgoing, Provider, Rendered, render};
use countersign_model::{
    Event, EventKind, Message, SendError, Template, Timestamp, Verification,
    message::{MessageState, Receipt, ReceiptPlan},
};
use countersign_store::{Batch, Change, Error as StoreError};
use futures_util::future::join_all;
use std::{sync::Arc, time::Duration};

/// The job.
#[derive(Clone)]
pub struct Deliver(pub Engine);

/// How long a worker may keep a message before another takes it over.
const LEASE: Duration = Duration::from_secs(30);
/// How long a provider may take; well within the lease, and below it by more than the writes around it need.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(15);

impl Deliver {
    /// Claims what is due, at most `limit` messages, and makes one attempt with each, side by side.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn run_once(&self, limit: u32) -> Result<Progress, Error> {
        let claimed = self.claim(limit).await?;
        let progress = if claimed.is_empty() { Progress::Idle } else { Progress::More };
        join_all(claimed.into_iter().map(|message| self.attempt(message))).await;
        Ok(progress)
    }

    /// Takes what is due, at most `limit` messages, for the time of a lease.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn claim(&self, limit: u32) -> Result<Vec<Message>, Error> {
        let (now, wall) = (self.0.now(), self.0.clock().wall());
        Ok(self.0.store().claim_messages(now, wall, wall.plus(LEASE), limit).await?)
    }

    /// One attempt. What goes wrong with the store is logged: the lease ends, and the message comes again.
    pub async fn attempt(&self, message: Message) {
        let id = message.id;
        if let Err(error) = self.step(message).await {
            tracing::warn!(message_id = %id, %error, "an attempt could not be completed; it will be repeated");
        }
    }

    async fn step(&self, mut message: Message) -> Result<(), Error> {
        let (engine, now) = (&self.0, self.0.now());
        let found = engine.store().verification(message.tenant, message.verification).await?;
        let Some(verification) = found.filter(|verification| verification.wants(message.generation, now)) else {
            message.drop_unsent("the verification had ended, or a newer code had taken its place", now);
            return self.write_end(message, now).await;
        };
        let route = engine.routes().for_channel(message.channel);
        let Some((name, provider)) =
            message.next_provider(route).and_then(|name| Some((name, engine.providers().get(name)?)))
        else {
            message.note_no_route(now, engine.random().number());
            return self.write_end(message, now).await;
        };
        let outgoing = match self.outgoing(&message, &verification).await {
            Ok(outgoing) => outgoing,
            Err(error) => {
                tracing::error!(message_id = %message.id, %error, "a message could not be put together");
                message.fail("the message could not be put together; the log has the reason", now);
                return self.write_end(message, now).await;
            }
        };
        let result = send(provider, &outgoing).await;
        self.note_attempt(name, &message, &result);
        match result {
            Ok(accepted) => self.write_accepted(message, verification, name, accepted).await,
            Err(error) => {
                message.note_failure(name, &error, route, engine.now(), engine.random().number());
                self.write_failure(message, name, &error).await
            }
        }
    }

    async fn outgoing(&self, message: &Message, verification: &Verification) -> Result<Outgoing, Error> {
        let engine = &self.0;
        let (code, payment) = (engine.code_for(message, verification)?, engine.payment_of(verification)?);
        let tenant = engine.store().tenant(message.tenant).await?;
        let content = self.render(message, verification, &code, payment.as_ref()).await?;
        Ok(Outgoing {
            id: message.id,
            tenant: message.tenant,
            tenant_name: tenant.map(|tenant| tenant.name).unwrap_or_default(),
            verification: message.verification,
            channel: message.channel,
            to: engine.address_of(verification)?,
            from: verification.sender.clone(),
            content,
            code,
        })
    }

    async fn render(
        &self,
        message: &Message,
        verification: &Verification,
        code: &countersign_model::Code,
        payment: Option<&countersign_model::Payment>,
    ) -> Result<Rendered, Error> {
        let own = self.own_template(message, &verification.locale).await?;
        let life_minutes =
            (verification.policy.life_seconds > 0).then(|| verification.policy.life_seconds.div_ceil(60));
        let context = render::Context { code, brand: verification.brand.as_deref(), life_minutes, payment };
        self.0
            .templates()
            .render(own.as_ref(), message.purpose, message.channel, &verification.locale, &context)
            .map_err(|error| Error::Internal(error.to_string()))
    }

    /// The tenant's own text in the language nearest to the one asked for, if it has one that no built-in text beats.
    async fn own_template(&self, message: &Message, locale: &str) -> Result<Option<Template>, Error> {
        for candidate in render::candidates(locale) {
            let store = self.0.store();
            let found = store.template(message.tenant, message.purpose, message.channel, &candidate).await?;
            if found.is_some() || render::LANGUAGES.contains(&candidate.as_str()) {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn note_attempt(&self, provider: &str, message: &Message, result: &Result<Accepted, SendError>) {
        let metrics = self.0.metrics();
        let outcome = match result {
            Ok(_) => {
                metrics.handed_over(self.0.now().since(message.created_at));
                Attempt::Accepted
            }
            Err(SendError::Retry(_)) => Attempt::Retry,
            Err(SendError::Refused(_)) => Attempt::Refused,
            Err(SendError::Unknown(_)) => Attempt::Unknown,
        };
        metrics.attempted(provider, outcome);
        match result {
            Ok(_) => {
                tracing::info!(message_id = %message.id, verification_id = %message.verification, provider, "message accepted");
            }
            Err(error) => {
                tracing::warn!(message_id = %message.id, verification_id = %message.verification, provider, %error, "message not accepted");
            }
        }
    }

    /// The provider has it: noted together with what it means for older codes. Somebody may be checking a code meanwhile,
    /// so the verification is read again until the write meets nobody.
    async fn write_accepted(
        &self,
        mut message: Message,
        mut verification: Verification,
        provider: &str,
        accepted: Accepted,
    ) -> Result<(), Error> {
        let (engine, now) = (&self.0, self.0.now());
        let generation = message.generation;
        message.accept(provider, accepted.reference, accepted.receipt, now);
        let taken = EventKind::MessageAccepted { message: message.id, provider: provider.to_owned() };
        let mut kinds = vec![taken];
        if let ReceiptPlan::Now(receipt) = accepted.receipt {
            kinds.push(settled(&message, receipt));
        }
        let mut batch = Batch::new().with(Change::UpdateMessage(message.clone()));
        for kind in kinds {
            batch.push(event(engine, &message, kind, now));
        }
        loop {
            let mut attempt = batch.clone();
            if verification.supersede_codes_before(generation) {
                attempt.push(Change::UpdateVerification(verification.clone()));
            }
            match engine.store().write(attempt).await {
                Err(StoreError::Conflict) => {}
                other => return Ok(other?),
            }
            let stands = engine.store().message(message.tenant, message.id).await?;
            if stands.is_none_or(|stands| stands.version != message.version) {
                tracing::warn!(message_id = %message.id, "another worker has taken this message over");
                return Ok(());
            }
            let Some(fresh) = engine.store().verification(message.tenant, message.verification).await? else {
                return Ok(());
            };
            verification = fresh;
        }
    }

    async fn write_failure(&self, message: Message, provider: &str, error: &SendError) -> Result<(), Error> {
        let now = self.0.now();
        let failed_attempt = EventKind::MessageAttemptFailed {
            message: message.id,
            provider: provider.to_owned(),
            reason: error.to_string(),
            next_at: message.due_at,
        };
        let batch = Batch::new().with(event(&self.0, &message, failed_attempt, now));
        self.write(batch, message, now).await
    }

    async fn write_end(&self, message: Message, now: Timestamp) -> Result<(), Error> {
        self.write(Batch::new(), message, now).await
    }

    async fn write(&self, mut batch: Batch, message: Message, now: Timestamp) -> Result<(), Error> {
        if matches!(message.state, MessageState::Failed | MessageState::Dropped) {
            let reason = message.reason.clone().unwrap_or_default();
            batch.push(event(&self.0, &message, EventKind::MessageFailed { message: message.id, reason }, now));
        }
        batch.push(Change::UpdateMessage(message));
        match self.0.store().write(batch).await {
            // Another worker has taken the message over: its step counts.
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

async fn send(provider: &Arc<dyn Provider>, outgoing: &Outgoing) -> Result<Accepted, SendError> {
    tokio::time::timeout(LONGEST_ATTEMPT, provider.send(outgoing))
        .await
        .unwrap_or_else(|_| Err(SendError::Unknown(format!("no answer within {} s", LONGEST_ATTEMPT.as_secs()))))
}

fn event(engine: &Engine, message: &Message, kind: EventKind, now: Timestamp) -> Change {
    Change::InsertEvent(Event::new((message.tenant, message.verification), kind, now, engine.random()))
}

fn settled(message: &Message, receipt: Receipt) -> EventKind {
    match receipt {
        Receipt::Delivered => EventKind::MessageDelivered { message: message.id },
        Receipt::Undelivered => {
            EventKind::MessageFailed { message: message.id, reason: message.reason.clone().unwrap_or_default() }
        }
    }
}
