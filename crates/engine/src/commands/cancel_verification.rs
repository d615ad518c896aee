//! Ends a verification. Its messages that have not left are dropped by the delivery job, which asks before it sends.

use super::{Command, Decided, Target};
use crate::{Caller, Engine, Error};
use countersign_model::{Event, EventKind, Scope, Timestamp};
use countersign_store::{Batch, Change};

/// "Never mind."
#[derive(Debug)]
pub struct CancelVerification {
    /// Which one.
    pub target: Target,
}

impl Command for CancelVerification {
    type Outcome = Decided;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(Decided, Batch), Error> {
        let verification = engine.target(caller, &self.target).await?.cancel(now)?;
        let of = (verification.tenant, verification.id);
        let batch = Batch::new()
            .with(Change::UpdateVerification(verification.clone()))
            .with(Change::InsertEvent(Event::new(of, EventKind::Cancelled, now, engine.random())));
        Ok((Decided { verification, at: now }, batch))
    }
}
