//! What a provider's call says: first its proof, then its entries, each with a message and what became of it.

use super::{
    BadSetting,
    matching::{Condition, Source},
    secrets,
    seen::Seen,
    settings::{self, Texts},
    signature::{Proof, is_same},
};
use crate::receipt::{About, BadReceipt, ReceiptAnswer, ReceiptNote, ReceiptRequest, Receipts};
use countersign_model::message::Receipt;
use http::{Method, StatusCode};
use secrecy::SecretString;

/// How the calls of one provider are read.
pub(super) struct Reading {
    proof: Proof,
    handshake: Option<Handshake>,
    list: Option<String>,
    only: Option<Condition>,
    reference: Option<Source>,
    status: Vec<Source>,
    delivered: Texts,
    undelivered: Texts,
    answer: ReceiptAnswer,
}

/// A GET by which the provider makes sure of our address.
struct Handshake {
    token: Source,
    expected: SecretString,
    echo: Source,
}

impl Reading {
    pub fn new(settings: &settings::Receipt) -> Result<Self, BadSetting> {
        if settings.list.as_ref().is_some_and(|list| !list.is_empty() && !list.starts_with('/')) {
            return Err(BadSetting::new("receipt.list", "a place in JSON begins with a slash: \"/results\""));
        }
        let proof = Proof::new(&settings.signature)?;
        if !proof.is_link() && settings.reference.is_none() {
            return Err(BadSetting::new("receipt.reference", "is needed: where it stands which message this is"));
        }
        let status = settings.status.0.iter().map(|place| Source::new(place, "receipt.status"));
        let status: Vec<Source> = status.collect::<Result<_, _>>()?;
        if status.is_empty() {
            return Err(BadSetting::new("receipt.status", "names no place"));
        }
        Ok(Self {
            proof,
            handshake: settings.handshake.as_ref().map(Handshake::new).transpose()?,
            list: settings.list.clone(),
            only: settings.only.as_ref().map(|only| Condition::new(only, "receipt.only")).transpose()?,
            reference: Source::optional(settings.reference.as_ref(), "receipt.reference")?,
            status,
            delivered: settings.delivered.clone(),
            undelivered: settings.undelivered.clone(),
            answer: answer(&settings.answer)?,
        })
    }

    /// Whether a call can only come by the address that a request named.
    pub const fn needs_link(&self) -> bool {
        self.proof.is_link()
    }

    /// Whether a call proves to be the provider's.
    pub fn is_shown_by(&self, call: &ReceiptRequest<'_>) -> bool {
        self.proof.is_shown_by(call)
    }

    /// Reads a call.
    pub fn read(&self, call: &ReceiptRequest<'_>) -> Result<Receipts, BadReceipt> {
        let seen = Seen::of(call);
        if let Some(handshake) = self.handshake.as_ref().filter(|_| call.method == Method::GET) {
            return handshake.answer(&seen);
        }
        if !self.proof.is_shown_by(call) {
            return Err(BadReceipt::Forged);
        }
        let mut notes = Vec::new();
        match &self.list {
            None => notes.extend(self.note(call, &seen)?),
            Some(list) => {
                let missing = || BadReceipt::Malformed("the list of receipts is missing".to_owned());
                for entry in seen.entries(list).ok_or_else(missing)? {
                    notes.extend(self.note(call, &entry)?);
                }
            }
        }
        Ok(Receipts { notes, answer: self.answer.clone() })
    }

    /// One entry; none if it is an interim report, or about somebody else's message.
    fn note(&self, call: &ReceiptRequest<'_>, seen: &Seen<'_>) -> Result<Option<ReceiptNote>, BadReceipt> {
        if self.only.as_ref().is_some_and(|only| !only.holds(seen)) {
            return Ok(None);
        }
        let status = self.status.iter().find_map(|place| place.of(seen));
        let status = status.ok_or_else(|| BadReceipt::Malformed("the status is missing".to_owned()))?;
        let is_one_of = |texts: &Texts| texts.0.iter().any(|known| *known == status);
        let receipt = if is_one_of(&self.delivered) {
            Receipt::Delivered
        } else if is_one_of(&self.undelivered) {
            Receipt::Undelivered
        } else {
            return Ok(None);
        };
        let about = self.about(call, seen);
        let about =
            about.ok_or_else(|| BadReceipt::Malformed("it is not said which message it is about".to_owned()))?;
        Ok(Some(ReceiptNote { about, receipt }))
    }

