//! Services that callers have made for themselves.

use super::{Page, Slice};
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{Configuration, Scope, ServiceId, TenantId};

impl Engine {
    /// The caller's configuration of an id.
    ///
    /// # Errors
    /// When there is none, or the caller may not see it.
    pub async fn configuration(&self, caller: &Caller, id: ServiceId) -> Result<Configuration, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        self.read_configuration(caller.tenant(), id).await
    }

    /// A part of the caller's configurations, the newest first.
    ///
    /// # Errors
    /// When the caller may not see them.
    pub async fn configurations(&self, caller: &Caller, slice: Slice) -> Result<Page<Configuration>, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        Ok(self.store().configurations(caller.tenant(), slice).await?)
    }

    pub(crate) async fn read_configuration(&self, tenant: TenantId, id: ServiceId) -> Result<Configuration, Error> {
        self.store().configuration(tenant, id).await?.ok_or(Error::NotFound(Thing::Configuration))
    }
}
