//! Sinch SMS API, XMS v1.

use crate::http::{
    bench::{message, secret},
    simulator::{Call, Fields, ID, Reply, Report, Request, Sms, Vendor},
};
use axum::http::Method;
use serde_json::{Value, json};

pub static SIMULATED: Sinch = Sinch;
pub struct Sinch;

const PLAN: &str = "00000000000000000000000000000000";

fn error(status: u16, code: &str, text: &str) -> Reply {
    Reply::json(status, &json!({"code": code, "text": text}))
}

impl Sinch {
    fn message(body: &Value) -> Option<Sms> {
        let mut fields = Fields::of(body)?;
        fields.is("client_reference", &message().id.to_string())?;
        fields.is("delivery_report", "per_recipient_final")?;
        let to = fields.take("to")?;
        let to = to.as_array().filter(|list| list.len() == 1)?[0].as_str()?.to_owned();
        let sms = Sms {
            to: format!("+{to}"),
            from: fields.text("from"),
            text: fields.text("body")?,
            unicode: None,
            link: fields.text("callback_url"),
        };
        fields.nothing_left()?;
        to.bytes().all(|byte| byte.is_ascii_digit()).then_some(sms)
    }
}

impl Vendor for Sinch {
    fn name(&self) -> &'static str {
        "sinch"
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != format!("/xms/v1/{PLAN}/batches") {
            return Err(Reply::text(404, ""));
        }
        if request.header("authorization") != format!("Bearer {}", secret("sinch")) {
            return Err(error(401, "unauthorized", "Unauthorized"));
        }
        let message = request.json().and_then(|body| Self::message(&body));
        message.ok_or_else(|| error(400, "syntax_constraint_violation", "The syntax constraint was violated: body"))
    }

    fn accepts(&self) -> Reply {
        let batch = json!({"id": ID, "to": ["34666666111"], "from": "Acme", "canceled": false, "type": "mt_text",
            "created_at": "2026-01-01T12:00:00.000Z", "delivery_report": "per_recipient_final"});
        Reply::json(201, &batch)
    }

    fn refuses(&self, to: &str) -> Reply {
        error(400, "syntax_invalid_parameter_format", &format!("{to} is not a valid MSISDN"))
    }

    fn throttles(&self) -> Reply {
        error(429, "too_many_requests", "Too many requests")
    }

    fn reports(&self, link: &str, what: Report) -> Call {
        let (status, code) = what.pick(("Delivered", 0), ("Failed", 402), ("Dispatched", 401));
        let body = json!({"type": "recipient_delivery_report_sms", "batch_id": ID, "recipient": "34666666111", "code": code,
            "status": status, "at": "2026-01-01T12:00:00.000Z", "client_reference": message().id.to_string()});
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
