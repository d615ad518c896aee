//! `PATCH` and `DELETE /api/v1/authenticators/{authenticatorId}`, for phones and recovery codes.

use super::{
    auth::Asker,
    error::{self, Refused},
    instance::parameter,
    params::Call,
    user_object::AuthenticatorObject,
};
use crate::Web;
use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
};
use countersign_engine::commands::{DeleteFactor, RenameFactor};
use countersign_model::{FactorId, text::is_plain_line};

/// The `{authenticatorId}` of a path. What is no UUID names none.
pub(super) struct PathAuthenticator(Option<FactorId>);

impl FromRequestParts<Web> for PathAuthenticator {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &Web) -> Result<Self, Refused> {
        Ok(Self(FactorId::from_uuid(&parameter(parts, "id").await.unwrap_or_default())))
    }
}

const LONGEST_NAME: usize = 255;

pub(super) async fn rename(
    State(web): State<Web>,
    PathAuthenticator(factor): PathAuthenticator,
    call: Call,
) -> Result<Json<AuthenticatorObject>, Refused> {
    call.asker.must_have_key()?;
    let name = call.params.required("name")?;
    if !is_plain_line(name, LONGEST_NAME) {
        return Err(Refused::parameter("name", "be one line of 1 to 255 characters"));
    }
    let command = RenameFactor { factor: factor.ok_or(error::NOT_FOUND)?, name: name.to_owned() };
    let renamed = web.engine().run(&call.asker.caller, None, &command).await;
    renamed
        .map(|factor| Json(AuthenticatorObject::of(&factor)))
        .map_err(|error| Refused::of(&error, web.engine().now()))
}

pub(super) async fn remove(
    State(web): State<Web>,
    asker: Asker,
    PathAuthenticator(factor): PathAuthenticator,
) -> Result<StatusCode, Refused> {
    let caller = asker.with_key()?;
    let command = DeleteFactor { factor: factor.ok_or(error::NOT_FOUND)? };
    let done = web.engine().run(&caller, None, &command).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|error| Refused::of(&error, web.engine().now()))
}
