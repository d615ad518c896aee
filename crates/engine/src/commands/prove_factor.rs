//! A code that was sent to a factor comes back. The judgement is that of any code ([`super::CheckCode`]); what it does to the
//! factor and to its user is in the same batch, so that a right code counts once, and whole.

use super::{CheckCode, Command, Target};
use crate::{Caller, Engine, Error, Thing, metrics::Metrics};
use countersign_model::{
    ActivityKind, Checked, Factor, FactorPurpose, Scope, State, Timestamp, Typed, User, UserId, Verification,
    VerificationId,
};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};

/// "This is the code that the user typed."
#[derive(Debug)]
pub struct ProveFactor {
    /// Of which verification: one that a factor of this user was sent.
    pub verification: VerificationId,
    /// Whose.
    pub user: UserId,
    /// What was typed.
    pub code: Typed,
    /// Whether a factor that becomes active takes the place of the user's others of its kind.
    pub replaces_others: bool,
}

/// What became of it. A wrong code is an answer, not an error.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FactorChecked {
    /// The judgement.
    pub checked: Checked,
    /// The verification after it.
    pub verification: Verification,
    /// The user after it.
    pub user: User,
    /// The factor after it; none if it has gone meanwhile.
    pub factor: Option<Factor>,
    /// When it was judged.
    pub at: Timestamp,
}

impl Command for ProveFactor {
    type Outcome = FactorChecked;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(FactorChecked, Batch), Error> {
        let before = engine.store().verification(caller.tenant(), self.verification).await?;
        let of = before.and_then(|before| before.for_factor).filter(|of| of.user == self.user);
        let of = of.ok_or(Error::NotFound(Thing::Verification))?;
        let check = CheckCode { target: Target::Id(self.verification), code: self.code.clone(), payment: None };
        let judged = check.judge(engine, caller, now).await?;
        let proof = engine.proof_of(caller, &judged.0.verification, judged.0.checked, self.replaces_others, now);
        let (user, factor, changes) = proof.await?.ok_or(Error::NotFound(Thing::User))?;
        debug_assert_eq!(user.id, of.user, "the verification says whose it is");
        let (outcome, mut batch) = judged;
        batch.extend(changes);
        let (checked, verification) = (outcome.checked, outcome.verification);
        Ok((FactorChecked { checked, verification, user, factor, at: now }, batch))
    }

    fn count(&self, outcome: &FactorChecked, metrics: &Metrics) {
        metrics.checked(outcome.checked);
    }
}

impl Engine {
    /// What a judged code does to the factor and the user whom it is about; none where it is about none, or the user has gone.
    pub(crate) async fn proof_of(
        &self,
        caller: &Caller,
        verification: &Verification,
        checked: Checked,
        replaces_others: bool,
        now: Timestamp,
    ) -> Result<Option<(User, Option<Factor>, Batch)>, Error> {
        let Some(of) = verification.for_factor else { return Ok(None) };
        let tenant = verification.tenant;
        let Some(mut user) = self.store().user(tenant, of.user).await? else { return Ok(None) };
        let mut factor = self.store().factor(tenant, of.factor).await?;
        let mut batch = Batch::new();
        let kind = match (checked, of.purpose) {
            (Checked::Approved, FactorPurpose::Enrol) => Some(ActivityKind::Enrolled),
            (Checked::Approved, FactorPurpose::Prove) => Some(ActivityKind::Proved),
            (Checked::Exhausted | Checked::NotPending(State::Expired), FactorPurpose::Enrol) => {
                Some(ActivityKind::EnrolmentFailed)
            }
            (Checked::Exhausted | Checked::NotPending(State::Expired), FactorPurpose::Prove) => {
                Some(ActivityKind::ProofFailed)
            }
            (Checked::Wrong { .. }, _) => Some(ActivityKind::CodeRejected),
            (Checked::PaymentMismatch | Checked::NotPending(_) | Checked::Held, _) => None,
        };
        if checked == Checked::Approved {
            // A factor that was taken away meanwhile ends its verifications: this one is still there.
            let proved = factor.ok_or(Error::NotFound(Thing::Factor))?.used(now);
            batch.push(Change::UpdateFactor(proved.clone()));
            if replaces_others && of.purpose == FactorPurpose::Enrol {
                self.push_end_of_others(&user, &proved, &mut batch, now).await?;
            }
            factor = Some(proved);
        }
        match kind {
            Some(ActivityKind::Proved) => user.last_success_at = Some(now),
            Some(ActivityKind::ProofFailed | ActivityKind::EnrolmentFailed) => user.last_failure_at = Some(now),
            _ => {}
        }
        if matches!(
            kind,
            Some(
                ActivityKind::Proved
                    | ActivityKind::ProofFailed
                    | ActivityKind::Enrolled
                    | ActivityKind::EnrolmentFailed
            )
        ) {
            user.updated_at = now;
            batch.push(Change::UpdateUser(user.clone()));
        }
        if let Some(kind) = kind {
            let done = self.activity(caller, &user, kind, now).of(verification);
            batch.push(Change::InsertActivity(done));
        }
        Ok(Some((user, factor, batch)))
    }

    /// The others of a factor's kind go, and the codes that are out for them end.
    async fn push_end_of_others(
        &self,
        user: &User,
        stays: &Factor,
        batch: &mut Batch,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut others = self.store().factors_of(user.tenant, user.id).await?;
        let same_kind = |other: &Factor| std::mem::discriminant(&other.kind) == std::mem::discriminant(&stays.kind);
        others.retain(|other| other.id != stays.id && same_kind(other));
        let services = self.store().services(user.tenant).await?;
        let mut open = self.open_codes(user, &others, &services).await?;
        open.retain(|it| it.for_factor.is_some_and(|of| of.factor != stays.id));
        self.push_ends(open, batch, now);
        for other in others {
            batch.push(Change::DeleteFactor { tenant: other.tenant, id: other.id, version: other.version });
        }
        Ok(())
    }
}
