//! Starts a verification: limits are spent, the code is fixed, the message is queued, all in one batch.

use super::{Command, Decided};
use crate::{
    Caller, Engine, Error, Thing,
    keys::{address_context, own_code_context, payment_context},
    metrics::Metrics,
};
use countersign_model::{
    Address, Channel, Code, Event, EventKind, Message, MessageId, Payment, Scope, Sealed, Service, State, Timestamp,
    Verification, VerificationId, verification::CodeSource,
};
use countersign_store::{Batch, Change};
use std::collections::BTreeMap;

/// The service of callers that name none; every tenant has it.
pub const DEFAULT_SERVICE: &str = "default";

/// "Send this person a code."
#[derive(Debug)]
pub struct StartVerification {
    /// Under which service's policy; none: [`DEFAULT_SERVICE`].
    pub service: Option<String>,
    /// On which channel.
    pub channel: Channel,
    /// To whom.
    pub to: Address,
    /// The caller's own code; none: one is generated.
    pub code: Option<Code>,
    /// In which language (BCP 47); none: the service's.
    pub locale: Option<String>,
    /// What the caller wants to find again.
    pub metadata: BTreeMap<String, String>,
    /// What the person approves with the code.
    pub payment: Option<Payment>,
}

impl Command for StartVerification {
    type Outcome = Decided;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(Decided, Batch), Error> {
        if !self.to.suits(self.channel) {
            return Err(Error::WrongChannel(self.channel));
        }
        if engine.routes().for_channel(self.channel).is_empty() {
            return Err(Error::NoRoute(self.channel));
        }
        let service = self.read_service(engine, caller).await?;
        let index = engine.keys().blind_index(caller.tenant(), &self.to);
        let mut destination = engine.store().destination(caller.tenant(), service.id, index).await?;
        destination.count_send(&service.policy.limits, now).map_err(|limited| engine.refused_by_limit(limited))?;
        if service.policy.number_lookup {
            engine.look_up(&self.to).await?;
        }

        let verification = self.verification(engine, &service, now)?;
        let message = Message::queued(MessageId::generate(now, engine.random()), &verification, 0, now);
        let started = EventKind::Started { message: message.id, channel: self.channel };
        let of = (verification.tenant, verification.id);
        let batch = Batch::new()
            .with(Change::PutDestination { tenant: caller.tenant(), service: service.id, index, destination })
            .with(Change::InsertVerification(verification.clone()))
            .with(Change::InsertMessage(message))
            .with(Change::InsertEvent(Event::new(of, started, now, engine.random())));
        Ok((Decided { verification, at: now }, batch))
    }

    fn count(&self, outcome: &Decided, metrics: &Metrics) {
        metrics.started(outcome.verification.channel);
    }
}

impl StartVerification {
    async fn read_service(&self, engine: &Engine, caller: &Caller) -> Result<Service, Error> {
        let name = self.service.as_deref().unwrap_or(DEFAULT_SERVICE);
        engine.store().service_named(caller.tenant(), name).await?.ok_or(Error::NotFound(Thing::Service))
    }

    fn verification(&self, engine: &Engine, service: &Service, now: Timestamp) -> Result<Verification, Error> {
        let (keys, random, tenant) = (engine.keys(), engine.random(), service.tenant);
        let id = VerificationId::generate(now, random);
        Ok(Verification {
            id,
            tenant,
            version: 0,
            service: service.id,
            service_name: service.name.clone(),
            channel: self.channel,
            to: keys.seal(self.to.as_str(), &address_context(tenant, id), random)?,
            to_index: keys.blind_index(tenant, &self.to),
            phone: match &self.to {
                Address::Phone(number) => Some(number.traits()),
                Address::Email(_) => None,
            },
            policy: service.policy.clone(),
            code: match &self.code {
                None => CodeSource::Derived { key_version: keys.current_version() },
                Some(code) => CodeSource::Own(keys.seal(code.expose(), &own_code_context(tenant, id), random)?),
            },
            codes: vec![Verification::first_code(&service.policy, now)],
            brand: service.brand.clone(),
            sender: service.sender.clone(),
            locale: self.locale.clone().unwrap_or_else(|| service.default_locale.clone()),
            metadata: self.metadata.clone(),
            payment: self.payment.as_ref().map(|payment| seal_payment(engine, payment, tenant, id)).transpose()?,
            state: State::Pending,
            wrong_checks: 0,
            sends: 1,
            created_at: now,
            decided_at: None,
        })
    }
}

fn seal_payment(
    engine: &Engine,
    payment: &Payment,
    tenant: countersign_model::TenantId,
    id: VerificationId,
) -> Result<Sealed, Error> {
    let text = serde_json::to_string(payment).map_err(|error| Error::Internal(error.to_string()))?;
    engine.keys().seal(&text, &payment_context(tenant, id), engine.random())
}
