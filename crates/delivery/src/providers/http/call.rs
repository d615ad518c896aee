//! What a vendor is told to say in a call that it has placed.
//!
//! Invariant: the document that asks for a key knows no code: there is one variable for what is said, and it holds what the step
//! says. Nor does the request that places the call.

use super::{
    BadSetting,
    body::JsonTemplate,
    matching::Source,
    seen::Seen,
    settings::{self, Document as Given},
    template::{Place, Template, Values},
};
use crate::{
    ReceiptRequest,
    call::{CallStep, Line, Told, Unsaid},
    receipt::ReceiptAnswer,
};
use http::StatusCode;
use minijinja::Value;

/// The variables of what is said.
pub(super) const OF_CALL: [&str; 3] = ["text", "language", "call_url"];
/// The key that every language asks for.
const KEY: &str = "1";

/// How the calls of one provider go.
pub(super) struct Script {
    say: Document,
    key_press: Option<KeyPress>,
    own: Values,
}

struct KeyPress {
    pressed: Source,
    ask: Document,
    end: Document,
}

enum Document {
    Xml(Box<Template>),
    Json(JsonTemplate),
}

impl Script {
    /// `own` are the operator's values.
    pub fn new(settings: &settings::Call, own: Values) -> Result<Self, BadSetting> {
        let known: Vec<&str> = OF_CALL.into_iter().chain(own.keys().map(String::as_str)).collect();
        let document =
            |setting, given: &Given| Document::new(given, &known).map_err(|bad| BadSetting::new(setting, bad));
        let needed = |setting, given: Option<&Given>| {
            let given = given.ok_or_else(|| BadSetting::new(setting, "is needed where key_press is on"))?;
            document(setting, given)
        };
        let key_press = settings.key_press.then(|| {
            let pressed = settings.pressed.as_ref();
            let pressed = pressed.ok_or_else(|| BadSetting::new("call.pressed", "is needed where key_press is on"))?;
            Ok(KeyPress {
                pressed: Source::new(pressed, "call.pressed")?,
                ask: needed("call.ask", settings.ask.as_ref())?,
                end: needed("call.end", settings.end.as_ref())?,
            })
        });
        Ok(Self { say: document("call.say", &settings.say)?, key_press: key_press.transpose()?, own })
    }

    /// What the vendor asks for. A key that is not the one that was asked for is asked for again.
    pub fn step(&self, call: &ReceiptRequest<'_>) -> CallStep {
        let Some(key_press) = &self.key_press else { return CallStep::Say };
        let seen = Seen::of(call);
        match key_press.pressed.of(&seen).as_deref() {
            Some(KEY) => CallStep::Say,
            Some("") => CallStep::End,
            Some(_) | None => CallStep::Ask,
        }
    }

    /// The document for it. `language` is the vendor's name of it.
    pub fn tell(&self, line: &Line<'_>, language: &str) -> Told {
        let document = match (line.step, &self.key_press) {
            (CallStep::Ask, Some(key_press)) => &key_press.ask,
            (CallStep::End, Some(key_press)) => &key_press.end,
            (CallStep::Ask | CallStep::End, None) => return Err(Unsaid("no key is asked for here".to_owned())),
            (CallStep::Say, _) => &self.say,
        };
        let given = [line.text, language, line.call_url].map(Value::from);
        let mut values = self.own.clone();
        values.extend(OF_CALL.map(str::to_owned).into_iter().zip(given));
        document.render(&values).map_err(Unsaid)
    }
}

impl Document {
    fn new(given: &Given, known: &[&str]) -> Result<Self, String> {
        match given {
            Given::Xml(source) => Template::new(source, Place::Xml, known).map(Box::new).map(Self::Xml),
            Given::Json(value) => JsonTemplate::new(value, known).map(Self::Json),
        }
    }

