//! Router and description from one list, so that they cannot differ. The description is OpenAPI 3.1, at `/openapi.json`.

use super::{changes, check, history, keys, services, templates, verifications};
use crate::Web;
use axum::{Router, body::Bytes, http::header::CONTENT_TYPE, response::IntoResponse as _, routing::get};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
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
    ),
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

/// All paths of this dialect, and their description.
pub(super) fn routes() -> Router<Web> {
    let (router, document) = OpenApiRouter::with_openapi(Description::openapi())
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
        .split_for_parts();
    let json = Bytes::from(document.to_json().unwrap_or_default());
    router
        .route("/openapi.json", get(async move || ([(CONTENT_TYPE, "application/json")], json.clone()).into_response()))
}
