//! Takes a user away, with its factors. The codes that were out for it end.

use super::Command;
use crate::{Caller, Engine, Error, UserRef};
use countersign_model::{ActivityKind, Scope, Timestamp, UserId};
use countersign_store::{Batch, Change};

/// "Forget this user."
#[derive(Debug)]
pub struct DeleteUser {
    /// Which.
    pub user: UserId,
}

impl Command for DeleteUser {
    type Outcome = ();
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<((), Batch), Error> {
        let user = engine.must_find_user(caller.tenant(), &UserRef::Id(self.user)).await?;
        let factors = engine.store().factors_of(user.tenant, user.id).await?;
        let services = engine.store().services(user.tenant).await?;
        let mut batch = Batch::new();
        engine.push_ends(engine.open_codes(&user, &factors, &services).await?, &mut batch, now);
        batch.push(Change::InsertActivity(engine.activity(caller, &user, ActivityKind::UserDeleted, now)));
        batch.push(Change::DeleteUser { tenant: user.tenant, id: user.id, version: user.version });
        Ok(((), batch))
    }
}
