//! Refusals in the words of the management API: `{"statusCode":…,"error":…,"message":…,"errorCode":…}`.

use crate::{body::BodyError, dialects::auth0::error::Refused as OuterRefused};
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use countersign_engine::{Error, Thing};
use serde_json::json;
use std::borrow::Cow;

/// Why a request is refused.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    message: Cow<'static, str>,
    code: &'static str,
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into(), code }
    }

    /// Something in the body or the query cannot be used.
    pub(super) fn bad(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_body", message)
    }

    pub(super) fn not_found(what: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", what)
    }

    pub(super) fn no_user() -> Self {
        Self::new(StatusCode::NOT_FOUND, "inexistent_user", "The user does not exist.")
    }

    /// The engine's error in this API's words.
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::NotFound(Thing::User) => Self::no_user(),
            Error::NotFound(_) => Self::not_found("Not found"),
            Error::NameTaken(_) => Self::new(StatusCode::CONFLICT, "conflict", "It exists already."),
            Error::BadLabel => Self::bad("The name has characters that cannot be shown."),
            Error::Busy | Error::NoRoom(_) | Error::Unavailable(_) => {
                tracing::error!(%error, "a request could not be served");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "Try again later.")
            }
            Error::Limited(_)
            | Error::NumberUnknown
            | Error::WrongChannel(_)
            | Error::NoRoute(_)
            | Error::NotEnoughBalance
            | Error::Spent
            | Error::NoFactor(_)
            | Error::Forbidden(_)
            | Error::BadName
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
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Internal error")
            }
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}

/// Some questions are asked in the other half of this dialect; what goes wrong there is a fault of ours.
impl From<OuterRefused> for Refused {
    fn from(_: OuterRefused) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Internal error")
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "Payload too large"),
            BodyError::TooSlow => Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "Request timeout"),
            BodyError::Broken => Self::bad("The body broke off."),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let error = self.status.canonical_reason().unwrap_or("Error");
        let body = json!({
            "statusCode": self.status.as_u16(), "error": error, "message": self.message, "errorCode": self.code,
        });
        (self.status, Json(body)).into_response()
    }
}

pub(super) async fn unknown_path() -> Refused {
    Refused::not_found("Not Found")
}

pub(super) async fn unknown_method() -> Refused {
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed")
}
