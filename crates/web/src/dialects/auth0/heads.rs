//! What the heads of answers say of their bodies, whether they grant or refuse: nobody keeps tokens or what leads to them
//! (RFC 6749, 5.1; `Cache-Control: no-store` is there for all APIs alike), and the media type is what clients have seen.

use axum::{
    extract::Request,
    http::{
        HeaderValue,
        header::{CONTENT_TYPE, PRAGMA},
    },
    middleware::Next,
    response::Response,
};
use countersign_model::BucketLevel;

const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const JSON: &str = "application/json";
const JSON_IN_UTF_8: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Around every call of this API.
pub(super) async fn around(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    of(&path, next.run(request).await)
}

/// An answer at this path, with the head that it must have. One without a body names its media type as the vendor's does: bare.
pub(super) fn of(path: &str, mut response: Response) -> Response {
    let is_below =
        |beginning| path.strip_prefix(beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let is_of_factors = is_below("/mfa") || path.ends_with("/mfa/challenge") || path == "/userinfo";
    if !is_of_factors && !is_below("/oauth") {
        return response;
    }
    let has_body = !axum::body::HttpBody::is_end_stream(response.body());
    let headers = response.headers_mut();
    headers.insert(PRAGMA, NO_CACHE);
    if is_of_factors && has_body && headers.get(CONTENT_TYPE).is_some_and(|kind| kind == JSON) {
        headers.insert(CONTENT_TYPE, JSON_IN_UTF_8);
    }
    response
}

/// An answer with what is left of the limit that its call has spent some of. Clients read the moment at which there is one more
/// as a whole number of seconds since 1970.
pub(super) fn limited(mut response: Response, level: BucketLevel) -> Response {
    let seconds = level.next_at.as_ms().div_euclid(1000) + i64::from(level.next_at.as_ms().rem_euclid(1000) > 0);
    for (name, value) in [
        ("x-ratelimit-limit", i64::from(level.limit)),
        ("x-ratelimit-remaining", i64::from(level.remaining)),
        ("x-ratelimit-reset", seconds),
    ] {
        response.headers_mut().insert(name, HeaderValue::from(value));
    }
    response
}
