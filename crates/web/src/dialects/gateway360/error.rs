//! Refusals in this vendor's words: `{"status":"error","error_id":…,"error_msg":…}`, whatever went wrong, since clients read
//! `error_id` out of every answer that is not 2xx. Outcomes of the business are 200, malformed requests 400, keys 401.

use crate::{body::BodyError, dialects::Refusal};
use axum::{
    Json,
    http::{
        HeaderValue, Method, StatusCode,
        header::{ALLOW, CONNECTION},
    },
    response::{IntoResponse, Response},
};
use countersign_engine::{Error, Thing};
use serde::Serialize;
use std::borrow::Cow;

/// Why a request, or one message of a request, is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    status: StatusCode,
    id: &'static str,
    message: Cow<'static, str>,
}

/// The body, and the place of a refused message among the results of `sms/send`.
#[derive(Serialize)]
pub(super) struct Envelope {
    status: &'static str,
    error_id: &'static str,
    error_msg: Cow<'static, str>,
}

const BAD_REQUEST: StatusCode = StatusCode::BAD_REQUEST;
const OK: StatusCode = StatusCode::OK;
const UNKNOWN_ERROR: &str = "UNKNOWN_ERROR";

pub(super) const UNAUTHORIZED: Refused =
    refused(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Your API key may be invalid or your IP is blocked.");
pub(super) const INVALID_CONTENT_TYPE: Refused =
    refused(BAD_REQUEST, "INVALID_CONTENT_TYPE", "The content type must be: Content-Type: application/json");
pub(super) const JSON_PARSE_ERROR: Refused =
    refused(BAD_REQUEST, "JSON_PARSE_ERROR", "Your JSON was formatted incorrectly.");
pub(super) const INVALID_HLR_LOOKUP_PARAM: Refused =
    refused(BAD_REQUEST, "INVALID_HLR_LOOKUP_PARAM", "Invalid hlr_lookup param provided.");
pub(super) const INVALID_PIN_PARAMS: Refused =
    refused(BAD_REQUEST, "INVALID_PIN_PARAMS", "Invalid pin configuration parameters provided.");
pub(super) const INVALID_SENDER: Refused =
    refused(OK, "INVALID_SENDER", "The sender has at most 15 digits, or at most 11 letters and digits.");
pub(super) const INVALID_NUMBER: Refused = refused(OK, "INVALID_NUMBER", "HLR query returned error.");
pub(super) const INVALID_PIN: Refused = refused(OK, "INVALID_PIN", "The PIN code is not valid.");
const NOT_ENOUGH_BALANCE: Refused =
    refused(OK, "NOT_ENOUGH_BALANCE", "Your account has no funds to process this request.");
const TOO_MANY_REQUESTS: Refused =
    refused(StatusCode::TOO_MANY_REQUESTS, UNKNOWN_ERROR, "This number got too many messages; try again later.");
const INTERNAL: Refused =
    refused(StatusCode::INTERNAL_SERVER_ERROR, UNKNOWN_ERROR, "The system threw an unknown error.");

const fn refused(status: StatusCode, id: &'static str, message: &'static str) -> Refused {
    Refused { status, id, message: Cow::Borrowed(message) }
}

impl Refused {
    /// A required parameter is absent or empty.
    pub(super) fn missing(parameter: &str) -> Self {
        let message = Cow::Owned(format!("Missing parameter `{parameter}`."));
        Self { status: BAD_REQUEST, id: "MISSING_PARAMS", message }
    }

    /// A parameter has a type or a value that cannot be used. `must` goes on after "must".
    pub(super) fn bad(parameter: &str, must: &str) -> Self {
        let message = Cow::Owned(format!("Parameter `{parameter}` must {must}."));
        Self { status: BAD_REQUEST, id: "BAD_PARAMS", message }
    }

    /// The text cannot be sent.
    pub(super) const fn text(why: &'static str) -> Self {
        refused(BAD_REQUEST, "INVALID_SMS_TEXT", why)
    }

    /// The engine's error in this API's words.
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Forbidden(_) => UNAUTHORIZED,
            Error::NumberUnknown | Error::WrongChannel(_) => INVALID_NUMBER,
            Error::NotEnoughBalance => NOT_ENOUGH_BALANCE,
            Error::Limited(_) => TOO_MANY_REQUESTS,
            Error::NotFound(Thing::Account) => Self::bad("user_name", "name a sub-account"),
            Error::BadAmount => Self::bad("amount", "be a positive number with at most 4 decimals"),
            // Nothing of this can come of what a caller of this API sends: the installation or the server is at fault.
            Error::NotFound(_)
            | Error::NameTaken(_)
            | Error::BadName
            | Error::BadLabel
            | Error::NotPossible(_)
            | Error::NoRoute(_)
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
            | Error::NoFactor(_)
            | Error::Spent
            | Error::Busy
            | Error::NoRoom(_)
            | Error::Unavailable(_)
            | Error::Internal(_) => {
                tracing::error!(%error, "a request could not be served");
                INTERNAL
            }
        }
    }

    /// A request that never got as far as a call of this API.
    pub(super) fn before_the_dialect(refusal: &Refusal) -> Response {
        let message = match refusal {
            Refusal::NotHttp => "The request makes no sense as HTTP.",
            Refusal::HeadTooLarge => "The head of the request is too large.",
            Refusal::LateHead => "The request did not arrive in time.",
            Refusal::UnknownPath => "There is no such function.",
            Refusal::UnknownMethod(_) => "The method must be POST.",
            Refusal::BadHost => "The request must name one host.",
            Refusal::ContentCoding | Refusal::TransferCoding => "The body must not be encoded.",
            Refusal::Panic => return INTERNAL.into_response(),
        };
        refused(refusal.status(), UNKNOWN_ERROR, message).into_response()
    }
}

/// `HEAD` asks for nothing that could be answered without doing it.
pub(super) async fn refuse_head() -> Response {
    let refusal = Refused::before_the_dialect(&Refusal::UnknownMethod(Method::HEAD));
    ([(ALLOW, "GET,POST")], refusal).into_response()
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => refused(StatusCode::PAYLOAD_TOO_LARGE, UNKNOWN_ERROR, "The request is too large."),
            BodyError::TooSlow => {
                refused(StatusCode::REQUEST_TIMEOUT, UNKNOWN_ERROR, "The request did not arrive in time.")
            }
            BodyError::Broken => JSON_PARSE_ERROR,
        }
    }
}

impl From<Refused> for Envelope {
    fn from(refused: Refused) -> Self {
        Self { status: "error", error_id: refused.id, error_msg: refused.message }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = (status, Json(Envelope::from(self))).into_response();
        if matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE) {
            // The rest of the body is still on its way: nothing more can be read from this connection.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
