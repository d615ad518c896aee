//! `/v1/templates`: the texts of messages, the built-in ones and the tenant's own, which stand in for them.

use super::{
    Problem, ProblemObject,
    auth::Authenticated,
    extract::Input,
    verifications::{NOT_A_LOCALE, WireChannel, is_locale},
};
use crate::{Web, time};
use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, request::Parts},
};
use countersign_engine::{
    Engine,
    commands::{DeleteTemplate, PutTemplate},
};
use countersign_model::{Channel, Template, message::Purpose};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A template's text. Variables: `{{ code }}`, `{{ spoken }}` (voice), `{{ brand }}`, `{{ minutes }}`, and for payments
/// `{{ payee }}`, `{{ amount }}`, `{{ currency }}`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PutTemplateRequest {
    /// The subject, for mail.
    subject: Option<String>,
    /// The text; the code stands in it exactly once.
    #[schema(example = "{{ code }} is your Acme code.")]
    text: String,
    /// The HTML part, for mail.
    html: Option<String>,
}

/// A template.
#[derive(Serialize, ToSchema)]
pub(super) struct TemplateObject {
    /// `verification` or `payment`.
    message: &'static str,
    /// On which channel.
    channel: WireChannel,
    /// In which language.
    locale: String,
    /// Whether it comes with the program.
    built_in: bool,
    /// The subject, for mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// The text.
    text: String,
    /// The HTML part, for mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
    /// For text messages: how long one can get.
    #[serde(skip_serializing_if = "Option::is_none")]
    longest: Option<LongestObject>,
    /// When it was last written; null for built-in ones.
    #[schema(format = DateTime)]
    updated_at: Option<String>,
}

/// How long a text message can get: with a code of 16 characters, a brand of 20 and a payee of 64.
#[derive(Serialize, ToSchema)]
struct LongestObject {
    /// `gsm7`, or `ucs2` where a character is not in that alphabet.
    #[schema(example = "gsm7")]
    encoding: &'static str,
    /// Septets or UTF-16 units.
    units: usize,
    /// How many parts are paid for.
    #[schema(example = 1)]
    parts: usize,
}

impl LongestObject {
    fn of(message: Purpose, channel: Channel, text: &str) -> Option<Self> {
        let size = Engine::longest_sms(message, channel, text)?;
        Some(Self { encoding: size.encoding.name(), units: size.units, parts: size.parts })
    }
}

impl From<Template> for TemplateObject {
    fn from(template: Template) -> Self {
        Self {
            message: template.message.name(),
            channel: template.channel.into(),
            longest: LongestObject::of(template.message, template.channel, &template.text),
            locale: template.locale,
            built_in: false,
            subject: template.subject,
            text: template.text,
            html: template.html,
            updated_at: Some(time::text(template.updated_at)),
        }
    }
}

/// All templates.
#[derive(Serialize, ToSchema)]
pub(super) struct TemplateList {
    /// The tenant's own first, then the built-in ones.
    templates: Vec<TemplateObject>,
}

/// Which template the path names.
pub(super) struct Key {
    message: Purpose,
    channel: Channel,
    locale: String,
}

impl FromRequestParts<Web> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let path = Path::<(String, String, String)>::from_request_parts(parts, web).await;
        let Path((message, channel, locale)) = path.map_err(|_| super::extract::not_found())?;
        if !is_locale(&locale) {
            return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", format!("A locale {NOT_A_LOCALE}.")));
        }
        let message = Purpose::parse(&message).ok_or_else(super::extract::not_found)?;
        let channel = Channel::parse(&channel).filter(|channel| channel.words() == *channel);
        let channel = channel.ok_or_else(super::extract::not_found)?;
        Ok(Self { message, channel, locale })
    }
}

/// List templates
#[utoipa::path(get, path = "/v1/templates", operation_id = "list_templates", tag = "templates", responses((status = 200, description = "Own ones, then built-in ones", body = TemplateList)))]
pub(super) async fn list(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
) -> Result<Json<TemplateList>, Problem> {
    let own = web.engine().own_templates(&caller).await.map_err(|error| Problem::of(&error, web.engine().now()))?;
    let built_in = Engine::built_in_templates().map(|template| TemplateObject {
        message: template.message.name(),
        channel: template.channel.into(),
        longest: LongestObject::of(template.message, template.channel, &template.text),
        locale: template.locale.to_owned(),
        built_in: true,
        subject: template.subject,
        text: template.text,
        html: template.html,
        updated_at: None,
    });
    Ok(Json(TemplateList { templates: own.into_iter().map(Into::into).chain(built_in).collect() }))
}

/// Look at a template of your own
#[utoipa::path(
    get, path = "/v1/templates/{message}/{channel}/{locale}", operation_id = "get_template", tag = "templates",
    params(("message" = String, Path, description = "verification or payment"), ("channel" = String, Path, description = "sms, voice or email"), ("locale" = String, Path, description = "The language")),
    responses((status = 200, description = "The template", body = TemplateObject), (status = 404, description = "There is none", body = ProblemObject, content_type = "application/problem+json")),
)]
pub(super) async fn get(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    key: Key,
) -> Result<Json<TemplateObject>, Problem> {
    let found = web.engine().own_template(&caller, key.message, key.channel, &key.locale).await;
    found.map(|template| Json(template.into())).map_err(|error| Problem::of(&error, web.engine().now()))
}

/// Write a template of your own
#[utoipa::path(
    put, path = "/v1/templates/{message}/{channel}/{locale}", operation_id = "put_template", tag = "templates", request_body(content = PutTemplateRequest, example = json!({"text": "{{ code }} is your Acme code."})),
    params(("message" = String, Path, description = "verification or payment"), ("channel" = String, Path, description = "sms, voice or email"), ("locale" = String, Path, description = "The language")),
    responses((status = 200, description = "Written", body = TemplateObject), (status = 422, description = "It cannot be used; errors say why", body = ProblemObject, content_type = "application/problem+json")),
)]
pub(super) async fn put(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    key: Key,
    input: Input<PutTemplateRequest>,
) -> Result<Json<TemplateObject>, Problem> {
    let PutTemplateRequest { subject, text, html } = input.value;
    let command = PutTemplate { message: key.message, channel: key.channel, locale: key.locale, subject, text, html };
    let written = web.engine().run(&caller, input.idempotency.as_ref(), &command).await;
    written.map(|template| Json(template.into())).map_err(|error| Problem::of(&error, web.engine().now()))
}

/// Go back to the built-in template
#[utoipa::path(
    delete, path = "/v1/templates/{message}/{channel}/{locale}", operation_id = "delete_template", tag = "templates",
    params(("message" = String, Path, description = "verification or payment"), ("channel" = String, Path, description = "sms, voice or email"), ("locale" = String, Path, description = "The language")),
    responses((status = 204, description = "Gone"), (status = 404, description = "There is none", body = ProblemObject, content_type = "application/problem+json")),
)]
pub(super) async fn delete(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    key: Key,
) -> Result<StatusCode, Problem> {
    let command = DeleteTemplate { message: key.message, channel: key.channel, locale: key.locale };
    let done = web.engine().run(&caller, None, &command).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|error| Problem::of(&error, web.engine().now()))
}
