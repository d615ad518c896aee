//! The engine's errors in this API's words: problem details (RFC 9457). Clients compare `code`, people read `detail`.

use crate::dialects::Refusal;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use countersign_engine::{Error, TemplateFinding, Thing};
use countersign_model::{Limited, Timestamp, limit::LimitRule, verification::NotPossible, webhook::BadEndpoint};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request was refused. Nothing was changed.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    retry_after_seconds: Option<u64>,
}

/// Why a request was refused (RFC 9457). Nothing was changed.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemObject {
    /// Names the kind of problem; not an address to fetch.
    #[serde(rename = "type")]
    #[schema(example = "urn:countersign:problem:invalid_request")]
    kind: String,
    /// The status in words.
    #[schema(example = "Unprocessable Entity")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// The kind in short, for programs.
    #[schema(example = "invalid_request")]
    code: &'static str,
    /// What is wrong and what to do, for people.
    detail: String,
    /// Which fields are wrong, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// In how many seconds the same request may succeed; also in the `Retry-After` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
}

/// One wrong field.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// Where, as a JSON pointer (RFC 6901) into the body.
    #[schema(example = "/to")]
    pointer: String,
    /// Why.
    detail: String,
}

impl Problem {
    /// A problem of a kind.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new(), retry_after_seconds: None }
    }

    /// A body whose fields make no sense.
    pub(super) fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (pointer.into(), detail.into());
        let place = if pointer.is_empty() { "The body".to_owned() } else { format!("The field {pointer}") };
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", format!("{place} {detail}."));
        problem.errors.push(FieldError { pointer, detail });
        problem
    }

    /// No key, or one that does not work.
    pub(super) fn unauthenticated() -> Self {
        let detail = "Send an API key that works as “Authorization: Bearer cs_…”.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// A fault of ours. The log has the reason, under the request's id.
    pub(crate) fn internal() -> Self {
        let detail = "Something went wrong on our side. The log has the reason under this answer's X-Request-Id.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail)
    }

    /// A request that never got as far as a call of this API.
    pub(super) fn before_the_dialect(refusal: &Refusal) -> Response {
        let status = refusal.status();
        let problem = match refusal {
            Refusal::NotHttp => Self::new(status, "malformed_request", "The request's head makes no sense as HTTP."),
            Refusal::HeadTooLarge => {
                Self::new(status, "head_too_large", "The request's head may have 100 headers and 32 KiB.")
            }
            Refusal::LateHead => Self::new(status, "head_too_slow", "The request's head did not end in time."),
            Refusal::UnknownPath => Self::new(status, "not_found", "There is nothing at this path."),
            Refusal::UnknownMethod(method) => {
                let detail = format!("This path does not take {method}; the Allow header lists what it takes.");
                Self::new(status, "method_not_allowed", detail)
            }
            Refusal::BadHost => Self::new(
                status,
                "invalid_host",
                "The request must have one Host header, with a host that makes sense.",
            ),
            Refusal::ContentCoding => {
                Self::new(status, "unsupported_media_type", "Send the body as it is, without a Content-Encoding.")
            }
            Refusal::TransferCoding => {
                Self::new(status, "not_implemented", "The only Transfer-Encoding that is understood is chunked.")
            }
            Refusal::Panic => Self::internal(),
        };
        problem.into_response()
    }

    /// The engine's error in this API's words.
    pub(crate) fn of(error: &Error, now: Timestamp) -> Self {
        let (status, code) = match error {
            Error::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Error::NotFound(Thing::Service) => (StatusCode::NOT_FOUND, "unknown_service"),
            Error::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Error::NameTaken(_) => (StatusCode::CONFLICT, "name_taken"),
            Error::NotPossible(NotPossible::NotPending(_)) => (StatusCode::CONFLICT, "not_pending"),
            Error::NotPossible(NotPossible::ChecksSpent) => (StatusCode::CONFLICT, "checks_spent"),
            Error::NotPossible(NotPossible::SendsSpent) => (StatusCode::CONFLICT, "sends_spent"),
            Error::NotPossible(NotPossible::NoCode) => (StatusCode::CONFLICT, "no_code"),
            Error::DefaultService => (StatusCode::CONFLICT, "default_service"),
            Error::Limited(limited) => return Self::limited(*limited, now),
            Error::WrongChannel(_) | Error::NoRoute(_) => (StatusCode::UNPROCESSABLE_ENTITY, "channel_unavailable"),
            Error::NoFactor(_) => (StatusCode::UNPROCESSABLE_ENTITY, "no_factor"),
            Error::Spent => (StatusCode::CONFLICT, "spent"),
            Error::NotEnoughBalance => (StatusCode::PAYMENT_REQUIRED, "not_enough_balance"),
            Error::NumberUnknown => (StatusCode::UNPROCESSABLE_ENTITY, "number_unknown"),
            Error::PaymentMissing => (StatusCode::UNPROCESSABLE_ENTITY, "payment_required"),
            Error::PaymentUnexpected => (StatusCode::UNPROCESSABLE_ENTITY, "payment_unexpected"),
            Error::BadPolicy(bad) => return Self::field("/policy", format!("is wrong: {bad}")),
            Error::BadName => return Self::field("/name", format!("is no name: {error}")),
            Error::BadLabel => return Self::field("/name", format!("cannot be shown: {error}")),
            Error::BadAmount => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request"),
            // Nothing in this API makes configurations.
            Error::BadConfiguration(_) | Error::Unchanged | Error::OtherCode => (StatusCode::CONFLICT, "not_possible"),
            Error::BadEndpoint(bad) => return Self::bad_endpoint(*bad),
            Error::BadTemplate(findings) => return Self::bad_template(findings),
            Error::IdempotencyMismatch => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_mismatch"),
            Error::Busy | Error::NoRoom(_) => return Self::unavailable(error, NOT_DONE),
            Error::Unavailable(_) => return Self::unavailable(error, PERHAPS_DONE),
            Error::Internal(cause) => {
                tracing::error!(%cause, "internal error");
                return Self::internal();
            }
        };
        Self::new(status, code, sentence(&error.to_string()))
    }

    fn limited(limited: Limited, now: Timestamp) -> Self {
        let (code, detail) = match limited.rule {
            LimitRule::SendGap => ("too_soon", "The last message to this destination is too recent.".to_owned()),
            LimitRule::Sends { count, seconds } => {
                ("too_many_sends", format!("This destination gets at most {count} messages in {seconds} seconds."))
            }
            LimitRule::FailedChecks => (
                "too_many_failed_checks",
                "There were too many wrong codes for this destination; it rests for a while.".to_owned(),
            ),
        };
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail);
        let wait = limited.retry_at.since(now);
        problem.retry_after_seconds = Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        problem
    }

    fn bad_endpoint(bad: BadEndpoint) -> Self {
        match bad {
            BadEndpoint::Url(_) | BadEndpoint::Credentials | BadEndpoint::Fragment | BadEndpoint::LongUrl => {
                Self::field("/url", format!("is wrong: {bad}"))
            }
            BadEndpoint::Description => Self::field("/description", format!("cannot be shown: {bad}")),
            BadEndpoint::TooMany => Self::new(StatusCode::CONFLICT, "too_many_endpoints", sentence(&bad.to_string())),
            BadEndpoint::Disabled => Self::new(StatusCode::CONFLICT, "endpoint_disabled", sentence(&bad.to_string())),
        }
    }

    fn bad_template(findings: &[TemplateFinding]) -> Self {
        let mut problem =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_template", "The template cannot be used; see errors.");
        let error = |finding: &TemplateFinding| FieldError {
            pointer: format!("/{}", finding.part),
            detail: finding.problem.clone(),
        };
        problem.errors = findings.iter().map(error).collect();
        problem
    }

    fn unavailable(error: &Error, detail: &str) -> Self {
        tracing::warn!(%error, "a request could not be served");
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        problem.retry_after_seconds = Some(1);
        problem
    }
}

const NOT_DONE: &str = "The server cannot do this at the moment. Nothing was changed; try again.";
const PERHAPS_DONE: &str =
    "The server cannot tell whether this was done. Repeat it with the same Idempotency-Key, or look first.";

/// `no such verification` → `No such verification.`
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, code, detail, errors, retry_after_seconds } = self;
        let object = ProblemObject {
            kind: format!("urn:countersign:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail,
            errors,
            retry_after_seconds,
        };
        let body = serde_json::to_vec(&object).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(value) =
            self.retry_after_seconds.and_then(|seconds| HeaderValue::try_from(seconds.to_string()).ok())
        {
            headers.insert(header::RETRY_AFTER, value);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE) {
            // The rest of the body is still on its way: nothing more can be read from this connection.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
