//! PUT `/rest/auth/{apiRequestId}`: is this the PIN? A wrong one is an answer, not an error. A right one is right once.

use super::{
    call::{BodyCall, Call},
    error::{self, Refused},
    params::Params,
    reply::{Node, Reply},
    standing::Standing,
    status,
};
use axum::{extract::Path, http::StatusCode, response::Response};
use countersign_engine::commands::{CheckCode, Target};
use countersign_model::{Checked, Code, State, Typed, VerificationId};
use serde_json::Value;

pub(super) async fn verify(Path(id): Path<String>, BodyCall { call, params }: BodyCall) -> Response {
    let checked = check(&call, &id, &params).await;
    call.answer(checked.map(|data| Reply { status: StatusCode::OK, data }))
}

async fn check(call: &Call, id: &str, params: &Params) -> Result<Node, Refused> {
    let code = typed(params)?;
    let found = status::find(call, id).await?;
    if found.verification.grid.is_some() {
        return Err(error::INVALID_PARAMETERS);
    }
    match status::standing(call, &found).await? {
        Standing::Undelivered => Ok(Standing::Undelivered.node()),
        Standing::Pending | Standing::Solved | Standing::NotSolved | Standing::Exhausted | Standing::Expired => {
            compare(call, found.verification.id, code).await
        }
    }
}

async fn compare(call: &Call, id: VerificationId, code: Typed) -> Result<Node, Refused> {
    let command = CheckCode { target: Target::Id(id), code, payment: None };
    let outcome = call.web.engine().run(&call.caller, None, &command).await.map_err(|error| call.refused(&error))?;
    Ok(match outcome.checked {
        Checked::Approved => Standing::Solved.node_saying("The challenge has been solved"),
        Checked::Wrong { .. } => Standing::NotSolved.node(),
        Checked::Exhausted | Checked::Held | Checked::PaymentMismatch => Standing::Exhausted.node(),
        Checked::NotPending(State::Approved) => Standing::NotSolved.node_saying("Challenge already solved"),
        Checked::NotPending(ended) => Standing::of(ended, false).node(),
    })
}

/// A number has lost its leading zeros on its way; the engine puts them back where the PIN is one of its own.
fn typed(params: &Params) -> Result<Typed, Refused> {
    match params.get("pinCode") {
        Some(Value::String(pin)) => Ok(Typed::Exact(Code::verbatim(pin))),
        Some(Value::Number(pin)) => pin.as_u64().map(Typed::Number).ok_or(error::INVALID_PARAMETERS),
        None | Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
            Err(error::INVALID_PARAMETERS)
        }
    }
}
