//! `GET /v1/verifications/{id}/events`: what became of a verification and of each of its messages, for whoever has to
//! answer "I got no code".

use super::{Problem, ProblemObject, auth::Authenticated, extract::Segment, verifications::WireChannel};
use crate::{Web, time};
use axum::{Json, extract::State};
use countersign_model::{Event, EventKind, Message, VerificationId};
use serde::Serialize;
use utoipa::ToSchema;

/// All that happened to a verification.
#[derive(Serialize, ToSchema)]
pub(super) struct HistoryObject {
    /// Its messages, oldest first.
    messages: Vec<MessageObject>,
    /// What happened, oldest first.
    events: Vec<EventObject>,
}

/// One message and where it stands.
#[derive(Serialize, ToSchema)]
struct MessageObject {
    /// Its name.
    id: String,
    /// Its way.
    channel: WireChannel,
    /// `queued`, `leased`, `accepted`, `delivered`, `failed`, `dropped` or `unconfirmed`.
    state: &'static str,
    /// Who took it; null while nobody has.
    provider: Option<String>,
    /// The provider's name for it.
    reference: Option<String>,
    /// How many attempts were made.
    attempts: u32,
    /// Why it failed, or why its last attempt did.
    reason: Option<String>,
    /// When the next attempt is due.
    #[schema(format = DateTime)]
    next_attempt_at: Option<String>,
    /// When a provider took it; null while none has.
    #[schema(format = DateTime)]
    accepted_at: Option<String>,
    /// When the provider reported that the person has it; null as long as it has not.
    #[schema(format = DateTime)]
    delivered_at: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Something that happened.
#[derive(Serialize, ToSchema)]
struct EventObject {
    /// Its name.
    id: String,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// What, with its particulars.
    #[serde(flatten)]
    #[schema(value_type = Object, example = json!({"type": "message_accepted", "message": "msg_…", "provider": "relay"}))]
    what: serde_json::Value,
}

impl MessageObject {
    /// A message; when what became of it stands in the events of its verification.
    fn of(message: Message, events: &[Event]) -> Self {
        // The last one: a message whose taker lost it may be taken again.
        let at = |is_it: &dyn Fn(&EventKind) -> bool| {
            events.iter().rev().find(|event| is_it(&event.kind)).map(|event| time::text(event.at))
        };
        let accepted_at =
            at(&|kind| matches!(kind, EventKind::MessageAccepted { message: of, .. } if *of == message.id));
        let delivered_at = at(&|kind| matches!(kind, EventKind::MessageDelivered { message: of } if *of == message.id));
        let waits = message.state == countersign_model::message::MessageState::Queued;
        Self {
            id: message.id.to_string(),
            channel: message.channel.into(),
            state: message.state.name(),
            provider: message.provider,
            reference: message.reference,
            attempts: message.attempts,
            reason: message.reason,
            next_attempt_at: message.due_at.filter(|_| waits).map(time::text),
            accepted_at,
            delivered_at,
            created_at: time::text(message.created_at),
            updated_at: time::text(message.updated_at),
        }
    }
}

impl From<Event> for EventObject {
    fn from(event: Event) -> Self {
        let mut what = serde_json::to_value(&event.kind).unwrap_or_default();
        if let Some(next_at) = what.get_mut("next_at").filter(|value| value.is_i64()) {
            let moment = countersign_model::Timestamp::from_ms(next_at.as_i64().unwrap_or_default());
            *next_at = time::text(moment).into();
        }
        Self { id: event.id.to_string(), at: time::text(event.at), what }
    }
}

/// See what became of a verification and its messages
#[utoipa::path(
    get, path = "/v1/verifications/{id}/events", tag = "verifications",
    params(("id" = String, Path, description = "The verification's id")),
    responses(
        (status = 200, description = "All that happened", body = HistoryObject),
        (status = 404, description = "There is none of this id", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn events(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<VerificationId>,
) -> Result<Json<HistoryObject>, Problem> {
    let history = web.engine().history(&caller, id).await;
    let history = history.map_err(|error| Problem::of(&error, web.engine().now()))?;
    Ok(Json(HistoryObject {
        messages: history.messages.into_iter().map(|message| MessageObject::of(message, &history.events)).collect(),
        events: history.events.into_iter().map(Into::into).collect(),
    }))
}
