//! What everything is held against: the same framework, the same size of JSON in and out, and nothing in between.

use crate::Outcome;
use axum::{Json, Router, routing::post};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[derive(Deserialize)]
struct Asked {
    to: String,
    channel: String,
}

#[derive(Serialize)]
struct Answered {
    id: &'static str,
    status: &'static str,
    to: String,
    channel: String,
    attempts_left: u32,
    created_at: &'static str,
    expires_at: &'static str,
    detail: &'static str,
}

/// Starts it in this process, and tells its address.
pub async fn start() -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/v1/verifications", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

async fn answer(Json(asked): Json<Asked>) -> Json<Answered> {
    Json(Answered {
        id: "ver_01kdvdna00ekkv6k4b981d4dz3",
        status: "pending",
        to: asked.to,
        channel: asked.channel,
        attempts_left: 5,
        created_at: "2026-01-01T00:00:00.000Z",
        expires_at: "2026-01-01T00:05:00.000Z",
        detail: "as long as the rest of a real answer, which has about three hundred and sixty bytes in all; so here is \
                 some more text to make up for what is not said, and then a little more, since it must be the same size",
    })
}
