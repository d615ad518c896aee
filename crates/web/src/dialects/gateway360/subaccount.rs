//! `subaccount/get-balance` and `subaccount/add-balance`: money set aside for a user. It is moved from the main account, and a
//! sub-account is made by its first money.

use super::{
    error::Refused,
    get_balance::Balance,
    ok_with,
    params::{Call, text},
};
use crate::Web;
use axum::{extract::State, response::Response};
use countersign_engine::commands::TransferBalance;
use countersign_model::account::{is_account_name, parse_amount};
use serde_json::Value;

pub(super) async fn get_balance(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let name = text("user_name", call.params.required("user_name")?)?;
    let account = web.engine().account(&call.caller, Some(&name)).await;
    account.map(|account| ok_with(Balance::from(account))).map_err(|error| Refused::of(&error))
}

pub(super) async fn add_balance(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let (name, amount) = (call.params.required("user_name")?, call.params.required("amount")?);
    let to = text("user_name", name)?;
    if !is_account_name(&to) {
        return Err(Refused::bad("user_name", "have 1 to 64 characters"));
    }
    let amount_e4 = amount_e4(amount).ok_or_else(|| Refused::of(&countersign_engine::Error::BadAmount))?;
    let account = web.engine().run(&call.caller, None, &TransferBalance { to, amount_e4 }).await;
    account.map(|account| ok_with(Balance::from(account))).map_err(|error| Refused::of(&error))
}

/// A number, or a text that looks like one.
fn amount_e4(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => parse_amount(text.trim()),
        Value::Number(number) => parse_amount(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
