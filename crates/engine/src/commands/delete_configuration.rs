//! Removes a configuration. What ran under it stays in the reports, and cannot be reached any more.

use super::Command;
use crate::{Caller, Engine, Error};
use countersign_model::{Scope, ServiceId, Timestamp};
use countersign_store::{Batch, Change};

/// "Nobody starts anything under this any more."
#[derive(Debug)]
pub struct DeleteConfiguration {
    /// Which one.
    pub id: ServiceId,
}

impl Command for DeleteConfiguration {
    type Outcome = ();
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, _: Timestamp) -> Result<((), Batch), Error> {
        let found = engine.read_configuration(caller.tenant(), self.id).await?;
        let change = Change::DeleteConfiguration { tenant: found.tenant, id: found.id, version: found.version };
        Ok(((), Batch::new().with(change)))
    }
}
