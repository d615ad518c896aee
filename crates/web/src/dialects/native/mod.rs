//! Countersign's own API: JSON, bearer keys, problems as RFC 9457, described by OpenAPI 3.1 at `/openapi.json` from the very
//! types that are used here.
//!
//! | path | file | methods |
//! |---|---|---|
//! | `/v1/verifications` | `verifications.rs` | POST |
//! | `/v1/verifications/{id}` | `verifications.rs` | GET |
//! | `/v1/verifications/{id}/events` | `history.rs` | GET |
//! | `/v1/verifications/{id}/check` | `check.rs` | POST |
//! | `/v1/verifications/{id}/resend`, `…/cancel`, `…/report` | `changes.rs` | POST |
//! | `/v1/services`, `/v1/services/{name}` | `services.rs` | GET, POST, PATCH, DELETE |
//! | `/v1/templates`, `/v1/templates/{message}/{channel}/{locale}` | `templates.rs` | GET, PUT, DELETE |
//! | `/v1/keys`, `/v1/keys/{id}` | `keys.rs` | GET, POST, DELETE |
//! | `/v1/webhook-endpoints`, `/v1/webhook-endpoints/{id}` | `webhook_endpoints.rs` | GET, POST, PATCH, DELETE |
//! | `/v1/webhook-endpoints/{id}/rotate-secret`, `…/test`, `…/replay` | `webhook_endpoints.rs`, `webhook_deliveries.rs` | POST |
//! | `/v1/webhook-deliveries`, `/v1/webhook-deliveries/{id}/replay` | `webhook_deliveries.rs` | GET, POST |
//! | `/v1/mfa-tokens`, `/v1/mfa-results` | `mfa_tokens.rs` | POST |
//! | `/openapi.json` | `openapi.rs` | GET |

mod auth;
mod changes;
mod check;
mod error;
mod extract;
mod history;
mod keys;
mod last_line;
mod mfa_tokens;
mod openapi;
mod services;
mod templates;
mod verifications;
mod webhook_deliveries;
mod webhook_endpoints;

pub(crate) use error::Problem;
use error::ProblemObject;

use super::Dialect;
use countersign_engine::sandbox::Credentials;
use serde_json::json;

/// The dialect.
pub const DIALECT: Dialect = Dialect {
    name: "native",
    title: "Countersign API",
    // And whatever nobody else claims.
    prefixes: &["/"],
    routes: openapi::routes,
    refuse: |refusal, _| Problem::before_the_dialect(refusal),
    reports: None,
    credentials: |credentials| json!({ "api_key": *credentials.api_key }),
    examples,
};

fn examples(credentials: &Credentials, base_url: &str) -> Vec<(&'static str, String)> {
    let key = credentials.api_key.as_str();
    let post = |path: &str, body: &str| {
        format!(
            "curl -s {base_url}{path} -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{body}'"
        )
    };
    vec![
        ("Start a verification", post("/v1/verifications", r#"{"to":"+34666666111","channel":"sms"}"#)),
        ("Check its code", post("/v1/verifications/ID/check", r#"{"code":"CODE"}"#)),
        ("Look at it", format!("curl -s {base_url}/v1/verifications/ID -H 'Authorization: Bearer {key}'")),
    ]
}
