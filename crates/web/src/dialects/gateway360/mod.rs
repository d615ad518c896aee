//! Gateway360's API, which is also sold as SMSPubli and SMSUP: a PIN by text message for two-factor authentication, and its
//! sister calls. JSON with the key in the body; business outcomes are 200, and every refusal has the same envelope. What is the
//! vendor's word and what is ours: `docs/dialects/gateway360.md`.
//!
//! Each path is served below `/api` and below `/api/3.0`.
//!
//! | vendor path | file | state |
//! |---|---|---|
//! | `2fa/request` | `request.rs` | the vendor's page, whole |
//! | `2fa/verify` | `verify.rs` | the request as documented; the words of failure are ours |
//! | `sms/send` | `sms_send.rs` | as documented |
//! | `sms/send-link` | `send_link.rs` | the link as it is: no shortener, no opened events |
//! | `account/get-balance` | `get_balance.rs` | as captured |
//! | `subaccount/get-balance`, `subaccount/add-balance` | `subaccount.rs` | the request as documented; the answer is ours |
//! | `hlr/request` | `hlr.rs` | `success` only |
//! | the callback to `report_url` | `report.rs` | as documented |

mod auth;
mod error;
mod get_balance;
mod hlr;
mod params;
mod report;
mod request;
mod send_link;
mod settings;
mod sms_send;
mod subaccount;
mod text;
mod verify;

pub use settings::Settings;

use super::Dialect;
use crate::Web;
use axum::{
    Json, Router,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use countersign_engine::sandbox::Credentials;
use countersign_model::MessageId;
use error::Refused;
use serde::Serialize;
use serde_json::{Value, json};

/// The dialect.
pub const DIALECT: Dialect = Dialect {
    name: NAME,
    title: "Gateway360 2FA API",
    prefixes: &["/api/"],
    routes,
    refuse: |refusal, _| Refused::before_the_dialect(refusal),
    reports: Some(report::format),
    credentials,
    examples,
};

/// Also the name of the service under which its verifications run.
const NAME: &str = "gateway360";

fn routes() -> Router<Web> {
    let calls = Router::new()
        // A public client asks these two with GET and a body. GET would take HEAD along, which must not send anything.
        .route("/2fa/request", get(request::request).post(request::request).head(error::refuse_head))
        .route("/2fa/verify", get(verify::verify).post(verify::verify).head(error::refuse_head))
        .route("/sms/send", post(sms_send::send))
        .route("/sms/send-link", post(send_link::send_link))
        .route("/account/get-balance", post(get_balance::get_balance))
        .route("/subaccount/get-balance", post(subaccount::get_balance))
        .route("/subaccount/add-balance", post(subaccount::add_balance))
        .route("/hlr/request", post(hlr::request));
    Router::new().nest("/api", calls.clone()).nest("/api/3.0", calls)
}

/// `{"status":"ok"}`, with a result where the call has one.
#[derive(Serialize)]
struct Answer<T> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<T>,
}

fn ok() -> Response {
    Json(Answer::<()> { status: "ok", result: None }).into_response()
}

fn ok_with(result: impl Serialize) -> Response {
    Json(Answer { status: "ok", result: Some(result) }).into_response()
}

/// A message's name in this API: 32 hexadecimal digits.
fn sms_id(message: MessageId) -> String {
    format!("{:032x}", u128::from_be_bytes(message.to_bytes()))
}

fn credentials(credentials: &Credentials) -> Value {
    json!({ "api_key": *credentials.hex_api_key })
}

fn examples(credentials: &Credentials, base_url: &str) -> Vec<(&'static str, String)> {
    let key = credentials.hex_api_key.as_str();
    let post = |path: &str, rest: &str| {
        format!(
            "curl -s {base_url}/api/{path} -H 'Content-Type: application/json' -d '{{\"api_key\":\"{key}\"{rest}}}'"
        )
    };
    vec![
        ("Request a PIN", post("2fa/request", r#","msisdn":"34666666111","sender":"GOOD PIZZA","hlr_lookup":1"#)),
        ("Verify it", post("2fa/verify", r#","msisdn":"34666666111","pin":"PIN""#)),
        (
            "Send a text message",
            post(
                "3.0/sms/send",
                r#","messages":[{"from":"GOOD PIZZA","to":"34666666111","text":"Your pizza is here"}]"#,
            ),
        ),
        ("Get the balance", post("3.0/account/get-balance", "")),
    ]
}
