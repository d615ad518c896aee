//! Refusals in this vendor's words: `{"status":…,"errorCode":…,"errorMessage":…,"errorDetails":{}}`, whatever went wrong, since
//! clients read every answer that is not 2xx as such an object. The vendor prints no HTTP statuses: [`Code::row`] is the one table of
//! them.

use crate::{body::BodyError, dialects::Refusal};
use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{CONNECTION, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use countersign_engine::{Error, Thing};
use countersign_model::{Timestamp, configuration::BadConfiguration, verification::NotPossible};
use serde::Serialize;
use serde_json::{Map, Value};
use std::{borrow::Cow, time::Duration};

/// The vendor's codes, as far as we send them. It lists three more that nothing here can come to: 20004 (credentials of several
/// users), 20005 (applet deactivated) and 40001 (not for test keys); and 40015, for statistics, which are always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    BadRequest,
    Forbidden,
    NotFound,
    DataMissing,
    NotAcceptable,
    CredentialsMissing,
    CredentialsWrong,
    BadPageSize,
    BadPage,
    TooManyRequests,
    TimedOut,
    Fault,
    NameEmpty,
    BadCodeLength,
    BadExpiryTime,
    BadMaxTrials,
    NameTaken,
    UnknownSmsTemplate,
    UnknownEmailTemplate,
    UnknownSmtpSetting,
    UnknownConfiguration,
    NothingChanged,
    BadMaxControls,
    UnknownAuthentication,
    UnknownTrial,
    NoMatchingAuthentication,
    DestAndChannel,
    BadChannel,
    BadDest,
    BadTemplateData,
    OwnCodeNotNumeric,
    OwnCodeNotAllowed,
    PaymentNeeded,
}

impl Code {
    /// HTTP status, the vendor's number, and what it means.
    const fn row(self) -> (StatusCode, u32, &'static str) {
        const BAD: StatusCode = StatusCode::BAD_REQUEST;
        const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
        const FAULT: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
        match self {
            Self::BadRequest => (BAD, 400, "The request makes no sense."),
            Self::Forbidden => (StatusCode::FORBIDDEN, 403, "This key may not do that."),
            Self::NotFound => (NOT_FOUND, 404, "There is nothing at this path."),
            Self::DataMissing => (BAD, 10002, "Required request data is missing."),
            Self::NotAcceptable => {
                (StatusCode::NOT_ACCEPTABLE, 10003, "The Accept header must admit application/json.")
            }
            Self::CredentialsMissing => {
                (StatusCode::UNAUTHORIZED, 20002, "The headers ApiUser and ApiKey are both required.")
            }
            Self::CredentialsWrong => (StatusCode::UNAUTHORIZED, 20003, "These credentials are wrong."),
            Self::BadPageSize => (BAD, 20006, "pageSize must be a whole number of at least 1."),
            Self::BadPage => (BAD, 20007, "page must be a whole number of at least 0."),
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, 20208, "Too many requests."),
            Self::TimedOut => (FAULT, 20209, "The server cannot do this at the moment; try again later."),
            Self::Fault => (FAULT, 20210, "Something went wrong on our side."),
            Self::NameEmpty => (BAD, 40002, "serviceName must not be empty."),
            Self::BadCodeLength => (BAD, 40003, "The length of a code must be from 4 to 10."),
            Self::BadExpiryTime => (BAD, 40004, "defaultExpiryTime must be from 1 to 1440 minutes."),
            Self::BadMaxTrials => (BAD, 40005, "defaultMaxTrials must be from 1 to 100."),
            Self::NameTaken => (BAD, 40006, "There is a configuration with this serviceName already."),
            Self::UnknownSmsTemplate => (BAD, 40007, "There is no such SMS template."),
            Self::UnknownEmailTemplate => (BAD, 40008, "There is no such e-mail template."),
            Self::UnknownSmtpSetting => (BAD, 40009, "There is no such SMTP setting, and e-mail needs one."),
            Self::UnknownConfiguration => (NOT_FOUND, 40010, "There is no such configuration."),
            Self::NothingChanged => (BAD, 40011, "The update changes nothing."),
            Self::BadMaxControls => (BAD, 40012, "defaultMaxControls must be from 1 to 6."),
            Self::UnknownAuthentication => (NOT_FOUND, 40013, "There is no such authentication."),
            Self::UnknownTrial => (NOT_FOUND, 40014, "There is no such trial."),
            Self::NoMatchingAuthentication => {
                (NOT_FOUND, 40016, "There is no matching authentication that waits for a code.")
            }
            Self::DestAndChannel => (BAD, 40101, "dest and channel are both required."),
            Self::BadChannel => (BAD, 40102, "channel must be sms or email, and served here."),
            Self::BadDest => {
                (BAD, 40103, "dest must be a phone number in E.164 form for sms, and an e-mail address for email.")
            }
            Self::BadTemplateData => (BAD, 40104, "templateDataMap must be a map written as text."),
            Self::OwnCodeNotNumeric => (BAD, 40105, "customCode must consist of digits."),
            Self::OwnCodeNotAllowed => (BAD, 40106, "The configuration does not allow a customCode."),
            Self::PaymentNeeded => {
                (BAD, 40107, "paymentInfo is required: a map written as text, with payee, amount and currency.")
            }
        }
    }

    /// This refusal with its usual words.
    pub(super) const fn refused(self) -> Refused {
        let (status, _, message) = self.row();
        Refused { code: self, status, message: Cow::Borrowed(message), retry_after: None }
    }

    /// This refusal in other words.
    pub(super) fn because(self, message: impl Into<Cow<'static, str>>) -> Refused {
        Refused { message: message.into(), ..self.refused() }
    }
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    code: Code,
    status: StatusCode,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
}

