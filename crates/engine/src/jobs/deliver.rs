//! Takes messages out of the outbox and hands them to providers: one provider, one attempt, one durable step at a time, so
//! that a crash repeats at most the step it interrupted. When to try again is `countersign_model::message`'s rule.

use super::Progress;
use crate::{Engine, Error, commands::settled, keys, metrics::Attempt};
use countersign_delivery::{Accepted, Outgoing, Provider, Rendered, render};
use countersign_model::{
    Channel, Code, Event, EventKind, Message, SendError, Template, Timestamp, Verification,
    message::{Content, Purpose, ReceiptPlan},
};
use countersign_store::{Batch, Change, Claim, Error as StoreError};
use futures_util::future::join_all;
use std::{sync::Arc, time::Duration};

/// The job.
#[derive(Clone)]
pub struct Deliver(pub Engine);

/// What a message says, and which part of it is the secret.
struct Carried {
    content: Rendered,
    code: Option<Code>,
    link: Option<String>,
}

/// How long a worker may keep a message before another takes it over.
const LEASE: Duration = Duration::from_secs(45);
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
        join_all(claimed.into_iter().map(|message| self.attempt(message))).await;
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

    /// One attempt. What goes wrong with the store is logged: the lease ends, and the message comes again.
    pub async fn attempt(&self, message: Message) {
        let id = message.id;
        if let Err(error) = self.step(message).await {
            tracing::warn!(message_id = %id, %error, "an attempt could not be completed; it will be repeated");
        }
        self.0.steps().note(id);
    }

    async fn step(&self, mut message: Message) -> Result<(), Error> {
        let (engine, now) = (&self.0, self.0.now());
        let Some(wanted) = self.still_wanted(&message, now).await? else {
            message.drop_unsent("the verification had ended, or a newer code had taken its place", now);
            return self.write_step(message, None, now).await;
        };
        let route = match &message.via {
            Some(only) => std::slice::from_ref(only),
            None => engine.routes().for_channel(message.channel),
        }
        .to_vec();
        let next = message.next_provider(&route).and_then(|name| Some((name, engine.providers().get(name)?)));
        let Some((name, provider)) = next else {
            message.note_no_route(&route, now, engine.random().number());
            return self.write_step(message, None, now).await;
        };
        let outgoing = match self.outgoing(&message, wanted.as_ref(), name).await {
            Ok(outgoing) => outgoing,
            // The store could not be read: the lease ends, and the message comes again.
            Err(error @ (Error::Unavailable(_) | Error::NoRoom(_) | Error::Busy)) => return Err(error),
            Err(error) => {
                tracing::error!(message_id = %message.id, %error, "a message could not be put together");
                message.fail("the message could not be put together; the log has the reason", now);
                return self.write_step(message, None, now).await;
            }
        };
        let result = send(provider, &outgoing).await;
        self.note_attempt(name, &message, &result);
        match result {
            Ok(accepted) => self.write_accepted(message, wanted, name, accepted).await,
            Err(error) => {
                let now = engine.now();
                message.note_failure(name, &error, &route, now, engine.random().number());
                let failed_attempt = EventKind::MessageAttemptFailed {
                    message: message.id,
                    provider: name.clone(),
                    reason: error.to_string(),
                    next_at: message.due_at,
                };
                self.write_step(message, Some(failed_attempt), now).await
            }
        }
    }

    /// The verification whose code it carries, while somebody waits for that code; none of a text of a caller's own, which
    /// is always wanted. None at all: it is not to be sent.
    async fn still_wanted(&self, message: &Message, now: Timestamp) -> Result<Option<Option<Verification>>, Error> {
        match &message.content {
            Content::Text { .. } => Ok(Some(None)),
            Content::Code { verification, generation, .. } => {
                let found = self.0.store().verification(message.tenant, *verification).await?;
                Ok(found.filter(|verification| verification.wants(*generation, now)).map(Some))
            }
        }
    }

    async fn outgoing(
        &self,
        message: &Message,
        verification: Option<&Verification>,
        provider: &str,
    ) -> Result<Outgoing, Error> {
        let engine = &self.0;
        let gone = || Error::internal("the verification of a message is gone");
        let (to, from) = engine.ends_with(message, verification)?.ok_or_else(gone)?;
        let tenant = engine.store().tenant(message.tenant).await?;
        let Carried { content, code, link } = self.carried(message, verification).await?;
        let own = verification.map(|verification| engine.own_text_of(verification)).transpose()?.flatten();
        Ok(Outgoing {
            id: message.id,
            tenant: message.tenant,
            tenant_name: tenant.map(|tenant| tenant.name).unwrap_or_default(),
            verification: message.verification(),
            channel: message.channel,
            to,
            from,
            from_address: own.and_then(|own| own.from_address()),
            content,
            code,
            link,
            receipt_url: engine.receipt_url(provider, message.tenant, message.id),
            now: engine.clock().wall(),
        })
    }

    async fn carried(&self, message: &Message, verification: Option<&Verification>) -> Result<Carried, Error> {
        let engine = &self.0;
        let plain = |text: String| Rendered { subject: None, text, html: None };
        if let Some((verification, link)) =
            verification.and_then(|it| engine.link_of(it).transpose().map(|link| (it, link)))
        {
            let (link, own) = (link?, engine.own_text_of(verification)?);
            let text = own.map_or_else(|| link.clone(), |own| own.filled_with(&link));
            return Ok(Carried { content: plain(text), code: None, link: Some(link) });
        }
        match (&message.content, verification) {
            (Content::Text { text, .. }, _) => {
                let context = keys::context(keys::TEXT, message.tenant, &message.id.to_bytes());
                let text = engine.keys().open(text, &context)?.to_string();
                Ok(Carried { content: plain(text), code: None, link: None })
            }
            (Content::Code { generation, purpose, .. }, Some(verification)) => {
                let code = engine.keys().code_of(verification, *generation)?;
                let content = match engine.own_text_of(verification)? {
                    Some(own) => own.with(&code),
                    None => self.render(message, *purpose, verification, &code).await?,
                };
                Ok(Carried { content, code: Some(code), link: None })
            }
            (Content::Code { .. }, None) => Err(Error::internal("a code without its verification")),
        }
    }

    async fn render(
        &self,
        message: &Message,
        purpose: Purpose,
        verification: &Verification,
        code: &Code,
    ) -> Result<Rendered, Error> {
        let own = self.own_template(message, purpose, &verification.locale).await?;
        let payment = self.0.payment_of(verification)?;
        let life_minutes =
            (verification.policy.life_seconds > 0).then(|| verification.policy.life_seconds.div_ceil(60));
        let brand = verification.brand.as_deref();
        let last_line = verification.last_line.as_ref();
        let context = render::Context { code, brand, life_minutes, payment: payment.as_ref(), last_line };
        self.0
            .templates()
            .render(own.as_ref(), purpose, message.channel, &verification.locale, &context)
            .map_err(|error| Error::Internal(error.to_string()))
    }

    /// The tenant's own text in the language nearest to the one asked for, if it has one that no built-in text beats.
    async fn own_template(&self, message: &Message, purpose: Purpose, locale: &str) -> Result<Option<Template>, Error> {
        for candidate in render::candidates(locale) {
            let store = self.0.store();
            let found = store.template(message.tenant, purpose, message.channel, &candidate).await?;
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
        let verification_id = message.verification().map(tracing::field::display);
        match result {
            Ok(_) => {
                tracing::info!(message_id = %message.id, verification_id, provider, "message accepted");
            }
            Err(error) => {
                tracing::warn!(message_id = %message.id, verification_id, provider, %error, "message not accepted");
            }
        }
    }

    /// The provider has it: noted together with what it means for older codes. Somebody may be checking a code meanwhile,
    /// so the verification is read again until the write meets nobody.
    async fn write_accepted(
        &self,
        mut message: Message,
        mut verification: Option<Verification>,
        provider: &str,
        accepted: Accepted,
    ) -> Result<(), Error> {
        let (engine, now) = (&self.0, self.0.now());
        message.accept(provider, accepted.reference, accepted.receipt, now);
        let mut batch = Batch::new().with(Change::UpdateMessage(message.clone()));
        let taken = EventKind::MessageAccepted { message: message.id, provider: provider.to_owned() };
        self.push_event(&mut batch, &message, taken, now);
        if let ReceiptPlan::Now(receipt) = accepted.receipt {
            self.push_event(&mut batch, &message, settled(&message, receipt), now);
        }
        if let Some(report) = engine.report_of(&message, now).await? {
            batch.push(report);
        }
        loop {
            let mut attempt = batch.clone();
            if let (Some(fresh), Content::Code { generation, .. }) = (&mut verification, &message.content)
                && fresh.supersede_codes_before(*generation)
            {
                attempt.push(Change::UpdateVerification(fresh.clone()));
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
            if let Some(id) = message.verification() {
                verification = engine.store().verification(message.tenant, id).await?;
            }
        }
    }

    /// Writes the message as it stands after a step in which nobody took it.
    async fn write_step(&self, message: Message, what: Option<EventKind>, now: Timestamp) -> Result<(), Error> {
        let mut batch = Batch::new();
        if let Some(kind) = what {
            self.push_event(&mut batch, &message, kind, now);
        }
        if message.fate().is_some() {
            let reason = message.reason.clone().unwrap_or_default();
            self.push_event(&mut batch, &message, EventKind::MessageFailed { message: message.id, reason }, now);
        }
        if let Some(report) = self.0.report_of(&message, now).await? {
            batch.push(report);
        }
        batch.push(Change::UpdateMessage(message));
        match self.0.store().write(batch).await {
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
