//! Sends a code to a factor, in a log-in that waits for it. Of the codes that one factor gets in one log-in only the last is
//! good; those of other log-ins live on.

use super::{
    Command, Decided, OwnText, SendFactorCode, ServiceRef,
    start_verification::{Overrides, TRANSACTION},
};
use crate::{
    Caller, Engine, Error, UserRef,
    people::address_index,
    tokens::{CodeOnItsWay, Transaction},
};
use countersign_model::{
    BucketKind, BucketLevel, Channel, Factor, FactorId, MfaLimits, Policy, Profile, Scope, Timestamp,
    policy::{FailedChecks, Limits},
};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};

/// "Send a code to this factor."
#[derive(Debug)]
pub struct SendSecondFactorCode<'a> {
    /// In which log-in.
    pub transaction: &'a Transaction,
    /// To which factor.
    pub factor: FactorId,
    /// On which way.
    pub channel: Channel,
    /// How it is to be sent.
    pub wording: CodeWording,
    /// How often that can be done.
    pub limits: &'a MfaLimits,
}

/// Under which service, in which language, and with which words a code goes out.
#[derive(Clone, Debug)]
pub struct CodeWording {
    /// The service.
    pub service: ServiceRef,
    /// The language (BCP 47); none: the user's, and if that is not known, as of any other verification.
    pub locale: Option<String>,
    /// The tenant's own words; none: a template.
    pub text: Option<OwnText>,
}

/// A code is on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CodeSent {
    /// Which.
    pub code: CodeOnItsWay,
    /// Until when it is good.
    pub ends_at: Timestamp,
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
pub enum SecondFactorCode {
    /// The log-in has succeeded, and is over.
    Spent,
    /// There is no such factor of this user that is active.
    NoSuchFactor,
    /// Too many messages.
    TooMany(BucketLevel),
    /// It is on its way.
    Sent(CodeSent),
}

impl Command for SendSecondFactorCode<'_> {
    type Outcome = SecondFactorCode;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(
        &self,
        engine: &Engine,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(SecondFactorCode, Batch), Error> {
        let transaction = self.transaction;
        if engine.is_redeemed(transaction.tenant, &transaction.id).await? {
            return Ok((SecondFactorCode::Spent, Batch::new()));
        }
        let factor = engine.store().factor(transaction.tenant, self.factor).await?;
        let Some(factor) = factor.filter(|factor| factor.user == transaction.user && factor.is_active()) else {
            return Ok((SecondFactorCode::NoSuchFactor, Batch::new()));
        };
        let cost = match engine.spend_message(transaction, self.channel, self.limits, now).await? {
            Ok(cost) => cost,
            Err(level) => return Ok((SecondFactorCode::TooMany(level), Batch::new())),
        };
        let mut batch = Batch::new().with(cost);
        self.push_ends_of_earlier(engine, &factor, &mut batch, now).await?;
        let command = SendFactorCode {
            user: UserRef::Id(transaction.user),
            factor: Some(factor.id),
            service: self.wording.service.clone(),
            channel: self.channel,
            locale: self.wording.locale.clone(),
            overrides: overrides(transaction, &self.wording),
            replaces_pending: false,
        };
        let (sent, changes) = command.decide(engine, caller, now).await?;
        batch.extend(changes);
        Ok((SecondFactorCode::Sent(code_sent(transaction, &factor, &sent.started, now)), batch))
    }
}

impl SendSecondFactorCode<'_> {
    async fn push_ends_of_earlier(
        &self,
        engine: &Engine,
        factor: &Factor,
        batch: &mut Batch,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (tenant, name) = (factor.tenant, self.transaction.name());
        let service = engine.store().service_named(tenant, self.wording.service.name()).await?;
        let (Some(service), Some(index)) = (service, address_index(factor)) else { return Ok(()) };
        let mut pending = engine.store().pending_verifications(tenant, service.id, index).await?;
        pending.retain(|it| {
            it.metadata.get(TRANSACTION) == Some(&name) && it.for_factor.is_some_and(|of| of.factor == factor.id)
        });
        engine.push_ends(pending, batch, now);
        Ok(())
    }
}

impl Engine {
    /// One more message to a user: what must be written for it, or how long it takes until there is one more.
    pub(super) async fn spend_message(
        &self,
        transaction: &Transaction,
        channel: Channel,
        limits: &MfaLimits,
        now: Timestamp,
    ) -> Result<Result<Change, BucketLevel>, Error> {
        let (kind, rule) = match channel {
            Channel::Sms | Channel::Voice | Channel::Whatsapp | Channel::Telegram => {
                (BucketKind::PhoneMessages, limits.phone_messages)
            }
            Channel::Email => (BucketKind::Mails, limits.mails),
        };
        let mut memory = self.memory_of_user(transaction.tenant, transaction.user).await?;
        Ok(memory.spent.take(kind, rule, now).map(|_| memory.change()))
    }
}

/// What all codes of second factors have. The user's buckets limit them, and nothing else does.
pub(super) fn overrides(transaction: &Transaction, wording: &CodeWording) -> Overrides {
    let usual = Policy::of(Profile::Compat).limits;
    let failed_checks = FailedChecks { max: 0, ..usual.failed_checks };
    Overrides {
        life_seconds: Some(Transaction::LIFE_OF_A_CODE_SECONDS.into()),
        max_checks: Some(0),
        limits: Some(Limits { sends: Vec::new(), failed_checks, ..usual }),
        text: wording.text.clone(),
        transaction: Some(transaction.name()),
        ..Overrides::default()
    }
}

/// What the client gets to name it with.
pub(super) fn code_sent(transaction: &Transaction, factor: &Factor, started: &Decided, now: Timestamp) -> CodeSent {
    let code = CodeOnItsWay {
        transaction: transaction.id,
        tenant: transaction.tenant,
        verification: started.verification.id,
        factor: factor.id,
    };
    CodeSent { code, ends_at: now.plus_seconds(Transaction::LIFE_OF_A_CODE_SECONDS) }
}
