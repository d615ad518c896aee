//! Telegram Gateway API.

use crate::http::{
    bench::secret,
    simulator::{BAD_NUMBER, Call, Carries, Fields, ID, Reply, Report, Request, Sms, Vendor},
};
use aws_lc_rs::{digest, hmac};
use axum::http::Method;
use countersign_model::Channel;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

pub static SIMULATED: Telegram = Telegram;
pub struct Telegram;

fn error(error: &str) -> Reply {
    Reply::json(200, &json!({"ok": false, "error": error}))
}

fn status(what: Option<&str>) -> Value {
    let mut status = json!({"request_id": ID, "phone_number": "+34666666111", "request_cost": 0.01});
    if let Some(what) = what {
        status["delivery_status"] = json!({"status": what, "updated_at": 1_767_225_601});
    }
    status
}

impl Telegram {
    fn fields(request: &Request) -> Result<Fields, Reply> {
        if request.header("authorization") != format!("Bearer {}", secret("telegram")) {
            return Err(error("ACCESS_TOKEN_INVALID"));
        }
        request.form().map(Fields::of_form).ok_or_else(|| error("PHONE_NUMBER_INVALID"))
    }

    fn asked(request: &Request) -> Result<(), Reply> {
        let mut fields = Self::fields(request)?;
        let to = fields.text("phone_number").filter(|to| to.starts_with('+'));
        match (to.as_deref(), fields.nothing_left()) {
            (Some(BAD_NUMBER), _) => Err(error("PHONE_NUMBER_NOT_FOUND")),
            (Some(_), Some(())) => Ok(()),
            _ => Err(error("PHONE_NUMBER_INVALID")),
        }
    }

    fn message(mut fields: Fields) -> Option<Sms> {
        let to = fields.text("phone_number").filter(|to| to.starts_with('+'))?;
        // Without it the message would be paid for twice.
        fields.is("request_id", ID)?;
        let is_code = |code: &String| (4..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
        let text = fields.text("code").filter(is_code)?;
        fields.is("ttl", "299")?;
        let link = fields.text("callback_url").filter(|url| url.len() <= 256);
        fields.nothing_left()?;
        Some(Sms { to, text, link, ..Sms::default() })
    }
}

impl Vendor for Telegram {
    fn name(&self) -> &'static str {
        "telegram"
    }

    fn channel(&self) -> Channel {
        Channel::Telegram
    }

    fn carries(&self) -> Carries {
        Carries::Code
    }

    fn sender(&self) -> &'static str {
        ""
    }

    fn answers_question(&self, request: &Request) -> Option<Reply> {
        let is_one = request.method == Method::POST && request.path == "/checkSendAbility";
        is_one.then(|| match Self::asked(request) {
            Ok(()) => Reply::json(200, &json!({"ok": true, "result": status(None)})),
            Err(reply) => reply,
        })
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != "/sendVerificationMessage" {
            return Err(error("METHOD_INVALID"));
        }
        Self::message(Self::fields(request)?).ok_or_else(|| error("CODE_INVALID"))
    }

    fn accepts(&self) -> Reply {
        Reply::json(200, &json!({"ok": true, "result": status(Some("sent"))}))
    }

    fn refuses(&self, _to: &str) -> Reply {
        error("PHONE_NUMBER_INVALID")
    }

    fn throttles(&self) -> Reply {
        error("FLOOD_WAIT_7")
    }

    fn reports(&self, link: &str, what: Report) -> Call {
        let body = status(Some(what.pick("delivered", "expired", "sent"))).to_string();
        let key = digest::digest(&digest::SHA256, secret("telegram").as_bytes());
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_ref());
        let signature = HEXLOWER.encode(hmac::sign(&key, format!("1767225601\n{body}").as_bytes()).as_ref());
        Call {
            method: Method::POST,
            url: link.to_owned(),
            headers: vec![("X-Request-Timestamp", "1767225601".to_owned()), ("X-Request-Signature", signature)],
            body,
            by_link: true,
        }
    }

    fn forges(&self, report: Call) -> Call {
        Call { body: report.body.replace(ID, "another"), ..report }
    }
}
