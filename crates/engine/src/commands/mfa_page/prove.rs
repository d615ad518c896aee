//! A code was typed: one that was sent, one that an app shows, or a recovery code.

use super::{MfaStepTaken, Taken, Visit, back_to_start, over};
use crate::{
    Error,
    commands::{Command as _, RedeemTransaction, Redeemed, SecondFactor, SecondFactorRule, Wanted},
    tokens::CodeOnItsWay,
};
use countersign_model::{
    Means,
    mfa_session::{Place, SessionPurpose, Told},
};
use countersign_store::{Batch, Change};
use std::time::Duration;

impl Visit<'_> {
    pub(super) async fn prove_with_sent(&self, typed: &str) -> Result<Taken, Error> {
        let Some(sent) = self.session.sent() else { return Ok(back_to_start()) };
        if self.now >= sent.ends_at {
            return Ok(self.tell(Place::Code, Told::LateCode, Batch::new()));
        }
        let code = CodeOnItsWay {
            transaction: self.log_in.id,
            tenant: self.session.tenant,
            verification: sent.verification,
            factor: sent.factor,
        };
        self.prove(Place::Code, SecondFactor::Code { sent: &code, typed }, sent.channel.into()).await
    }

    /// Nobody gets tokens for it: what counts is that it was shown.
    pub(super) async fn prove(&self, place: Place, shown: SecondFactor<'_>, by: Means) -> Result<Taken, Error> {
        let Some(client) = self.engine.store().client(&self.session.client).await? else { return Ok(over()) };
        let wanted = Wanted {
            request: self.log_in.request.clone(),
            second_factor: SecondFactorRule::ByUser,
            refresh_life: Duration::ZERO,
        };
        let command = RedeemTransaction {
            client: &client,
            transaction: &self.log_in,
            shown,
            wanted: &wanted,
            limits: self.limits,
            shows_recovery_code: true,
        };
        match command.decide(self.engine, self.caller, self.now).await? {
            (Redeemed::Granted(granted), batch) => {
                let of = (self.session.tenant, self.session.id);
                let seal = |code: &String| self.engine.seal_in_session(of, code);
                let recovery_code = granted.recovery_code.as_ref().map(seal).transpose()?;
                let enrolled = self.session.purpose != SessionPurpose::LogIn || !self.has_active();
                let proved = self.session.clone().proved(by, enrolled, recovery_code, self.now);
                Ok((MfaStepTaken::Proved, batch.with(Change::PutMfaSession(proved))))
            }
            (Redeemed::Wrong(_), batch) => Ok(self.tell(place, Told::WrongCode, batch)),
            (Redeemed::TooManyWrong(level) | Redeemed::TooManyTries(level), batch) => {
                Ok(self.tell(place, Told::TooManyCodes(level.next_at), batch))
            }
            (Redeemed::NotEnrolled | Redeemed::Waiting | Redeemed::Refused, _) => Ok(back_to_start()),
            (Redeemed::Spent, _) => Ok(over()),
        }
    }
}