    /// The message whose own address was called; else the one that is named.
    fn about(&self, call: &ReceiptRequest<'_>, seen: &Seen<'_>) -> Option<About> {
        let named = || self.reference.as_ref()?.reference(seen).map(About::Reference);
        call.message.map(About::Message).or_else(named)
    }
}

impl Handshake {
    fn new(settings: &settings::Handshake) -> Result<Self, BadSetting> {
        let (direct, file) = (settings.token.as_ref(), settings.token_file.as_deref());
        Ok(Self {
            token: Source::query(&settings.name),
            expected: secrets::required("receipt.handshake", "token", direct, file)?,
            echo: Source::query(&settings.echo),
        })
    }

    /// What was brought, if it was brought by whoever knows the token. As plain text, and only if it is short and plain: nobody
    /// makes a page of it.
    fn answer(&self, seen: &Seen<'_>) -> Result<Receipts, BadReceipt> {
        if !self.token.of(seen).is_some_and(|found| is_same(&self.expected, &found)) {
            return Err(BadReceipt::Forged);
        }
        let echo = self.echo.reference(seen);
        let body = echo.ok_or_else(|| BadReceipt::Malformed("there is nothing to answer with".to_owned()))?;
        let content_type = Some("text/plain; charset=utf-8".to_owned());
        Ok(Receipts { notes: Vec::new(), answer: ReceiptAnswer { status: StatusCode::OK, content_type, body } })
    }
}

