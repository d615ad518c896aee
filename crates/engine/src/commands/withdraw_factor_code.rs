//! Takes back a code that could not be sent: it is as if it had never been asked for. What was counted stays counted.

use super::Command;
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{ActivityKind, FactorPurpose, FactorState, Scope, Timestamp, VerificationId};
use countersign_store::{Batch, Change};

/// "Nobody got this code."
#[derive(Debug)]
pub struct WithdrawFactorCode {
    /// Of which verification: one that a factor was sent.
    pub verification: VerificationId,
    /// Whether its user was made for it, and goes too if nothing else has happened to it since.
    pub with_user: bool,
    /// Whether recovery codes were made with it. Nobody has seen them then, so they go, too, as long as they wait.
    pub with_recovery_codes: bool,
}

impl Command for WithdrawFactorCode {
    type Outcome = ();
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<((), Batch), Error> {
        let tenant = caller.tenant();
        let gone = Error::NotFound(Thing::Verification);
        let verification = engine.store().verification(tenant, self.verification).await?.ok_or(gone)?;
        let of = verification.for_factor.ok_or(Error::NotFound(Thing::Verification))?;
        let mut batch = Batch::new();
        engine.push_ends(vec![verification.clone()], &mut batch, now);
        let Some(user) = engine.store().user(tenant, of.user).await? else { return Ok(((), batch)) };
        let not_sent = engine.activity(caller, &user, ActivityKind::CodeNotSent, now).of(&verification);
        batch.push(Change::InsertActivity(not_sent));
        let factors = engine.store().factors_of(tenant, user.id).await?;
        let pending = factors.iter().find(|it| it.id == of.factor && it.state == FactorState::Pending);
        if let Some(factor) = pending.filter(|_| of.purpose == FactorPurpose::Enrol) {
            batch.push(Change::DeleteFactor { tenant, id: factor.id, version: factor.version });
            let unseen = factors.iter().find(|it| !it.is_primary() && it.state == FactorState::Pending);
            if let Some(codes) = unseen.filter(|_| self.with_recovery_codes) {
                batch.push(Change::DeleteFactor { tenant, id: codes.id, version: codes.version });
            }
            if self.with_user && user.version == 1 && factors.len() == 1 {
                batch.push(Change::InsertActivity(engine.activity(caller, &user, ActivityKind::UserDeleted, now)));
                batch.push(Change::DeleteUser { tenant, id: user.id, version: user.version });
            }
        }
        Ok(((), batch))
    }
}
