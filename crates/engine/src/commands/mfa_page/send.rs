//! A code is to be sent to a factor, or once more to where the last one went.

use super::{Taken, Visit, back_to_start, over};
use crate::{
    Error,
    commands::{Command as _, SecondFactorCode, SendSecondFactorCode, enrol_second_factor::chosen_kind},
};
use countersign_model::{
    Channel, Factor, FactorId, FactorKind,
    mfa_session::{Place, SessionPurpose, Told},
};
use countersign_store::Batch;

impl Visit<'_> {
    pub(super) async fn send(&self, factor: FactorId, channel: Channel) -> Result<Taken, Error> {
        let is_meant = |it: &&Factor| it.id == factor && it.is_active() && is_reached(it, channel);
        let can_be_asked = self.session.purpose == SessionPurpose::LogIn && self.choice.allows(chosen_kind(channel));
        if !can_be_asked || !self.factors.iter().any(|it| is_meant(&it)) {
            return Ok(back_to_start());
        }
        // There is a code on its way: that is the page to wait on.
        if let Err(free_at) = self.session.may_send(factor, channel, self.now) {
            return Ok(self.tell(Place::Code, Told::TooSoon(free_at), Batch::new()));
        }
        let (transaction, limits, wording) = (&self.log_in, self.limits, self.wording.clone());
        let command = SendSecondFactorCode { transaction, factor, channel, wording, limits };
        match command.decide(self.engine, self.caller, self.now).await {
            Ok((SecondFactorCode::Sent(sent), batch)) => {
                Ok(self.go_on(Place::Code, Some(self.on_its_way(&sent, channel)), batch))
            }
            Ok((SecondFactorCode::TooMany(level), _)) => {
                Ok(self.tell(Place::Ways, Told::TooManyMessages(level.next_at), Batch::new()))
            }
            Ok((SecondFactorCode::Spent, _)) => Ok(over()),
            Ok((SecondFactorCode::NoSuchFactor, _)) => Ok(back_to_start()),
            Err(Error::Limited(limited)) => {
                Ok(self.tell(Place::Ways, Told::TooManyMessages(limited.retry_at), Batch::new()))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn resend(&self) -> Result<Taken, Error> {
        let Some(sent) = self.session.sent() else { return Ok(back_to_start()) };
        let Some(factor) = self.factors.iter().find(|factor| factor.id == sent.factor) else {
            return Ok(back_to_start());
        };
        if factor.is_active() {
            return self.send(sent.factor, sent.channel).await;
        }
        if let Err(free_at) = self.session.may_send(sent.factor, sent.channel, self.now) {
            return Ok(self.tell(Place::Code, Told::TooSoon(free_at), Batch::new()));
        }
        match self.engine.address_of_factor(factor)? {
            Some(to) if self.may_enrol(chosen_kind(sent.channel)) => self.enrol_at(to, sent.channel, Place::Code).await,
            Some(_) | None => Ok(back_to_start()),
        }
    }
}

/// Whether a code gets to a factor in this way.
const fn is_reached(factor: &Factor, channel: Channel) -> bool {
    match factor.kind {
        FactorKind::Phone { .. } => matches!(channel, Channel::Sms | Channel::Voice),
        FactorKind::Email { .. } => matches!(channel, Channel::Email),
        FactorKind::Totp { .. } | FactorKind::RecoveryCodes { .. } => false,
    }
}
