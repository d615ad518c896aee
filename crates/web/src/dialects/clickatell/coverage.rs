//! GET `/rest/coverage/{msisdn}`: can a message reach this number, and what does it cost?

use super::{
    balance::units,
    call::Call,
    error::{self, Refused},
    params::destination,
    reply::{Node, Reply},
};
use axum::{extract::Path, http::StatusCode, response::Response};

pub(super) async fn coverage(call: Call, Path(msisdn): Path<String>) -> Response {
    let looked_up = look_up(&call, msisdn.trim()).await;
    call.answer(looked_up.map(|data| Reply { status: StatusCode::OK, data }))
}

async fn look_up(call: &Call, msisdn: &str) -> Result<Node, Refused> {
    let (engine, refused) = (call.web.engine(), |error| call.refused(&error));
    let routable = match destination(msisdn) {
        Ok(to) if engine.has_number_lookup() => engine.number_exists(&call.caller, &to).await.map_err(refused)?,
        Ok(_) => true,
        // It is a number, but none that gets messages.
        Err(blocked) if blocked == error::BLOCKED => false,
        Err(refused) => return Err(refused),
    };
    let account = engine.account(&call.caller, None).await.map_err(refused)?;
    Ok(Node::Object(vec![
        ("routable", Node::Flag(routable)),
        ("destination", msisdn.into()),
        ("minimumCharge", Node::Number(units(account.price_e4))),
    ]))
}