/// The body. SDKs in typed languages need numbers as numbers, and an object for the details.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    status: u16,
    error_code: u32,
    error_message: Cow<'static, str>,
    error_details: Map<String, Value>,
}

impl Refused {
    /// A parameter has a value that cannot be used. `must` goes on after "must".
    pub(super) fn bad(parameter: &str, must: &str) -> Self {
        Code::BadRequest.because(format!("{parameter} must {must}."))
    }

    /// Too much of something, and from when on it is possible again.
    pub(super) fn too_many(message: &'static str, until: Option<Timestamp>, now: Timestamp) -> Self {
        let retry_after = until.map(|until| until.since(now));
        Self { retry_after, ..Code::TooManyRequests.because(message) }
    }

    /// The engine's error in this API's words.
    pub(super) fn of(error: &Error, now: Timestamp) -> Self {
        match error {
            Error::Forbidden(scope) => {
                Code::Forbidden.because(format!("This key lacks the scope {}, which this needs.", scope.name()))
            }
            Error::NotFound(Thing::Configuration) => Code::UnknownConfiguration.refused(),
            Error::NotFound(Thing::Verification) => Code::UnknownAuthentication.refused(),
            Error::NotFound(Thing::Trial) => Code::UnknownTrial.refused(),
            Error::NameTaken(Thing::Configuration) => Code::NameTaken.refused(),
            Error::BadConfiguration(bad) => Self::configuration(*bad),
            Error::Unchanged => Code::NothingChanged.refused(),
            Error::OtherCode => Code::BadRequest.because(
                "This destination waits for another code; cancel its authentication (status=canceled) before you send a new one.",
            ),
            // A link is no code that could be checked here.
            Error::NotPossible(NotPossible::NotPending(_) | NotPossible::NoCode) => Code::NoMatchingAuthentication.refused(),
            Error::NotPossible(NotPossible::SendsSpent) => {
                Self::too_many("The authentication has sent all its trials; cancel it, or let it expire.", None, now)
            }
            Error::NotPossible(NotPossible::ChecksSpent) => Self::controls_spent(None, now),
            Error::Limited(limited) => {
                Self::too_many("This destination got too many messages or wrong codes.", Some(limited.retry_at), now)
            }
            Error::WrongChannel(_) => Code::BadDest.refused(),
            Error::NoRoute(_) => Code::BadChannel.refused(),
            Error::NumberUnknown => Code::BadDest.because("This number does not exist."),
            Error::NotEnoughBalance => Code::Forbidden.because("The account has not enough balance for this message."),
            Error::PaymentMissing | Error::PaymentUnexpected => Code::PaymentNeeded.refused(),
            Error::Busy => {
                let soon = Some(now.plus(Duration::from_secs(1)));
                Self::too_many("Too many requests want to change the same thing.", soon, now)
            }
            Error::NoRoom(_) | Error::Unavailable(_) => {
                tracing::warn!(%error, "a request could not be served");
                Code::TimedOut.refused()
            }
            // Nothing of this can come of what a caller of this API sends: the server is at fault.
            Error::NotFound(_)
            | Error::NameTaken(_)
            | Error::BadName
            | Error::BadLabel
            | Error::BadPolicy(_)
            | Error::NoFactor(_)
            | Error::Spent
            | Error::BadTemplate(_)
            | Error::BadEndpoint(_)
            | Error::IdempotencyMismatch
            | Error::DefaultService
            | Error::BadAmount
            | Error::Internal(_) => {
                tracing::error!(%error, "a request could not be served");
                Code::Fault.refused()
            }
        }
    }

