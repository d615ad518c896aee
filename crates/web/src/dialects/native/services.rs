//! `/v1/services`: named policies. Changing one never touches verifications that are on their way.

use super::{
    Problem, ProblemObject,
    auth::Authenticated,
    extract::{Input, Segment, from_json, object},
    last_line::{self, WireWebOtp},
    verifications::{NOT_A_LOCALE, is_locale},
};
use crate::{Web, time};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use countersign_engine::{
    Error,
    commands::{DeleteService, PutService, ServiceWrite},
};
use countersign_model::{Policy, Profile, Service, text::is_plain_line};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A new service. What is left out comes from the profile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateServiceRequest {
    /// 1 to 64 characters of `a-z 0-9 - _ .`.
    #[schema(example = "login")]
    name: String,
    /// Which defaults: `standard` (what the standards ask for) or `compat` (what vendors are used to).
    #[schema(value_type = Option<String>, example = "standard")]
    profile: Option<Profile>,
    /// Whom the messages speak for.
    #[schema(example = "Acme")]
    brand: Option<String>,
    /// The sender id of text messages.
    sender: Option<String>,
    /// The language where neither the caller nor the number's country says one.
    default_locale: Option<String>,
    /// Whether the number's country says the language where the caller names none; if left out, with the profile `standard` only.
    language_of_country: Option<bool>,
    /// The site whose pages may read the code from the message.
    #[serde(default, deserialize_with = "object")]
    web_otp: Option<WireWebOtp>,
    /// Or the Android app that may: its 11 characters for the SMS Retriever.
    #[schema(example = "FA+9qCX9VSu")]
    app_hash: Option<String>,
    /// The rules; any part of them.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({"life_seconds": 600}))]
    policy: Value,
}

/// A change, as a JSON merge patch (RFC 7396): what is left out stays, and what is null goes.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PatchServiceRequest)]
struct Editable {
    /// Whom the messages speak for.
    brand: Option<String>,
    /// The sender id of text messages.
    sender: Option<String>,
    /// The language where neither the caller nor the number's country says one.
    #[schema(required = false)]
    default_locale: String,
    /// Whether the number's country says the language where the caller names none.
    #[schema(required = false)]
    language_of_country: bool,
    /// The site whose pages may read the code from the message.
    #[serde(default, deserialize_with = "object")]
    web_otp: Option<WireWebOtp>,
    /// Or the Android app that may.
    app_hash: Option<String>,
    /// The rules; any part of them.
    #[schema(value_type = Object, required = false)]
    policy: Policy,
}

impl Editable {
    fn of(service: Service) -> Self {
        let (web_otp, app_hash) = last_line::shown(service.last_line);
        Self {
            brand: service.brand,
            sender: service.sender,
            default_locale: service.default_locale,
            language_of_country: service.language_of_country,
            web_otp,
            app_hash,
            policy: service.policy,
        }
    }
}

/// A service.
#[derive(Serialize, ToSchema)]
pub(super) struct ServiceObject {
    /// Its name for machines.
    id: String,
    /// Its name.
    name: String,
    /// Whom the messages speak for.
    brand: Option<String>,
    /// The sender id of text messages.
    sender: Option<String>,
    /// The language where neither the caller nor the number's country says one.
    default_locale: String,
    /// Whether the number's country says the language where the caller names none.
    language_of_country: bool,
    /// The site whose pages may read the code from the message.
    web_otp: Option<WireWebOtp>,
    /// Or the Android app that may.
    app_hash: Option<String>,
    /// The rules.
    #[schema(value_type = Object)]
    policy: Policy,
    /// Since when it exists.
    #[schema(format = DateTime)]
    created_at: String,
    /// What is allowed and costs: a last line that makes messages take a part more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl ServiceObject {
    async fn of(web: &Web, service: Service) -> Result<Self, Problem> {
        let several = web.engine().languages_of_several_parts(&service).await;
        let several = several.map_err(|error| Problem::of(&error, web.engine().now()))?;
        let warnings = last_line::warning(service.last_line.as_ref(), &several).into_iter().collect();
        let (web_otp, app_hash) = last_line::shown(service.last_line);
        Ok(Self {
            id: service.id.to_string(),
            name: service.name,
            brand: service.brand,
            sender: service.sender,
            default_locale: service.default_locale,
            language_of_country: service.language_of_country,
            web_otp,
            app_hash,
            policy: service.policy,
            created_at: time::text(service.created_at),
            warnings,
        })
    }
}

