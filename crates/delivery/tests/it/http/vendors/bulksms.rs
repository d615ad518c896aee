//! BulkSMS JSON REST API, v1.

use crate::http::{
    bench::secret,
    simulator::{Call, Fields, ID, Reply, Report, Request, Sms, Vendor},
};
use axum::http::Method;
use serde_json::{Value, json};

pub static SIMULATED: BulkSms = BulkSms;
pub struct BulkSms;

const TOKEN_ID: &str = "0123456789ABCDEF0123456789ABCDEF-02-0";

/// RFC 7807.
fn error(status: u16, title: &str, detail: &str) -> Reply {
    let kind = format!("https://www.bulksms.com/developer/json/v1/errors#{}", title.to_lowercase().replace(' ', "-"));
    Reply::json(status, &json!({"type": kind, "title": title, "status": status, "detail": detail}))
}

fn message(status: &str) -> Value {
    json!({"id": ID, "type": "SENT", "to": "34666666111", "encoding": "TEXT", "numberOfParts": 1, "creditCost": 1,
        "submission": {"id": "1-00000000000522347562"}, "status": {"id": format!("{status}.null"), "type": status, "subtype": null},
        "userSuppliedId": null})
}

impl BulkSms {
    fn message(body: &Value) -> Option<Sms> {
        let mut fields = Fields::of(body)?;
        fields.is("deliveryReports", "ALL")?;
        let encoding = fields.text("encoding")?;
        let sms = Sms {
            to: fields.text("to").filter(|to| to.starts_with('+'))?,
            from: fields.text("from"),
            text: fields.text("body")?,
            unicode: Some(encoding == "UNICODE"),
            link: None,
        };
        fields.nothing_left()?;
        ["TEXT", "UNICODE"].contains(&encoding.as_str()).then_some(sms)
    }
}

impl Vendor for BulkSms {
    fn name(&self) -> &'static str {
        "bulksms"
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != "/v1/messages" {
            return Err(error(404, "Not Found", "There is nothing here"));
        }
        if !request.has_basic(TOKEN_ID, &secret("bulksms")) {
            return Err(error(401, "Unauthorized", "The credentials are not right"));
        }
        request
            .json()
            .and_then(|body| Self::message(&body))
            .ok_or_else(|| error(400, "Bad Request", "a property is not known"))
    }

    fn accepts(&self) -> Reply {
        Reply::json(201, &json!([message("ACCEPTED")]))
    }

    fn refuses(&self, to: &str) -> Reply {
        error(400, "Invalid To Address", &format!("{to} is not a phone number"))
    }

    fn throttles(&self) -> Reply {
        error(429, "Too Many Requests", "slow down")
    }

    /// One address for all messages, with the token that the operator put there.
    fn reports(&self, _: &str, what: Report) -> Call {
        let token: String = form_urlencoded::byte_serialize(secret("bulksms-webhook").as_bytes()).collect();
        Call {
            method: Method::POST,
            url: format!("https://verify.acme.example/callbacks/bulksms?token={token}"),
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("X-BulkSMS-Event", "status-report".to_owned()),
            ],
            body: json!([message(what.pick("DELIVERED", "FAILED", "SENT"))]).to_string(),
            by_link: false,
        }
    }

    fn forges(&self, report: Call) -> Call {
        Call { url: report.url.replace("bulksms-webhook", "guess"), ..report }
    }
}
