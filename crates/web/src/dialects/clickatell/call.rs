//! From a request to a call, in the order in which this API refuses: token, version, body. How the answer is written is known
//! before any of them, so that a refusal comes in the form that was asked for, too.

use super::{
    auth,
    error::{self, Refused},
    params::Params,
    reply::{Form, Reply},
    xml,
};
use crate::{Web, body, dialects::Refusal, peer};
use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, Method, header::CONTENT_TYPE, request::Parts},
    response::Response,
};
use countersign_engine::{Caller, Error};
use serde_json::Value;

/// A call: who asks, and how the answer is written. What may be in its body is not looked at: some clients send `{}` with every GET.
pub(super) struct Call {
    pub web: Web,
    pub caller: Caller,
    pub form: Form,
}

/// The same with the parameters in its body.
pub(super) struct BodyCall {
    pub call: Call,
    pub params: Params,
}

impl Call {
    async fn of(parts: &Parts, web: &Web) -> Result<Self, Response> {
        let form = Form::of(&parts.headers, web);
        let caller = match auth::caller(web, &parts.headers, peer::of(parts, web)).await {
            Ok(caller) if has_version(&parts.headers) => caller,
            Ok(_) => return Err(form.refuse(&error::INVALID_PARAMETERS)),
            Err(refused) => return Err(form.refuse(&refused)),
        };
        Ok(Self { web: web.clone(), caller, form })
    }

    pub(super) fn answer(&self, outcome: Result<Reply, Refused>) -> Response {
        self.form.answer(outcome)
    }

    /// The engine's error in this API's words.
    pub(super) fn refused(&self, error: &Error) -> Refused {
        Refused::of(error, self.web.engine().now())
    }
}

impl FromRequestParts<Web> for Call {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Response> {
        Self::of(parts, web).await
    }
}

impl FromRequest<Web> for BodyCall {
    type Rejection = Response;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let call = Call::of(&parts, web).await?;
        let read = body::read(&parts.headers, body, web.body_timeout()).await;
        let params = read.map_err(Refused::from).and_then(|bytes| parse(&parts.headers, &bytes));
        match params {
            Ok(params) => Ok(Self { call, params }),
            Err(refused) => Err(call.form.refuse(&refused)),
        }
    }
}

fn has_version(headers: &HeaderMap) -> bool {
    headers.get("x-version").is_some_and(|version| version.as_bytes().trim_ascii() == b"1")
}

/// As its content type says; where that says nothing of use, as its first character does.
fn parse(headers: &HeaderMap, bytes: &[u8]) -> Result<Params, Refused> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let text = std::str::from_utf8(bytes).map_err(|_| error::DATA_MALFORMED)?.trim_start_matches('\u{feff}');
    let is_xml = match essence.as_str() {
        "application/json" => false,
        "application/xml" | "text/xml" => true,
        _ => text.trim_start().starts_with('<'),
    };
    if is_xml {
        let values = xml::read(text.trim_start()).ok_or(error::DATA_MALFORMED)?;
        return Ok(Params { values, is_xml });
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(values)) => Ok(Params { values, is_xml }),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) | Err(_) => {
            Err(error::DATA_MALFORMED)
        }
    }
}

/// The path exists, but not for this method.
pub(super) async fn unknown_method(form: Form, method: Method) -> Response {
    form.refuse(&Refused::misdirected(&Refusal::UnknownMethod(method)))
}

/// Nobody serves this path.
pub(super) async fn unknown_path(form: Form) -> Response {
    form.refuse(&Refused::misdirected(&Refusal::UnknownPath))
}
