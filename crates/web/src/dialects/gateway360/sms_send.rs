//! `sms/send`: up to a thousand text messages of the caller's own. Whatever is wrong with one of them stands in its place among
//! the results; the others go out.

use super::{
    error::{Envelope, Refused},
    ok_with,
    params::{Call, MOST_BYTES_OF_MANY, Params, msisdn, number, text},
    sms_id,
    text::{ROOM_OF_ONE_UCS2, cut, sender},
};
use crate::{
    Web,
    sms_text::{ROOM_OF_ONE_GSM7, in_gsm7, septets},
};
use axum::{extract::State, response::Response};
use countersign_engine::{Caller, commands::SendText};
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::Value;

const MOST_MESSAGES: usize = 1000;
/// The longest text, in characters: septets of GSM-7, or UTF-16 units.
const LONGEST_TEXT: usize = 459;
const LONGEST_CUSTOM: usize = 32;

/// What became of one message.
#[derive(Serialize)]
#[serde(untagged)]
enum Sent {
    Ok { status: &'static str, sms_id: String, custom: String },
    Error(Envelope),
}

pub(super) async fn send(State(web): State<Web>, call: Call<MOST_BYTES_OF_MANY>) -> Result<Response, Refused> {
    send_all(&web, &call.caller, &call.params, None).await
}

/// What is said once for all messages.
pub(super) struct Options<'a> {
    params: &'a Params,
    concat: bool,
    encoding: Encoding,
    fake: bool,
    link: Option<&'a str>,
}

#[derive(Clone, Copy)]
enum Encoding {
    Gsm7,
    Ucs2,
}

/// Sends them all; with a link, `{LINK}` stands for it in the texts.
pub(super) async fn send_all(
    web: &Web,
    caller: &Caller,
    params: &Params,
    link: Option<&str>,
) -> Result<Response, Refused> {
    let messages = messages(params)?;
    params.report_to("")?;
    let options = Options::of(params, link)?;
    let mut results: Vec<Sent> = Vec::with_capacity(messages.len());
    let at_once = web.engine().texts_at_once(caller).await.map_err(|error| Refused::of(&error))?;
    for some in messages.chunks(at_once) {
        let sending = some.iter().map(|message| send_one(web, caller, &options, message));
        results.extend(join_all(sending).await);
    }
    Ok(ok_with(results))
}

fn messages(params: &Params) -> Result<&[Value], Refused> {
    let messages = params.required("messages")?.as_array().ok_or_else(|| Refused::bad("messages", "be an array"))?;
    if (1..=MOST_MESSAGES).contains(&messages.len()) {
        Ok(messages)
    } else {
        Err(Refused::bad("messages", "have 1 to 1000 messages"))
    }
}

impl<'a> Options<'a> {
    fn of(params: &'a Params, link: Option<&'a str>) -> Result<Self, Refused> {
        let flag = |name| params.flag(name, false).ok_or_else(|| Refused::bad(name, "be 0 or 1"));
        let encoding = match params.get("encoding").map(|value| text("encoding", value)).transpose()?.as_deref() {
            None | Some("GSM7") => Encoding::Gsm7,
            Some("UCS2") => Encoding::Ucs2,
            Some(_) => return Err(Refused::bad("encoding", "be GSM7 or UCS2")),
        };
        Ok(Self { params, concat: flag("concat")?, encoding, fake: flag("fake")?, link })
    }

    fn text(&self, text: &str) -> Result<String, Refused> {
        let length = |text: &str| match self.encoding {
            Encoding::Gsm7 => septets(&in_gsm7(text)),
            Encoding::Ucs2 => text.encode_utf16().count(),
        };
        if !(1..=LONGEST_TEXT).contains(&length(text)) {
            return Err(Refused::text("The text must have 1 to 459 characters."));
        }
        let text = match self.link {
            None => text.to_owned(),
            Some(_) if !text.contains(LINK) => return Err(Refused::text("The text must have the placeholder {LINK}.")),
            Some(link) => text.replace(LINK, link),
        };
        Ok(match (self.encoding, self.concat) {
            (Encoding::Gsm7, true) => in_gsm7(&text),
            (Encoding::Gsm7, false) => {
                cut(&in_gsm7(&text), ROOM_OF_ONE_GSM7, |character| septets(character.encode_utf8(&mut [0; 4])))
            }
            (Encoding::Ucs2, true) => text,
            (Encoding::Ucs2, false) => cut(&text, ROOM_OF_ONE_UCS2, char::len_utf16),
        })
    }
}

const LINK: &str = "{LINK}";

async fn send_one(web: &Web, caller: &Caller, options: &Options<'_>, message: &Value) -> Sent {
    match try_to_send(web, caller, options, message).await {
        Ok((sms_id, custom)) => Sent::Ok { status: "ok", sms_id, custom },
        Err(refused) => Sent::Error(refused.into()),
    }
}

async fn try_to_send(
    web: &Web,
    caller: &Caller,
    options: &Options<'_>,
    message: &Value,
) -> Result<(String, String), Refused> {
    let (command, custom) = read(web, options, message)?;
    if options.fake {
        return Ok((web.engine().fresh_request_id() + &web.engine().fresh_request_id(), custom));
    }
    let sent = web.engine().run(caller, None, &command).await.map_err(|error| Refused::of(&error))?;
    Ok((sms_id(sent), custom))
}

fn read(web: &Web, options: &Options<'_>, message: &Value) -> Result<(SendText, String), Refused> {
    let Value::Object(message) = message else { return Err(Refused::bad("messages", "have objects only")) };
    let message = Params(message.clone());
    let (from, to, body) = (message.required("from")?, message.required("to")?, message.required("text")?);
    let (from, to) = (text("from", from)?, msisdn("to", to)?);
    let body = body.as_str().ok_or_else(|| Refused::bad("text", "be a string"))?;
    let custom = custom(&message)?;
    let send_at = match message.get("send_at").map(|value| text("send_at", value)).transpose()?.as_deref() {
        None | Some("") => None,
        Some(date) => {
            let moment = web.dialects().gateway360.moment(date);
            Some(moment.ok_or_else(|| Refused::bad("send_at", "be a date in the form YYYY-MM-DD HH:MM:SS"))?)
        }
    };
    let (text, from, to) = (options.text(body)?, sender(&from)?, number(&to)?);
    let report = options.params.report_to(&custom)?;
    Ok((SendText { to, from: Some(from), text, report, send_at }, custom))
}

/// The caller's own name for it. The vendor's own sample has a dash in one, so "alphanumeric" is not taken by the letter.
fn custom(message: &Params) -> Result<String, Refused> {
    let custom = message.get("custom").map(|value| text("custom", value)).transpose()?.unwrap_or_default();
    if custom.chars().count() <= LONGEST_CUSTOM && !custom.chars().any(char::is_control) {
        Ok(custom)
    } else {
        Err(Refused::bad("custom", "have at most 32 characters"))
    }
}
