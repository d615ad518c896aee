//! Vonage SMS API.

use crate::http::{
    bench::{message, secret},
    simulator::{Call, Fields, ID, Reply, Report, Request, Sms, Vendor},
};
use axum::http::Method;
use serde_json::json;

pub static SIMULATED: Vonage = Vonage;
pub struct Vonage;

/// Every answer has the status 200, and its own within.
fn answer(status: &str, text: &str) -> Reply {
    Reply::json(200, &json!({"message-count": "1", "messages": [{"status": status, "error-text": text}]}))
}

impl Vonage {
    fn message(fields: &mut Fields) -> Option<Sms> {
        let to = fields.text("to").filter(|to| to.bytes().all(|byte| byte.is_ascii_digit()))?;
        fields.is("client-ref", &message().id.to_string())?;
        let kind = fields.text("type")?;
        let sms = Sms {
            to: format!("+{to}"),
            from: fields.text("from"),
            text: fields.text("text")?,
            unicode: Some(kind == "unicode"),
            link: fields.text("callback"),
        };
        fields.nothing_left()?;
        ["text", "unicode"].contains(&kind.as_str()).then_some(sms)
    }
}

impl Vendor for Vonage {
    fn name(&self) -> &'static str {
        "vonage"
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != "/sms/json" {
            return Err(Reply::text(404, "Not Found"));
        }
        let mut fields = Fields::of_form(request.form().ok_or_else(|| answer("2", "Missing api_key"))?);
        let (key, api_secret) = (fields.text("api_key"), fields.text("api_secret"));
        if key.as_deref() != Some("abcd1234") || api_secret != Some(secret("vonage")) {
            return Err(answer("4", "Bad Credentials"));
        }
        Self::message(&mut fields).ok_or_else(|| answer("2", "Missing to param"))
    }

    fn accepts(&self) -> Reply {
        let message = json!({"to": "34666666111", "message-id": ID, "status": "0", "remaining-balance": "15.53590000",
            "message-price": "0.03330000", "network": "23410"});
        Reply::json(200, &json!({"message-count": "1", "messages": [message]}))
    }

    fn refuses(&self, to: &str) -> Reply {
        answer("7", &format!("Number barred: {to}"))
    }

    fn throttles(&self) -> Reply {
        answer("1", "Throughput Rate Exceeded - please wait [ 1000 ] and retry")
    }

    fn reports(&self, link: &str, what: Report) -> Call {
        let status = what.pick("delivered", "expired", "buffered");
        let body = json!({"msisdn": "34666666111", "to": "Acme", "network-code": "21403", "messageId": ID,
            "price": "0.03330000", "status": status, "scts": "2601011200", "err-code": "0", "api-key": "abcd1234",
            "message-timestamp": "2026-01-01 12:00:00"});
        Call {
            method: Method::POST,
            url: link.to_owned(),
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string(),
            by_link: true,
        }
    }

    fn forges(&self, report: Call) -> Call {
        Call { by_link: false, ..report }
    }
}
