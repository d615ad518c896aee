//! Checks a code. The attempt is spent in the same write that holds only if nobody else has written in between, so two
//! parallel right codes are accepted once, and no wrong one goes uncounted.

use super::Command;
use crate::{Caller, Engine, Error, Thing, metrics::Metrics};
use countersign_model::{
    Address, Checked, Event, EventKind, Payment, Proof, Scope, State, Timestamp, Typed, Verification, VerificationId,
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
        let before = engine.target(caller, &self.target).await?;
        let proof = self.compare(engine, &before, now)?;
        let state = before.state_at(now);
        if state != State::Pending {
            let checked = Checked::NotPending(state);
            return Ok((CodeChecked { checked, verification: before, at: now }, Batch::new()));
        }
        let (tenant, service, index) = (before.tenant, before.service, before.to_index);
        let mut destination = engine.store().destination(tenant, service, index).await?;
        destination.may_check(now).map_err(Error::Limited)?;

        let (verification, checked) = before.check(proof, now);
        let count_changed = match checked {
            Checked::Wrong { .. } | Checked::Exhausted => {
                destination.count_failed_check(&verification.policy.limits, now);
                true
            }
            Checked::Approved => destination.clear_failed_checks(),
            Checked::PaymentMismatch | Checked::NotPending(_) | Checked::Held => false,
        };
        if checked == Checked::Held {
            return Ok((CodeChecked { checked, verification, at: now }, Batch::new()));
        }
        let mut batch = Batch::new().with(Change::UpdateVerification(verification.clone()));
        if count_changed {
            batch.push(Change::PutDestination { tenant, service, index, destination });
        }
        if checked == Checked::Approved {
            push_success(&mut batch, &verification, now);
        }
        if let Some(kind) = event_of(checked) {
            let event = Event::new((verification.tenant, verification.id), kind, now, engine.random());
            batch.push(Change::InsertEvent(event));
        }
        Ok((CodeChecked { checked, verification, at: now }, batch))
    }

    fn count(&self, outcome: &CodeChecked, metrics: &Metrics) {
        metrics.checked(outcome.checked);
    }
}

impl CheckCode {
    /// Compares with every code that lives. Done before the state is looked at, so that its time tells nothing of the state.
    fn compare(&self, engine: &Engine, verification: &Verification, now: Timestamp) -> Result<Proof, Error> {
        let payment_matches = match (engine.payment_of(verification)?, &self.payment) {
            (None, None) => true,
            (Some(bound), Some(given)) => bound.is_same(given),
            (Some(_), None) => return Err(Error::PaymentMissing),
            (None, Some(_)) => return Err(Error::PaymentUnexpected),
        };
        let typed = self.code.as_code(verification.policy.code);
        let mut matches = None;
        for live in verification.live_codes(now) {
            if engine.keys().code_matches(verification, live.generation, &typed)? {
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
