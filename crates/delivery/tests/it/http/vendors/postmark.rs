//! Postmark, Email API and webhooks.

use crate::http::{
    bench::secret,
    simulator::{Call, Fields, ID, Mail, Reply, Report, Request, Sms, Vendor},
};
use axum::http::Method;
use countersign_model::Channel;
use data_encoding::BASE64;
use serde_json::{Value, json};

pub static SIMULATED: Postmark = Postmark;
pub struct Postmark;

fn error(status: u16, code: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"ErrorCode": code, "Message": message}))
}

impl Postmark {
    fn message(body: &Value) -> Option<(Sms, Mail)> {
        let mut fields = Fields::of(body)?;
        fields.is("MessageStream", "outbound")?;
        fields.is("TrackLinks", "None")?;
        (fields.take("TrackOpens")? == json!(false)).then_some(())?;
        let headers = fields.take("Headers")?;
        let [header] = headers.as_array()?.as_slice() else { return None };
        (header["Name"] == "Auto-Submitted").then_some(())?;
        let mut metadata = Fields::of(&fields.take("Metadata")?)?;
        let id = metadata.text("countersign").filter(|id| id.len() <= 80)?;
        metadata.nothing_left()?;
        let sms =
            Sms { to: fields.text("To")?, from: fields.text("From"), text: fields.text("TextBody")?, ..Sms::default() };
        let mail = Mail {
            subject: fields.text("Subject")?,
            html: fields.text("HtmlBody"),
            id,
            auto_submitted: header["Value"].as_str()?.to_owned(),
        };
        fields.nothing_left()?;
        Some((sms, mail))
    }

    fn call(metadata: &Value, what: Report) -> Call {
        let mut body = match what {
            Report::Delivered => json!({"RecordType": "Delivery", "Recipient": "ana@example.com",
                "DeliveredAt": "2026-01-01T12:00:00Z", "Details": "Test delivery webhook details"}),
            Report::Undelivered | Report::Interim => {
                let kind = what.pick("", "HardBounce", "Transient");
                json!({"RecordType": "Bounce", "Type": kind, "TypeCode": 1, "Name": "Hard bounce", "ID": 42,
                    "Email": "ana@example.com", "BouncedAt": "2026-01-01T12:00:00Z", "Inactive": true})
            }
        };
        body["MessageID"] = json!(ID);
        body["Metadata"] = metadata.clone();
        let login = format!("countersign:{}", secret("postmark-receipts"));
        Call {
            method: Method::POST,
            url: "https://verify.acme.example/callbacks/postmark".to_owned(),
            headers: vec![("authorization", format!("Basic {}", BASE64.encode(login.as_bytes())))],
            body: body.to_string(),
            by_link: false,
        }
    }
}

impl Vendor for Postmark {
    fn name(&self) -> &'static str {
        "postmark"
    }

    fn channel(&self) -> Channel {
        Channel::Email
    }

    fn sender(&self) -> &'static str {
        "AcmeShop <no-reply@acme.example>"
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != "/email" {
            return Err(Reply::text(404, "Not found"));
        }
        if request.header("x-postmark-server-token") != secret("postmark") {
            return Err(error(401, 10, "No Account or Server API tokens were supplied in the HTTP headers."));
        }
        if request.header("accept") != "application/json" {
            return Err(error(422, 409, "JSON required"));
        }
        let message = request.json().and_then(|body| Self::message(&body));
        message.map(|(sms, _)| sms).ok_or_else(|| error(422, 402, "Received invalid JSON input."))
    }

    fn read_mail(&self, request: &Request) -> Option<Mail> {
        request.json().and_then(|body| Self::message(&body)).map(|(_, mail)| mail)
    }

    fn accepts(&self) -> Reply {
        let at = "2026-01-01T12:00:00.0000000Z";
        Reply::json(
            200,
            &json!({"To": "ana@example.com", "SubmittedAt": at, "MessageID": ID, "ErrorCode": 0, "Message": "OK"}),
        )
    }

    fn refuses(&self, to: &str) -> Reply {
        error(422, 406, &format!("You tried to send to a recipient that has been marked as inactive. Found: {to}."))
    }

    fn throttles(&self) -> Reply {
        error(429, 429, "Rate limit exceeded")
    }

    fn complaints(&self) -> Vec<Reply> {
        [
            error(422, 400, "The 'From' address you supplied is not a Sender Signature on your account."),
            error(422, 401, "Sender signature not confirmed."),
            error(422, 405, "Not allowed to send: you ran out of credits."),
            error(422, 412, "Your account is pending approval."),
        ]
        .into()
    }

    fn reports(&self, _link: &str, what: Report) -> Call {
        Self::call(&json!({"countersign": "msg_1"}), what)
    }

    fn reports_of_others(&self, what: Report) -> Call {
        Self::call(&json!({"newsletter": "7"}), what)
    }

    /// Without a login.
    fn forges(&self, report: Call) -> Call {
        Call { headers: Vec::new(), ..report }
    }
}
