//! Sends a code to a factor that a user has, for the user to prove to be itself.

use super::{Command, Decided, Overrides, ServiceRef, StartVerification};
use crate::{Caller, Engine, Error, Thing, UserRef, metrics::Metrics};
use countersign_model::{
    ActivityKind, Channel, Factor, FactorId, FactorKind, FactorPurpose, ForFactor, Scope, Timestamp, User,
};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// "Send this user a code."
#[derive(Debug)]
pub struct SendFactorCode {
    /// Whom.
    pub user: UserRef,
    /// To which factor; none: the one that became active last of those that the channel reaches.
    pub factor: Option<FactorId>,
    /// Under which service's policy.
    pub service: ServiceRef,
    /// On which way.
    pub channel: Channel,
    /// In which language (BCP 47); none: the user's, and if that is not known, as of any other verification.
    pub locale: Option<String>,
    /// What this code does otherwise than its service says. `for_factor` is this command's to set.
    pub overrides: Overrides,
    /// Whether other codes end that are out for this user to prove to be itself.
    pub replaces_pending: bool,
}

/// A code is on its way to a factor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FactorCodeSent {
    /// Whose.
    pub user: User,
    /// The factor.
    pub factor: Factor,
    /// The verification that proves it.
    pub started: Decided,
}

impl Command for SendFactorCode {
    type Outcome = FactorCodeSent;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(FactorCodeSent, Batch), Error> {
        let user = engine.must_find_user(caller.tenant(), &self.user).await?;
        let factors = engine.store().factors_of(user.tenant, user.id).await?;
        let factor = self.chosen(&factors)?.clone();
        let to = engine.address_of_factor(&factor)?.ok_or(Error::NoFactor(self.channel))?;
        let proves = ForFactor { user: user.id, factor: factor.id, purpose: FactorPurpose::Prove };
        let start = StartVerification {
            service: self.service.clone(),
            channel: self.channel,
            to,
            code: None,
            locale: self.locale.clone().or_else(|| user.language.clone()),
            metadata: BTreeMap::new(),
            payment: None,
            overrides: Overrides { for_factor: Some(proves), ..self.overrides.clone() },
        };
        let (started, mut batch) = start.decide(engine, caller, now).await?;
        if self.replaces_pending {
            let services = engine.store().services(user.tenant).await?;
            let mut open = engine.open_codes(&user, &factors, &services).await?;
            open.retain(|it| it.for_factor.is_some_and(|of| of.purpose == FactorPurpose::Prove));
            engine.push_ends(open, &mut batch, now);
        }
        let begun = engine.activity(caller, &user, ActivityKind::ProofStarted, now);
        batch.push(Change::InsertActivity(begun.of(&started.verification)));
        Ok((FactorCodeSent { user, factor, started }, batch))
    }

    fn count(&self, outcome: &FactorCodeSent, metrics: &Metrics) {
        metrics.started(outcome.started.verification.channel);
    }
}

impl SendFactorCode {
    fn chosen<'f>(&self, factors: &'f [Factor]) -> Result<&'f Factor, Error> {
        let reaches = |factor: &&Factor| match &factor.kind {
            FactorKind::Phone { .. } => self.channel != Channel::Email,
            FactorKind::Email { .. } => self.channel == Channel::Email,
            FactorKind::Totp { .. } | FactorKind::RecoveryCodes { .. } => false,
        };
        let found = match self.factor {
            Some(id) => Some(factors.iter().find(|factor| factor.id == id).ok_or(Error::NotFound(Thing::Factor))?),
            None => factors.iter().filter(reaches).filter(|factor| factor.is_active()).max_by_key(|it| it.confirmed_at),
        };
        found.filter(|factor| factor.is_active()).filter(reaches).ok_or(Error::NoFactor(self.channel))
    }
}
