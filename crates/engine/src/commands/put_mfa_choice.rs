//! Writes down what a tenant has chosen about second factors.

use super::Command;
use crate::{Caller, Engine, Error};
use countersign_model::{MfaChoice, Scope, TenantId, Timestamp};
use countersign_store::{Batch, Change};

/// "This is how we want it." If somebody else has chosen meanwhile, that counts, and the caller may look again.
#[derive(Debug)]
pub struct PutMfaChoice {
    /// The choice, as it was read and then changed.
    pub choice: MfaChoice,
}

impl Command for PutMfaChoice {
    type Outcome = ();
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, _: Timestamp) -> Result<((), Batch), Error> {
        let before = engine.mfa_choice(caller.tenant()).await?;
        if self.choice.tenant != caller.tenant() || self.choice.version != before.version {
            return Err(Error::Busy);
        }
        Ok(((), Batch::new().with(Change::PutMfaChoice(self.choice.clone()))))
    }
}

impl Engine {
    /// What a tenant has chosen about second factors.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn mfa_choice(&self, tenant: TenantId) -> Result<MfaChoice, Error> {
        Ok(self.store().mfa_choice(tenant).await?.unwrap_or_else(|| MfaChoice::of(tenant)))
    }
}
