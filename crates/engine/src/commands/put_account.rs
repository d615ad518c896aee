//! Sets what a tenant may spend and what a message costs it. For the operator: a tenant's own keys never make money.

use super::Command;
use crate::{Caller, Engine, Error};
use countersign_model::{Account, Scope, Timestamp, account::is_currency};
use countersign_store::{Batch, Change};

/// "From now on this is its main account." What is left out stays as it is.
#[derive(Debug, Default)]
pub struct PutAccount {
    /// What there is, in ten-thousandths.
    pub balance_e4: Option<i64>,
    /// What a message costs, in ten-thousandths; 0: nothing.
    pub price_e4: Option<i64>,
    /// ISO 4217 code.
    pub currency: Option<String>,
}

impl Command for PutAccount {
    type Outcome = Account;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, _: Timestamp) -> Result<(Account, Batch), Error> {
        let before = engine.read_account(caller.tenant(), "").await?;
        let mut account = before.unwrap_or_else(|| Account::empty(caller.tenant(), ""));
        account.balance_e4 = self.balance_e4.unwrap_or(account.balance_e4);
        account.price_e4 = self.price_e4.unwrap_or(account.price_e4);
        if let Some(currency) = &self.currency {
            account.currency.clone_from(currency);
        }
        if account.balance_e4 < 0 || account.price_e4 < 0 || !is_currency(&account.currency) {
            return Err(Error::BadAmount);
        }
        Ok((account.clone(), Batch::new().with(Change::PutAccount(account))))
    }
}
