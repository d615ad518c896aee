//! `GET /v1/verifications/{id}/events`: what became of a verification and of each of its messages, for whoever has to
//! answer "I got no code".

use super::{Problem, ProblemObject, auth::Authenticated, extract::Segment, verifications::WireChannel};
use crate::{Web, time};
use axum::{Json, extract::State};
use countersign_model::{Event, Message, VerificationId, message::MessageState};
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
    /// Why its provider was asked, and why no other: the route, and who was passed over for what.
    why: Option<String>,
    /// When the next attempt is due.
    #[schema(format = DateTime)]
    next_attempt_at: Option<String>,
    /// When a provider took it; null while none has.
    #[schema(format = DateTime)]
    accepted_at: Option<String>,
    /// When the provider reported that the person has it; null as long as it has not.
    #[schema(format = DateTime)]
    delivered_at: Option<String>,
    /// When it was known what became of it: delivered, failed, dropped or unconfirmed.
    #[schema(format = DateTime)]
    settled_at: Option<String>,
    /// When another message takes over, if nothing is heard of this one until then.
    #[schema(format = DateTime)]
    takes_over_at: Option<String>,
    /// The message that took over from this one.
    taken_over_by: Option<String>,
    /// The message that was asked for, if this one took over.
    follows: Option<String>,
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
    #[schema(value_type = EventParticulars)]
    what: serde_json::Value,
}

/// What happened. Which fields there are depends on it; those that say nothing of it are left out.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what the event says itself")]
struct EventParticulars {
    /// `started`, `resent`, `code_rejected`, `approved`, `denied`, `exhausted`, `cancelled`, `expired`, `message_accepted`,
    /// `message_attempt_failed`, `message_delivered`, `message_failed`, `message_taken_over` or `message_unconfirmed`. There may be more one day.
    #[schema(rename = "type", example = "message_accepted")]
    kind: String,
    /// The message that it is about.
    #[schema(nullable = false)]
    message: Option<String>,
    /// The way of the message that was queued.
    #[schema(nullable = false)]
    channel: Option<WireChannel>,
    /// Whether that message carries a new code.
    #[schema(nullable = false)]
    new_code: Option<bool>,
    /// After a wrong code: how many more it survives; null means any number.
    attempts_left: Option<u32>,
    /// Which provider took the message, or did not.
    #[schema(nullable = false, example = "relay")]
    provider: Option<String>,
    /// Why: of a denial `reported` or `payment_mismatch`, else in the provider's words or ours.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// Why that provider was asked, and no other.
    #[schema(nullable = false)]
    why: Option<String>,
    /// When the next attempt is due; null if there is none.
    #[schema(format = DateTime)]
    next_at: Option<String>,
    /// The message that took over.
    #[schema(nullable = false)]
    by: Option<String>,
}

impl From<Message> for MessageObject {
    fn from(message: Message) -> Self {
        let in_state = |state| message.state == state;
        Self {
            id: message.id.to_string(),
            channel: message.channel.into(),
            state: message.state.name(),
            next_attempt_at: message.due_at.filter(|_| in_state(MessageState::Queued)).map(time::text),
            accepted_at: message.accepted_at.map(time::text),
            delivered_at: message.settled_at.filter(|_| in_state(MessageState::Delivered)).map(time::text),
            settled_at: message.settled_at.map(time::text),
            takes_over_at: message.chain.next_due_at.map(time::text),
            taken_over_by: message.chain.next.map(|id| id.to_string()),
            follows: message.chain.first.map(|(id, _)| id.to_string()),
            provider: message.provider,
            reference: message.reference,
            attempts: message.attempts,
            reason: message.reason,
            why: message.why,
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
    get, path = "/v1/verifications/{id}/events", operation_id = "get_verification_events", tag = "verifications",
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
        messages: history.messages.into_iter().map(Into::into).collect(),
        events: history.events.into_iter().map(Into::into).collect(),
    }))
}
