//! `/sandbox/messages`: what arrived, oldest first; held back until something does, if the caller wants to wait.

use super::wire::{Asked, Open, address, bad, wait};
use crate::{Web, dialects::native::Problem, time};
use axum::{
    Json,
    extract::{Path, State},
    http::{
        StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};
use countersign_engine::sandbox::kept::{InboxFilter, InboxMessage};
use countersign_model::Channel;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The query.
#[derive(Deserialize)]
pub(super) struct Wanted {
    to: Option<String>,
    channel: Option<String>,
    after: Option<u64>,
    wait: Option<f64>,
}

/// What arrived.
#[derive(Serialize)]
pub(super) struct Messages {
    messages: Vec<MessageObject>,
}

#[derive(Serialize)]
struct MessageObject {
    seq: u64,
    tenant: String,
    channel: &'static str,
    to: String,
    from: Option<String>,
    subject: Option<String>,
    text: String,
    html: Option<String>,
    code: Option<String>,
    link: Option<String>,
    verification_id: Option<String>,
    at: String,
}

impl From<InboxMessage> for MessageObject {
    fn from(message: InboxMessage) -> Self {
        Self {
            seq: message.seq,
            tenant: message.tenant_name,
            channel: message.channel.name(),
            to: message.to,
            from: message.from,
            subject: message.subject,
            text: message.text,
            html: message.html,
            code: message.code,
            link: message.link,
            verification_id: message.verification.map(|id| id.to_string()),
            at: time::text(message.at),
        }
    }
}

/// As good as all: a test that does not page must see the newest too.
const MOST_MESSAGES: u32 = 1_000_000;

pub(super) async fn list(
    State(web): State<Web>,
    Open(sandbox): Open,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Messages>, Problem> {
    let to = match wanted.to.as_deref() {
        None => None,
        Some(text) => Some(address(text).ok_or_else(|| bad("The address is no phone number and no e-mail address."))?),
    };
    let channel = match wanted.channel.as_deref() {
        None => None,
        Some(name) => {
            Some(Channel::parse(name).ok_or_else(|| bad("A channel is sms, voice, email, whatsapp or telegram."))?)
        }
    };
    let filter = InboxFilter {
        to: to.map(|to| to.as_str().to_owned()),
        channel,
        after: wanted.after.unwrap_or(0),
        limit: MOST_MESSAGES,
    };
    let look = |wait| sandbox.messages(&filter, wait);
    let found = web.unless_stopped(look(wait(wanted.wait)), look(Duration::ZERO)).await;
    let found = found.map_err(|error| Problem::of(&error, web.engine().now()))?;
    Ok(Json(Messages { messages: found.into_iter().map(Into::into).collect() }))
}

/// A mail may say anything: no script, no form, no other origin, and no access to the page that frames it.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'self'; sandbox";

/// The HTML part of one mail, for a frame of the inbox page.
pub(super) async fn html(
    State(web): State<Web>,
    Open(sandbox): Open,
    Path(seq): Path<String>,
) -> Result<Response, Problem> {
    let missing = || Problem::new(StatusCode::NOT_FOUND, "not_found", "There is no such message with an HTML part.");
    let seq: u64 = seq.parse().map_err(|_| missing())?;
    let filter = InboxFilter { after: seq.saturating_sub(1), limit: 1, ..InboxFilter::default() };
    let found = sandbox.messages(&filter, Duration::ZERO).await;
    let found = found.map_err(|error| Problem::of(&error, web.engine().now()))?;
    let html = found.into_iter().find(|message| message.seq == seq).and_then(|message| message.html);
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, MAIL_POLICY)];
    Ok((headers, html.ok_or_else(missing)?).into_response())
}

pub(super) async fn empty(State(web): State<Web>, Open(sandbox): Open) -> Result<StatusCode, Problem> {
    sandbox.empty().await.map_err(|error| Problem::of(&error, web.engine().now()))?;
    Ok(StatusCode::NO_CONTENT)
}
