//! Telnyx Messaging, v2.

use crate::http::{
    bench::secret,
    simulator::{Call, Fields, ID, Reply, Report, Request, Sms, Vendor},
};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::http::Method;
use data_encoding::BASE64;
use serde_json::{Value, json};

pub static SIMULATED: Telnyx = Telnyx;
pub struct Telnyx;

const TIMESTAMP: &str = "1767225600";

fn key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

fn error(status: u16, code: &str, title: &str, detail: &str) -> Reply {
    Reply::json(
        status,
        &json!({"errors": [{"code": code, "title": title, "detail": detail, "source": {"pointer": "/to"}}]}),
    )
}

impl Telnyx {
    fn message(body: &Value) -> Option<Sms> {
        let mut fields = Fields::of(body)?;
        let sms = Sms {
            to: fields.text("to").filter(|to| to.starts_with('+'))?,
            from: fields.text("from"),
            text: fields.text("text")?,
            unicode: None,
            link: fields.text("webhook_url"),
        };
        fields.nothing_left()?;
        Some(sms)
    }
}

impl Vendor for Telnyx {
    fn name(&self) -> &'static str {
        "telnyx"
    }

    /// Every account is shown its own public key.
    fn adapt(&self, settings: &mut toml::Table) {
        let public_key = BASE64.encode(key().public_key().as_ref());
        settings["receipt"]["signature"]["ed25519"]["public_key"] = public_key.into();
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != "/v2/messages" {
            return Err(error(404, "10005", "Resource not found", "The requested resource or URL could not be found."));
        }
        if request.header("authorization") != format!("Bearer {}", secret("telnyx")) {
            return Err(error(401, "10009", "Authentication failed", "No key found matching the ID."));
        }
        let message = request.json().and_then(|body| Self::message(&body));
        message.ok_or_else(|| error(422, "10004", "Missing required parameter", "The 'to' parameter is required."))
    }

    fn accepts(&self) -> Reply {
        let to = json!([{"phone_number": "+34666666111", "status": "queued", "carrier": "", "line_type": ""}]);
        let message =
            json!({"record_type": "message", "direction": "outbound", "id": ID, "type": "SMS", "to": to, "parts": 1});
        Reply::json(200, &json!({"data": message}))
    }

    fn refuses(&self, to: &str) -> Reply {
        error(400, "40310", "Invalid 'to' address", &format!("The destination {to} is invalid"))
    }

    fn throttles(&self) -> Reply {
        error(429, "10011", "Too many requests", "You have exceeded the maximum number of allowed requests.")
    }

    fn reports(&self, link: &str, what: Report) -> Call {
        let status = what.pick("delivered", "delivery_failed", "sent");
        let event = what.pick("message.finalized", "message.finalized", "message.sent");
        let to = json!([{"phone_number": "+34666666111", "status": status}]);
        let body = json!({"data": {"event_type": event, "id": "event", "occurred_at": "2026-01-01T12:00:00.000+00:00",
            "payload": {"id": ID, "direction": "outbound", "to": to}, "record_type": "event"}, "meta": {"attempt": 1}});
        let body = body.to_string();
        let signature = key().sign(format!("{TIMESTAMP}|{body}").as_bytes());
        Call {
            method: Method::POST,
            url: link.to_owned(),
            headers: vec![
                ("telnyx-signature-ed25519", BASE64.encode(signature.as_ref())),
                ("telnyx-timestamp", TIMESTAMP.to_owned()),
            ],
            body,
            by_link: true,
        }
    }

    /// The signature of another report.
    fn forges(&self, report: Call) -> Call {
        Call { body: report.body.replace(ID, "another"), ..report }
    }
}
