//! `account/get-balance`: what there is to spend; with a `user_name`, in that sub-account. The balance is a text with four
//! decimals.

use super::{
    error::Refused,
    ok_with,
    params::{Call, text},
};
use crate::Web;
use axum::{extract::State, response::Response};
use countersign_model::{Account, account::amount_text};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Balance {
    balance: String,
    currency: String,
}

impl From<Account> for Balance {
    fn from(account: Account) -> Self {
        Self { balance: amount_text(account.balance_e4), currency: account.currency }
    }
}

pub(super) async fn get_balance(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let name = call.params.get("user_name").map(|value| text("user_name", value)).transpose()?;
    let account = web.engine().account(&call.caller, name.as_deref().filter(|name| !name.is_empty())).await;
    account.map(|account| ok_with(Balance::from(account))).map_err(|error| Refused::of(&error))
}