    fn render(&self, values: &Values) -> Result<ReceiptAnswer, String> {
        let (content_type, body) = match self {
            Self::Xml(template) => ("text/xml; charset=utf-8", template.render(values)?),
            Self::Json(template) => {
                let value = template.render(values)?.ok_or_else(|| "it comes to nothing".to_owned())?;
                ("application/json", value.to_string())
            }
        };
        Ok(ReceiptAnswer { status: StatusCode::OK, content_type: Some(content_type.to_owned()), body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_model::MessageId;
    use http::{HeaderMap, Method};

    const PRESSED: &str = r#"{"pressed": {"form": "Digits"}, "ask": {"xml": "<a n=\"{{ call_url }}\">{{ text }}</a>"},
        "say": {"json": [{"say": "{{ text }}", "in": "{{ language }}", "as": "{{ voice }}"}]}, "end": {"json": []}}"#;

    fn script(json: &str) -> Result<Script, BadSetting> {
        let own = Values::from([("voice".to_owned(), Value::from("calm"))]);
        Script::new(&serde_json::from_str(json).unwrap(), own)
    }

    fn step(script: &Script, body: &str) -> CallStep {
        let headers = HeaderMap::new();
        let url = "https://verify.example/calls/x";
        script.step(&ReceiptRequest {
            method: &Method::POST,
            url,
            query: "",
            headers: &headers,
            body: body.as_bytes(),
            message: Some(MessageId::from_bytes([1; 16])),
        })
    }

    #[test]
    fn the_code_is_said_only_after_the_key_that_was_asked_for() {
        let with = script(PRESSED).unwrap();
        for (body, expected) in [
            ("", CallStep::Ask),
            ("CallStatus=in-progress", CallStep::Ask),
            ("Digits=1", CallStep::Say),
            ("Digits=", CallStep::End),
            ("Digits=2", CallStep::Ask),
            ("Digits=11", CallStep::Ask),
        ] {
            assert_eq!(step(&with, body), expected, "{body}");
        }
        let without = script(r#"{"key_press": false, "say": {"xml": "<s>{{ text }}</s>"}}"#).unwrap();
        assert_eq!(step(&without, ""), CallStep::Say);
    }

    #[test]
    fn a_line_stands_in_the_vendors_form_and_cannot_leave_its_place() {
        let script = script(PRESSED).unwrap();
        let told = |step| {
            let line = Line { step, text: "a <b> \"c\"", language: "en", call_url: "https://x/?a&b" };
            let told = script.tell(&line, "en-US").unwrap();
            (told.content_type.unwrap(), told.body)
        };
        let asked = "<a n=\"https://x/?a&amp;b\">a &lt;b&gt; &quot;c&quot;</a>";
        assert_eq!(told(CallStep::Ask), ("text/xml; charset=utf-8".into(), asked.into()));
        let said = r#"[{"say":"a <b> \"c\"","in":"en-US","as":"calm"}]"#;
        let (kind, body) = told(CallStep::Say);
        let same: [serde_json::Value; 2] = [&body, said].map(|json| serde_json::from_str(json).unwrap());
        assert_eq!((kind.as_str(), &same[0]), ("application/json", &same[1]));
        assert_eq!(told(CallStep::End).1, "[]");
    }

    #[test]
    fn where_a_key_is_asked_for_it_must_be_said_how() {
        for (json, setting) in [
            (r#"{"say": {"xml": "{{ text }}"}}"#, "call.pressed"),
            (r#"{"pressed": {"form": "D"}, "say": {"xml": "{{ text }}"}}"#, "call.ask"),
            (r#"{"pressed": {"form": "D"}, "ask": {"xml": "a"}, "say": {"xml": "{{ text }}"}}"#, "call.end"),
            (r#"{"key_press": false, "say": {"xml": "{{ code }}"}}"#, "call.say"),
        ] {
            assert_eq!(script(json).err().map(|bad| bad.setting), Some(setting), "{json}");
        }
    }
}
