//! What happens around every request: it gets an id, which the answer carries and the log repeats; it is counted and timed;
//! a panic becomes an answer; what no API can take is refused in the words of the dialect that the path belongs to, never as a page;
//! and nothing of the body is left before the next request.

use crate::{
    Web,
    dialects::{self, Refusal},
    framing, unread,
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use tracing::Instrument as _;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_ID: usize = 64;

/// Wraps every request.
pub(crate) async fn around(State(web): State<Web>, request: Request, next: Next) -> Response {
    let began = web.engine().monotonic();
    let id = request_id(&web, &request);
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", id = %id, %method, route);
    let answering = unread::answered(request, web.body_timeout(), |request| answer(&web, request, next));
    let answered = AssertUnwindSafe(answering).catch_unwind().instrument(span.clone()).await;
    let mut response = answered.unwrap_or_else(|_| {
        span.in_scope(|| tracing::error!("a request panicked"));
        dialects::refuse(uri.path(), &Refusal::Panic, web.engine().public_url())
    });
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        // In every dialect alike: whatever was away is looked for at once, so it may be back soon.
        response.headers_mut().entry(header::RETRY_AFTER).or_insert(HeaderValue::from_static("1"));
    }
    let took = web.engine().monotonic().saturating_sub(began);
    let status = response.status().as_u16();
    web.engine().metrics().answered(&route, status, took);
    span.in_scope(|| tracing::info!(status, ms = took.as_micros() as f64 / 1000.0, "answered"));
    response
}

/// A request that is wrong whoever it is for gets no further than this.
async fn answer(web: &Web, request: Request, next: Next) -> Response {
    let Some(refusal) = framing::refusal(request.version(), request.headers()) else { return next.run(request).await };
    let mut response = dialects::refuse(request.uri().path(), &refusal, web.engine().public_url());
    if refusal == Refusal::ContentCoding {
        // RFC 9110, 15.5.16: what would be taken.
        response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    response
}

/// The caller's own id, if it is a plain one, so that its logs and ours can be joined; else a new one.
fn request_id(web: &Web, request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_plain = |id: &&str| {
        (1..=LONGEST_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    given.filter(is_plain).map_or_else(|| web.engine().fresh_request_id(), str::to_owned)
}

/// Nobody serves this path.
pub(crate) async fn unknown_path(State(web): State<Web>, uri: Uri) -> Response {
    dialects::refuse(uri.path(), &Refusal::UnknownPath, web.engine().public_url())
}

/// The path exists, but not for this method; `Allow` tells which.
pub(crate) async fn unknown_method(State(web): State<Web>, method: Method, uri: Uri) -> Response {
    dialects::refuse(uri.path(), &Refusal::UnknownMethod(method), web.engine().public_url())
}
