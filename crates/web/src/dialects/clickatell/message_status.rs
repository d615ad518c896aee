//! GET and DELETE `/rest/message/{apiMessageId}`: what became of a text message, and "do not send it".

use super::{
    balance::units,
    call::Call,
    error::{self, Refused},
    reply::{Node, Reply},
    request::verification_id,
};
use axum::{extract::Path, http::StatusCode, response::Response};
use countersign_engine::commands::CancelText;
use countersign_model::{Message, MessageId, Timestamp, message::MessageState};

/// The name of a message in this API: 32 hexadecimal digits.
pub(super) fn api_message_id(id: MessageId) -> String {
    format!("{:032x}", u128::from_be_bytes(id.to_bytes()))
}

fn message_id(text: &str) -> Result<MessageId, Refused> {
    let same_form = verification_id(text).ok_or(error::UNKNOWN_ID)?;
    Ok(MessageId::from_bytes(same_form.to_bytes()))
}

pub(super) async fn status(call: Call, Path(id): Path<String>) -> Response {
    let found = async {
        let message = call.web.engine().text(&call.caller, message_id(&id)?).await;
        let message = message.map_err(|error| call.refused(&error))?;
        let account = call.web.engine().account(&call.caller, None).await.map_err(|error| call.refused(&error))?;
        let (status, description) = words(&message, call.web.engine().now());
        Ok(Node::Object(vec![
            ("apiMessageId", api_message_id(message.id).into()),
            ("messageStatus", status.into()),
            ("description", description.into()),
            ("charge", Node::Number(units(account.price_e4))),
        ]))
    };
    let found = found.await;
    call.answer(found.map(|data| Reply { status: StatusCode::OK, data }))
}

pub(super) async fn stop(call: Call, Path(id): Path<String>) -> Response {
    let stopped = async {
        let command = CancelText { message: message_id(&id)? };
        let message = call.web.engine().run(&call.caller, None, &command).await;
        let message = message.map_err(|error| call.refused(&error))?;
        let (status, description) = words(&message, call.web.engine().now());
        Ok(Node::Object(vec![
            ("apiMessageId", api_message_id(message.id).into()),
            ("messageStatus", status.into()),
            ("description", description.into()),
        ]))
    };
    let stopped = stopped.await;
    call.answer(stopped.map(|data| Reply { status: StatusCode::OK, data }))
}

/// The vendor's codes, of which these are all that can come about here.
fn words(message: &Message, now: Timestamp) -> (&'static str, &'static str) {
    match message.state {
        MessageState::Queued if message.attempts == 0 && message.due_at.is_some_and(|due| due > now) => {
            ("011", "Message queued for later delivery")
        }
        MessageState::Queued | MessageState::Leased => ("002", "Message queued"),
        MessageState::Accepted => ("003", "Delivered to gateway"),
        MessageState::Delivered => ("004", "Received by recipient"),
        MessageState::Failed if message.provider.is_some() => ("007", "Error delivering message"),
        MessageState::Failed => ("009", "Routing error"),
        MessageState::Dropped => ("006", "User cancelled message delivery"),
        MessageState::Unconfirmed => ("010", "Message expired"),
    }
}
