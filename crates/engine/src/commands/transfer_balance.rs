//! Moves money from a tenant's main account to one beside it, which is made on its first money.

use super::Command;
use crate::{Caller, Engine, Error};
use countersign_model::{
    Account, Scope, Timestamp,
    account::{CannotPay, is_account_name},
};
use countersign_store::{Batch, Change};

/// "Give this user some of it."
#[derive(Debug)]
pub struct TransferBalance {
    /// The account beside the main one.
    pub to: String,
    /// How much, in ten-thousandths.
    pub amount_e4: i64,
}

impl Command for TransferBalance {
    type Outcome = Account;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, _: Timestamp) -> Result<(Account, Batch), Error> {
        if !is_account_name(&self.to) {
            return Err(Error::BadAmount);
        }
        let tenant = caller.tenant();
        let main = engine.read_account(tenant, "").await?;
        let mut main = main.unwrap_or_else(|| Account::empty(tenant, ""));
        let to = engine.read_account(tenant, &self.to).await?;
        let mut to =
            to.unwrap_or_else(|| Account { currency: main.currency.clone(), ..Account::empty(tenant, &self.to) });
        main.transfer(&mut to, self.amount_e4).map_err(Error::from)?;
        let batch = Batch::new().with(Change::PutAccount(main)).with(Change::PutAccount(to.clone()));
        Ok((to, batch))
    }
}

impl From<CannotPay> for Error {
    fn from(why: CannotPay) -> Self {
        match why {
            CannotPay::NotEnough => Self::NotEnoughBalance,
            CannotPay::OtherCurrency | CannotPay::Amount => Self::BadAmount,
        }
    }
}
