//! Takes messages out of the outbox and hands them to providers: one provider, one attempt, one durable step at a time, so
//! that a crash repeats at most the step it interrupted. When to try again is `countersign_model::message`'s rule, whom to ask that
//! of `countersign_model::routing`. What a message says is put together in `deliver/outgoing.rs`.

mod outgoing;

use super::Progress;
use crate::{
    Caller, Engine, Error,
    commands::{RecordReceipt, settled},
    health::Way,
    metrics::Attempt,
    take_over::Cause,
};
use countersign_delivery::{Accepted, Outgoing, Provider};
use countersign_model::{
    Channel, Event, EventKind, Message, SendError, Timestamp, Verification, VerificationId,
    message::{Content, Fate, MessageState, Receipt, ReceiptPlan, fate_of},
    routing::{Asked, Decision, Destination, Outcome, Standing},
};
use countersign_store::{Batch, Change, Claim, Error as StoreError};
use futures_util::future::join_all;
use outgoing::Unbuilt;
use std::{sync::Arc, time::Duration};

/// The job.
#[derive(Clone)]
pub struct Deliver(pub Engine);

/// How long a worker may keep a message before another takes it over.
pub(crate) const LEASE: Duration = Duration::from_secs(45);
/// How long a provider may take, whatever its own limits are; below the lease by more than the writes around it need.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(25);

