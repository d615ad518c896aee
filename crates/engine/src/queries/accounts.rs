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

    /// How many texts of one request are sent side by side: enough to share disk syncs. Where they cost something it is one, since
    /// the money goes to those who are named first.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn texts_at_once(&self, caller: &Caller) -> Result<usize, Error> {
        let account = self.read_account(caller.tenant(), "").await?;
        let pays = !caller.is_test() && account.is_some_and(|account| account.price_e4 > 0);
        Ok(if pays { 1 } else { 16 })
    }

    pub(crate) async fn read_account(&self, tenant: TenantId, name: &str) -> Result<Option<Account>, Error> {
        Ok(self.store().account(tenant, name).await?)
    }

    /// Adds to a batch what pays for its message, and says how much that is. Nothing where messages are free, and mail and messages
    /// of test keys always are; where they are not, all messages of a tenant write one row, one after the other.
    ///
    /// # Errors
    /// When there is not enough.
    pub(crate) async fn pay_for_message(
        &self,
        caller: &Caller,
        channel: Channel,
        batch: &mut Batch,
    ) -> Result<Price, Error> {
        let found = self.read_account(caller.tenant(), "").await?;
        let mut account = found.unwrap_or_else(|| Account::empty(caller.tenant(), ""));
        let mut price = Price { amount_e4: 0, currency: account.currency.clone() };
        if channel != Channel::Email && !caller.is_test() && account.spend()? {
            price.amount_e4 = account.price_e4;
            batch.push(Change::PutAccount(account));
        }
        Ok(price)
    }
}

/// What a message cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Price {
    /// In ten-thousandths.
    pub amount_e4: i64,
    /// ISO 4217 code.
    pub currency: String,
}
