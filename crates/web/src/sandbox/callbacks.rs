//! `/sandbox/callbacks`: the HTTP calls that the product makes to its callers' servers, recorded. Really made are only those to
//! this machine, and only if the server was started with `--allow-loopback-callbacks`.

use super::wire::{Asked, Open, wait};
use crate::{Web, dialects::native::Problem, time};
use axum::{Json, extract::State};
use countersign_engine::sandbox::kept::Call;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// The query.
#[derive(Deserialize)]
pub(super) struct Wanted {
    after: Option<u64>,
    wait: Option<f64>,
}

/// The calls.
#[derive(Serialize)]
pub(super) struct Callbacks {
    callbacks: Vec<CallbackObject>,
}

#[derive(Serialize)]
struct CallbackObject {
    seq: u64,
    tenant: String,
    method: &'static str,
    url: String,
    headers: Map<String, Value>,
    body: String,
    refused: Option<String>,
    at: String,
}

impl From<Call> for CallbackObject {
    fn from(call: Call) -> Self {
        Self {
            seq: call.seq,
            tenant: call.tenant_name,
            method: "POST",
            url: call.url,
            headers: call.headers.into_iter().map(|(name, value)| (name, value.into())).collect(),
            body: call.body,
            refused: call.refused,
            at: time::text(call.at),
        }
    }
}

pub(super) async fn list(
    State(web): State<Web>,
    Open(sandbox): Open,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Callbacks>, Problem> {
    let look = |wait| sandbox.calls(wanted.after.unwrap_or(0), wait);
    let found = web.unless_stopped(look(wait(wanted.wait)), look(Duration::ZERO)).await;
    let found = found.map_err(|error| Problem::of(&error, web.engine().now()))?;
    Ok(Json(Callbacks { callbacks: found.into_iter().map(Into::into).collect() }))
}
