//! Takes a factor away. The codes that were out for it end.

use super::Command;
use crate::{Caller, Engine, Error, Thing, UserRef};
use countersign_model::{ActivityKind, FactorId, Means, Scope, Timestamp, User};
use countersign_store::{Batch, Change};

/// "This one is gone."
#[derive(Debug)]
pub struct DeleteFactor {
    /// Which.
    pub factor: FactorId,
}

impl Command for DeleteFactor {
    type Outcome = ();
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<((), Batch), Error> {
        let found = engine.store().factor(caller.tenant(), self.factor).await?;
        let factor = found.ok_or(Error::NotFound(Thing::Factor))?;
        let user = engine.must_find_user(caller.tenant(), &UserRef::Id(factor.user)).await?;
        let services = engine.store().services(user.tenant).await?;
        let mut open = engine.open_codes(&user, std::slice::from_ref(&factor), &services).await?;
        open.retain(|it| it.for_factor.is_some_and(|of| of.factor == factor.id));
        let mut batch = Batch::new();
        engine.push_ends(open, &mut batch, now);
        let gone = engine.activity(caller, &user, ActivityKind::FactorDeleted, now).by(Means::from(&factor.kind));
        batch.push(Change::InsertActivity(gone));
        batch.push(Change::DeleteFactor { tenant: factor.tenant, id: factor.id, version: factor.version });
        batch.push(Change::UpdateUser(User { updated_at: now, ..user }));
        Ok(((), batch))
    }
}
