//! POST `/rest/message`: the same text to up to 500 numbers. Each number has its own place in the answer, refused or not; the status tells
//! of them all.

use super::{
    call::{BodyCall, Call},
    error::{self, Refused},
    message_status::api_message_id,
    params::{Params, destination, source, text},
    reply::{Node, Reply},
};
use axum::{http::StatusCode, response::Response};
use countersign_engine::{commands::SendText, gsm7};
use countersign_model::{MessageId, Timestamp};
use futures_util::future::join_all;
use serde_json::Value;

const MOST_DESTINATIONS: usize = 500;
const MOST_PARTS: u32 = 3;

pub(super) async fn send(BodyCall { call, params }: BodyCall) -> Response {
    let sent = match Wanted::read(&params) {
        Ok(wanted) => send_all(&call, &wanted).await,
        Err(refused) => Err(refused),
    };
    call.answer(sent)
}

/// What is sent, and to whom.
struct Wanted {
    to: Vec<String>,
    from: Option<String>,
    text: String,
    send_at: Option<Timestamp>,
}

impl Wanted {
    fn read(params: &Params) -> Result<Self, Refused> {
        let to = match params.get("to") {
            Some(one @ (Value::String(_) | Value::Number(_))) => vec![text(one).ok_or(error::INVALID_PARAMETERS)?],
            _ => params.texts("to")?,
        };
        if !(1..=MOST_DESTINATIONS).contains(&to.len()) {
            return Err(error::INVALID_PARAMETERS);
        }
        let most_parts = check_options(params)?;
        let words = match params.values.get("text") {
            Some(Value::String(words)) => words.clone(),
            _ => return Err(error::INVALID_PARAMETERS),
        };
        let parts = u32::try_from(gsm7::size(&words).parts).unwrap_or(u32::MAX);
        if parts == 0 {
            return Err(error::EMPTY_MESSAGE);
        }
        if parts > most_parts {
            return Err(error::TOO_MANY_PARTS);
        }
        Ok(Self { to, from: source(params)?, text: words, send_at: send_at(params)? })
    }
}

/// What else may be said, most of which has no meaning here but must make sense. Gives the parts that the text may have.
fn check_options(params: &Params) -> Result<u32, Refused> {
    if params.get("userDataHeader").is_some() {
        return Err(error::INVALID_USER_DATA_HEADER);
    }
    for (name, bounds) in [
        ("callback", (0, 7)),
        ("mo", (0, 1)),
        ("userPriorityQueue", (1, 3)),
        ("escalate", (0, 1)),
        ("unicode", (0, 1)),
        // There are no binary messages here.
        ("binary", (0, 0)),
    ] {
        params.number(name, bounds, bounds.0)?;
    }
    params.number("maxMessageParts", (1, MOST_PARTS), MOST_PARTS)
}

/// A moment of ISO 8601; without a zone it is one of UTC.
fn send_at(params: &Params) -> Result<Option<Timestamp>, Refused> {
    let Some(value) = params.get("scheduledDeliveryTime") else { return Ok(None) };
    let text = value.as_str().map(str::trim).ok_or(error::INVALID_DELIVERY_TIME)?;
    let civil = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(|| Some(civil()?.timestamp()));
    moment.map(|moment| Some(Timestamp::from_ms(moment.as_millisecond()))).ok_or(error::INVALID_DELIVERY_TIME)
}

async fn send_all(call: &Call, wanted: &Wanted) -> Result<Reply, Refused> {
    let at_once = call.web.engine().texts_at_once(&call.caller).await.map_err(|error| call.refused(&error))?;
    let mut outcomes = Vec::with_capacity(wanted.to.len());
    for some in wanted.to.chunks(at_once) {
        outcomes.extend(join_all(some.iter().map(|to| send_one(call, wanted, to))).await);
    }
    let status = status(&outcomes);
    let message = |(to, outcome): (&String, &Result<MessageId, Refused>)| {
        let id = outcome.as_ref().map(|id| api_message_id(*id)).unwrap_or_default();
        let mut fields =
            vec![("accepted", Node::Flag(outcome.is_ok())), ("to", to.as_str().into()), ("apiMessageId", id.into())];
        fields.extend(outcome.as_ref().err().map(|refused| ("error", refused.node(&call.form.base))));
        Node::Object(fields)
    };
    let messages = wanted.to.iter().zip(&outcomes).map(message).collect();
    Ok(Reply { status, data: Node::Object(vec![("message", Node::List(messages))]) })
}

