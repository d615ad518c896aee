//! Ends an API key. The next request with it is refused.

use super::Command;
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{KeyId, Scope, Timestamp};
use countersign_store::{Batch, Change};

/// "This key works no more."
#[derive(Debug)]
pub struct RevokeKey {
    /// Which one.
    pub id: KeyId,
}

impl Command for RevokeKey {
    type Outcome = ();
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<((), Batch), Error> {
        let keys = engine.store().api_keys(caller.tenant()).await?;
        let key = keys.iter().find(|key| key.id == self.id).ok_or(Error::NotFound(Thing::Key))?;
        let mut batch = Batch::new();
        if key.revoked_at.is_none() {
            batch.push(Change::RevokeApiKey { tenant: key.tenant, id: key.id, at: now });
        }
        Ok(((), batch))
    }
}
