//! WhatsApp, Meta's Cloud API: authentication templates.

use crate::http::{
    bench::{message, secret},
    simulator::{Call, Carries, Fields, ID, Reply, Report, Request, Sms, Vendor},
};
use aws_lc_rs::hmac;
use axum::http::Method;
use countersign_model::Channel;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

pub static SIMULATED: Whatsapp = Whatsapp;
pub struct Whatsapp;

const PHONE_NUMBER_ID: &str = "106540352242922";

fn error(status: u16, code: u32, message: &str) -> Reply {
    let error = json!({"message": format!("(#{code}) {message}"), "type": "OAuthException", "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": message}, "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam"});
    Reply::json(status, &json!({"error": error}))
}

/// A component with the one-time password as its only parameter.
fn password(component: &Value) -> Option<&str> {
    let [parameter] = component["parameters"].as_array()?.as_slice() else { return None };
    let text = parameter["text"].as_str().filter(|text| (1..=15).contains(&text.len()))?;
    (parameter["type"] == "text").then_some(text)
}

impl Whatsapp {
    fn message(request: &Request) -> Option<Sms> {
        let mut fields = Fields::of(&request.json()?)?;
        fields.is("messaging_product", "whatsapp")?;
        fields.is("recipient_type", "individual")?;
        fields.is("type", "template")?;
        fields.is("biz_opaque_callback_data", &message().id.to_string())?;
        let to = fields.text("to")?;
        let mut template = Fields::of(&fields.take("template")?)?;
        fields.nothing_left()?;
        // The code lives for five minutes, and so says the line under it.
        template.is("name", "code_5m")?;
        (template.take("language")? == json!({"code": "en"})).then_some(())?;
        let components = template.take("components")?;
        let [body, button] = components.as_array()?.as_slice() else { return None };
        let is_button = button["sub_type"] == "url" && button["index"] == "0" && button["type"] == "button";
        // What is copied by the button is what is read.
        let code = password(body).filter(|code| password(button) == Some(*code))?;
        (body["type"] == "body" && is_button).then_some(())?;
        template.nothing_left()?;
        Some(Sms { to, text: code.to_owned(), ..Sms::default() })
    }
}

impl Vendor for Whatsapp {
    fn name(&self) -> &'static str {
        "whatsapp"
    }

    fn channel(&self) -> Channel {
        Channel::Whatsapp
    }

    fn carries(&self) -> Carries {
        Carries::Code
    }

    fn sender(&self) -> &'static str {
        ""
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != format!("/v23.0/{PHONE_NUMBER_ID}/messages") {
            return Err(error(400, 100, "Unsupported post request"));
        }
        if request.header("authorization") != format!("Bearer {}", secret("whatsapp")) {
            return Err(error(401, 190, "Invalid OAuth access token"));
        }
        Self::message(request).ok_or_else(|| error(400, 132_000, "Number of parameters does not match"))
    }

    fn accepts(&self) -> Reply {
        let contacts = json!([{"input": "+34666666111", "wa_id": "34666666111"}]);
        let messages = json!([{"id": ID, "message_status": "accepted"}]);
        Reply::json(200, &json!({"messaging_product": "whatsapp", "contacts": contacts, "messages": messages}))
    }

    fn refuses(&self, to: &str) -> Reply {
        error(400, 131_009, &format!("Parameter value is not valid: {to}"))
    }

    fn throttles(&self) -> Reply {
        error(400, 130_429, "Rate limit hit")
    }

    fn reports(&self, _link: &str, what: Report) -> Call {
        let status = json!({"id": ID, "status": what.pick("delivered", "failed", "sent"), "timestamp": "1767225601",
            "recipient_id": "34666666111", "biz_opaque_callback_data": message().id.to_string()});
        // Of a message that somebody else sent from this number.
        let other = json!({"id": "wamid.other", "status": "delivered", "timestamp": "1767225601", "recipient_id": "1"});
        let change = |value: Value| json!({"field": "messages", "value": value});
        let written = change(json!({"messages": [{"from": "34666666111", "type": "text"}]}));
        let changes = json!([change(json!({"statuses": [other, status]})), written]);
        let body =
            json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}).to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret("whatsapp-app").as_bytes());
        let signature = HEXLOWER.encode(hmac::sign(&key, body.as_bytes()).as_ref());
        Call {
            method: Method::POST,
            url: "https://verify.acme.example/callbacks/whatsapp".to_owned(),
            headers: vec![("X-Hub-Signature-256", format!("sha256={signature}"))],
            body,
            by_link: false,
        }
    }

    fn forges(&self, report: Call) -> Call {
        Call { body: report.body.replace(ID, "another"), ..report }
    }
}
