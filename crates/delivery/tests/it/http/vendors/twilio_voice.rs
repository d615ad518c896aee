//! Twilio Programmable Voice, 2010-04-01, and the TwiML that is spoken.

use crate::http::{
    bench::secret,
    simulator::{Call, Carries, Fields, Heard, ID, Reply, Report, Request, Sms, Vendor},
    vendors::twilio::{ACCOUNT, error, signed},
};
use axum::http::Method;
use countersign_delivery::receipt::ReceiptAnswer;
use countersign_model::Channel;
use roxmltree::{Document, Node};
use serde_json::json;

pub static SIMULATED: TwilioVoice = TwilioVoice;
pub struct TwilioVoice;

const NUMBER: &str = "+15005550006";

impl TwilioVoice {
    fn call(request: &Request) -> Option<Sms> {
        let mut fields = Fields::of_form(request.form()?);
        let sms = Sms {
            to: fields.text("To").filter(|to| to.starts_with('+'))?,
            from: fields.text("From"),
            link: fields.text("StatusCallback"),
            ..Sms::default()
        };
        fields.text("Url").filter(|url| url.starts_with("https://"))?;
        fields.is("Method", "POST")?;
        fields.is("StatusCallbackMethod", "POST")?;
        fields.is("Timeout", "30")?;
        fields.is("TimeLimit", "120")?;
        fields.nothing_left()?;
        Some(sms)
    }
}

impl Vendor for TwilioVoice {
    fn name(&self) -> &'static str {
        "twilio-voice"
    }

    fn channel(&self) -> Channel {
        Channel::Voice
    }

    fn carries(&self) -> Carries {
        Carries::Call
    }

    fn sender(&self) -> &'static str {
        NUMBER
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json") {
            return Err(error(404, 20404, "The requested resource was not found"));
        }
        if !request.has_basic(ACCOUNT, &secret("twilio")) {
            return Err(error(401, 20003, "Authenticate"));
        }
        Self::call(request).ok_or_else(|| error(400, 21205, "Url is not a valid URL"))
    }

    fn accepts(&self) -> Reply {
        Reply::json(201, &json!({"sid": ID, "status": "queued", "direction": "outbound-api", "price": null}))
    }

    fn refuses(&self, to: &str) -> Reply {
        error(400, 21211, &format!("The phone number you are attempting to call, {to}, is not valid."))
    }

    fn throttles(&self) -> Reply {
        error(429, 20429, "Too Many Requests")
    }

    fn hears(&self, told: &ReceiptAnswer) -> Heard {
        assert_eq!(told.content_type.as_deref(), Some("text/xml; charset=utf-8"));
        let document = Document::parse(&told.body).unwrap();
        let response = document.root_element();
        assert_eq!(response.tag_name().name(), "Response");
        let verbs: Vec<Node<'_, '_>> = response.children().filter(Node::is_element).collect();
        let [verb] = verbs.as_slice() else { panic!("one verb is enough: {}", told.body) };
        let words =
            |said: &Node<'_, '_>| (said.text().unwrap().to_owned(), said.attribute("language").unwrap().to_owned());
        match verb.tag_name().name() {
            "Say" => Heard { words: Some(words(verb)), waits_at: None },
            "Hangup" => Heard { words: None, waits_at: None },
            "Gather" => {
                let of = |name| verb.attribute(name);
                assert_eq!((of("input"), of("numDigits"), of("method")), (Some("dtmf"), Some("1"), Some("POST")));
                let said: Vec<_> = verb.children().filter(|it| it.has_tag_name("Say")).map(|it| words(&it)).collect();
                assert!(said.len() == 2 && said[0] == said[1], "{said:?}");
                Heard { words: said.into_iter().next(), waits_at: of("action").map(str::to_owned) }
            }
            other => panic!("no verb that is known here: {other}"),
        }
    }

    fn asks(&self, url: &str, pressed: Option<&str>) -> Call {
        let mut fields = vec![("AccountSid", ACCOUNT), ("CallSid", ID), ("CallStatus", "in-progress")];
        if let Some(digits) = pressed {
            fields.push(("Digits", digits));
        }
        fields.push(("To", "+34666666111"));
        signed(url, &fields)
    }

    fn reports(&self, link: &str, what: Report) -> Call {
        let status = what.pick("in-progress", "completed", "ringing");
        let fields = [("AccountSid", ACCOUNT), ("CallSid", ID), ("CallStatus", status), ("To", "+34666666111")];
        signed(link, &fields)
    }

    /// The signature of another call.
    fn forges(&self, report: Call) -> Call {
        Call { body: report.body.replace(ID, "another"), ..report }
    }
}