    /// No more controls: until the end of the authentication.
    pub(super) fn controls_spent(until: Option<Timestamp>, now: Timestamp) -> Self {
        Self::too_many("The authentication has had all its controls; cancel it, or let it expire.", until, now)
    }

    fn configuration(bad: BadConfiguration) -> Self {
        match bad {
            BadConfiguration::NoName => Code::NameEmpty.refused(),
            BadConfiguration::LongName => Self::bad("serviceName", "have at most 40 characters"),
            BadConfiguration::CodeLength => Code::BadCodeLength.refused(),
            BadConfiguration::Life => Code::BadExpiryTime.refused(),
            BadConfiguration::Sends => Code::BadMaxTrials.refused(),
            BadConfiguration::Checks => Code::BadMaxControls.refused(),
        }
    }

    /// A request that never got as far as a call of this API.
    pub(super) fn before_the_dialect(refusal: &Refusal) -> Response {
        let refused = match refusal {
            Refusal::NotHttp => Code::BadRequest.because("The request makes no sense as HTTP."),
            Refusal::HeadTooLarge => Code::BadRequest.because("The head of the request is too large."),
            Refusal::LateHead => Code::BadRequest.because("The request did not arrive in time."),
            Refusal::UnknownPath => Code::NotFound.refused(),
            Refusal::UnknownMethod(method) => Code::BadRequest.because(format!("This path does not take {method}.")),
            Refusal::BadHost => Code::BadRequest.because("The request must name one host."),
            Refusal::ContentCoding | Refusal::TransferCoding => {
                Code::BadRequest.because("The body must not be encoded.")
            }
            Refusal::Panic => return Code::Fault.refused().into_response(),
        };
        Self { status: refusal.status(), ..refused }.into_response()
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self {
                status: StatusCode::PAYLOAD_TOO_LARGE,
                ..Code::BadRequest.because("The body may have at most 64 KiB.")
            },
            BodyError::TooSlow => Self {
                status: StatusCode::REQUEST_TIMEOUT,
                ..Code::BadRequest.because("The body did not arrive in time.")
            },
            BodyError::Broken => Code::BadRequest.because("The body broke off."),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (_, error_code, _) = self.code.row();
        let envelope = Envelope {
            status: self.status.as_u16(),
            error_code,
            error_message: self.message,
            error_details: Map::new(),
        };
        let mut response = (self.status, Json(envelope)).into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if matches!(self.status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE) {
            // The rest of the body is still on its way: nothing more can be read from this connection.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
