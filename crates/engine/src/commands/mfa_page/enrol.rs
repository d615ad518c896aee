//! An app, a phone or a mailbox is to be a factor.

use super::{MfaStepTaken, Taken, Visit, back_to_start, over};
use crate::{
    Error,
    commands::{
        Command as _, EnrolSecondFactor, NewFactor, SecondFactorEnrolled, enrol_second_factor::chosen_kind,
        send_second_factor_code::CodeSent,
    },
};
use countersign_model::{
    Address, Channel, ChosenKind,
    mfa_session::{Place, SentCode, Told},
};
use countersign_store::Batch;

impl Visit<'_> {
    pub(super) async fn enrol_app(&self) -> Result<Taken, Error> {
        if !self.may_enrol(ChosenKind::Totp) {
            return Ok(back_to_start());
        }
        match self.enrol(NewFactor::Totp).await? {
            (SecondFactorEnrolled::Totp { .. }, batch) => Ok(self.go_on(Place::App, None, batch)),
            (SecondFactorEnrolled::Spent, _) => Ok(over()),
            (
                SecondFactorEnrolled::HasOne
                | SecondFactorEnrolled::NotChosen
                | SecondFactorEnrolled::TooMany(_)
                | SecondFactorEnrolled::Push { .. }
                | SecondFactorEnrolled::Address { .. },
                _,
            ) => Ok(back_to_start()),
        }
    }

    pub(super) async fn enrol_address(&self, channel: Channel, typed: &str) -> Result<Taken, Error> {
        if !self.may_enrol(chosen_kind(channel)) {
            return Ok(back_to_start());
        }
        let place = Place::Address(channel);
        let bad = || {
            let of = (self.session.tenant, self.session.id);
            Ok(self.tell(place, Told::BadAddress(self.engine.seal_in_session(of, typed)?), Batch::new()))
        };
        let Ok(to) = Address::parse(channel, typed) else { return bad() };
        let enrolled = match self.enrol_at(to, channel, place).await {
            Err(Error::NumberUnknown | Error::WrongChannel(_) | Error::NoRoute(_)) => return bad(),
            enrolled => enrolled?,
        };
        Ok(enrolled)
    }

    /// Whoever starts again at the same place means the new code.
    pub(super) async fn enrol_at(&self, to: Address, channel: Channel, place: Place) -> Result<Taken, Error> {
        let enrolled = match self.enrol(NewFactor::Address { to, channel }).await {
            Err(Error::Limited(limited)) => {
                return Ok(self.tell(place, Told::TooManyMessages(limited.retry_at), Batch::new()));
            }
            enrolled => enrolled?,
        };
        match enrolled {
            (SecondFactorEnrolled::Address { sent, .. }, batch) => {
                Ok(self.go_on(Place::Code, Some(self.on_its_way(&sent, channel)), batch))
            }
            (SecondFactorEnrolled::TooMany(level), _) => {
                Ok(self.tell(place, Told::TooManyMessages(level.next_at), Batch::new()))
            }
            (SecondFactorEnrolled::Spent, _) => Ok((MfaStepTaken::Over, Batch::new())),
            (
                SecondFactorEnrolled::HasOne
                | SecondFactorEnrolled::NotChosen
                | SecondFactorEnrolled::Push { .. }
                | SecondFactorEnrolled::Totp { .. },
                _,
            ) => Ok(back_to_start()),
        }
    }

    async fn enrol(&self, factor: NewFactor) -> Result<(SecondFactorEnrolled, Batch), Error> {
        let (transaction, limits) = (&self.log_in, self.limits);
        let command = EnrolSecondFactor { transaction, factor, wording: self.wording.clone(), limits };
        command.decide(self.engine, self.caller, self.now).await
    }

    pub(super) const fn on_its_way(&self, sent: &CodeSent, channel: Channel) -> SentCode {
        SentCode {
            verification: sent.code.verification,
            factor: sent.code.factor,
            channel,
            at: self.now,
            ends_at: sent.ends_at,
        }
    }
}
