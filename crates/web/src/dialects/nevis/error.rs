//! Refusals in this vendor's words: `{"error":…,"message":…,"status":…}`, where `status` repeats the one of HTTP.

use super::Settings;
use crate::{body::BodyError, dialects::Refusal};
use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use countersign_engine::{Error, Thing};
use countersign_model::Timestamp;
use serde::Serialize;
use std::borrow::Cow;

/// Why a request is refused. Nothing was changed, but for what a wrong code costs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    status: StatusCode,
    error: &'static str,
    message: Cow<'static, str>,
    retry_after_seconds: Option<u64>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'static str,
    message: &'a str,
    status: u16,
}

const INVALID_REQUEST: &str = "invalid_request";

pub(super) const UNAUTHORIZED: Refused =
    refused(StatusCode::UNAUTHORIZED, "unauthorized", "The Authorization header is missing.");
pub(super) const INVALID_KEY: Refused =
    refused(StatusCode::FORBIDDEN, "invalid_token", "The access key or token is not valid.");
pub(super) const EXPIRED_TOKEN: Refused =
    refused(StatusCode::FORBIDDEN, "expired_token", "The time of the token is over.");
pub(super) const INSUFFICIENT_SCOPE: Refused =
    refused(StatusCode::FORBIDDEN, "insufficient_scope", "The access key or token does not allow this.");
pub(super) const NOT_FOUND: Refused =
    refused(StatusCode::NOT_FOUND, "not_found", "There is no such user or authenticator.");
pub(super) const MALFORMED_JSON: Refused =
    refused(StatusCode::BAD_REQUEST, INVALID_REQUEST, "The body must be a JSON object.");
pub(super) const BAD_USER_ID: Refused = refused(StatusCode::BAD_REQUEST, INVALID_REQUEST, "userId must be a UUID.");
pub(super) const NOT_JSON: Refused =
    refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The content type must be application/json.");
pub(super) const NOT_A_FORM: Refused = refused(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "unsupported_media_type",
    "The content type must be application/x-www-form-urlencoded.",
);
pub(super) const PHONE_REQUIRED: Refused =
    refused(StatusCode::UNPROCESSABLE_ENTITY, "phone_required", "phone is required for the channel sms.");
pub(super) const INVALID_PHONE: Refused = refused(
    StatusCode::UNPROCESSABLE_ENTITY,
    "invalid_phone",
    "phone must be an international number of a person, such as +41790000001.",
);
pub(super) const SMS_DELIVERY_FAILED: Refused =
    refused(StatusCode::BAD_GATEWAY, "sms_delivery_failed", "The SMS gateway did not take the message.");
const INTERNAL: Refused =
    refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "Something went wrong on our side.");

const fn refused(status: StatusCode, error: &'static str, message: &'static str) -> Refused {
    Refused { status, error, message: Cow::Borrowed(message), retry_after_seconds: None }
}

impl Refused {
    /// What is well-formed and still cannot be done.
    pub(super) fn unprocessable(error: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self { status, error, message: message.into(), retry_after_seconds: None }
    }

    /// A parameter is absent, or has a type or value that cannot be used. `must` goes on after "must".
    pub(super) fn parameter(name: &str, must: &str) -> Self {
        Self::unprocessable(INVALID_REQUEST, format!("{name} must {must}."))
    }

    /// A parameter of the query has a value that cannot be used.
    pub(super) fn query(name: &str, must: &str) -> Self {
        let message = Cow::Owned(format!("{name} must {must}."));
        Self { status: StatusCode::BAD_REQUEST, error: INVALID_REQUEST, message, retry_after_seconds: None }
    }

    /// A channel that this server does not have.
    pub(super) fn channel(name: &str) -> Self {
        let message = format!("The channel {name} is not supported here: there are sms and recovery.");
        Self::unprocessable("channel_not_supported", message)
    }

    /// A code does not verify, for this reason.
    pub(super) fn failed(settings: &Settings, error: &'static str, message: &'static str) -> Self {
        refused(settings.failed_status.0, error, message)
    }

