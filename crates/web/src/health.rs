//! For load balancers and monitoring: is the process alive, can it do its work, and what has it counted.

use crate::{Web, dialects::native::Problem};
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::json;
use std::time::Duration;

/// A store that takes longer than this to write nothing is not ready.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn routes() -> Router<Web> {
    Router::new().route("/healthz/live", get(live)).route("/healthz/ready", get(ready)).route("/metrics", get(metrics))
}

/// The process answers.
async fn live() -> Response {
    Json(json!({"status": "ok"})).into_response()
}

/// The store answers and takes writes.
async fn ready(State(web): State<Web>) -> Response {
    match tokio::time::timeout(PATIENCE, web.engine().ready()).await {
        Ok(Ok(())) => Json(json!({"status": "ok"})).into_response(),
        unready => {
            tracing::warn!(?unready, "not ready");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The store does not answer.").into_response()
        }
    }
}

/// Counters in the OpenMetrics text format.
async fn metrics(State(web): State<Web>) -> Response {
    match web.engine().messages_waiting().await {
        Ok(waiting) => {
            web.engine().count_links();
            let text = web.engine().metrics().render(waiting);
            ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
                .into_response()
        }
        Err(error) => Problem::of(&error, web.engine().now()).into_response(),
    }
}
