//! Makes a configuration, with the usual rules where the caller chooses none.

use super::Command;
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{Configuration, ConfigurationChange, ConfigurationRules, Scope, ServiceId, Timestamp};
use countersign_store::{Batch, Change};

/// "A service with these rules."
#[derive(Debug)]
pub struct CreateConfiguration {
    /// What differs from the usual rules; the name must.
    pub rules: ConfigurationChange,
}

impl Command for CreateConfiguration {
    type Outcome = Configuration;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(Configuration, Batch), Error> {
        let rules = ConfigurationRules::default().changed(&self.rules)?;
        engine.name_must_be_free(caller, &rules.name, None).await?;
        let configuration = Configuration {
            id: ServiceId::generate(now, engine.random()),
            tenant: caller.tenant(),
            version: 0,
            rules,
            created_at: now,
            updated_at: now,
        };
        Ok((configuration.clone(), Batch::new().with(Change::PutConfiguration(configuration))))
    }
}

impl Engine {
    /// Refuses a name that another configuration than this one has.
    pub(super) async fn name_must_be_free(
        &self,
        caller: &Caller,
        name: &str,
        own: Option<ServiceId>,
    ) -> Result<(), Error> {
        match self.store().configuration_named(caller.tenant(), name).await? {
            Some(other) if Some(other.id) != own => Err(Error::NameTaken(Thing::Configuration)),
            Some(_) | None => Ok(()),
        }
    }
}
