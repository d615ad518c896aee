//! Router and description from one list, so that they cannot differ. The description is OpenAPI 3.1, at `/openapi.json`.

use super::{
    ProblemObject, changes, check, extract::MERGE_PATCH, history, keys, mfa_tokens, services, templates, verifications,
    webhook_deliveries, webhook_endpoints,
};
use crate::Web;
use axum::{Router, body::Bytes, http::header::CONTENT_TYPE, response::IntoResponse as _, routing::get};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, ObjectBuilder, Ref, RefOr, Required, Response, ResponseBuilder,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        schema::Type,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Countersign API",
        description = "Send one-time codes and check them, exactly once.\n\nEvery request carries an API key as `Authorization: Bearer cs_…`. \
                       Errors are problem details (RFC 9457): compare `code`, show `detail`. Every POST takes an `Idempotency-Key`.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT"),
    ),
    tags(
        (name = "verifications", description = "Start, check, send again, end"),
        (name = "services", description = "Named rules"),
        (name = "templates", description = "What messages say"),
        (name = "keys", description = "API keys"),
        (name = "webhooks", description = "Events for your own servers"),
        (name = "mfa", description = "The second step of a log-in"),
    ),
    components(schemas(ProblemObject)),
    modifiers(&BearerKey),
    security(("api_key" = [])),
)]
struct Description;

struct BearerKey;

impl Modify for BearerKey {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("cs_…").build();
        document.components.get_or_insert_default().add_security_scheme("api_key", SecurityScheme::Http(scheme));
    }
}

/// What every operation may answer besides what it says itself.
const ALWAYS: [(&str, &str); 6] = [
    ("400", "The request makes no sense: no JSON, no idempotency key, no such parameter"),
    ("401", "No key that works"),
    ("403", "The key lacks a scope"),
    ("404", "There is nothing of this name"),
    ("500", "A fault of the server's, whose log has the reason"),
    ("503", "The server cannot do this at the moment"),
];

/// What every operation may answer that reads a body.
const WITH_A_BODY: [(&str, &str); 4] = [
    ("408", "The body did not arrive in time"),
    ("413", "The body has more than 65536 bytes"),
    ("415", "The body is not sent as JSON"),
    ("422", "A field is wrong, or the idempotency key was used for another request"),
];

fn complete(document: &mut utoipa::openapi::OpenApi) {
    for item in document.paths.paths.values_mut() {
        if let Some(patch) = &mut item.patch {
            takes_merge_patches(patch);
        }
        if let Some(post) = &mut item.post {
            post.parameters.get_or_insert_default().push(idempotency_key().into());
        }
        let operations =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten();
        for operation in operations {
            let of_body = WITH_A_BODY.into_iter().filter(|_| operation.request_body.is_some());
            for (status, description) in ALWAYS.into_iter().chain(of_body) {
                let answers = &mut operation.responses.responses;
                answers.entry(status.to_owned()).or_insert_with(|| problem(description).into());
            }
        }
    }
}

/// Under the name that RFC 7396 gives them, too.
fn takes_merge_patches(operation: &mut Operation) {
    if let Some(RefOr::T(body)) = &mut operation.request_body
        && let Some(json) = body.content.get("application/json").cloned()
    {
        body.content.insert(MERGE_PATCH.to_owned(), json);
    }
}

fn idempotency_key() -> Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Repeat a request safely: the same key with the same body gets the same answer for 24 hours"))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255))))
        .build()
}

fn problem(description: &str) -> Response {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

/// All paths of this dialect, and their description.
pub(super) fn routes() -> Router<Web> {
    let (router, mut document) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(verifications::start))
        .routes(routes!(verifications::get))
        .routes(routes!(history::events))
        .routes(routes!(check::check))
        .routes(routes!(changes::resend))
        .routes(routes!(changes::cancel))
        .routes(routes!(changes::report))
        .routes(routes!(services::list, services::create))
        .routes(routes!(services::get, services::patch, services::delete))
        .routes(routes!(templates::list))
        .routes(routes!(templates::get, templates::put, templates::delete))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(webhook_endpoints::list, webhook_endpoints::create))
        .routes(routes!(webhook_endpoints::get, webhook_endpoints::patch, webhook_endpoints::delete))
        .routes(routes!(webhook_endpoints::rotate_secret))
        .routes(routes!(webhook_endpoints::test))
        .routes(routes!(webhook_deliveries::replay_all))
        .routes(routes!(webhook_deliveries::list))
        .routes(routes!(webhook_deliveries::replay))
        .routes(routes!(mfa_tokens::begin))
        .routes(routes!(mfa_tokens::redeem))
        .split_for_parts();
    complete(&mut document);
    let json = Bytes::from(document.to_json().unwrap_or_default());
    router
        .route("/openapi.json", get(async move || ([(CONTENT_TYPE, "application/json")], json.clone()).into_response()))
}
