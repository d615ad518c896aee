//! `hlr/request`: does this number exist? Asks the installation's number lookup; without one, the numbering plan alone.

use super::{
    error::Refused,
    ok_with,
    params::{Call, msisdn, number},
};
use crate::Web;
use axum::{extract::State, response::Response};
use serde_json::json;

pub(super) async fn request(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let to = number(&msisdn("msisdn", call.params.required("msisdn")?)?)?;
    let exists = web.engine().number_exists(&call.caller, &to).await.map_err(|error| Refused::of(&error))?;
    Ok(ok_with(json!({ "success": exists })))
}
