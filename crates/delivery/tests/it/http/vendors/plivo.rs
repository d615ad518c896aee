//! Plivo Messaging, v1.

use crate::http::{
    bench::secret,
    simulator::{Call, Fields, ID, Reply, Report, Request, Sms, Vendor},
};
use aws_lc_rs::hmac;
use axum::http::Method;
use data_encoding::BASE64;
use serde_json::{Value, json};

pub static SIMULATED: Plivo = Plivo;
pub struct Plivo;

const ACCOUNT: &str = "MA000000000000000000";
const NONCE: &str = "05429567804466091622";

fn error(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({"api_id": "58fd0d84-ec49-11ef-8a94-0242ac110004", "error": text}))
}

impl Plivo {
    fn message(body: &Value) -> Option<Sms> {
        let mut fields = Fields::of(body)?;
        fields.is("type", "sms")?;
        fields.is("method", "POST")?;
        let sms = Sms {
            to: fields.text("dst").filter(|to| to.starts_with('+'))?,
            from: fields.text("src"),
            text: fields.text("text")?,
            unicode: None,
            link: fields.text("url"),
        };
        fields.nothing_left()?;
        Some(sms)
    }
}

impl Vendor for Plivo {
    fn name(&self) -> &'static str {
        "plivo"
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != format!("/v1/Account/{ACCOUNT}/Message/") {
            return Err(error(404, "not found"));
        }
        if !request.has_basic(ACCOUNT, &secret("plivo")) {
            return Err(Reply::text(401, "Could not verify your access level for that URL."));
        }
        request.json().and_then(|body| Self::message(&body)).ok_or_else(|| error(400, "text parameter is invalid"))
    }

    fn accepts(&self) -> Reply {
        let api_id = "58fd0d84-ec49-11ef-8a94-0242ac110004";
        Reply::json(202, &json!({"message": "message(s) queued", "message_uuid": [ID], "api_id": api_id}))
    }

    fn refuses(&self, to: &str) -> Reply {
        error(400, &format!("dst parameter {to} is invalid"))
    }

    fn throttles(&self) -> Reply {
        error(429, "Too Many Requests")
    }

    fn reports(&self, link: &str, what: Report) -> Call {
        let status = what.pick("delivered", "undelivered", "sent");
        let fields =
            [("From", "14155550100"), ("MessageUUID", ID), ("Status", status), ("To", "34666666111"), ("Units", "1")];
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret("plivo").as_bytes());
        let signature = BASE64.encode(hmac::sign(&key, format!("{link}{NONCE}").as_bytes()).as_ref());
        Call {
            method: Method::POST,
            url: link.to_owned(),
            headers: vec![("X-Plivo-Signature-V2", signature), ("X-Plivo-Signature-V2-Nonce", NONCE.to_owned())],
            body: form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish(),
            by_link: true,
        }
    }

    /// The signature of a call to another address.
    fn forges(&self, report: Call) -> Call {
        Call { url: report.url.replace("msg_0", "msg_1"), ..report }
    }
}
