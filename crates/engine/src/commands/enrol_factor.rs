//! Begins to enrol a phone or a mailbox: a factor that is pending until somebody has shown, with the code that goes out in the
//! same batch, that it is theirs. The user is made where there is none of that name yet.

use super::{Command, Decided, Overrides, ServiceRef, StartVerification};
use crate::{Caller, Engine, Error, UserRef, metrics::Metrics};
use countersign_model::{
    ActivityKind, Address, Channel, Factor, FactorId, FactorKind, FactorPurpose, FactorState, ForFactor, Scope,
    Timestamp, User,
};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// "This is a phone, or a mailbox, of this user."
#[derive(Debug)]
pub struct EnrolFactor {
    /// Whose. One that is named and does not exist is made.
    pub user: UserRef,
    /// Under which service's policy the code goes out.
    pub service: ServiceRef,
    /// On which way.
    pub channel: Channel,
    /// Where to.
    pub to: Address,
    /// What its owner calls it.
    pub name: Option<String>,
    /// In which language (BCP 47); none: the user's, and if that is not known, as of any other verification.
    pub locale: Option<String>,
    /// What this code does otherwise than its service says. `for_factor` is this command's to set.
    pub overrides: Overrides,
    /// Whether other enrolments of this user end that are under way on such an address.
    pub replaces_pending: bool,
}

/// A factor that waits for its first code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FactorEnrolling {
    /// Whose.
    pub user: User,
    /// Whether the user was made for it.
    pub user_is_new: bool,
    /// The factor.
    pub factor: Factor,
    /// The verification that makes it active.
    pub started: Decided,
}

impl Command for EnrolFactor {
    type Outcome = FactorEnrolling;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(
        &self,
        engine: &Engine,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(FactorEnrolling, Batch), Error> {
        let (user, made) = engine.find_or_make_user(caller, &self.user, now).await?;
        let user_is_new = !made.is_empty();
        let factor = self.factor(engine, &user, now)?;
        let proves = ForFactor { user: user.id, factor: factor.id, purpose: FactorPurpose::Enrol };
        let start = StartVerification {
            service: self.service.clone(),
            channel: self.channel,
            to: self.to.clone(),
            code: None,
            locale: self.locale.clone().or_else(|| user.language.clone()),
            metadata: BTreeMap::new(),
            payment: None,
            overrides: Overrides { for_factor: Some(proves), ..self.overrides.clone() },
        };
        let (started, sending) = start.decide(engine, caller, now).await?;

        let mut batch = made;
        if self.replaces_pending && !user_is_new {
            self.end_others(engine, &user, &mut batch, now).await?;
        }
        batch.push(Change::InsertFactor(factor.clone()));
        batch.extend(sending);
        let begun = engine.activity(caller, &user, ActivityKind::EnrolmentStarted, now);
        batch.push(Change::InsertActivity(begun.of(&started.verification)));
        Ok((FactorEnrolling { user, user_is_new, factor, started }, batch))
    }

    fn count(&self, outcome: &FactorEnrolling, metrics: &Metrics) {
        metrics.started(outcome.started.verification.channel);
    }
}

impl EnrolFactor {
    fn factor(&self, engine: &Engine, user: &User, now: Timestamp) -> Result<Factor, Error> {
        let id = FactorId::generate(now, engine.random());
        let to = engine.seal_address_of_factor(user.tenant, id, &self.to)?;
        let to_index = engine.keys().blind_index(user.tenant, &self.to);
        let kind = match &self.to {
            Address::Phone(number) => {
                FactorKind::Phone { to, to_index, phone: Some(number.traits()), channels: vec![self.channel] }
            }
            Address::Email(_) => FactorKind::Email { to, to_index },
        };
        Ok(fresh_factor((user, id), self.name.clone(), kind, now))
    }

    /// Pending factors of the same kind go, and their codes end.
    async fn end_others(&self, engine: &Engine, user: &User, batch: &mut Batch, now: Timestamp) -> Result<(), Error> {
        let is_phone = matches!(self.to, Address::Phone(_));
        let like_this = |factor: &Factor| match factor.kind {
            FactorKind::Phone { .. } => is_phone,
            FactorKind::Email { .. } => !is_phone,
            FactorKind::Totp { .. } | FactorKind::RecoveryCodes { .. } => false,
        };
        let mut pending = engine.store().factors_of(user.tenant, user.id).await?;
        pending.retain(|factor| factor.state == FactorState::Pending && like_this(factor));
        let services = engine.store().services(user.tenant).await?;
        let mut open = engine.open_codes(user, &pending, &services).await?;
        open.retain(|it| it.for_factor.is_some_and(|of| of.purpose == FactorPurpose::Enrol));
        engine.push_ends(open, batch, now);
        for factor in pending {
            batch.push(Change::DeleteFactor { tenant: factor.tenant, id: factor.id, version: factor.version });
        }
        Ok(())
    }
}

/// A factor that nobody has proved yet.
pub(super) fn fresh_factor(
    (user, id): (&User, FactorId),
    name: Option<String>,
    kind: FactorKind,
    now: Timestamp,
) -> Factor {
    Factor {
        id,
        tenant: user.tenant,
        version: 0,
        user: user.id,
        state: FactorState::Pending,
        name,
        kind,
        created_at: now,
        updated_at: now,
        confirmed_at: None,
        last_used_at: None,
    }
}
