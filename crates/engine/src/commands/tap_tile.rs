//! Takes a tap on a picture of a grid. What was tapped is written down at once; the last tap judges all screens, and spends the
//! attempt in the same write, which holds only if nobody else has written in between.

use super::Command;
use crate::{Caller, Engine, Error, Thing, metrics::Metrics};
use countersign_model::{Scope, Tapped, Timestamp, VerificationId};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};

/// "The person tapped this one."
#[derive(Debug)]
pub struct TapTile {
    /// Of which verification's grid.
    pub verification: VerificationId,
    /// What the picture sent.
    pub value: String,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct TileTapped {
    /// The judgement.
    pub tapped: Tapped,
}

impl Command for TapTile {
    type Outcome = TileTapped;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(TileTapped, Batch), Error> {
        let found = engine.store().verification(caller.tenant(), self.verification).await?;
        let before = found.ok_or(Error::NotFound(Thing::Verification))?;
        let screens = engine.screens_of(&before)?;
        let (verification, tapped) = before.clone().tap(&self.value, &screens, now);
        let batch = match tapped {
            Tapped::Stale | Tapped::NotPending(_) => Batch::new(),
            Tapped::Next => Batch::new().with(Change::UpdateVerification(verification)),
            Tapped::Judged(checked) => {
                let remembered = engine.remembered_to_check(&before, now).await?;
                engine.judged(caller, &verification, checked, remembered, now).await?
            }
        };
        Ok((TileTapped { tapped }, batch))
    }

    fn count(&self, outcome: &TileTapped, metrics: &Metrics) {
        if let Tapped::Judged(checked) = outcome.tapped {
            metrics.checked(checked);
        }
    }
}

impl Engine {
    /// A tap by whoever has the link with this token; none if there is no such link.
    ///
    /// # Errors
    /// When the destination is held after too many failures, or the store cannot be asked.
    pub async fn tap(&self, token: &str, value: &str) -> Result<Option<TileTapped>, Error> {
        let Some(found) = self.store().verification_of_link(self.keys().link_index(token)).await? else {
            return Ok(None);
        };
        let tap = TapTile { verification: found.id, value: value.to_owned() };
        self.run(&Caller::of_link(found.tenant), None, &tap).await.map(Some)
    }
}
