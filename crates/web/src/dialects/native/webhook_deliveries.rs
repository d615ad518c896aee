//! `/v1/webhook-deliveries`: events on their way to the caller's own servers, and dead letters, which can be sent again.

use super::{
    Problem, ProblemObject,
    auth::Authenticated,
    extract::{Input, Segment},
    webhook_endpoints::EndpointAction,
};
use crate::{Web, time};
use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
};
use countersign_engine::{commands::ReplayWebhooks, queries::DeliveryQuery};
use countersign_model::{WebhookDelivery, WebhookDeliveryId, WebhookEndpointId, webhook::DeliveryState};
use serde::Serialize;
use utoipa::ToSchema;

/// An event on its way to an endpoint, or a dead letter.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryObject {
    /// Its name.
    #[schema(example = "whd_01kb0c5m3f8e9r7t6y5u4i3o2p")]
    id: String,
    /// The event: the `webhook-id` of every call that tells it.
    event: String,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "verification.approved")]
    kind: &'static str,
    /// Who is told.
    endpoint: String,
    /// Which verification it is about; null for a test.
    verification: Option<String>,
    /// `pending` or `dead`.
    status: &'static str,
    /// How often it was tried in vain.
    attempts: u32,
    /// What went wrong last.
    reason: Option<String>,
    /// When it is tried next; null for a dead letter.
    #[schema(format = DateTime)]
    next_attempt_at: Option<String>,
    /// Since when it is a dead letter.
    #[schema(format = DateTime)]
    dead_since: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<WebhookDelivery> for DeliveryObject {
    fn from(delivery: WebhookDelivery) -> Self {
        let due_at = time::text(delivery.due_at);
        let (next_attempt_at, dead_since) = match delivery.state {
            DeliveryState::Pending => (Some(due_at), None),
            DeliveryState::Dead => (None, Some(due_at)),
        };
        Self {
            id: delivery.id.to_string(),
            event: delivery.event.to_string(),
            kind: delivery.kind.name(),
            endpoint: delivery.endpoint.to_string(),
            verification: delivery.verification.map(|id| id.to_string()),
            status: delivery.state.name(),
            attempts: delivery.attempts,
            reason: delivery.reason,
            next_attempt_at,
            dead_since,
            created_at: time::text(delivery.created_at),
        }
    }
}

/// A part of the deliveries.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryList {
    /// Newest first. What was taken is not kept: the events of a verification have it.
    deliveries: Vec<DeliveryObject>,
    /// Whether there are older ones: ask again with `before` set to the last id.
    has_more: bool,
}

/// How many dead letters are tried again.
#[derive(Serialize, ToSchema)]
pub(super) struct ReplayedObject {
    /// So many.
    replayed: u64,
}

/// Which deliveries are wanted.
pub(super) struct Wanted(DeliveryQuery);

const MOST: u32 = 100;

impl FromRequestParts<Web> for Wanted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Web) -> Result<Self, Problem> {
        let mut query = DeliveryQuery { state: DeliveryState::Dead, endpoint: None, before: None, limit: MOST };
        for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            let wrong = |what: &str| {
                Problem::new(StatusCode::BAD_REQUEST, "invalid_query", format!("The parameter {name} must be {what}."))
            };
            match &*name {
                "status" => {
                    query.state = DeliveryState::parse(&value).ok_or_else(|| wrong("“dead” or “pending”"))?;
                }
                "endpoint" => query.endpoint = Some(value.parse().map_err(|_| wrong("the id of an endpoint"))?),
                "before" => query.before = Some(value.parse().map_err(|_| wrong("the id of a delivery"))?),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                    query.limit = limit.ok_or_else(|| wrong("a number from 1 to 100"))?;
                }
                _ => {
                    let detail = "There are the parameters status, endpoint, before and limit.";
                    return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_query", detail));
                }
            }
        }
        Ok(Self(query))
    }
}

/// List dead letters, or what is on its way
#[utoipa::path(
    get, path = "/v1/webhook-deliveries", operation_id = "list_webhook_deliveries", tag = "webhooks",
    params(
        ("status" = Option<String>, Query, description = "`dead` (if left out) or `pending`"),
        ("endpoint" = Option<String>, Query, description = "Only for this endpoint"),
        ("before" = Option<String>, Query, description = "Only those older than this one"),
        ("limit" = Option<u32>, Query, description = "At most so many: 1 to 100, 100 if left out"),
    ),
    responses((status = 200, description = "Newest first", body = DeliveryList)),
)]
pub(super) async fn list(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Wanted(query): Wanted,
) -> Result<Json<DeliveryList>, Problem> {
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let one_more = DeliveryQuery { limit: query.limit + 1, ..query };
    let found = web.engine().webhook_deliveries(&caller, one_more).await;
    let mut found = found.map_err(|error| Problem::of(&error, web.engine().now()))?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    Ok(Json(DeliveryList { deliveries: found.into_iter().map(Into::into).collect(), has_more }))
}

/// Send a delivery again, dead or not
#[utoipa::path(
    post, path = "/v1/webhook-deliveries/{id}/replay", operation_id = "replay_webhook_delivery", tag = "webhooks",
    request_body(content = EndpointAction, description = "May be left out"),
    params(("id" = String, Path, description = "The delivery's id")),
    responses(
        (status = 202, description = "It is on its way, under the same `webhook-id`", body = DeliveryObject),
        (status = 404, description = "There is none of this id: it was taken, perhaps", body = ProblemObject, content_type = "application/problem+json"),
        (status = 409, description = "The endpoint is disabled", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn replay(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<WebhookDeliveryId>,
    input: Input<EndpointAction>,
) -> Result<(StatusCode, Json<DeliveryObject>), Problem> {
    let EndpointAction {} = input.value;
    let command = ReplayWebhooks::One(id);
    let replayed = web.engine().run(&caller, input.idempotency.as_ref(), &command).await;
    let mut replayed = replayed.map_err(|error| Problem::of(&error, web.engine().now()))?;
    let delivery = replayed.deliveries.pop().ok_or_else(Problem::internal)?;
    Ok((StatusCode::ACCEPTED, Json(delivery.into())))
}

/// Send all dead letters of an endpoint again
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/replay", operation_id = "replay_webhook_endpoint", tag = "webhooks",
    request_body(content = EndpointAction, description = "May be left out"),
    params(("id" = String, Path, description = "The endpoint's id")),
    responses(
        (status = 202, description = "They are on their way", body = ReplayedObject),
        (status = 404, description = "There is none of this id", body = ProblemObject, content_type = "application/problem+json"),
        (status = 409, description = "The endpoint is disabled", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn replay_all(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<WebhookEndpointId>,
    input: Input<EndpointAction>,
) -> Result<(StatusCode, Json<ReplayedObject>), Problem> {
    let EndpointAction {} = input.value;
    let replayed = web.engine().replay_all_dead(&caller, input.idempotency.as_ref(), id).await;
    let replayed = replayed.map_err(|error| Problem::of(&error, web.engine().now()))?;
    Ok((StatusCode::ACCEPTED, Json(ReplayedObject { replayed })))
}
