//! What a tenant may spend, and what is taken from it for a message.

use crate::{Caller, Engine, Error, Thing};
use countersign_model::{Account, Channel, Scope, TenantId};
use countersign_store::{Batch, Change};

impl Engine {
    /// The caller's main account, or the one of that name beside it.
    ///
    /// # Errors
    /// When there is none of that name, or the caller may not see it.
    pub async fn account(&self, caller: &Caller, name: Option<&str>) -> Result<Account, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        let found = self.read_account(caller.tenant(), name.unwrap_or_default()).await?;
        match (found, name) {
            (Some(account), _) => Ok(account),
            (None, None) => Ok(Account::empty(caller.tenant(), "")),
            (None, Some(_)) => Err(Error::NotFound(Thing::Account)),
        }
    }

    pub(crate) async fn read_account(&self, tenant: TenantId, name: &str) -> Result<Option<Account>, Error> {
        Ok(self.store().account(tenant, name).await?)
    }

    /// Adds to a batch what pays for its message. Nothing where messages are free, and mail always is; where they are not, all
    /// messages of a tenant write one row, one after the other.
    ///
    /// # Errors
    /// When there is not enough.
    pub(crate) async fn pay_for_message(
        &self,
        tenant: TenantId,
        channel: Channel,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        if channel == Channel::Email {
            return Ok(());
        }
        let Some(mut account) = self.read_account(tenant, "").await? else { return Ok(()) };
        if account.spend()? {
            batch.push(Change::PutAccount(account));
        }
        Ok(())
    }
}
