//! What everything is held against: the same framework, the same size of JSON in and out, and nothing in between. It runs in
//! a process of its own, as the product does, so that both share the machine with the load generator in the same way.

use crate::{Outcome, process::Process};
use axum::{Json, Router, routing::post};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// The word that makes this program the handler.
pub const ARGUMENT: &str = "--nothing";

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

/// Starts it as a process of its own.
pub async fn start() -> Outcome<Process> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command.arg(ARGUMENT);
    Process::start(command).await
}

/// Is it, until it is killed.
#[expect(clippy::print_stdout, reason = "the ready line, as the product has it")]
pub async fn serve() -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("ready http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/v1/verifications", post(answer))).await?;
    Ok(())
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
