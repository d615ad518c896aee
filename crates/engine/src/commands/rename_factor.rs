//! Gives a factor the name that its owner knows it by.

use super::Command;
use crate::{Caller, Engine, Error, Thing, UserRef};
use countersign_model::{ActivityKind, Factor, FactorId, Means, Scope, Timestamp};
use countersign_store::{Batch, Change};

/// "This one is called …"
#[derive(Debug)]
pub struct RenameFactor {
    /// Which.
    pub factor: FactorId,
    /// What it is called from now on.
    pub name: String,
}

impl Command for RenameFactor {
    type Outcome = Factor;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(Factor, Batch), Error> {
        let found = engine.store().factor(caller.tenant(), self.factor).await?;
        let before = found.ok_or(Error::NotFound(Thing::Factor))?;
        let user = engine.must_find_user(caller.tenant(), &UserRef::Id(before.user)).await?;
        let factor = Factor { name: Some(self.name.clone()), updated_at: now, ..before };
        let renamed = engine.activity(caller, &user, ActivityKind::FactorRenamed, now).by(Means::from(&factor.kind));
        let batch = Batch::new().with(Change::UpdateFactor(factor.clone())).with(Change::InsertActivity(renamed));
        Ok((factor, batch))
    }
}
