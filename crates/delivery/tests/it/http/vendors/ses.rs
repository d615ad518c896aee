//! Amazon SES, API v2; its events come over EventBridge.

use crate::http::{
    bench::secret,
    sigv4::is_signed,
    simulator::{Call, Fields, ID, Mail, Reply, Report, Request, Sms, Vendor},
};
use axum::http::Method;
use countersign_model::Channel;
use data_encoding::BASE64;
use serde_json::{Value, json};

pub static SIMULATED: Ses = Ses;
pub struct Ses;

fn error(status: u16, kind: &'static str, message: &str) -> Reply {
    Reply::json(status, &json!({ "message": message })).with("x-amzn-errortype", kind)
}

/// A text and its character set, and nothing else.
fn utf8(part: &Value) -> Option<String> {
    let mut fields = Fields::of(part)?;
    fields.is("Charset", "UTF-8")?;
    let text = fields.text("Data")?;
    fields.nothing_left()?;
    Some(text)
}

/// One pair of a list that holds nothing else.
fn pair(list: Option<Value>, name: &str) -> Option<String> {
    let list = list?;
    let [only] = list.as_array()?.as_slice() else { return None };
    let mut fields = Fields::of(only)?;
    fields.is("Name", name)?;
    let value = fields.text("Value")?;
    fields.nothing_left()?;
    Some(value)
}

impl Ses {
    fn message(body: &Value) -> Option<(Sms, Mail)> {
        let mut fields = Fields::of(body)?;
        let from = fields.text("FromEmailAddress").filter(|from| from.is_ascii())?;
        fields.is("ConfigurationSetName", "countersign")?;
        let id = pair(fields.take("EmailTags"), "countersign")?;
        let is_tag = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        id.bytes().all(is_tag).then_some(())?;
        let mut destination = Fields::of(&fields.take("Destination")?)?;
        let to = destination.take("ToAddresses")?;
        let [to] = to.as_array()?.as_slice() else { return None };
        destination.nothing_left()?;
        let mut content = Fields::of(&fields.take("Content")?)?;
        let mut simple = Fields::of(&content.take("Simple")?)?;
        content.nothing_left()?;
        let subject = utf8(&simple.take("Subject")?)?;
        let auto_submitted = pair(simple.take("Headers"), "Auto-Submitted")?;
        let mut body = Fields::of(&simple.take("Body")?)?;
        simple.nothing_left()?;
        let text = utf8(&body.take("Text")?)?;
        let html = match body.take("Html") {
            Some(html) => Some(utf8(&html)?),
            None => None,
        };
        body.nothing_left()?;
        fields.nothing_left()?;
        let sms = Sms { to: to.as_str()?.to_owned(), from: Some(decoded(&from)?), text, unicode: None, link: None };
        Some((sms, Mail { subject, html, id, auto_submitted }))
    }

    fn event(ours: bool, what: Report) -> Call {
        let kind = what.pick("Delivery", "Bounce", "DeliveryDelay");
        let tags = if ours { json!({"countersign": ["msg_1"]}) } else { json!({"ses:configuration-set": ["news"]}) };
        let mail = json!({"timestamp": "2026-01-01T12:00:00.000Z", "source": "Acme <no-reply@acme.example>",
            "messageId": ID, "destination": ["ana@example.com"], "tags": tags});
        let name = what.pick("Email Delivered", "Email Bounced", "Email Delivery Delayed");
        let body = json!({"version": "0", "id": "c3d4e5f6", "detail-type": name, "source": "aws.ses", "account": "123456789012",
            "time": "2026-01-01T12:00:01Z", "region": "eu-west-1", "resources": [],
            "detail": {"eventType": kind, "mail": mail}});
        let login = format!("countersign:{}", secret("ses-receipts"));
        Call {
            method: Method::POST,
            url: "https://verify.acme.example/callbacks/ses".to_owned(),
            headers: vec![("authorization", format!("Basic {}", BASE64.encode(login.as_bytes())))],
            body: body.to_string(),
            by_link: false,
        }
    }
}

/// A name as an encoded word (RFC 2047), or plain; then the address.
fn decoded(from: &str) -> Option<String> {
    let Some(rest) = from.strip_prefix("=?utf-8?b?") else { return Some(from.to_owned()) };
    let (word, address) = rest.split_once("?=")?;
    let name = String::from_utf8(BASE64.decode(word.as_bytes()).ok()?).ok()?;
    let name = if name.contains([':', ',', '.']) { format!("\"{name}\"") } else { name };
    Some(format!("{name}{address}"))
}

impl Vendor for Ses {
    fn name(&self) -> &'static str {
        "ses"
    }

    fn channel(&self) -> Channel {
        Channel::Email
    }

    fn sender(&self) -> &'static str {
        "AcmeShop <no-reply@acme.example>"
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != "/v2/email/outbound-emails" {
            return Err(error(404, "UnknownOperationException", "unknown"));
        }
        if !is_signed(request, "ses", "eu-west-1", &secret("ses")) {
            let message = "The request signature we calculated does not match the signature you provided.";
            return Err(error(403, "InvalidSignatureException", message));
        }
        let message = request.json().and_then(|body| Self::message(&body));
        message.map(|(sms, _)| sms).ok_or_else(|| error(400, "BadRequestException", "invalid request"))
    }

    fn read_mail(&self, request: &Request) -> Option<Mail> {
        request.json().and_then(|body| Self::message(&body)).map(|(_, mail)| mail)
    }

    fn accepts(&self) -> Reply {
        Reply::json(200, &json!({ "MessageId": ID }))
    }

    fn refuses(&self, to: &str) -> Reply {
        let message = format!("Email address is not verified. The following identities failed the check: {to}");
        error(400, "MessageRejected:http://internal.amazon.com/coral/com.amazonaws.ses/", &message)
    }

    fn throttles(&self) -> Reply {
        error(429, "TooManyRequestsException", "Maximum sending rate exceeded.")
    }

    fn complaints(&self) -> Vec<Reply> {
        [
            error(400, "LimitExceededException", "There are too many instances of the specified resource type."),
            error(
                400,
                "AccountSuspendedException",
                "The account's ability to send email has been permanently restricted.",
            ),
            error(400, "SendingPausedException:", "The account's ability to send email is currently paused."),
            error(400, "MailFromDomainNotVerifiedException", "The sending domain isn't verified."),
            error(400, "ThrottlingException", "Rate exceeded"),
            error(400, "IncompleteSignature", "The request signature does not conform to AWS standards."),
        ]
        .into()
    }

    fn reports(&self, _link: &str, what: Report) -> Call {
        Self::event(true, what)
    }

    fn reports_of_others(&self, what: Report) -> Call {
        Self::event(false, what)
    }

    /// Another password.
    fn forges(&self, report: Call) -> Call {
        Call { headers: vec![("authorization", format!("Basic {}", BASE64.encode(b"countersign:wrong")))], ..report }
    }
}
