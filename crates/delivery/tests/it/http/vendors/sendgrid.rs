//! SendGrid, Mail Send API v3 and the signed Event Webhook.

use crate::http::{
    bench::secret,
    simulator::{Call, Fields, ID, Mail, Reply, Report, Request, Sms, Vendor},
};
use aws_lc_rs::{
    encoding::AsDer as _,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use axum::http::Method;
use countersign_model::Channel;
use data_encoding::BASE64;
use serde_json::{Value, json};
use std::sync::LazyLock;

pub static SIMULATED: SendGrid = SendGrid;
pub struct SendGrid;

const TIMESTAMP: &str = "1767225600";
static KEY: LazyLock<EcdsaKeyPair> = LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap());

fn error(status: u16, message: &str, field: Option<&str>) -> Reply {
    Reply::json(status, &json!({"errors": [{"message": message, "field": field, "help": null}]}))
}

impl SendGrid {
    fn message(body: &Value) -> Option<(Sms, Mail)> {
        let mut fields = Fields::of(body)?;
        let mut from = Fields::of(&fields.take("from")?)?;
        let (name, email) = (from.text("name"), from.text("email")?);
        from.nothing_left()?;
        let [personalization] = fields.take("personalizations")?.as_array()?.clone().try_into().ok()?;
        let to = personalization.pointer("/to/0/email")?.as_str()?.to_owned();
        (personalization == json!({"to": [{"email": to}]})).then_some(())?;
        let content = fields.take("content")?;
        let mut parts = content.as_array()?.iter();
        let part = |value: &Value, kind: &str| {
            let mut fields = Fields::of(value)?;
            fields.is("type", kind)?;
            let text = fields.text("value").filter(|text| !text.is_empty())?;
            fields.nothing_left()?;
            Some(text)
        };
        let text = part(parts.next()?, "text/plain")?;
        let html = match parts.next() {
            Some(html) => Some(part(html, "text/html")?),
            None => None,
        };
        parts.next().is_none().then_some(())?;
        let off =
            json!({"click_tracking": {"enable": false, "enable_text": false}, "open_tracking": {"enable": false}});
        (fields.take("tracking_settings")? == off).then_some(())?;
        let mut arguments = Fields::of(&fields.take("custom_args")?)?;
        let mut headers = Fields::of(&fields.take("headers")?)?;
        let mail = Mail {
            subject: fields.text("subject")?,
            html,
            id: arguments.text("countersign")?,
            auto_submitted: headers.text("Auto-Submitted")?,
        };
        arguments.nothing_left()?;
        headers.nothing_left()?;
        fields.nothing_left()?;
        let quoted = |name: String| if name.contains(':') { format!("\"{name}\"") } else { name };
        let from = name.map_or_else(|| email.clone(), |name| format!("{} <{email}>", quoted(name)));
        Some((Sms { to, from: Some(from), text, ..Sms::default() }, mail))
    }

    /// Events of several messages come in one call.
    fn call(ours: bool, what: Report) -> Call {
        let event = what.pick("delivered", "bounce", "deferred");
        let id = format!("{ID}.recvd-7bd9484584-qt86v-1-698B2E9F-D.0");
        let mut entry = json!({"email": "ana@example.com", "timestamp": 1_767_225_600, "event": event, "sg_event_id": "ZGVs",
            "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>", "sg_message_id": id});
        if ours {
            entry["countersign"] = json!("msg_1");
        }
        let late =
            json!({"email": "eve@example.com", "timestamp": 1_767_225_600, "event": "bounce", "sg_event_id": "YmIy"});
        let body = json!([late, entry]).to_string();
        let signed = format!("{TIMESTAMP}{body}");
        let signature = KEY.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        Call {
            method: Method::POST,
            url: "https://verify.acme.example/callbacks/sendgrid".to_owned(),
            headers: vec![
                ("X-Twilio-Email-Event-Webhook-Signature", BASE64.encode(signature.as_ref())),
                ("X-Twilio-Email-Event-Webhook-Timestamp", TIMESTAMP.to_owned()),
            ],
            body,
            by_link: false,
        }
    }
}

impl Vendor for SendGrid {
    fn name(&self) -> &'static str {
        "sendgrid"
    }

    fn channel(&self) -> Channel {
        Channel::Email
    }

    fn sender(&self) -> &'static str {
        "AcmeShop <no-reply@acme.example>"
    }

    /// Every account is shown its own public key.
    fn adapt(&self, settings: &mut toml::Table) {
        let public_key = KEY.public_key().as_der().unwrap();
        settings["receipt"]["signature"]["ecdsa"]["public_key"] = BASE64.encode(public_key.as_ref()).into();
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != "/v3/mail/send" {
            return Err(error(404, "Not found", None));
        }
        if request.header("authorization") != format!("Bearer {}", secret("sendgrid")) {
            return Err(error(401, "The provided authorization grant is invalid, expired, or revoked", None));
        }
        let message = request.json().and_then(|body| Self::message(&body));
        message.map(|(sms, _)| sms).ok_or_else(|| error(400, "Bad Request", None))
    }

    fn read_mail(&self, request: &Request) -> Option<Mail> {
        request.json().and_then(|body| Self::message(&body)).map(|(_, mail)| mail)
    }

    fn accepts(&self) -> Reply {
        Reply::text(202, "").with("X-Message-Id", ID)
    }

    fn refuses(&self, to: &str) -> Reply {
        error(400, &format!("Does not contain a valid address: {to}."), Some("personalizations.0.to.0.email"))
    }

    fn throttles(&self) -> Reply {
        error(429, "too many requests", None)
    }

    fn reports(&self, _link: &str, what: Report) -> Call {
        Self::call(true, what)
    }

    fn reports_of_others(&self, what: Report) -> Call {
        Self::call(false, what)
    }

    /// The signature of another report.
    fn forges(&self, report: Call) -> Call {
        Call { body: report.body.replace(ID, "another"), ..report }
    }
}