/// All services.
#[derive(Serialize, ToSchema)]
pub(super) struct ServiceList {
    /// By name.
    services: Vec<ServiceObject>,
}

/// List services
#[utoipa::path(get, path = "/v1/services", operation_id = "list_services", tag = "services", responses((status = 200, description = "By name", body = ServiceList)))]
pub(super) async fn list(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
) -> Result<Json<ServiceList>, Problem> {
    let services = web.engine().services(&caller).await.map_err(|error| Problem::of(&error, web.engine().now()))?;
    let mut shown = Vec::new();
    for service in services {
        shown.push(ServiceObject::of(&web, service).await?);
    }
    Ok(Json(ServiceList { services: shown }))
}

/// Make a service
#[utoipa::path(
    post, path = "/v1/services", operation_id = "create_service", tag = "services", request_body(content = CreateServiceRequest, example = json!({"name": "login", "brand": "Acme", "policy": {"life_seconds": 600}})),
    responses(
        (status = 201, description = "Made", body = ServiceObject),
        (status = 409, description = "The name is in use", body = ProblemObject, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn create(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    input: Input<CreateServiceRequest>,
) -> Result<Response, Problem> {
    let asked = input.value;
    let profile = asked.profile.unwrap_or(Profile::Standard);
    let mut whole = json!({
        "brand": asked.brand,
        "sender": asked.sender,
        "default_locale": asked.default_locale.as_deref().unwrap_or("en"),
        "language_of_country": asked.language_of_country.unwrap_or(profile == Profile::Standard),
        "web_otp": asked.web_otp,
        "app_hash": asked.app_hash,
        "policy": Policy::of(profile),
    });
    if !asked.policy.is_null() {
        merge(&mut whole, &json!({ "policy": asked.policy }));
    }
    let command = put(asked.name, ServiceWrite::Create, whole)?;
    let made = web.engine().run(&caller, input.idempotency.as_ref(), &command).await;
    let made = made.map_err(|error| Problem::of(&error, web.engine().now()))?;
    Ok((StatusCode::CREATED, Json(ServiceObject::of(&web, made).await?)).into_response())
}

/// Look at a service
#[utoipa::path(
    get, path = "/v1/services/{name}", operation_id = "get_service", tag = "services", params(("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "The service", body = ServiceObject), (status = 404, description = "There is none of this name", body = ProblemObject, content_type = "application/problem+json")),
)]
pub(super) async fn get(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(name): Segment<String>,
) -> Result<Json<ServiceObject>, Problem> {
    let found = web.engine().service(&caller, &name).await;
    let found = found.map_err(|error| Problem::of(&error, web.engine().now()))?;
    Ok(Json(ServiceObject::of(&web, found).await?))
}

/// Change a service
#[utoipa::path(
    patch, path = "/v1/services/{name}", operation_id = "update_service", tag = "services", params(("name" = String, Path, description = "Its name")),
    request_body(content = Editable, description = "A JSON merge patch (RFC 7396): only what is to change", example = json!({"policy": {"life_seconds": 600}})),
    responses(
        (status = 200, description = "Changed", body = ServiceObject),
        (status = 404, description = "There is none of this name", body = ProblemObject, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn patch(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(name): Segment<String>,
    input: Input<Value>,
) -> Result<Json<ServiceObject>, Problem> {
    if !input.value.is_object() {
        return Err(Problem::field("", "must be a JSON object"));
    }
    let wrong = |error| Problem::of(&error, web.engine().now());
    for _ in 0..MOST_ROUNDS {
        let old = web.engine().service(&caller, &name).await.map_err(wrong)?;
        let write = ServiceWrite::Replace { version: old.version };
        let mut whole = json!(Editable::of(old));
        merge(&mut whole, &input.value);
        let command = put(name.clone(), write, whole)?;
        match web.engine().run(&caller, input.idempotency.as_ref(), &command).await {
            // Somebody else changed it in between: the patch is made on what stands now.
            Err(Error::Busy) => {}
            done => return Ok(Json(ServiceObject::of(&web, done.map_err(wrong)?).await?)),
        }
    }
    Err(wrong(Error::Busy))
}

/// As many changes of one service at a time as anybody will make.
const MOST_ROUNDS: u32 = 200;

/// Remove a service
#[utoipa::path(
    delete, path = "/v1/services/{name}", operation_id = "delete_service", tag = "services", params(("name" = String, Path, description = "Its name")),
    responses(
        (status = 204, description = "Gone"),
        (status = 404, description = "There is none of this name", body = ProblemObject, content_type = "application/problem+json"),
        (status = 409, description = "It is the default service, which stays", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn delete(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(name): Segment<String>,
) -> Result<StatusCode, Problem> {
    let done = web.engine().run(&caller, None, &DeleteService { name }).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|error| Problem::of(&error, web.engine().now()))
}

fn put(name: String, write: ServiceWrite, whole: Value) -> Result<PutService, Problem> {
    must_have_its_shape(&whole)?;
    let Editable { brand, sender, default_locale, language_of_country, web_otp, app_hash, policy } = from_json(whole)?;
    if brand.as_deref().is_some_and(|brand| !is_plain_line(brand, 40)) {
        return Err(Problem::field("/brand", "must have 1 to 40 visible characters, on one line and without a link"));
    }
    if sender.as_deref().is_some_and(|sender| !is_sender(sender)) {
        return Err(Problem::field("/sender", "must have at most 15 digits, or at most 11 letters, digits and blanks"));
    }
    if !is_locale(&default_locale) {
        return Err(Problem::field("/default_locale", NOT_A_LOCALE));
    }
    let last_line = last_line::read(web_otp, app_hash)?;
    Ok(PutService { name, write, brand, sender, default_locale, language_of_country, last_line, policy })
}

/// serde takes a list of values for an object of fields; a policy is written by people, who mean no such thing.
fn must_have_its_shape(whole: &Value) -> Result<(), Problem> {
    let objects = ["/policy", "/policy/code", "/policy/limits", "/policy/limits/failed_checks"];
    let windows = whole.pointer("/policy/limits/sends").and_then(Value::as_array).map_or(0, Vec::len);
    let windows = (0..windows).map(|position| format!("/policy/limits/sends/{position}"));
    for pointer in objects.map(str::to_owned).into_iter().chain(windows) {
        if whole.pointer(&pointer).is_some_and(Value::is_array) {
            return Err(Problem::field(pointer, "must be a JSON object, not a list"));
        }
    }
    Ok(())
}

/// What carriers take as a sender: a number of at most 15 digits, or at most 11 characters (3GPP TS 23.040, 9.1.2.5).
fn is_sender(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = (1..=11).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" -_.&".contains(&byte))
        && text.trim() == text;
    is_number || is_name
}

/// JSON merge patch (RFC 7396, section 2).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    if let Value::Object(target) = target {
        for (key, value) in patch {
            if value.is_null() {
                target.remove(key);
            } else {
                merge(target.entry(key).or_insert(Value::Null), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_patch_changes_what_it_names_and_removes_what_it_nulls() {
        let mut target = json!({"a": {"b": 1, "c": 2}, "d": 3});
        merge(&mut target, &json!({"a": {"b": 9}, "d": null, "e": [1]}));
        assert_eq!(target, json!({"a": {"b": 9, "c": 2}, "e": [1]}));
    }

    #[test]
    fn senders_are_numbers_or_short_names() {
        for good in ["123456789012345", "+34666", "GOOD PIZZA", "Acme"] {
            assert!(is_sender(good), "{good}");
        }
        for bad in ["", "1234567890123456", "ABCDEFGHIJKL", " Acme", "Ac\nme", "Ñ"] {
            assert!(!is_sender(bad), "{bad}");
        }
    }
}
