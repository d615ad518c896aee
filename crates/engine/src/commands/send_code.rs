//! Sends somebody a code under a configuration: the one that the address waits for, once more, or, if it waits for none, a new one.
//! So two requests in a row are one verification with two messages. A payment is part of what makes a verification: another payment
//! is another one, with a code of its own.

use super::{Command, Overrides, OwnText, ResendCode, ServiceRef, StartVerification, Target};
use crate::{
    Caller, Engine, Error,
    metrics::Metrics,
    queries::{Sending, VerificationRecord},
};
use countersign_model::{
    Address, Alphabet, Channel, Code, CodeShape, Configuration, Payment, Scope, ServiceId, Timestamp, Typed,
    Verification,
};
use countersign_store::Batch;
use std::collections::BTreeMap;

/// "This person needs a code."
#[derive(Debug)]
pub struct SendCode {
    /// Under which configuration.
    pub configuration: ServiceId,
    /// On which channel.
    pub channel: Channel,
    /// To whom.
    pub to: Address,
    /// The caller's own code; none: one is generated, or the one that is waited for is sent again.
    pub code: Option<Code>,
    /// What the person approves with the code.
    pub payment: Option<Payment>,
    /// What the message says.
    pub text: OwnText,
    /// The one provider that carries it; none: the route of the channel decides.
    pub via: Option<String>,
}

impl Command for SendCode {
    type Outcome = VerificationRecord;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(
        &self,
        engine: &Engine,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(VerificationRecord, Batch), Error> {
        let configuration = engine.read_configuration(caller.tenant(), self.configuration).await?;
        let pending = || engine.pending(caller.tenant(), configuration.id, &self.to, self.payment.as_ref());
        let (decided, batch) = loop {
            if let Some(pending) = pending().await? {
                self.must_bring_no_other(engine, &pending)?;
                let (target, text) = (Target::Id(pending.id), Some(self.text.clone()));
                break ResendCode { target, channel: Some(self.channel), text }.decide(engine, caller, now).await?;
            }
            let begun = self.start(&configuration).decide(engine, caller, now).await?;
            // Whoever has begun one before this read the destination is seen only now; whoever does later is met by the write.
            if pending().await?.is_none() {
                break begun;
            }
        };
        let mut record = engine.record_of(decided.verification).await?;
        // The one that this batch brings is not there to be read yet.
        let new = record.verification.trial.map(|id| Sending { id, channel: self.channel, at: now });
        record.sendings.extend(new);
        Ok((record, batch))
    }

    fn count(&self, outcome: &VerificationRecord, metrics: &Metrics) {
        if outcome.verification.sends > 1 {
            metrics.resent(self.channel);
        } else {
            metrics.started(self.channel);
        }
    }
}

impl SendCode {
    fn start(&self, configuration: &Configuration) -> StartVerification {
        StartVerification {
            service: ServiceRef::Of(Box::new(configuration.service())),
            channel: self.channel,
            to: self.to.clone(),
            code: self.code.clone(),
            locale: None,
            metadata: BTreeMap::new(),
            payment: self.payment.clone(),
            overrides: Overrides {
                code: self.code.as_ref().and_then(shape_of),
                text: Some(self.text.clone()),
                via: self.via.clone(),
                keeps_trials: true,
                ..Overrides::default()
            },
        }
    }

    fn must_bring_no_other(&self, engine: &Engine, pending: &Verification) -> Result<(), Error> {
        let Some(code) = &self.code else { return Ok(()) };
        let code = Typed::Text(code.clone());
        let is_same = engine.keys().code_matches(pending, pending.newest_generation(), &code)?;
        if is_same { Ok(()) } else { Err(Error::OtherCode) }
    }
}

/// A caller's own code of digits has a length of its own, which a check needs to give a number its leading zeros back.
fn shape_of(code: &Code) -> Option<CodeShape> {
    let digits = code.expose();
    let is_numeric = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_numeric.then(|| CodeShape::new(Alphabet::Numeric, u8::try_from(digits.len()).ok()?).ok()).flatten()
}
