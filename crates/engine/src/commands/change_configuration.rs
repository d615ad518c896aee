//! Changes a configuration. Verifications that are on their way keep the rules they started with.

use super::Command;
use crate::{Caller, Engine, Error};
use countersign_model::{Configuration, ConfigurationChange, Scope, ServiceId, Timestamp};
use countersign_store::{Batch, Change};
use std::time::Duration;

/// "These rules from now on."
#[derive(Debug)]
pub struct ChangeConfiguration {
    /// Which one.
    pub id: ServiceId,
    /// What changes.
    pub change: ConfigurationChange,
}

impl Command for ChangeConfiguration {
    type Outcome = Configuration;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(Configuration, Batch), Error> {
        let before = engine.read_configuration(caller.tenant(), self.id).await?;
        let rules = before.rules.changed(&self.change)?;
        if rules == before.rules {
            return Err(Error::Unchanged);
        }
        engine.name_must_be_free(caller, &rules.name, Some(before.id)).await?;
        // Whoever compares the two dates sees that it changed, even within a millisecond.
        let updated_at = now.max(before.updated_at.plus(Duration::from_millis(1)));
        let configuration = Configuration { rules, updated_at, ..before };
        Ok((configuration.clone(), Batch::new().with(Change::PutConfiguration(configuration))))
    }
}
