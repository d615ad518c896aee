//! Makes a tenant, with its `default` service under the profile `standard`.

use super::{Command, DEFAULT_SERVICE, start_verification::fresh_service};
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{Profile, Scope, Tenant, TenantId, Timestamp, tenant::is_name};
use countersign_store::{Batch, Change};

/// "A new customer."
#[derive(Debug)]
pub struct CreateTenant {
    /// Its name.
    pub name: String,
}

impl Command for CreateTenant {
    type Outcome = Tenant;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, _: &Caller, now: Timestamp) -> Result<(Tenant, Batch), Error> {
        if !is_name(&self.name) {
            return Err(Error::BadName);
        }
        if engine.store().tenant_named(&self.name).await?.is_some() {
            return Err(Error::NameTaken(Thing::Tenant));
        }
        let tenant = Tenant { id: TenantId::generate(now, engine.random()), name: self.name.clone(), created_at: now };
        let service = fresh_service(engine, tenant.id, DEFAULT_SERVICE, Profile::Standard, now);
        let batch = Batch::new().with(Change::InsertTenant(tenant.clone())).with(Change::PutService(service));
        Ok((tenant, batch))
    }
}
