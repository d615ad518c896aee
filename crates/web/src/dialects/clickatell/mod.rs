//! Clickatell's REST API with its Secure part: two-factor authentication by PIN, by an image grid, and by grid-plus; and the calls of
//! the same API that clients mix with it. Bearer token, `X-Version: 1`, JSON or XML in both directions, everything below `data`, and
//! every refusal below `error`. What is the vendor's word and what is ours: `docs/dialects/clickatell.md`.
//!
//! | vendor path | file | state |
//! |---|---|---|
//! | POST `/rest/auth` | `request.rs` | the vendor's pages, whole |
//! | GET `/rest/auth/{id}` | `status.rs` | as documented; codes other than 020 are ours (`standing.rs`) |
//! | PUT `/rest/auth/{id}` | `verify.rs` | as documented |
//! | GET `/rest/auth/categories`, `/rest/categories`, `/rest/auth` | `categories.rs` | as documented |
//! | GET `/mfa/api/image/{number}` | `categories.rs` | the vendor's sample address |
//! | POST `/rest/message` | `message.rs` | text messages; no binary ones, no status callbacks |
//! | GET, DELETE `/rest/message/{id}` | `message_status.rs` | as documented |
//! | GET `/rest/account/balance` | `balance.rs` | as documented |
//! | GET `/rest/coverage/{msisdn}` | `coverage.rs` | as documented |
//! | GET `/help/apidocs/error/{code}.htm` | `error_page.rs` | where `documentation` in a refusal leads |
//!
//! The page behind the link of a grid is not a part of this API: `crates/web/src/pages/grid/mod.rs`.

mod auth;
mod balance;
mod call;
mod categories;
mod coverage;
mod error;
mod error_page;
mod message;
mod message_status;
mod params;
mod reply;
mod request;
mod settings;
mod standing;
mod status;
mod verify;
mod xml;

pub use settings::Settings;

use super::Dialect;
use crate::Web;
use axum::{
    Router,
    routing::{any, get, post},
};
use countersign_engine::sandbox::Credentials;
use error::Refused;
use serde_json::{Value, json};

/// The dialect.
pub const DIALECT: Dialect = Dialect {
    name: NAME,
    title: "Clickatell Secure REST API",
    prefixes: &["/rest/"],
    routes,
    refuse: Refused::before_the_dialect,
    reports: None,
    credentials,
    examples,
};

/// Also the name of the service under which its verifications run.
const NAME: &str = "clickatell";

fn routes() -> Router<Web> {
    let calls = [
        ("/rest/auth", get(categories::list).post(request::request)),
        ("/rest/auth/categories", get(categories::list)),
        ("/rest/categories", get(categories::list)),
        ("/rest/auth/{id}", get(status::status).put(verify::verify)),
        ("/rest/message", post(message::send)),
        ("/rest/message/{id}", get(message_status::status).delete(message_status::stop)),
        ("/rest/account/balance", get(balance::balance)),
        ("/rest/coverage/{msisdn}", get(coverage::coverage)),
    ];
    let router = calls.into_iter().fold(Router::new(), |router, (path, methods)| {
        let methods = methods.fallback(call::unknown_method);
        router.route(path, methods.clone()).route(&format!("{path}/"), methods)
    });
    router
        .route("/rest", any(call::unknown_path))
        .route("/rest/", any(call::unknown_path))
        .route("/rest/{*path}", any(call::unknown_path))
        .route("/mfa/api/image/{number}", get(categories::image))
        .route("/help/apidocs/error/{page}", get(error_page::page))
}

fn credentials(credentials: &Credentials) -> Value {
    json!({ "token": *credentials.api_key })
}

fn examples(credentials: &Credentials, base_url: &str) -> Vec<(&'static str, String)> {
    let head = format!("-H 'X-Version: 1' -H 'Authorization: Bearer {}'", credentials.api_key.as_str());
    let with_body = |how: &str, path: &str, body: &str| {
        format!("curl -s {how}{base_url}/rest/{path} {head} -H 'Content-Type: application/json' -d '{body}'")
    };
    vec![
        ("Send a grid", with_body("", "auth", r#"{"authType":"grid","to":"2799900001"}"#)),
        ("Send a PIN", with_body("", "auth", r#"{"authType":"pin","to":"2799900001","maximumRetries":3}"#)),
        ("Verify it", with_body("-X PUT ", "auth/API_REQUEST_ID", r#"{"pinCode":"PIN"}"#)),
        ("Ask how it stands", format!("curl -s {base_url}/rest/auth/API_REQUEST_ID {head}")),
        ("List the categories", format!("curl -s {base_url}/rest/auth/categories {head}")),
        ("Send a text message", with_body("", "message", r#"{"text":"Your pizza is here","to":["2799900001"]}"#)),
        ("Get the balance", format!("curl -s {base_url}/rest/account/balance {head}")),
    ]
}
