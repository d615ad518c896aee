//! Refusals in this vendor's words: `{"error":…,"error_description":…}`. Clients compare some of the descriptions letter by
//! letter, so each of them stands here once. The statuses are those of one table, where a call does not say otherwise.

use super::heads;
use crate::{body::BodyError, dialects::Refusal};
use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{CONNECTION, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use countersign_engine::{Error, tokens::Unreadable};
use countersign_model::{BucketLevel, Timestamp};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Why a request is refused.
#[derive(Debug, PartialEq)]
pub(super) struct Refused {
    status: StatusCode,
    error: &'static str,
    description: Cow<'static, str>,
    /// What else the body has.
    more: Map<String, Value>,
    limit: Option<BucketLevel>,
}

pub(super) const INVALID_REQUEST: &str = "invalid_request";
pub(super) const INVALID_GRANT: &str = "invalid_grant";
const UNSUPPORTED_CHALLENGE_TYPE: &str = "unsupported_challenge_type";
const EXPIRED_TOKEN: &str = "expired_token";

/// The status that goes with a code.
fn status_of(error: &str) -> StatusCode {
    match error {
        "invalid_client" | "requires_validation" | UNSUPPORTED_CHALLENGE_TYPE | "unauthorized" | "invalid_token" => {
            StatusCode::UNAUTHORIZED
        }
        "unauthorized_client"
        | "access_denied"
        | INVALID_GRANT
        | "mfa_required"
        | EXPIRED_TOKEN
        | "insufficient_scope" => StatusCode::FORBIDDEN,
        "endpoint_disabled" | "not_found" => StatusCode::NOT_FOUND,
        "method_not_allowed" => StatusCode::METHOD_NOT_ALLOWED,
        "too_many_requests" | "too_many_attempts" => StatusCode::TOO_MANY_REQUESTS,
        "server_error" => StatusCode::INTERNAL_SERVER_ERROR,
        "unsupported_grant_type" => StatusCode::NOT_IMPLEMENTED,
        "bad_gateway" => StatusCode::BAD_GATEWAY,
        "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

impl Refused {
    pub(super) fn new(error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self { status: status_of(error), error, description: description.into(), more: Map::new(), limit: None }
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// With something else in the body.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn missing(parameter: &str) -> Self {
        Self::new(INVALID_REQUEST, format!("Missing required parameter: {parameter}"))
    }

    pub(super) fn not_a_string(parameter: &str) -> Self {
        Self::new(INVALID_REQUEST, format!("{parameter} must be a string"))
    }

    pub(super) fn invalid_client() -> Self {
        Self::new("invalid_client", "Unknown client, or its credentials are wrong.")
    }

    pub(super) fn grant_not_allowed(grant_type: &str) -> Self {
        Self::new("unauthorized_client", format!("Grant type '{grant_type}' not allowed for the client."))
    }

    pub(super) fn wrong_password() -> Self {
        Self::new(INVALID_GRANT, "Wrong email or password.")
    }

    /// `until`: when the right password is taken again.
    pub(super) fn blocked(until: Timestamp, size: u32) -> Self {
        let text = "Your account has been blocked after multiple consecutive login attempts. We've sent you a notification \
                    via your preferred contact method with instructions on how to unblock it.";
        Self::new("too_many_attempts", text).limited(BucketLevel { limit: size, remaining: 0, next_at: until })
    }

    pub(super) fn too_many_log_ins(level: BucketLevel) -> Self {
        Self::new("too_many_attempts", "Too many login attempts. Wait for some seconds before retrying.").limited(level)
    }

    pub(super) fn too_many_failed_codes(level: BucketLevel) -> Self {
        let text = "Too many failed codes. Wait for some minutes before retrying.";
        Self::new(INVALID_REQUEST, text).with_status(StatusCode::TOO_MANY_REQUESTS).limited(level)
    }

    pub(super) fn too_many_messages(level: BucketLevel) -> Self {
        let text = "Too many SMS sent by the user. Wait for some minutes before retrying.";
        Self::new(INVALID_REQUEST, text).with_status(StatusCode::TOO_MANY_REQUESTS).limited(level)
    }

    pub(super) fn too_many_mails(level: BucketLevel) -> Self {
        let text = "Too many emails sent by the user. Wait for some minutes before retrying.";
        Self::new(INVALID_REQUEST, text).with_status(StatusCode::TOO_MANY_REQUESTS).limited(level)
    }

    pub(super) fn too_many_exchanges(level: BucketLevel) -> Self {
        Self::new("too_many_requests", "Too many requests. Wait for some seconds before retrying.").limited(level)
    }

    pub(super) fn too_many_pushes(level: BucketLevel) -> Self {
        let text = "Too many push notifications sent to the user. Wait for some minutes before retrying.";
        Self::new(INVALID_REQUEST, text).with_status(StatusCode::TOO_MANY_REQUESTS).limited(level)
    }

    /// Nobody carries the message with the code.
    pub(super) fn not_sent() -> Self {
        Self::new("bad_gateway", "The message could not be sent.")
    }

    /// A device has not answered yet, or not registered.
    pub(super) fn authorization_pending() -> Self {
        let text = "Authorization pending: please repeat the request in a few seconds.";
        Self::new("authorization_pending", text).with_status(StatusCode::BAD_REQUEST)
    }

    /// A device has refused. Elsewhere the same code comes with 403.
    pub(super) fn authorization_rejected() -> Self {
        Self::new("access_denied", "MFA Authorization rejected.").with_status(StatusCode::BAD_REQUEST)
    }

    pub(super) fn slow_down(level: BucketLevel) -> Self {
        let text = "You are polling faster than the specified interval of 5 seconds.";
        Self::new("slow_down", text).with_status(StatusCode::BAD_REQUEST).limited(level)
    }

    pub(super) fn malformed_mfa_token() -> Self {
        Self::new(INVALID_GRANT, "Malformed mfa_token")
    }

    pub(super) fn unreadable_mfa_token(why: Unreadable) -> Self {
        match why {
            Unreadable::Malformed => Self::malformed_mfa_token(),
            Unreadable::Expired => Self::new(EXPIRED_TOKEN, "mfa_token is expired"),
        }
    }

    pub(super) fn unreadable_oob_code(why: Unreadable) -> Self {
        match why {
            Unreadable::Malformed => Self::new(INVALID_GRANT, "Malformed oob_code"),
            Unreadable::Expired => Self::new(EXPIRED_TOKEN, "oob_code is expired"),
        }
    }

    pub(super) fn foreign_oob_code() -> Self {
        Self::new(INVALID_REQUEST, "The oob_code doesn't match the mfa_token")
    }

    pub(super) fn foreign_mfa_token() -> Self {
        Self::new(INVALID_REQUEST, "mfa_token not issued to this client")
    }

    /// The same token as a bearer's.
    pub(super) fn bad_bearer(why: Unreadable) -> Self {
        let refused = match why {
            Unreadable::Malformed => {
                Self::new(INVALID_GRANT, "The mfa_token provided is invalid. Try getting a new token.")
            }
            Unreadable::Expired => Self::new(EXPIRED_TOKEN, "mfa_token is expired"),
        };
        refused.with_status(StatusCode::UNAUTHORIZED)
    }

    pub(super) fn no_bearer() -> Self {
        Self::new("unauthorized", "Missing authorization header.")
    }

    pub(super) fn insufficient_scope(scope: &str) -> Self {
        Self::new("insufficient_scope", format!("Insufficient scope, expected: {scope}"))
    }

    pub(super) fn already_enrolled() -> Self {
        Self::new("access_denied", "User is already enrolled.")
    }

    pub(super) fn bad_phone() -> Self {
        Self::new(INVALID_REQUEST, "The phone number is invalid.")
    }

    /// `status` differs: 400 where a factor is to be enrolled, 401 where one is to be used.
    pub(super) fn unsupported_challenge_type(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(UNSUPPORTED_CHALLENGE_TYPE, text)
    }

    pub(super) fn invalid_code(parameter: &'static str) -> Self {
        Self::new(
            INVALID_GRANT,
            match parameter {
                "otp" => "Invalid otp_code.",
                "binding_code" => "Invalid binding_code.",
                _ => "MFA Authorization rejected.",
            },
        )
    }

    /// With what is left of a limit.
    pub(super) fn limited(self, level: BucketLevel) -> Self {
        Self { limit: Some(level), ..self }
    }

    /// The engine's error in this API's words.
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Limited(limited) => {
                Self::too_many_messages(BucketLevel { limit: 0, remaining: 0, next_at: limited.retry_at })
            }
            Error::NumberUnknown | Error::WrongChannel(_) => Self::bad_phone(),
            Error::NoRoute(_) | Error::NotEnoughBalance => {
                tracing::error!(%error, "a code cannot be sent");
                Self::not_sent()
            }
            Error::Busy | Error::NoRoom(_) | Error::Unavailable(_) => {
                tracing::error!(%error, "a request could not be served");
                Self::new("temporarily_unavailable", "The service is temporarily unavailable. Try again later.")
            }
            // Whoever a token speaks of is gone.
            Error::NotFound(_) | Error::Spent | Error::NoFactor(_) => Self::malformed_mfa_token(),
            // Nothing of this can come of what a caller of this API sends: the installation or the server is at fault.
            Error::Forbidden(_)
            | Error::NameTaken(_)
            | Error::BadName
            | Error::BadLabel
            | Error::NotPossible(_)
            | Error::PaymentMissing
            | Error::PaymentUnexpected
            | Error::BadPolicy(_)
            | Error::BadTemplate(_)
            | Error::IdempotencyMismatch
            | Error::DefaultService
            | Error::BadAmount
            | Error::BadConfiguration(_)
            | Error::Unchanged
            | Error::BadEndpoint(_)
            | Error::OtherCode
            | Error::Internal(_) => {
                tracing::error!(%error, "a request could not be served");
                server_error()
            }
        }
    }

    /// A request that never got as far as a call of this API.
    pub(super) fn before_the_dialect(path: &str, refusal: &Refusal) -> Response {
        let (error, text) = match refusal {
            Refusal::NotHttp => (INVALID_REQUEST, "The request makes no sense as HTTP."),
            Refusal::HeadTooLarge => (INVALID_REQUEST, "The head of the request is too large."),
            Refusal::LateHead => (INVALID_REQUEST, "The request did not arrive in time."),
            Refusal::UnknownPath => ("not_found", "Not found."),
            Refusal::UnknownMethod(_) => ("method_not_allowed", "Method not allowed."),
            Refusal::BadHost => (INVALID_REQUEST, "The request must name one host."),
            Refusal::ContentCoding | Refusal::TransferCoding => (INVALID_REQUEST, "The body must not be encoded."),
            Refusal::Panic => return heads::of(path, server_error().into_response()),
        };
        heads::of(path, Self::new(error, text).with_status(refusal.status()).into_response())
    }
}

fn server_error() -> Refused {
    Refused::new("server_error", "Internal server error.")
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => {
                Self::new(INVALID_REQUEST, "The request is too large.").with_status(StatusCode::PAYLOAD_TOO_LARGE)
            }
            BodyError::TooSlow => Self::new(INVALID_REQUEST, "The request did not arrive in time.")
                .with_status(StatusCode::REQUEST_TIMEOUT),
            BodyError::Broken => Self::new(INVALID_REQUEST, "The request body broke off."),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut body = Map::new();
        body.insert("error".to_owned(), self.error.into());
        body.insert("error_description".to_owned(), self.description.into());
        body.extend(self.more);
        let mut response = (self.status, Json(body)).into_response();
        if let Some(level) = self.limit {
            response = heads::limited(response, level);
        }
        let headers = response.headers_mut();
        if self.error == "invalid_client" {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"oauth\""));
        } else if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(self.status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE) {
            // The rest of the body is still on its way: nothing more can be read from this connection.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
