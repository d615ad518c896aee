//! `/v1/webhook-endpoints`: the caller's own servers that are told of events. The secret of one is in the answers that made or
//! rotated it, and nowhere else.

use super::{
    Problem, ProblemObject,
    auth::Authenticated,
    extract::{Input, Segment},
    webhook_deliveries::DeliveryObject,
};
use crate::{Web, time};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse as _, Response},
};
use countersign_engine::{
    Endpoint, Error,
    commands::{
        ChangeWebhookEndpoint, CreateWebhookEndpoint, DeleteWebhookEndpoint, EndpointSecret, RotateWebhookSecret,
        TestWebhookEndpoint,
    },
};
use countersign_model::{EventType, WebhookEndpointId, webhook::DisabledBecause};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A new endpoint.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateEndpointRequest {
    /// Where events are sent by POST: of the public internet, or of a network that the operator allows.
    #[schema(example = "https://shop.example/countersign")]
    url: String,
    /// What you say of it: at most 200 characters.
    description: Option<String>,
    /// What it is told of; everything if left out.
    #[schema(value_type = Option<Vec<String>>, example = json!(["verification.approved", "message.delivered"]))]
    events: Option<Vec<EventType>>,
    /// Whether it is told the whole address of a person, and not a mask of it.
    #[serde(default)]
    whole_address: bool,
}

/// What is to change; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PatchEndpointRequest {
    /// Where events are sent.
    url: Option<String>,
    /// What you say of it; null: nothing.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    description: Patch<String>,
    /// What it is told of; null: everything.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    events: Patch<Vec<EventType>>,
    /// Whether it is told whole addresses.
    whole_address: Option<bool>,
    /// Whether it is told anything. True puts an end to what a 410 has brought.
    enabled: Option<bool>,
}

/// What is to become of a field that may be null.
#[derive(Default)]
enum Patch<T> {
    /// It was left out: it stays.
    #[default]
    Keep,
    /// It is this from now on, or nothing.
    Put(Option<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Option::deserialize(from).map(Self::Put)
    }
}

/// An endpoint, without its secret.
#[derive(Serialize, ToSchema)]
pub(super) struct EndpointObject {
    /// Its name.
    #[schema(example = "whe_01kb0c5m3f8e9r7t6y5u4i3o2p")]
    id: String,
    /// Where events are sent.
    url: String,
    /// What you say of it.
    description: Option<String>,
    /// What it is told of; null: everything.
    #[schema(value_type = Option<Vec<String>>)]
    events: Option<Vec<EventType>>,
    /// Whether it is told whole addresses.
    whole_address: bool,
    /// Whether it is told anything.
    enabled: bool,
    /// Why not: `owner`, or `gone` after an answer with status 410.
    disabled_because: Option<&'static str>,
    /// The public half of its key pair, for signatures `v1a` (Ed25519).
    #[schema(example = "whpk_4vJv4uQ2mJQb8u5o7nS0c5bTQ3yCk0h2s7b6Jb9yqYI=")]
    public_key: String,
    /// For signatures `v1` (HMAC-SHA-256): shown in the answers that made or rotated it, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Until when the secret and the key pair before sign beside these.
    #[schema(format = DateTime)]
    old_secret_signs_until: Option<String>,
    /// Since when it exists.
    #[schema(format = DateTime)]
    created_at: String,
}

impl EndpointObject {
    fn of(web: &Web, shown: Endpoint, secret: Option<String>) -> Self {
        let Endpoint { endpoint, url, public_key } = shown;
        let now = web.engine().now();
        Self {
            id: endpoint.id.to_string(),
            url,
            description: endpoint.description,
            events: (!endpoint.events.is_empty()).then_some(endpoint.events),
            whole_address: endpoint.whole_address,
            enabled: endpoint.disabled.is_none(),
            disabled_because: endpoint.disabled.map(DisabledBecause::name),
            public_key,
            secret,
            old_secret_signs_until: endpoint.old_signs_until.filter(|until| now < *until).map(time::text),
            created_at: time::text(endpoint.created_at),
        }
    }

    fn with_secret(web: &Web, made: EndpointSecret) -> Result<Self, Problem> {
        let shown = web.engine().endpoint_of(made.endpoint).map_err(wrong(web))?;
        Ok(Self::of(web, shown, Some(made.secret)))
    }
}

fn wrong(web: &Web) -> impl Fn(Error) -> Problem {
    |error| Problem::of(&error, web.engine().now())
}

/// No list means everything, so a list of nothing would be a trap.
fn listed(events: Option<Vec<EventType>>) -> Result<Vec<EventType>, Problem> {
    match events {
        Some(events) if events.is_empty() => {
            Err(Problem::field("/events", "must name at least one type of event; null means all"))
        }
        events => Ok(events.unwrap_or_default()),
    }
}

/// All endpoints.
#[derive(Serialize, ToSchema)]
pub(super) struct EndpointList {
    /// Oldest first.
    endpoints: Vec<EndpointObject>,
}

/// List webhook endpoints
#[utoipa::path(
    get, path = "/v1/webhook-endpoints", operation_id = "list_webhook_endpoints", tag = "webhooks",
    responses((status = 200, description = "Oldest first", body = EndpointList)),
)]
pub(super) async fn list(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
) -> Result<Json<EndpointList>, Problem> {
    let all = web.engine().webhook_endpoints(&caller).await.map_err(wrong(&web))?;
    Ok(Json(EndpointList { endpoints: all.into_iter().map(|shown| EndpointObject::of(&web, shown, None)).collect() }))
}

