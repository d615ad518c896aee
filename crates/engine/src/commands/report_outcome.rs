//! Takes the caller's word for how a verification ended: approved or denied by other means.

use super::{Command, Decided, Target, check_code::push_success};
use crate::{Caller, Engine, Error};
use countersign_model::{Event, EventKind, Scope, Timestamp, event::DenialReason, verification::Report};
use countersign_store::{Batch, Change};

/// "This was decided elsewhere."
#[derive(Debug)]
pub struct ReportOutcome {
    /// Which one.
    pub target: Target,
    /// How it ended.
    pub report: Report,
}

impl Command for ReportOutcome {
    type Outcome = Decided;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(Decided, Batch), Error> {
        let verification = engine.target(caller, &self.target).await?.report(self.report, now)?;
        let kind = match self.report {
            Report::Approved => EventKind::Approved,
            Report::Denied => EventKind::Denied { reason: DenialReason::Reported },
        };
        let of = (verification.tenant, verification.id);
        let mut batch = Batch::new().with(Change::UpdateVerification(verification.clone()));
        if self.report == Report::Approved {
            push_success(&mut batch, &verification, now);
        }
        let batch = batch.with(Change::InsertEvent(Event::new(of, kind, now, engine.random())));
        Ok((Decided { verification, at: now }, batch))
    }
}
