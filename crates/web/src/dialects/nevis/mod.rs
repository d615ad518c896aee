//! The REST API of the Nevis Authentication Cloud: users, their phones and recovery codes, and codes by text message to sign in
//! or to approve a transaction. What is the vendor's word and what is ours: `docs/dialects/nevis.md`.
//!
//! Each path is served as it is, with the instance told by the host name or by the credential, and below
//! `/nevis/{instance}`; with and without a slash at its end, and never by a redirect.
//!
//! | vendor path | file | state |
//! |---|---|---|
//! | `GET /ping` | `ping.rs` | as documented |
//! | `POST /api/v1/users/enroll` | `enroll.rs` | `sms` and `recovery`; `app`, `push` and `fido2` are refused |
//! | `POST /api/v1/users/{userId}/verification` | `verification.rs` | as documented |
//! | `POST /api/v1/approval` | `approval.rs` | `sms`; `app`, `push` and `fido2` are refused |
//! | `POST /api/v1/status` | `status.rs` | as documented, for text messages too |
//! | `POST /api/v1/intent` | `intent.rs` | as documented |
//! | `POST /api/v1/introspect` | `introspect.rs` | as documented |
//! | `GET /api/v1/users`, `GET, DELETE /api/v1/users/{userId}` | `users.rs` | as documented; phones and recovery codes are ours |
//! | `PATCH, DELETE /api/v1/authenticators/{authenticatorId}` | `authenticators.rs` | as documented |
//! | `GET /api/v1/logs/export` | `logs_export.rs` | the request as documented; the columns are ours |
//! | `GET /api/v1/aadb2c/users` | `aadb2c_users.rs` | as documented |
//! | `POST /_app/attestation/result`, `/_app/assertion/result` | `params.rs` | refused: there is no FIDO2 here |

mod aadb2c_users;
mod approval;
mod auth;
mod authenticators;
mod enroll;
mod error;
mod instance;
mod intent;
mod introspect;
mod logs_export;
mod message;
mod params;
mod ping;
mod settings;
mod status;
mod tokens;
mod user_object;
mod users;
mod verification;

pub use settings::Settings;

use super::Dialect;
use crate::Web;
use axum::{
    Router,
    routing::{MethodRouter, delete, get, post},
};
use countersign_engine::{commands::ServiceRef, sandbox::Credentials};
use error::Refused;
use serde_json::{Value, json};

/// The dialect.
pub const DIALECT: Dialect = Dialect {
    name: NAME,
    title: "Nevis Authentication Cloud API",
    prefixes: &["/api/v1/", "/ping", "/nevis/", "/_app/"],
    routes,
    refuse: |refusal, _| Refused::before_the_dialect(refusal),
    reports: None,
    credentials,
    examples,
};

/// Also the name of the service under which its verifications run.
const NAME: &str = "nevis";
const SERVICE: ServiceRef = ServiceRef::Dialect(NAME);

fn routes() -> Router<Web> {
    let calls: [(&str, MethodRouter<Web>); 14] = [
        ("/ping", get(ping::ping)),
        ("/api/v1/users", get(users::find)),
        ("/api/v1/users/enroll", post(enroll::enroll)),
        ("/api/v1/users/{id}", get(users::read).delete(users::remove)),
        ("/api/v1/users/{id}/verification", post(verification::verify)),
        ("/api/v1/approval", post(approval::approve)),
        ("/api/v1/status", post(status::status)),
        ("/api/v1/intent", post(intent::intent)),
        ("/api/v1/introspect", post(introspect::introspect)),
        ("/api/v1/authenticators/{id}", delete(authenticators::remove).patch(authenticators::rename)),
        ("/api/v1/logs/export", get(logs_export::export)),
        ("/api/v1/aadb2c/users", get(aadb2c_users::find)),
        ("/_app/attestation/result", post(params::refuse_fido2)),
        ("/_app/assertion/result", post(params::refuse_fido2)),
    ];
    // Clients put addresses together from pieces, some with a slash at the end, and follow no redirect with a body.
    let both = |router: Router<Web>, (path, call): (&str, MethodRouter<Web>)| {
        router.route(path, call.clone()).route(&format!("{path}/"), call)
    };
    let calls = calls.into_iter().fold(Router::new(), both);
    Router::new().nest("/nevis/{instance}", calls.clone()).merge(calls)
}

fn credentials(credentials: &Credentials) -> Value {
    json!({ "instance": credentials.tenant, "access_key": *credentials.jws_api_key })
}

fn examples(credentials: &Credentials, base_url: &str) -> Vec<(&'static str, String)> {
    let key = credentials.jws_api_key.as_str();
    let call = |rest: &str| format!("curl -s {base_url}{rest} -H 'Authorization: Bearer {key}'");
    let post = |path: &str, body: &str| call(&format!("{path} -H 'Content-Type: application/json' -d '{body}'"));
    vec![
        ("Enrol a phone", post("/api/v1/users/enroll", r#"{"username":"ana","channel":"sms","phone":"+41790000001"}"#)),
        (
            "Verify the code",
            post("/api/v1/users/USER_ID/verification", r#"{"code":"CODE","statusToken":"STATUS_TOKEN"}"#),
        ),
        ("Approve a transaction", post("/api/v1/approval", r#"{"username":"ana","channel":"sms"}"#)),
        ("Look at the user", call("/api/v1/users?username=ana")),
    ]
}
