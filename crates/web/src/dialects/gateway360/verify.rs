//! `2fa/verify`: is this the PIN that was sent last to this number? Once, and then never again. Wrong, expired, dead, used and
//! never-sent PINs get one and the same answer, so that nobody learns which numbers have a PIN.

use super::{
    NAME,
    error::{self, Refused},
    ok,
    params::{Call, Params, msisdn, number, text, whole_number},
};
use crate::Web;
use axum::{extract::State, response::Response};
use countersign_engine::{
    Error,
    commands::{CheckCode, Target},
};
use countersign_model::{Checked, Code, Typed};
use serde_json::Value;

pub(super) async fn verify(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let command = check(&call.params)?;
    match web.engine().run(&call.caller, None, &command).await {
        Ok(outcome) if outcome.checked == Checked::Approved => Ok(ok()),
        Ok(_) | Err(Error::NotFound(_) | Error::Limited(_)) => Err(error::INVALID_PIN),
        Err(error) => Err(Refused::of(&error)),
    }
}

fn check(params: &Params) -> Result<CheckCode, Refused> {
    let (to, pin) = (params.required("msisdn")?, params.required("pin")?);
    let (to, code) = (msisdn("msisdn", to)?, typed(pin)?);
    let target = Target::Latest { service: NAME, to: number(&to)? };
    Ok(CheckCode { target, code, payment: None })
}

/// A number has lost its leading zeros on its way; the engine puts them back. One that is longer than any PIN is a wrong one.
fn typed(pin: &Value) -> Result<Typed, Refused> {
    match pin {
        Value::Number(_) => whole_number(pin).map(Typed::Number).ok_or_else(|| Refused::bad("pin", "be a string")),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            Ok(Typed::Text(Code::typed(&text("pin", pin)?)))
        }
    }
}
