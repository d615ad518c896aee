//! What the sandbox's endpoints share: the sandbox itself, queries, and addresses as people write them.

use crate::{Web, body, dialects::native::Problem};
use axum::{
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{StatusCode, Uri, request::Parts},
};
use countersign_engine::Sandbox;
use countersign_model::{Address, Channel, PhoneNumber};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The sandbox. The routes exist only where there is one.
pub(super) struct Open(pub Sandbox);

impl FromRequestParts<Web> for Open {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, web: &Web) -> Result<Self, Problem> {
        web.sandbox().cloned().map(Self).ok_or_else(Problem::internal)
    }
}

/// A query string. What is named and left empty, as forms and scripts do, is left out.
pub(super) struct Asked<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Web> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Web) -> Result<Self, Problem> {
        let says_something = |pair: &&str| pair.split_once('=').is_some_and(|(_, value)| !value.is_empty());
        let query: Vec<&str> = parts.uri.query().unwrap_or_default().split('&').filter(says_something).collect();
        let uri = Uri::try_from(format!("/?{}", query.join("&"))).map_err(|_| bad("The query is wrong."))?;
        Query::<T>::try_from_uri(&uri)
            .map(|Query(value)| Self(value))
            .map_err(|error| bad(format!("The query is wrong: {}.", error.body_text())))
    }
}

/// A JSON body; its content type does not matter here.
pub(super) struct Sent<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Web> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let read = body::read(&parts.headers, body, web.body_timeout()).await;
        let bytes = read.map_err(|_| bad("The body is too large, too slow or incomplete."))?;
        let is_list = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        if is_list {
            return Err(bad("The body is wrong: it must be a JSON object, not a list."));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| bad(format!("The body is wrong: {error}.")))
    }
}

/// The address in the path.
pub(super) struct To(pub Address);

impl FromRequestParts<Web> for To {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, web).await;
        let Path(text) = path.map_err(|_| bad("The address in the path is not UTF-8."))?;
        address(&text).map(Self).ok_or_else(|| bad("This is no phone number and no e-mail address."))
    }
}

/// An address in any form: `+34…`, `0034…`, `34…`, or with an `@`. In a query `+` means a blank, and people forget that.
pub(super) fn address(text: &str) -> Option<Address> {
    if text.contains('@') {
        return Address::parse(Channel::Email, text).ok();
    }
    let digits = text.trim().trim_start_matches('+');
    PhoneNumber::parse(&format!("+{}", digits.strip_prefix("00").unwrap_or(digits))).ok().map(Address::Phone)
}

pub(super) fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
}

/// How long an answer may be held back: as asked, 30 s at most.
pub(super) fn wait(seconds: Option<f64>) -> Duration {
    Duration::try_from_secs_f64(seconds.unwrap_or(0.0).clamp(0.0, 30.0)).unwrap_or(Duration::ZERO)
}
