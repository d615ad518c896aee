//! Twilio Programmable Messaging, 2010-04-01.

use crate::http::{
    bench::secret,
    simulator::{Call, Fields, ID, Reply, Report, Request, Sms, Vendor},
};
use aws_lc_rs::hmac;
use axum::http::Method;
use data_encoding::BASE64;
use serde_json::json;

pub static SIMULATED: Twilio = Twilio;
pub struct Twilio;

pub const ACCOUNT: &str = "AC00000000000000000000000000000000";

pub fn error(status: u16, code: u32, message: &str) -> Reply {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    Reply::json(status, &json!({"code": code, "message": message, "more_info": more, "status": status}))
}

/// A call of Twilio's to us: the fields come in the order of their names.
pub fn signed(url: &str, fields: &[(&str, &str)]) -> Call {
    assert!(fields.is_sorted());
    let signed = fields.iter().fold(url.to_owned(), |text, (name, value)| text + name + value);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret("twilio").as_bytes());
    let signature = BASE64.encode(hmac::sign(&key, signed.as_bytes()).as_ref());
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    Call {
        method: Method::POST,
        url: url.to_owned(),
        headers: vec![("X-Twilio-Signature", signature)],
        body,
        by_link: true,
    }
}

impl Twilio {
    fn message(request: &Request) -> Option<Sms> {
        let mut fields = Fields::of_form(request.form()?);
        let sms = Sms {
            to: fields.text("To").filter(|to| to.starts_with('+'))?,
            from: fields.text("From"),
            text: fields.text("Body")?,
            unicode: None,
            link: fields.text("StatusCallback"),
        };
        fields.nothing_left()?;
        Some(sms)
    }
}

impl Vendor for Twilio {
    fn name(&self) -> &'static str {
        "twilio"
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json") {
            return Err(error(404, 20404, "The requested resource was not found"));
        }
        if !request.has_basic(ACCOUNT, &secret("twilio")) {
            return Err(error(401, 20003, "Authenticate"));
        }
        Self::message(request).ok_or_else(|| error(400, 21602, "Message body is required."))
    }

    fn accepts(&self) -> Reply {
        Reply::json(201, &json!({"sid": ID, "status": "queued", "error_code": null, "num_segments": "1"}))
    }

    fn refuses(&self, to: &str) -> Reply {
        error(400, 21211, &format!("Invalid 'To' Phone Number: {to}"))
    }

    fn throttles(&self) -> Reply {
        error(429, 20429, "Too Many Requests")
    }

    fn reports(&self, link: &str, what: Report) -> Call {
        let status = what.pick("delivered", "undelivered", "sent");
        let fields = [
            ("AccountSid", ACCOUNT),
            ("From", "+15005550006"),
            ("MessageSid", ID),
            ("MessageStatus", status),
            ("To", "+34666666111"),
        ];
        signed(link, &fields)
    }

    /// The signature of another report.
    fn forges(&self, report: Call) -> Call {
        Call { body: report.body.replace(ID, "another"), ..report }
    }
}