impl Deliver {
    /// Claims what is due, at most `limit` messages of each channel, and makes one attempt with each, side by side.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn run_once(&self, limit: u32) -> Result<Progress, Error> {
        let mut claimed = Vec::new();
        for channel in Channel::ALL {
            claimed.extend(self.claim(channel, limit).await?);
        }
        let progress = if claimed.is_empty() { Progress::Idle } else { Progress::More };
        join_all(claimed.into_iter().map(|message| self.attempt(message, None))).await;
        Ok(progress)
    }

    /// Takes what is due on a channel, at most `limit` messages, for the time of a lease.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn claim(&self, channel: Channel, limit: u32) -> Result<Vec<Message>, Error> {
        let (now, wall) = (self.0.now(), self.0.clock().wall());
        Ok(self.0.store().claim_messages(Claim { channel, now, wall, lease_until: wall.plus(LEASE), limit }).await?)
    }

    /// One attempt. Whoever has just written the verification of it brings it along. What goes wrong with the store is logged: the
    /// lease ends, and the message comes again.
    pub async fn attempt(&self, message: Message, verification: Option<Verification>) {
        let id = message.id;
        if let Err(error) = self.step(message, verification).await {
            tracing::warn!(message_id = %id, %error, "an attempt could not be completed; it will be repeated");
        }
        self.0.steps().note(id);
    }

    async fn step(&self, mut message: Message, known: Option<Verification>) -> Result<(), Error> {
        let (engine, now) = (&self.0, self.0.now());
        let Some(wanted) = self.still_wanted(&message, known, now).await? else {
            message.drop_unsent(
                "the verification had ended, a newer code had taken its place, or an earlier message has arrived",
                now,
            );
            return self.write_step(message, None, now).await;
        };
        let ends = match self.ends(&message, wanted.as_ref()) {
            Ok(ends) => ends,
            Err(error) => return self.cannot_be_built(message, error.into(), now).await,
        };
        let way = Way { channel: message.channel, country: ends.to.country.as_deref() };
        let decision = self.decide(&message, way, &ends.to, now);
        let (route, why) = (decision.possible(), decision.why());
        let next = decision.next().map(|next| next.provider.as_str());
        let Some((name, provider)) = next.and_then(|name| Some((name, engine.providers().get(name)?))) else {
            let why = if decision.candidates.is_empty() { "" } else { &why };
            message.note_no_route(&route, why, now, engine.random().number());
            return self.write_step(message, None, now).await;
        };
        message.why = Some(why);
        let outgoing = match self.outgoing(&message, wanted.as_ref(), name, &ends).await {
            Ok(outgoing) => outgoing,
            Err(error) => return self.cannot_be_built(message, error, now).await,
        };
        let result = send(provider, &outgoing).await;
        self.note_attempt(name, &message, &result);
        match result {
            Ok(accepted) => {
                let patience = self.patience(&message, &decision, &ends.to, now);
                self.write_accepted(message, wanted, (name, way), (accepted, patience)).await
            }
            Err(error) => {
                let now = engine.now();
                engine.note_health(way, name, message.id, failure(&error), now);
                message.note_failure(name, &error, &route, now, engine.random().number());
                let failed_attempt = EventKind::MessageAttemptFailed {
                    message: message.id,
                    provider: name.to_owned(),
                    reason: error.to_string(),
                    why: message.why.clone().unwrap_or_default(),
                    next_at: message.due_at,
                };
                self.write_step(message, Some(failed_attempt), now).await
            }
        }
    }

    /// Who is asked, with the health of this moment. Whoever has failed this message is passed over.
    fn decide(&self, message: &Message, way: Way<'_>, to: &Destination, now: Timestamp) -> Decision {
        let engine = &self.0;
        // Only a rule can ask for it.
        let chance = if engine.routes().rules.is_empty() { 0 } else { engine.random().number() };
        engine.choose(way, message.id, now, |health| {
            let standing = |name: &str| message.passes_over(name).map_or_else(|| health(name), Standing::PassedOver);
            let only = message.via.as_deref();
            engine.routes().decide(&Asked { channel: message.channel, to, only, now, chance, standing: &standing })
        })
    }

    /// After how long without a receipt another message takes over: the route of the first of its chain says so. None: never.
    fn patience(&self, message: &Message, decision: &Decision, to: &Destination, now: Timestamp) -> Option<Duration> {
        message.verification()?;
        match message.first_of_chain() {
            (_, channel) if channel == message.channel => decision.take_over.after,
            (_, begun_on) => self.0.routes().take_over(begun_on, to, now).after,
        }
    }

    /// It never will be, or the store could not be read: then the lease ends, and the message comes again.
    async fn cannot_be_built(&self, mut message: Message, why: Unbuilt, now: Timestamp) -> Result<(), Error> {
        tracing::error!(message_id = %message.id, %why, "a message could not be put together");
        match why {
            Unbuilt::Unreadable(error @ (Error::Unavailable(_) | Error::NoRoom(_) | Error::Busy)) => return Err(error),
            Unbuilt::Unreadable(_) => {
                message.fail("the message could not be put together; the log has the reason", now);
            }
            Unbuilt::Unregistered(_) => message.fail(&why.to_string(), now),
        }
        self.write_step(message, None, now).await
    }

    /// The verification whose code it carries, while somebody waits for that code; none of a text of a caller's own, which
    /// is always wanted. None at all: it is not to be sent.
    async fn still_wanted(
        &self,
        message: &Message,
        known: Option<Verification>,
        now: Timestamp,
    ) -> Result<Option<Option<Verification>>, Error> {
        match &message.content {
            Content::Text { .. } => Ok(Some(None)),
            Content::Code { verification, generation, .. } => {
                if message.chain.first.is_some() && self.has_arrived(message, *verification).await? {
                    return Ok(None);
                }
                let found = match known {
                    Some(verification) => Some(verification),
                    None => self.0.store().verification(message.tenant, *verification).await?,
                };
                Ok(found.filter(|verification| verification.wants(*generation, now)).map(Some))
            }
        }
    }

    /// Whether a message that this one was to take over from has arrived after all.
    async fn has_arrived(&self, message: &Message, of: VerificationId) -> Result<bool, Error> {
        let messages = self.0.store().messages_of(message.tenant, of).await?;
        let chain = messages.iter().filter(|it| it.first_of_chain().0 == message.first_of_chain().0);
        Ok(fate_of(chain) == Some(Fate::Delivered))
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
        let verification_id = message.verification().map(tracing::field::display);
        let why = message.why.as_deref();
        match result {
            Ok(_) => {
                tracing::info!(message_id = %message.id, verification_id, provider, why, "message accepted");
            }
            Err(error) => {
                tracing::warn!(message_id = %message.id, verification_id, provider, why, %error, "message not accepted");
            }
        }
    }

    /// The provider has it: noted together with what it means for older codes. Somebody may be checking a code meanwhile,
    /// so the verification is read again until the write meets nobody.
    async fn write_accepted(
        &self,
        mut message: Message,
        mut verification: Option<Verification>,
        (provider, way): (&str, Way<'_>),
        (accepted, patience): (Accepted, Option<Duration>),
    ) -> Result<(), Error> {
        let (engine, now) = (&self.0, self.0.now());
        let at_once = recorded_apart(&message, accepted.receipt);
        let plan = if at_once.is_some() { ReceiptPlan::Expected } else { accepted.receipt };
        message.accept(provider, accepted.reference, plan, now);
        if let (Some(patience), None) = (patience, at_once) {
            message.await_receipt(patience, plan, now);
        }
        engine.note_accepted(way, provider, &message, accepted.receipt, now);
        let why = message.why.clone().unwrap_or_default();
        let taken = EventKind::MessageAccepted { message: message.id, provider: provider.to_owned(), why };
        let mut batch = Batch::new();
        self.push_event(&mut batch, &message, taken, now);
        if let ReceiptPlan::Now(receipt) = plan {
            self.push_event(&mut batch, &message, settled(&message, receipt), now);
        }
        batch.extend(engine.report_of(&mut message, now).await?);
        batch.push(Change::UpdateMessage(message.clone()));
        self.write_with_codes(&message, &mut verification, batch).await?;
        if let Some(receipt) = at_once {
            let command = RecordReceipt { message: message.id, receipt };
            engine.run(&Caller::operator(message.tenant), None, &command).await?;
        }
        Ok(())
    }

    /// Writes a batch together with the end of codes that a message with a newer one makes old.
    async fn write_with_codes(
        &self,
        message: &Message,
        verification: &mut Option<Verification>,
        batch: Batch,
    ) -> Result<(), Error> {
        let engine = &self.0;
        loop {
            let mut attempt = batch.clone();
            if let (Some(fresh), Content::Code { generation, .. }) = (&mut *verification, &message.content)
                && fresh.supersede_codes_before(*generation)
            {
                attempt.push(Change::UpdateVerification(fresh.clone()));
            }
            match engine.write(attempt).await {
                Err(StoreError::Conflict) => {}
                other => return Ok(other?),
            }
            let stands = engine.store().message(message.tenant, message.id).await?;
            if stands.is_none_or(|stands| stands.version != message.version) {
                tracing::warn!(message_id = %message.id, "another worker has taken this message over");
                return Ok(());
            }
            if let Some(id) = message.verification() {
                *verification = engine.store().verification(message.tenant, id).await?;
            }
        }
    }

    /// Writes the message as it stands after a step in which nobody took it. Where the whole route was asked in vain, another channel
    /// takes over at once, if the route has one.
    async fn write_step(&self, mut message: Message, what: Option<EventKind>, now: Timestamp) -> Result<(), Error> {
        let mut batch = Batch::new();
        if let Some(kind) = what {
            self.push_event(&mut batch, &message, kind, now);
        }
        if message.is_spurned() {
            let taken_over = self.0.take_over(&mut message, Cause::NotTaken, now).await?.batch();
            if !taken_over.is_empty() && message.state != MessageState::Failed {
                let reason = message.reason.clone().unwrap_or_default();
                message.fail(&reason, now);
            }
            batch.extend(taken_over);
        }
        if message.fate().is_some() {
            let reason = message.reason.clone().unwrap_or_default();
            self.push_event(&mut batch, &message, EventKind::MessageFailed { message: message.id, reason }, now);
        }
        batch.extend(self.0.report_of(&mut message, now).await?);
        batch.push(Change::UpdateMessage(message));
        match self.0.write(batch).await {
            // Another worker has taken the message over: its step counts.
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The history is a verification's; a text of a caller's own has its state and its reason only.
    fn push_event(&self, batch: &mut Batch, message: &Message, kind: EventKind, now: Timestamp) {
        if let Some(verification) = message.verification() {
            let of = (message.tenant, verification);
            batch.push(Change::InsertEvent(Event::new(of, kind, now, self.0.random())));
        }
    }
}

async fn send(provider: &Arc<dyn Provider>, outgoing: &Outgoing) -> Result<Accepted, SendError> {
    tokio::time::timeout(LONGEST_ATTEMPT, provider.send(outgoing))
        .await
        .unwrap_or_else(|_| Err(SendError::Unknown(format!("no answer within {} s", LONGEST_ATTEMPT.as_secs()))))
}

/// A failure that is not about just this message is the provider's.
const fn failure(error: &SendError) -> Outcome {
    match error {
        SendError::Retry(_) | SendError::Unknown(_) => Outcome::Failure,
        SendError::Refused(_) => Outcome::Nothing,
    }
}

/// A receipt that came with the answer is written together with it, unless other messages depend on it: then it is recorded as one
/// that came later.
fn recorded_apart(message: &Message, plan: ReceiptPlan) -> Option<Receipt> {
    match plan {
        ReceiptPlan::Now(receipt) if receipt == Receipt::Undelivered || message.chain.is_linked() => Some(receipt),
        ReceiptPlan::Now(_) | ReceiptPlan::Expected | ReceiptPlan::Never => None,
    }
}
