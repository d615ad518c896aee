//! Calls from pages in browsers (the CORS protocol of the Fetch standard): those of this server's own origin, and of the origins
//! that belong to clients. Nothing rests on it but what other pages can read: there are no cookies here.

use super::issuer::Issuer;
use crate::Web;
use axum::{
    Extension,
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, ORIGIN, VARY,
        },
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE, OPTIONS");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, auth0-client, dpop, auth0-forwarded-for, x-request-language",
);
const EXPOSED: HeaderValue =
    HeaderValue::from_static("x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-request-id, retry-after");
const AN_HOUR: HeaderValue = HeaderValue::from_static("3600");
const ASKS_FIRST: HeaderName = HeaderName::from_static("access-control-request-method");

/// Around every call of this API.
pub(super) async fn around(Extension(web): Extension<Web>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let asks_first = request.method() == Method::OPTIONS && request.headers().contains_key(&ASKS_FIRST);
    let (parts, body) = request.into_parts();
    let allowed = match &origin {
        Some(origin) => is_allowed(&web, &Issuer::of(&parts, &web), origin).await,
        None => false,
    };
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    match origin {
        Some(origin) if allowed => allow(headers, origin, asks_first),
        Some(_) | None => {}
    }
    response
}

/// What a browser asks before a call says all in its headers.
pub(super) async fn asked_first() -> Response {
    (StatusCode::NO_CONTENT, [(ALLOW, METHODS)]).into_response()
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue, asks_first: bool) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if asks_first {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        headers.insert(ACCESS_CONTROL_MAX_AGE, AN_HOUR);
    } else {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

async fn is_allowed(web: &Web, issuer: &Issuer, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    let own = issuer.0.trim_end_matches('/');
    if origin.eq_ignore_ascii_case(own) {
        return true;
    }
    web.engine().is_origin_of_a_client(origin).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "whether an origin belongs to a client cannot be told");
        false
    })
}
