//! GET `/rest/account/balance`: what there is to spend. A text, since clients cast it to one; with two decimals, and more only where
//! there is more to tell.

use super::{
    call::Call,
    reply::{Node, Reply},
};
use axum::{http::StatusCode, response::Response};
use countersign_model::account::amount_text;

pub(super) async fn balance(call: Call) -> Response {
    let account = call.web.engine().account(&call.caller, None).await.map_err(|error| call.refused(&error));
    call.answer(account.map(|account| {
        let data = Node::Object(vec![("balance", short(&amount_text(account.balance_e4)).into())]);
        Reply { status: StatusCode::OK, data }
    }))
}

fn short(amount: &str) -> &str {
    let whole = amount.strip_suffix("00").unwrap_or(amount);
    if whole.len() == amount.len() { amount.strip_suffix('0').unwrap_or(amount) } else { whole }
}

/// An amount as this API's numbers have it.
#[expect(clippy::cast_precision_loss, reason = "a price has far less than 53 bits")]
pub(super) fn units(amount_e4: i64) -> f64 {
    amount_e4 as f64 / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_has_two_decimals_or_as_many_as_it_needs() {
        for (amount_e4, text) in [(3_005_000, "300.50"), (0, "0.00"), (1, "0.0001"), (120, "0.012"), (10_000, "1.00")] {
            assert_eq!(short(&amount_text(amount_e4)), text);
        }
    }
}