fn answer(settings: &settings::ReceiptAnswer) -> Result<ReceiptAnswer, BadSetting> {
    let bad = |problem: &str| BadSetting::new("receipt.answer", problem);
    let status = StatusCode::from_u16(settings.status).ok().filter(StatusCode::is_success);
    let fits = |text: &String| http::HeaderValue::from_str(text).is_ok();
    if settings.content_type.as_ref().is_some_and(|text| !fits(text)) {
        return Err(bad("content_type cannot stand in a header"));
    }
    let status = status.ok_or_else(|| bad("status must be from 200 to 299"))?;
    Ok(ReceiptAnswer { status, content_type: settings.content_type.clone(), body: settings.body.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_model::MessageId;
    use http::{HeaderMap, Method};

    const LIST: &str = r#"{"list": "/results", "reference": {"json": "/id"}, "status": {"json": "/s"},
        "delivered": ["ok", 1], "undelivered": "no", "signature": "none"}"#;

    fn read(settings: &str, body: &str, message: Option<MessageId>) -> Result<Receipts, BadReceipt> {
        let reading = Reading::new(&serde_json::from_str(settings).unwrap()).unwrap();
        let (method, headers) = (Method::POST, HeaderMap::new());
        let url = "https://verify.example/callbacks/x";
        reading.read(&ReceiptRequest {
            method: &method,
            url,
            query: "",
            headers: &headers,
            body: body.as_bytes(),
            message,
        })
    }

    #[test]
    fn a_list_gives_a_note_for_each_entry_that_decides() {
        let body = r#"{"results": [{"id": "a", "s": "ok"}, {"id": "b", "s": "waiting"}, {"id": "c", "s": "no"}, {"id": 4, "s": 1}]}"#;
        let notes = read(LIST, body, None).unwrap().notes;
        let expected = [("a", Receipt::Delivered), ("c", Receipt::Undelivered), ("4", Receipt::Delivered)];
        let expected = expected.map(|(id, receipt)| ReceiptNote { about: About::Reference(id.into()), receipt });
        assert_eq!(notes, expected);
    }

    #[test]
    fn what_says_nothing_is_malformed_and_what_names_nobody_too() {
        for body in ["", "{}", r#"{"results": {}}"#, r#"{"results": [{"id": "a"}]}"#, r#"{"results": [{"s": "ok"}]}"#] {
            assert!(matches!(read(LIST, body, None), Err(BadReceipt::Malformed(_))), "{body}");
        }
        assert_eq!(read(LIST, r#"{"results": []}"#, None).unwrap().notes, []);
    }

    const NESTED: &str = r#"{"list": "/entry/*/changes/*/value/statuses", "reference": {"json": "/id"},
        "only": {"json": "/ours", "matches": "^msg_"}, "status": {"json": "/s"}, "delivered": "ok", "undelivered": "no",
        "signature": "none", "handshake": {"name": "hub.verify_token", "token": "t", "echo": "hub.challenge"}}"#;

    #[test]
    fn a_list_may_be_within_lists_and_what_is_about_others_is_passed_over() {
        let body = r#"{"entry": [
            {"changes": [{"value": {"statuses": [{"id": "a", "s": "ok", "ours": "msg_1"}, {"id": "b", "s": "ok"}]}}]},
            {"changes": [{"value": {"messages": []}}, {"value": {"statuses": [{"id": "c", "s": "no", "ours": "msg_2"}]}}]}, {}]}"#;
        let notes = read(NESTED, body, None).unwrap().notes;
        let expected = [("a", Receipt::Delivered), ("c", Receipt::Undelivered)];
        let expected = expected.map(|(id, receipt)| ReceiptNote { about: About::Reference(id.into()), receipt });
        assert_eq!(notes, expected);
        assert!(matches!(read(NESTED, "{}", None), Err(BadReceipt::Malformed(_))));
    }

    #[test]
    fn whoever_knows_the_token_is_answered_with_what_it_brought() {
        let reading = Reading::new(&serde_json::from_str(NESTED).unwrap()).unwrap();
        let get = |query: &str| {
            let url = format!("https://verify.example/callbacks/x?{query}");
            let (method, headers) = (Method::GET, HeaderMap::new());
            reading.read(&ReceiptRequest {
                method: &method,
                url: &url,
                query,
                headers: &headers,
                body: b"",
                message: None,
            })
        };
        let right = get("hub.mode=subscribe&hub.verify_token=t&hub.challenge=1158201444").unwrap();
        assert_eq!((right.notes.len(), right.answer.body.as_str()), (0, "1158201444"));
        assert_eq!(right.answer.content_type.as_deref(), Some("text/plain; charset=utf-8"));
        assert_eq!(get("hub.verify_token=u&hub.challenge=1"), Err(BadReceipt::Forged));
        assert_eq!(get("hub.challenge=1"), Err(BadReceipt::Forged));
        assert!(matches!(get("hub.verify_token=t&hub.challenge=a%20b"), Err(BadReceipt::Malformed(_))));
        assert!(matches!(get("hub.verify_token=t"), Err(BadReceipt::Malformed(_))));
    }

    #[test]
    fn the_status_is_the_first_that_is_there() {
        let settings = r#"{"status": [{"json": "/type"}, {"json": "/kind"}], "reference": {"json": "/id"},
            "delivered": "Delivery", "undelivered": "HardBounce", "signature": "none"}"#;
        let receipt = |body: &str| read(settings, body, None).map(|read| read.notes.first().map(|note| note.receipt));
        assert_eq!(receipt(r#"{"id": "a", "kind": "Delivery"}"#), Ok(Some(Receipt::Delivered)));
        assert_eq!(receipt(r#"{"id": "a", "kind": "Bounce", "type": "HardBounce"}"#), Ok(Some(Receipt::Undelivered)));
        assert_eq!(receipt(r#"{"id": "a", "kind": "Delivery", "type": "AutoResponder"}"#), Ok(None));
        assert!(matches!(receipt(r#"{"id": "a"}"#), Err(BadReceipt::Malformed(_))));
        let none = settings.replace(r#"[{"json": "/type"}, {"json": "/kind"}]"#, "[]");
        assert!(Reading::new(&serde_json::from_str(&none).unwrap()).is_err());
    }

    #[test]
    fn entries_about_messages_of_others_are_passed_over_whatever_they_lack() {
        let settings = r#"{"list": "", "only": {"json": "/ours", "exists": true}, "reference": {"json": "/id"},
            "status": {"json": "/s"}, "delivered": "ok", "undelivered": "no", "signature": "none"}"#;
        let body = r#"[{"s": "ok"}, {"id": "a", "s": "ok"}, {}, {"id": "b", "s": "ok", "ours": "m"}]"#;
        let notes = read(settings, body, None).unwrap().notes;
        assert_eq!(notes, [ReceiptNote { about: About::Reference("b".into()), receipt: Receipt::Delivered }]);
    }

    #[test]
    fn by_link_the_address_names_the_message_and_nothing_else_does() {
        let settings =
            r#"{"reference": {"form": "id"}, "status": {"form": "s"}, "delivered": "ok", "undelivered": "no"}"#;
        let ours = MessageId::from_bytes([7; 16]);
        assert_eq!(read(settings, "id=a&s=ok", None), Err(BadReceipt::Forged));
        assert_eq!(read(settings, "id=a&s=ok", Some(ours)).unwrap().notes[0].about, About::Message(ours));
    }

    #[test]
    fn a_receipt_that_cannot_tell_its_message_is_a_mistake_of_the_settings() {
        let settings = r#"{"status": {"form": "s"}, "delivered": "ok", "undelivered": "no", "signature": "none"}"#;
        assert!(Reading::new(&serde_json::from_str(settings).unwrap()).is_err());
    }
}
