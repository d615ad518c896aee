//! Sends a code again: the same or a new one, as the verification's frozen policy says. Spends a send of the destination.

use super::{Command, Decided, OwnText, Target, start_verification::trial_of};
use crate::{Caller, Engine, Error, metrics::Metrics, remembered::Remembered};
use countersign_model::{Channel, Event, EventKind, Message, MessageId, Scope, Timestamp};
use countersign_store::{Batch, Change};

/// "Send it again."
#[derive(Debug)]
pub struct ResendCode {
    /// Which verification's code.
    pub target: Target,
    /// On which channel; none: the one before.
    pub channel: Option<Channel>,
    /// The caller's own words from now on; none: as before.
    pub text: Option<OwnText>,
}

impl Command for ResendCode {
    type Outcome = Decided;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(Decided, Batch), Error> {
        let before = engine.target(caller, &self.target).await?;
        let channel = self.channel.unwrap_or(before.channel);
        let to = engine.address_of(&before)?;
        if !to.suits(channel) || !before.can_go_by(channel) {
            return Err(Error::WrongChannel(channel));
        }
        engine.must_have_way(caller, (channel, &to), before.via.as_deref(), now)?;
        let old_generation = before.newest_generation();
        let mut verification = before.resend(channel, now)?;
        if let Some(text) = &self.text {
            verification.text = Some(engine.seal_text(&verification, text)?);
        }
        let tenant = verification.tenant;
        let person = verification.for_factor.map(|of| of.user);
        let of = (tenant, verification.service);
        let mut remembered = Remembered::read(engine, of, Some(verification.to_index), person).await?;
        if let Err(limited) = remembered.count_send(&verification.policy.limits, now) {
            engine.write_block(caller, person, remembered, Batch::new(), now).await?;
            return Err(Error::Limited(limited));
        }

        let generation = verification.newest_generation();
        let mut message = Message::of_code(MessageId::generate(now, engine.random()), &verification, generation, now);
        Engine::withhold_test(caller, &mut message);
        let kind = EventKind::Resent { message: message.id, channel, new_code: generation != old_generation };
        let mut batch = Batch::new();
        let price = engine.pay_for_message(caller, channel, &mut batch).await?;
        if verification.trial.is_some() {
            verification.trial = Some(message.id);
            batch.push(Change::InsertTrial(trial_of(&message, &verification, price, now)));
        }
        batch.extend(remembered.changes());
        let batch = batch
            .with(Change::UpdateVerification(verification.clone()))
            .with(Change::InsertMessage(message))
            .with(Change::InsertEvent(Event::new((tenant, verification.id), kind, now, engine.random())));
        Ok((Decided { verification, at: now }, batch))
    }

    fn count(&self, outcome: &Decided, metrics: &Metrics) {
        metrics.resent(outcome.verification.channel);
    }
}