/// That of all, if they have the same.
fn status(outcomes: &[Result<MessageId, Refused>]) -> StatusCode {
    let of = |outcome: &Result<MessageId, Refused>| {
        outcome.as_ref().err().map_or(StatusCode::ACCEPTED, |refused| refused.status)
    };
    let first = outcomes.first().map_or(StatusCode::ACCEPTED, of);
    if outcomes.iter().all(|outcome| of(outcome) == first) { first } else { StatusCode::MULTI_STATUS }
}

async fn send_one(call: &Call, wanted: &Wanted, to: &str) -> Result<MessageId, Refused> {
    let (engine, to) = (call.web.engine(), destination(to)?);
    let refused = |error| call.refused(&error);
    if call.web.dialects().clickatell.number_lookup
        && engine.has_number_lookup()
        && !engine.number_exists(&call.caller, &to).await.map_err(refused)?
    {
        return Err(error::CANNOT_ROUTE);
    }
    let (from, text) = (wanted.from.clone(), wanted.text.clone());
    let command = SendText { to, from, text, report: None, send_at: wanted.send_at };
    engine.run(&call.caller, None, &command).await.map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(more: &Value) -> Result<Wanted, Refused> {
        let mut body = json!({"text": "hello", "to": ["27999112345"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Wanted::read(&Params { values: serde_json::from_value(body).unwrap(), is_xml: false })
    }

    #[test]
    fn options_must_make_sense_in_either_spelling() {
        let all = json!({"callback": "7", "mo": 1, "userPriorityQueue": 3, "escalate": "0", "maxMessageParts": "3",
            "clientMessageId": "x", "unicode": "1", "binary": 0, "validityPeriod": 1440, "maxCredits": 0.8});
        assert!(read(&all).is_ok());
        for bad in [
            json!({"callback": 8}),
            json!({"mo": 2}),
            json!({"binary": 1}),
            json!({"maxMessageParts": 4}),
            json!({"to": []}),
            json!({"to": vec!["27999112345"; 501]}),
            json!({"text": null}),
            json!({"text": 5}),
        ] {
            assert_eq!(read(&bad).err(), Some(error::INVALID_PARAMETERS), "{bad}");
        }
        assert_eq!(read(&json!({"userDataHeader": "0B"})).err(), Some(error::INVALID_USER_DATA_HEADER));
        assert_eq!(read(&json!({"text": ""})).err(), Some(error::EMPTY_MESSAGE));
        assert_eq!(read(&json!({"text": "a".repeat(460)})).err(), Some(error::TOO_MANY_PARTS));
        assert_eq!(read(&json!({"text": "a".repeat(161), "maxMessageParts": 1})).err(), Some(error::TOO_MANY_PARTS));
        assert_eq!(read(&json!({"to": 27_999_112_345_u64})).unwrap().to, ["27999112345"]);
    }

    #[test]
    fn a_delivery_time_is_iso_8601() {
        let at =
            |text: &str| read(&json!({"scheduledDeliveryTime": text})).map(|wanted| wanted.send_at.unwrap().as_ms());
        for good in [
            "2026-01-01T00:00:00Z",
            "2026-01-01T02:00:00+02:00",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.000+00:00",
        ] {
            assert_eq!(at(good), Ok(1_767_225_600_000), "{good}");
        }
        for bad in ["tomorrow", "2026-13-01T00:00:00Z", "1767225600"] {
            assert_eq!(at(bad), Err(error::INVALID_DELIVERY_TIME), "{bad}");
        }
    }
}
