//! Amazon SNS, API 2010-03-31: text messages.

use crate::http::{
    bench::secret,
    sigv4::is_signed,
    simulator::{Call, Fields, ID, Reply, Report, Request, Sms, Vendor},
};
use axum::http::Method;

pub static SIMULATED: Sns = Sns;
pub struct Sns;

fn error(status: u16, code: &str, message: &str) -> Reply {
    let kind = if status < 500 { "Sender" } else { "Receiver" };
    Reply::text(
        status,
        &format!(
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\n  <Error>\n    <Type>{kind}</Type>\n    \
             <Code>{code}</Code>\n    <Message>{message}</Message>\n  </Error>\n  \
             <RequestId>9d0e4a3e-0001-5c3c-8f1a-1d3c0a6f6f2b</RequestId>\n</ErrorResponse>"
        ),
    )
}

impl Sns {
    fn message(mut fields: Fields) -> Option<Sms> {
        fields.is("Action", "Publish")?;
        fields.is("Version", "2010-03-31")?;
        let to = fields.text("PhoneNumber").filter(|to| to.starts_with('+'))?;
        let text = fields.text("Message")?;
        let mut attributes = Vec::new();
        for number in 1.. {
            let entry = format!("MessageAttributes.entry.{number}");
            let Some(name) = fields.text(&format!("{entry}.Name")) else { break };
            fields.is(&format!("{entry}.Value.DataType"), "String")?;
            attributes.push((name, fields.text(&format!("{entry}.Value.StringValue"))?));
        }
        fields.nothing_left()?;
        let attribute =
            |wanted: &str| attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        (attribute("AWS.SNS.SMS.SMSType")? == "Transactional").then_some(())?;
        let name = attribute("AWS.SNS.SMS.SenderID");
        let is_name = |name: &String| name.len() <= 11 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if name.as_ref().is_some_and(|name| !is_name(name)) {
            return None;
        }
        let from = name.or_else(|| attribute("AWS.MM.SMS.OriginationNumber"));
        Some(Sms { to, from, text, unicode: None, link: None })
    }
}

impl Vendor for Sns {
    fn name(&self) -> &'static str {
        "sns"
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != "/" {
            return Err(error(404, "InvalidAction", "The action or operation requested is invalid."));
        }
        if !is_signed(request, "sns", "eu-west-1", &secret("sns")) {
            let message = "The request signature we calculated does not match the signature you provided.";
            return Err(error(403, "SignatureDoesNotMatch", message));
        }
        let message = request.form().and_then(|form| Self::message(Fields::of_form(form)));
        message.ok_or_else(|| error(400, "InvalidParameter", "Invalid parameter"))
    }

    fn calls_back(&self) -> bool {
        false
    }

    fn accepts(&self) -> Reply {
        Reply::text(
            200,
            &format!(
                "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\n  <PublishResult>\n    \
                 <MessageId>{ID}</MessageId>\n  </PublishResult>\n  <ResponseMetadata>\n    \
                 <RequestId>f187a3c1-376f-11df-8963-01868b7c937a</RequestId>\n  </ResponseMetadata>\n</PublishResponse>"
            ),
        )
    }

    fn refuses(&self, to: &str) -> Reply {
        let message = format!("Invalid parameter: PhoneNumber Reason: {to} is not valid to publish to");
        error(400, "InvalidParameter", &message)
    }

    fn throttles(&self) -> Reply {
        error(400, "Throttling", "Rate exceeded")
    }

    fn complaints(&self) -> Vec<Reply> {
        [
            error(400, "ThrottlingException", "Rate exceeded"),
            error(400, "KMSThrottling", "The request was denied due to request throttling."),
            error(400, "RequestExpired", "The request is older than 15 minutes."),
            error(400, "IncompleteSignature", "The request signature does not conform to AWS standards."),
        ]
        .into()
    }

    /// Nothing that SNS would ever send: what somebody else may try.
    fn reports(&self, link: &str, what: Report) -> Call {
        let body = format!("status={}", what.pick("SUCCESS", "FAILURE", "PENDING"));
        Call { method: Method::POST, url: link.to_owned(), headers: Vec::new(), body, by_link: true }
    }

    fn forges(&self, report: Call) -> Call {
        report
    }
}