/// Make a webhook endpoint
#[utoipa::path(
    post, path = "/v1/webhook-endpoints", operation_id = "create_webhook_endpoint", tag = "webhooks", request_body(content = CreateEndpointRequest, example = json!({"url": "https://shop.example/countersign"})),
    responses(
        (status = 201, description = "Made, with its secret", body = EndpointObject),
        (status = 409, description = "There are 16 already", body = ProblemObject, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn create(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    input: Input<CreateEndpointRequest>,
) -> Result<Response, Problem> {
    let CreateEndpointRequest { url, description, events, whole_address } = input.value;
    let command = CreateWebhookEndpoint { url, description, events: listed(events)?, whole_address };
    let made = web.engine().run(&caller, input.idempotency.as_ref(), &command).await.map_err(wrong(&web))?;
    let place = format!("/v1/webhook-endpoints/{}", made.endpoint.id);
    let object = EndpointObject::with_secret(&web, made)?;
    Ok((StatusCode::CREATED, [(LOCATION, place)], Json(object)).into_response())
}

/// Look at a webhook endpoint
#[utoipa::path(
    get, path = "/v1/webhook-endpoints/{id}", operation_id = "get_webhook_endpoint", tag = "webhooks", params(("id" = String, Path, description = "The endpoint's id")),
    responses(
        (status = 200, description = "As it stands", body = EndpointObject),
        (status = 404, description = "There is none of this id", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<WebhookEndpointId>,
) -> Result<Json<EndpointObject>, Problem> {
    let shown = web.engine().webhook_endpoint(&caller, id).await.map_err(wrong(&web))?;
    Ok(Json(EndpointObject::of(&web, shown, None)))
}

/// Change a webhook endpoint
#[utoipa::path(
    patch, path = "/v1/webhook-endpoints/{id}", operation_id = "update_webhook_endpoint", tag = "webhooks", params(("id" = String, Path, description = "The endpoint's id")),
    request_body(content = PatchEndpointRequest, description = "Only what is to change", example = json!({"enabled": true})),
    responses(
        (status = 200, description = "Changed", body = EndpointObject),
        (status = 404, description = "There is none of this id", body = ProblemObject, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn patch(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<WebhookEndpointId>,
    input: Input<PatchEndpointRequest>,
) -> Result<Json<EndpointObject>, Problem> {
    let PatchEndpointRequest { url, description, events, whole_address, enabled } = input.value;
    let description = if let Patch::Put(description) = description { Some(description) } else { None };
    let events = if let Patch::Put(events) = events { Some(listed(events)?) } else { None };
    let command = ChangeWebhookEndpoint { id, url, description, events, whole_address, enabled };
    let changed = web.engine().run(&caller, input.idempotency.as_ref(), &command).await.map_err(wrong(&web))?;
    let shown = web.engine().endpoint_of(changed).map_err(wrong(&web))?;
    Ok(Json(EndpointObject::of(&web, shown, None)))
}

/// Remove a webhook endpoint
#[utoipa::path(
    delete, path = "/v1/webhook-endpoints/{id}", operation_id = "delete_webhook_endpoint", tag = "webhooks", params(("id" = String, Path, description = "The endpoint's id")),
    responses((status = 204, description = "It is told no more"), (status = 404, description = "There is none of this id", body = ProblemObject, content_type = "application/problem+json")),
)]
pub(super) async fn delete(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<WebhookEndpointId>,
) -> Result<StatusCode, Problem> {
    let done = web.engine().run(&caller, None, &DeleteWebhookEndpoint { id }).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(wrong(&web))
}

/// Nothing more is needed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointAction {}

/// Give a webhook endpoint a new secret; the one before signs beside it for a day
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/rotate-secret", operation_id = "rotate_webhook_secret", tag = "webhooks",
    request_body(content = EndpointAction, description = "May be left out"),
    params(
        ("id" = String, Path, description = "The endpoint's id"),
    ),
    responses(
        (status = 200, description = "With the new secret", body = EndpointObject),
        (status = 404, description = "There is none of this id", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn rotate_secret(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<WebhookEndpointId>,
    input: Input<EndpointAction>,
) -> Result<Json<EndpointObject>, Problem> {
    let EndpointAction {} = input.value;
    let command = RotateWebhookSecret { id };
    let made = web.engine().run(&caller, input.idempotency.as_ref(), &command).await.map_err(wrong(&web))?;
    EndpointObject::with_secret(&web, made).map(Json)
}

/// Send a webhook endpoint an event of the type `webhook.test`
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/test", operation_id = "test_webhook_endpoint", tag = "webhooks",
    request_body(content = EndpointAction, description = "May be left out"),
    params(
        ("id" = String, Path, description = "The endpoint's id"),
    ),
    responses(
        (status = 202, description = "It is on its way", body = DeliveryObject),
        (status = 404, description = "There is none of this id", body = ProblemObject, content_type = "application/problem+json"),
        (status = 409, description = "The endpoint is disabled", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn test(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<WebhookEndpointId>,
    input: Input<EndpointAction>,
) -> Result<(StatusCode, Json<DeliveryObject>), Problem> {
    let EndpointAction {} = input.value;
    let command = TestWebhookEndpoint { id };
    let sent = web.engine().run(&caller, input.idempotency.as_ref(), &command).await.map_err(wrong(&web))?;
    Ok((StatusCode::ACCEPTED, Json(sent.into())))
}
