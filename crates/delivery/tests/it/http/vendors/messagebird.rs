//! MessageBird SMS API.

use crate::http::{
    bench::{message, secret},
    simulator::{Call, Fields, ID, Reply, Report, Request, Sms, Vendor},
};
use axum::http::Method;
use serde_json::{Value, json};

pub static SIMULATED: MessageBird = MessageBird;
pub struct MessageBird;

fn error(status: u16, code: u32, description: &str, parameter: &str) -> Reply {
    Reply::json(status, &json!({"errors": [{"code": code, "description": description, "parameter": parameter}]}))
}

impl MessageBird {
    fn message(body: &Value) -> Option<Sms> {
        let mut fields = Fields::of(body)?;
        fields.is("reference", &message().id.to_string())?;
        let recipients = fields.take("recipients")?;
        let recipients = recipients.as_array().filter(|list| list.len() == 1)?;
        let to = recipients[0].as_str().filter(|to| to.bytes().all(|byte| byte.is_ascii_digit()))?;
        let coding = fields.text("datacoding")?;
        let sms = Sms {
            to: format!("+{to}"),
            from: fields.text("originator"),
            text: fields.text("body")?,
            unicode: Some(coding == "unicode"),
            link: fields.text("reportUrl"),
        };
        fields.nothing_left()?;
        ["plain", "unicode"].contains(&coding.as_str()).then_some(sms)
    }
}

impl Vendor for MessageBird {
    fn name(&self) -> &'static str {
        "messagebird"
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != "/messages" {
            return Err(error(404, 20, "message not found", "id"));
        }
        if request.header("authorization") != format!("AccessKey {}", secret("messagebird")) {
            return Err(error(401, 2, "Request not allowed (incorrect access_key)", "access_key"));
        }
        request
            .json()
            .and_then(|body| Self::message(&body))
            .ok_or_else(|| error(422, 9, "originator is required", "originator"))
    }

    fn accepts(&self) -> Reply {
        let items =
            json!([{"recipient": 34_666_666_111_u64, "status": "sent", "statusDatetime": "2026-01-01T12:00:00+00:00"}]);
        let recipients = json!({"totalCount": 1, "totalSentCount": 1, "totalDeliveredCount": 0, "items": items});
        Reply::json(201, &json!({"id": ID, "direction": "mt", "type": "sms", "recipients": recipients}))
    }

    fn refuses(&self, to: &str) -> Reply {
        error(422, 9, &format!("no (correct) recipients found: {to}"), "recipients")
    }

    fn throttles(&self) -> Reply {
        error(429, 0, "Too many requests", "")
    }

    fn reports(&self, link: &str, what: Report) -> Call {
        let status = what.pick("delivered", "delivery_failed", "buffered");
        let reference = message().id;
        let query = format!(
            "id={ID}&reference={reference}&recipient=34666666111&status={status}&statusDatetime=2026-01-01T12%3A00%3A00%2B00%3A00"
        );
        Call {
            method: Method::GET,
            url: format!("{link}?{query}"),
            headers: vec![],
            body: String::new(),
            by_link: true,
        }
    }

    fn forges(&self, report: Call) -> Call {
        Call { by_link: false, ..report }
    }
}
