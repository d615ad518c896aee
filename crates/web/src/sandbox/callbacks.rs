//! `/sandbox/callbacks`: the HTTP calls that the product has made to its callers' servers. Nothing that exists so far makes
//! any, and so the list is empty; the dialects that report deliveries will fill it.

use super::wire::{Asked, wait};
use axum::Json;
use serde::Deserialize;
use serde_json::{Value, json};

/// The query.
#[derive(Deserialize)]
pub(super) struct Wanted {
    wait: Option<f64>,
}

pub(super) async fn list(Asked(wanted): Asked<Wanted>) -> Json<Value> {
    tokio::time::sleep(wait(wanted.wait)).await;
    Json(json!({ "callbacks": [] }))
}
