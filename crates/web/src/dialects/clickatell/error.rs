//! Refusals in this vendor's words: a status, and a code of three digits with its description. Clients read both out of
//! `error`, which is there in place of `data`.

use super::reply::Node;
use crate::{body::BodyError, dialects::Refusal};
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use countersign_engine::{Error, Thing};
use countersign_model::{Timestamp, address::BadAddress, verification::NotPossible};
use std::borrow::Cow;

/// Why a request, or one message of a request, is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub status: StatusCode,
    pub code: &'static str,
    pub description: Cow<'static, str>,
    /// In how many seconds it may succeed.
    pub retry_after: Option<u64>,
}

/// A code of the vendor's list, in its words.
const fn refused(status: StatusCode, code: &'static str, description: &'static str) -> Refused {
    Refused { status, code, description: Cow::Borrowed(description), retry_after: None }
}

const BAD_REQUEST: StatusCode = StatusCode::BAD_REQUEST;

pub(super) const AUTHENTICATION_FAILED: Refused = refused(StatusCode::UNAUTHORIZED, "001", "Authentication failed");
pub(super) const IP_LOCKDOWN: Refused = refused(StatusCode::UNAUTHORIZED, "007", "IP lockdown violation");
pub(super) const DATA_MALFORMED: Refused = refused(BAD_REQUEST, "100", "Data malformed");
pub(super) const INVALID_PARAMETERS: Refused = refused(BAD_REQUEST, "101", "Invalid or missing parameters");
pub(super) const INVALID_USER_DATA_HEADER: Refused = refused(BAD_REQUEST, "102", "Invalid user data header");
pub(super) const UNKNOWN_ID: Refused = refused(StatusCode::NOT_FOUND, "103", "Unknown API message ID");
pub(super) const INVALID_DESTINATION: Refused = refused(BAD_REQUEST, "105", "Invalid Destination Address");
pub(super) const INVALID_SOURCE: Refused = refused(BAD_REQUEST, "106", "Invalid source address");
pub(super) const EMPTY_MESSAGE: Refused = refused(BAD_REQUEST, "107", "Empty message");
pub(super) const TOO_MANY_PARTS: Refused = refused(BAD_REQUEST, "113", "Maximum message parts exceeded");
pub(super) const CANNOT_ROUTE: Refused = refused(StatusCode::GONE, "114", "Cannot route message");
pub(super) const INVALID_DELIVERY_TIME: Refused = refused(BAD_REQUEST, "120", "Invalid delivery time");
pub(super) const BLOCKED: Refused = refused(StatusCode::GONE, "121", "Destination mobile number blocked");
const NO_CREDIT: Refused = refused(StatusCode::PAYMENT_REQUIRED, "301", "No credit left");
const INTERNAL: Refused = refused(StatusCode::SERVICE_UNAVAILABLE, "901", "Internal error");

/// All codes that are ever given, for the page that explains them.
pub(super) static ALL: [Refused; 15] = [
    AUTHENTICATION_FAILED,
    IP_LOCKDOWN,
    DATA_MALFORMED,
    INVALID_PARAMETERS,
    INVALID_USER_DATA_HEADER,
    UNKNOWN_ID,
    INVALID_DESTINATION,
    INVALID_SOURCE,
    EMPTY_MESSAGE,
    TOO_MANY_PARTS,
    CANNOT_ROUTE,
    INVALID_DELIVERY_TIME,
    BLOCKED,
    NO_CREDIT,
    INTERNAL,
];

impl Refused {
    /// The same code with another status.
    fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// What stands below `error`; `documentation` leads to a page below `base`.
    pub(super) fn node(&self, base: &str) -> Node {
        Node::Object(vec![
            ("code", self.code.into()),
            ("description", self.description.as_ref().into()),
            ("documentation", format!("{base}/help/apidocs/error/{}.htm", self.code).into()),
        ])
    }

    /// The limit of a destination, which ends at that moment.
    fn limited(until: Timestamp, now: Timestamp) -> Self {
        let (wait, seconds) = (until.since(now), until.as_ms().div_euclid(1000));
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "130",
            description: Cow::Owned(format!("Maximum MT limit exceeded until {seconds}")),
            retry_after: Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
        }
    }

    /// The engine's error in this API's words.
    pub(super) fn of(error: &Error, now: Timestamp) -> Self {
        match error {
            Error::Forbidden(_) => AUTHENTICATION_FAILED,
            Error::NotFound(Thing::Verification | Thing::Message) => UNKNOWN_ID,
            Error::NumberUnknown => CANNOT_ROUTE,
            Error::WrongChannel(_) => INVALID_DESTINATION,
            Error::NotEnoughBalance => NO_CREDIT,
            Error::Limited(limited) => Self::limited(limited.retry_at, now),
            Error::NotPossible(NotPossible::NoCode) => INVALID_PARAMETERS,
            Error::Busy | Error::NoRoom(_) | Error::Unavailable(_) => {
                tracing::warn!(%error, "a request could not be served");
                Self { retry_after: Some(1), ..INTERNAL }
            }
            // Nothing of this can come of what a caller of this API sends: the installation or the server is at fault.
            Error::NotFound(_)
            | Error::NameTaken(_)
            | Error::BadName
            | Error::BadLabel
            | Error::NotPossible(_)
            | Error::NoRoute(_)
            | Error::NoFactor(_)
            | Error::Spent
            | Error::PaymentMissing
            | Error::PaymentUnexpected
            | Error::BadPolicy(_)
            | Error::BadConfiguration(_)
            | Error::Unchanged
            | Error::BadEndpoint(_)
            | Error::OtherCode
            | Error::BadTemplate(_)
            | Error::BadAmount
            | Error::IdempotencyMismatch
            | Error::DefaultService
            | Error::Internal(_) => {
                tracing::error!(%error, "a request could not be served");
                INTERNAL
            }
        }
    }

    /// A request that is not for one of the calls of this API.
    pub(super) fn misdirected(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::NotHttp
            | Refusal::HeadTooLarge
            | Refusal::LateHead
            | Refusal::ContentCoding
            | Refusal::TransferCoding => DATA_MALFORMED.with_status(refusal.status()),
            Refusal::UnknownPath | Refusal::UnknownMethod(_) | Refusal::BadHost => {
                INVALID_PARAMETERS.with_status(refusal.status())
            }
            Refusal::Panic => INTERNAL,
        }
    }

    /// A request that never got as far as a call of this API: nobody knows how it wants to be answered.
    pub(super) fn before_the_dialect(refusal: &Refusal, base: &str) -> Response {
        let refused = Self::misdirected(refusal);
        let node = Node::Object(vec![("error", refused.node(base))]);
        (refused.status, Json(node)).into_response()
    }
}

impl From<BadAddress> for Refused {
    fn from(bad: BadAddress) -> Self {
        match bad {
            BadAddress::NotAPersons => BLOCKED,
            BadAddress::NotInternational | BadAddress::Impossible | BadAddress::NotEmail => INVALID_DESTINATION,
        }
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => DATA_MALFORMED.with_status(StatusCode::PAYLOAD_TOO_LARGE),
            BodyError::TooSlow => DATA_MALFORMED.with_status(StatusCode::REQUEST_TIMEOUT),
            BodyError::Broken => DATA_MALFORMED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_tells_until_when_and_for_how_long() {
        let refused = Refused::limited(Timestamp::from_ms(90_001), Timestamp::from_ms(30_000));
        assert_eq!(refused.description, "Maximum MT limit exceeded until 90");
        assert_eq!(refused.retry_after, Some(61));
    }
}
