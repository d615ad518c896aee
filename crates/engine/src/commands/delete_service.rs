//! Removes a service. Verifications that were started under it live on by their frozen policy.

use super::{Command, DEFAULT_SERVICE};
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{Scope, Timestamp};
use countersign_store::{Batch, Change};

/// "Nobody starts anything under this name any more."
#[derive(Debug)]
pub struct DeleteService {
    /// Its name.
    pub name: String,
}

impl Command for DeleteService {
    type Outcome = ();
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, _: Timestamp) -> Result<((), Batch), Error> {
        if self.name == DEFAULT_SERVICE {
            return Err(Error::DefaultService);
        }
        let found = engine.store().service_named(caller.tenant(), &self.name).await?;
        let service = found.ok_or(Error::NotFound(Thing::Service))?;
        let change = Change::DeleteService { tenant: service.tenant, id: service.id, version: service.version };
        Ok(((), Batch::new().with(change)))
    }
}
