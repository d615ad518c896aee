//! Checks a code. The attempt is spent in the same write that holds only if nobody else has written in between, so two
//! parallel right codes are accepted once, and no wrong one goes uncounted.

use super::Command;
use crate::{Caller, Engine, Error, Thing, metrics::Metrics, remembered::Remembered};
use countersign_model::{
    ActivityKind, Address, Checked, Event, EventKind, Payment, Proof, Scope, State, Timestamp, Typed, Verification,
    VerificationId, verification::NotPossible,
};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};

/// "This is the code that the person typed."
#[derive(Debug)]
pub struct CheckCode {
    /// Of which verification.
    pub target: Target,
    /// What was typed.
    pub code: Typed,
    /// What the person approves, if it is bound to a payment.
    pub payment: Option<Payment>,
}

/// Which verification is meant.
#[derive(Clone, Debug)]
pub enum Target {
    /// This one.
    Id(VerificationId),
    /// The latest one of an address in a service: for dialects whose callers hold no id.
    Latest {
        /// The service's name.
        service: &'static str,
        /// The address.
        to: Address,
    },
}

/// What became of a check. A wrong code is an answer, not an error.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CodeChecked {
    /// The judgement.
    pub checked: Checked,
    /// The verification after it.
    pub verification: Verification,
    /// When it was judged.
    pub at: Timestamp,
}

impl Command for CheckCode {
    type Outcome = CodeChecked;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(CodeChecked, Batch), Error> {
        let (outcome, mut batch) = self.judge(engine, caller, now).await?;
        let proof = engine.proof_of(caller, &outcome.verification, outcome.checked, false, now);
        if let Some((_, _, changes)) = proof.await? {
            batch.extend(changes);
        }
        Ok((outcome, batch))
    }

    fn count(&self, outcome: &CodeChecked, metrics: &Metrics) {
        metrics.checked(outcome.checked);
    }
}

impl CheckCode {
    /// The judgement, and what it does to the verification; what it does to a factor comes on top.
    pub(super) async fn judge(
        &self,
        engine: &Engine,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(CodeChecked, Batch), Error> {
        let before = engine.target(caller, &self.target).await?;
        if before.grid.is_some() {
            return Err(NotPossible::NoCode.into());
        }
        let proof = self.compare(engine, &before, now)?;
        let state = before.state_at(now);
        if state != State::Pending {
            let checked = Checked::NotPending(state);
            return Ok((CodeChecked { checked, verification: before, at: now }, Batch::new()));
        }
        let remembered = engine.remembered_to_check(&before, now).await?;
        let (verification, checked) = before.check(proof, now);
        let batch = engine.judged(caller, &verification, checked, remembered, now).await?;
        Ok((CodeChecked { checked, verification, at: now }, batch))
    }

    /// Compares with every code that lives. Done before the state is looked at, so that its time tells nothing of the state.
    fn compare(&self, engine: &Engine, verification: &Verification, now: Timestamp) -> Result<Proof, Error> {
        let payment_matches = match (engine.payment_of(verification)?, &self.payment) {
            (None, None) => true,
            (Some(bound), Some(given)) => bound.is_same(given),
            (Some(_), None) => return Err(Error::PaymentMissing),
            (None, Some(_)) => return Err(Error::PaymentUnexpected),
        };
        let mut matches = None;
        for live in verification.live_codes(now) {
            if engine.keys().code_matches(verification, live.generation, &self.code)? {
                matches = Some(live.generation);
            }
        }
        Ok(Proof { matches, payment_matches })
    }
}

fn event_of(checked: Checked) -> Option<EventKind> {
    match checked {
        Checked::Approved => Some(EventKind::Approved),
        Checked::Wrong { left } => Some(EventKind::CodeRejected { attempts_left: left }),
        Checked::Exhausted => Some(EventKind::Exhausted),
        Checked::PaymentMismatch => checked.denial().map(|reason| EventKind::Denied { reason }),
        Checked::NotPending(_) | Checked::Held => None,
    }
}

/// Its latest message is the one that led to it.
pub(super) fn push_success(batch: &mut Batch, approved: &Verification, now: Timestamp) {
    if let Some(id) = approved.trial {
        batch.push(Change::TrialSucceeded { tenant: approved.tenant, id, at: now });
    }
}

impl Engine {
    /// What is remembered of the address and of the person, if a proof may be judged now.
    pub(super) async fn remembered_to_check(&self, of: &Verification, now: Timestamp) -> Result<Remembered, Error> {
        let person = of.for_factor.map(|of| of.user);
        let remembered = Remembered::read(self, (of.tenant, of.service), Some(of.to_index), person).await?;
        remembered.may_check(now).map_err(Error::Limited)?;
        Ok(remembered)
    }

    /// What is to be written after a proof was judged: the value, what address and person have tried, and the event.
    pub(super) async fn judged(
        &self,
        caller: &Caller,
        verification: &Verification,
        checked: Checked,
        mut remembered: Remembered,
        now: Timestamp,
    ) -> Result<Batch, Error> {
        match checked {
            Checked::Wrong { .. } | Checked::Exhausted => {
                remembered.count_failed_check(&verification.policy.limits, now);
            }
            Checked::Approved => remembered.clear_failed_checks(),
            // Nothing was spent, and nothing is to be written.
            Checked::Held => return Ok(Batch::new()),
            Checked::PaymentMismatch | Checked::NotPending(_) => {}
        }
        let mut batch = Batch::new().with(Change::UpdateVerification(verification.clone()));
        if remembered.person_is_blocked
            && let Some(user) = verification.for_factor.map(|of| of.user)
            && let Some(user) = self.store().user(verification.tenant, user).await?
        {
            batch.push(Change::InsertActivity(self.activity(caller, &user, ActivityKind::UserBlocked, now)));
        }
        batch.extend(remembered.changes());
        if checked == Checked::Approved {
            push_success(&mut batch, verification, now);
        }
        if let Some(kind) = event_of(checked) {
            let event = Event::new((verification.tenant, verification.id), kind, now, self.random());
            batch.push(Change::InsertEvent(event));
        }
        Ok(batch)
    }

    pub(crate) async fn target(&self, caller: &Caller, target: &Target) -> Result<Verification, Error> {
        let found = match target {
            Target::Id(id) => self.store().verification(caller.tenant(), *id).await?,
            Target::Latest { service, to } => {
                let index = self.keys().blind_index(caller.tenant(), to);
                match self.store().service_named(caller.tenant(), service).await? {
                    Some(service) => self.store().latest_verification(caller.tenant(), service.id, index).await?,
                    None => None,
                }
            }
        };
        found.ok_or(Error::NotFound(Thing::Verification))
    }
}