    /// The user is blocked.
    pub(super) fn limited(until: Timestamp, now: Timestamp) -> Self {
        let wait = until.since(now);
        Self {
            retry_after_seconds: Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
            ..refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "The user is blocked by rate limiting.")
        }
    }

    /// Whether it is a fault of ours.
    pub(super) fn is_ours(&self) -> bool {
        self.status.is_server_error()
    }

    /// The engine's error in this API's words.
    pub(super) fn of(error: &Error, now: Timestamp) -> Self {
        match error {
            Error::Forbidden(_) => INSUFFICIENT_SCOPE,
            Error::NotFound(Thing::User | Thing::Factor | Thing::Verification) => NOT_FOUND,
            Error::NumberUnknown | Error::WrongChannel(_) => INVALID_PHONE,
            Error::Limited(limited) => Self::limited(limited.retry_at, now),
            Error::NoFactor(_) => {
                Self::unprocessable("no_authenticator", "The user has no verified phone for the channel sms.")
            }
            Error::NoRoute(_) => {
                Self::unprocessable("sms_not_enabled", "Text messages are not configured on this instance.")
            }
            Error::NotEnoughBalance => {
                Self::unprocessable("insufficient_balance", "The account has less than the message costs.")
            }
            Error::Spent => INVALID_KEY,
            Error::Busy => {
                refused(StatusCode::CONFLICT, "conflict", "Too many requests change the same thing at once.")
            }
            Error::NoRoom(_) | Error::Unavailable(_) => {
                tracing::warn!(%error, "a request could not be served");
                refused(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The server cannot do this at the moment.")
            }
            // Nothing of this can come of what a caller of this API sends: the installation or the server is at fault.
            Error::NotFound(_)
            | Error::NameTaken(_)
            | Error::BadName
            | Error::BadLabel
            | Error::NotPossible(_)
            | Error::PaymentMissing
            | Error::PaymentUnexpected
            | Error::BadPolicy(_)
            | Error::BadConfiguration(_)
            | Error::Unchanged
            | Error::BadEndpoint(_)
            | Error::OtherCode
            | Error::BadTemplate(_)
            | Error::IdempotencyMismatch
            | Error::DefaultService
            | Error::BadAmount
            | Error::Internal(_) => {
                tracing::error!(%error, "a request could not be served");
                INTERNAL
            }
        }
    }

    /// A request that never got as far as a call of this API.
    pub(super) fn before_the_dialect(refusal: &Refusal) -> Response {
        let (status, error, message) = match refusal {
            Refusal::NotHttp => (refusal.status(), INVALID_REQUEST, "The request makes no sense as HTTP."),
            Refusal::HeadTooLarge => (refusal.status(), INVALID_REQUEST, "The head of the request is too large."),
            Refusal::LateHead => (refusal.status(), INVALID_REQUEST, "The request did not arrive in time."),
            // The vendor has one status for both.
            Refusal::UnknownPath | Refusal::UnknownMethod(_) => {
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "There is no such endpoint or method.")
            }
            Refusal::BadHost => (refusal.status(), INVALID_REQUEST, "The request must name one host."),
            Refusal::ContentCoding | Refusal::TransferCoding => {
                (refusal.status(), "unsupported_media_type", "The body must not be encoded.")
            }
            Refusal::Panic => return INTERNAL.into_response(),
        };
        let mut response = refused(status, error, message).into_response();
        if *refusal == Refusal::UnknownPath {
            // RFC 9110, 15.5.6: which methods there are. None.
            response.headers_mut().insert(axum::http::header::ALLOW, HeaderValue::from_static(""));
        }
        response
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => refused(StatusCode::PAYLOAD_TOO_LARGE, INVALID_REQUEST, "The request is too large."),
            BodyError::TooSlow => {
                refused(StatusCode::REQUEST_TIMEOUT, INVALID_REQUEST, "The request did not arrive in time.")
            }
            BodyError::Broken => refused(StatusCode::BAD_REQUEST, INVALID_REQUEST, "The body broke off."),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = Body { error: self.error, message: &self.message, status: self.status.as_u16() };
        let json = serde_json::to_string(&body).unwrap_or_default();
        let mut response = (self.status, without_markup(&json)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after_seconds.and_then(|wait| HeaderValue::try_from(wait.to_string()).ok()) {
            headers.insert(RETRY_AFTER, seconds);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(self.status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE) {
            // The rest of the body is still on its way: nothing more can be read from this connection.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// The same JSON without characters that mean something in HTML: they occur within its strings only, where each has an escape.
fn without_markup(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\'' => escaped.push_str("\\u0027"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_text_can_be_taken_for_html_and_it_reads_back() {
        let nasty = "<b onclick='x'>&</b> \\ \"";
        let json = without_markup(&serde_json::to_string(nasty).unwrap());
        assert!(!json.contains(['<', '>', '&', '\'']), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), nasty);
    }
}
