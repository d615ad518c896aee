//! `/v1/keys`: API keys. The secret of a key is in the answer that made it, and nowhere else.

use super::{
    Problem, ProblemObject,
    auth::Authenticated,
    extract::{Input, Segment},
};
use crate::{Web, time};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use countersign_engine::commands::{CreateKey, KeyForm, RevokeKey};
use countersign_model::{
    ApiKey, KeyId, Scope,
    tenant::{IpNet, parse_network},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A new key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateKeyRequest {
    /// What you call it: 1 to 64 characters.
    #[schema(example = "shop front end")]
    name: String,
    /// What it may do; `verifications:write` and `verifications:read` if left out.
    #[schema(value_type = Option<Vec<String>>, example = json!(["verifications:write", "verifications:read"]))]
    scopes: Option<Vec<Scope>>,
    /// What its secret looks like: `native` if left out; `hex32` or `jws` for the clients of vendors that take no other.
    #[schema(example = "native")]
    form: Option<String>,
    /// From where it may be used: networks or addresses. Left out or empty: from anywhere.
    #[serde(default)]
    #[schema(example = json!(["203.0.113.0/24"]))]
    allowed_from: Vec<String>,
    /// Whether it is for trying things out: its messages do not leave, and cost nothing.
    #[serde(default)]
    test: bool,
}

/// A key, without its secret.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyObject {
    /// Its name for machines.
    id: String,
    /// What you call it.
    name: String,
    /// What it may do.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    /// From where it may be used; left out if from anywhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    allowed_from: Vec<IpNet>,
    /// Whether it is for trying things out; left out if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
    /// The secret: shown this once, when the key is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Since when it exists.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last used, to the minute.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// Since when it no longer works.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
}

impl KeyObject {
    fn of(key: ApiKey, secret: Option<String>) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            scopes: key.scopes,
            allowed_from: key.allowed_from,
            test: key.test,
            secret,
            created_at: time::text(key.created_at),
            last_used_at: key.last_used_at.map(time::text),
            revoked_at: key.revoked_at.map(time::text),
        }
    }
}

/// All keys.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyList {
    /// Oldest first, revoked ones included.
    keys: Vec<KeyObject>,
}

/// List keys
#[utoipa::path(get, path = "/v1/keys", operation_id = "list_keys", tag = "keys", responses((status = 200, description = "Oldest first", body = KeyList)))]
pub(super) async fn list(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
) -> Result<Json<KeyList>, Problem> {
    let keys = web.engine().api_keys(&caller).await.map_err(|error| Problem::of(&error, web.engine().now()))?;
    Ok(Json(KeyList { keys: keys.into_iter().map(|key| KeyObject::of(key, None)).collect() }))
}

/// Make a key
#[utoipa::path(
    post, path = "/v1/keys", operation_id = "create_key", tag = "keys", request_body(content = CreateKeyRequest, example = json!({"name": "shop front end"})),
    responses((status = 201, description = "Made; the only answer that has the secret", body = KeyObject), (status = 422, description = "A field is wrong", body = ProblemObject, content_type = "application/problem+json")),
)]
pub(super) async fn create(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    input: Input<CreateKeyRequest>,
) -> Result<Response, Problem> {
    let CreateKeyRequest { name, scopes, form, allowed_from, test } = input.value;
    let mut scopes = scopes.unwrap_or_else(|| vec![Scope::VerificationsWrite, Scope::VerificationsRead]);
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(Problem::field("/scopes", "must name at least one scope"));
    }
    let form = form.as_deref().map_or(Some(KeyForm::Native), KeyForm::parse);
    let form = form.ok_or_else(|| Problem::field("/form", "must be native, hex32 or jws"))?;
    let command = CreateKey { name, scopes, form, allowed_from: networks(&allowed_from)?, test };
    let made = web.engine().run(&caller, input.idempotency.as_ref(), &command).await;
    let made = made.map_err(|error| Problem::of(&error, web.engine().now()))?;
    Ok((StatusCode::CREATED, Json(KeyObject::of(made.key, Some(made.secret)))).into_response())
}

fn networks(texts: &[String]) -> Result<Vec<IpNet>, Problem> {
    let network = |(place, text): (usize, &String)| {
        let wrong = || {
            Problem::field(format!("/allowed_from/{place}"), "must be a network, such as 203.0.113.0/24, or an address")
        };
        parse_network(text).ok_or_else(wrong)
    };
    texts.iter().enumerate().map(network).collect()
}

/// Revoke a key
#[utoipa::path(
    delete, path = "/v1/keys/{id}", operation_id = "revoke_key", tag = "keys", params(("id" = String, Path, description = "The key's id")),
    responses((status = 204, description = "It works no more"), (status = 404, description = "There is none of this id", body = ProblemObject, content_type = "application/problem+json")),
)]
pub(super) async fn revoke(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<KeyId>,
) -> Result<StatusCode, Problem> {
    let done = web.engine().run(&caller, None, &RevokeKey { id }).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|error| Problem::of(&error, web.engine().now()))
}
