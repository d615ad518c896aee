//! Bearer API keys → [`Caller`]. Unknown and revoked keys, and keys that do not work from there, are told apart by nobody.

use super::Problem;
use crate::{Web, peer};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header::AUTHORIZATION, request::Parts},
};
use countersign_engine::Caller;

/// A request whose key is good.
pub(super) struct Authenticated(pub Caller);

impl FromRequestParts<Web> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let secret = bearer(&parts.headers).ok_or_else(Problem::unauthenticated)?;
        let found = web.engine().authenticate(secret, peer::of(parts, web)).await;
        let caller = found.map_err(|error| Problem::of(&error, web.engine().now()))?;
        caller.map(Self).ok_or_else(Problem::unauthenticated)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(secret.trim())
}
