//! Mailgun, Messages API v3 and webhooks.

use crate::http::{
    bench::secret,
    simulator::{Call, Fields, ID, Mail, Reply, Report, Request, Sms, Vendor},
};
use aws_lc_rs::hmac;
use axum::http::Method;
use countersign_model::Channel;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

pub static SIMULATED: Mailgun = Mailgun;
pub struct Mailgun;

const TIMESTAMP: &str = "1767225600";
const TOKEN: &str = "bfbeb8ae2c1e4e3b9d3b4f1f1a8e6f1b1f6e7d8c9b0a1f2e3d";

fn error(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({ "message": message }))
}

impl Mailgun {
    fn message(mut fields: Fields) -> Option<(Sms, Mail)> {
        fields.is("o:tracking", "no")?;
        let sms =
            Sms { to: fields.text("to")?, from: fields.text("from"), text: fields.text("text")?, ..Sms::default() };
        let mail = Mail {
            subject: fields.text("subject")?,
            html: fields.text("html"),
            id: fields.text("v:countersign")?,
            auto_submitted: fields.text("h:Auto-Submitted")?,
        };
        fields.nothing_left()?;
        Some((sms, mail))
    }

    fn call(variables: &Value, what: Report) -> Call {
        let mut event = json!({"event": what.pick("delivered", "failed", "failed"), "timestamp": 1_767_225_600.5, "id": "event",
            "recipient": "ana@example.com", "user-variables": variables,
            "message": {"headers": {"to": "ana@example.com", "message-id": ID, "from": "no-reply@acme.example"}}});
        if what != Report::Delivered {
            event["severity"] = json!(what.pick("", "permanent", "temporary"));
            event["reason"] = json!("bounce");
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret("mailgun-webhooks").as_bytes());
        let signature = HEXLOWER.encode(hmac::sign(&key, format!("{TIMESTAMP}{TOKEN}").as_bytes()).as_ref());
        let signature = json!({"timestamp": TIMESTAMP, "token": TOKEN, "signature": signature});
        Call {
            method: Method::POST,
            url: "https://verify.acme.example/callbacks/mailgun".to_owned(),
            headers: Vec::new(),
            body: json!({"signature": signature, "event-data": event}).to_string(),
            by_link: false,
        }
    }
}

impl Vendor for Mailgun {
    fn name(&self) -> &'static str {
        "mailgun"
    }

    fn channel(&self) -> Channel {
        Channel::Email
    }

    fn sender(&self) -> &'static str {
        "AcmeShop <no-reply@acme.example>"
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != "/v3/acme.example/messages" {
            return Err(error(404, "Domain not found: acme.example"));
        }
        if !request.has_basic("api", &secret("mailgun")) {
            return Err(Reply::text(401, "Forbidden"));
        }
        let message = request.form().and_then(|form| Self::message(Fields::of_form(form)));
        message
            .map(|(sms, _)| sms)
            .ok_or_else(|| error(400, "Need at least one of 'text' or 'html' parameters specified"))
    }

    fn read_mail(&self, request: &Request) -> Option<Mail> {
        request.form().and_then(|form| Self::message(Fields::of_form(form))).map(|(_, mail)| mail)
    }

    fn accepts(&self) -> Reply {
        Reply::json(200, &json!({"id": format!("<{ID}>"), "message": "Queued. Thank you."}))
    }

    fn refuses(&self, to: &str) -> Reply {
        error(400, &format!("'to' parameter is not a valid address ({to}). please check documentation"))
    }

    fn throttles(&self) -> Reply {
        error(429, "Too many requests")
    }

    fn reports(&self, _link: &str, what: Report) -> Call {
        Self::call(&json!({"countersign": "msg_1"}), what)
    }

    fn reports_of_others(&self, what: Report) -> Call {
        Self::call(&json!({"newsletter": "7"}), what)
    }

    /// The signature of another call.
    fn forges(&self, report: Call) -> Call {
        Call { body: report.body.replace(TOKEN, "another"), ..report }
    }
}
