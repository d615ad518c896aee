//! The sandbox of dev mode: the inbox page and the levers that tests pull. These routes exist only when the server was
//! started by `countersign dev`.
//!
//! | path | file | methods |
//! |---|---|---|
//! | `/sandbox`, `/sandbox/assets/…` | `page.rs` | GET |
//! | `/sandbox/messages` | `inbox.rs` | GET, DELETE |
//! | `/sandbox/messages/{seq}/html` | `inbox.rs` | GET |
//! | `/sandbox/clock` | `levers.rs` | GET, POST |
//! | `/sandbox/outcomes/{to}`, `/sandbox/numbers/{to}` | `levers.rs` | PUT |
//! | `/sandbox/callbacks` | `callbacks.rs` | GET |
//! | `/sandbox/users` | `users.rs` | POST |
//! | `/sandbox/credentials`, `/sandbox/examples` | `credentials.rs` | GET |

mod callbacks;
mod credentials;
mod guard;
mod inbox;
mod levers;
mod page;
mod users;
mod wire;

use crate::Web;
use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{Redirect, Response},
    routing::{get, post, put},
};

pub(crate) use credentials::first_commands;

/// The clock was moved for every process on the store: each request here goes by what it is now, not by what this process has
/// heard of it.
pub(crate) async fn in_time(State(web): State<Web>, request: Request, next: Next) -> Response {
    if let Err(error) = web.engine().catch_up().await {
        // The request meets the same trouble, and tells it in its own form.
        tracing::debug!(%error, "nobody knows how far the clock was moved");
    }
    next.run(request).await
}

pub(crate) fn routes(web: &Web) -> Router<Web> {
    page::routes()
        .route("/", get(async || Redirect::to("/sandbox")))
        .route("/sandbox/messages", get(inbox::list).delete(inbox::empty))
        .route("/sandbox/messages/{seq}/html", get(inbox::html))
        .route("/sandbox/clock", get(levers::clock).post(levers::advance))
        .route("/sandbox/outcomes/{to}", put(levers::plan_outcome))
        .route("/sandbox/numbers/{to}", put(levers::plan_lookup))
        .route("/sandbox/callbacks", get(callbacks::list))
        .route("/sandbox/users", post(users::create))
        .route("/sandbox/credentials", get(credentials::credentials))
        .route("/sandbox/examples", get(credentials::examples))
        .route_layer(middleware::from_fn_with_state(web.clone(), guard::from_here))
}
