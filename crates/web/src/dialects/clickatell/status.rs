//! GET `/rest/auth/{apiRequestId}`: how does it stand? Changes nothing. Unknown ids, those of others and those that ended a day ago get
//! one and the same answer, so that nobody can try ids out.

use super::{
    NAME,
    call::Call,
    error::{self, Refused},
    reply::Reply,
    request::verification_id,
    standing::Standing,
};
use axum::{extract::Path, http::StatusCode, response::Response};
use countersign_engine::commands::Decided;
use std::time::Duration;

/// How long an authentication can be asked for after its end.
const READABLE: Duration = Duration::from_hours(24);

pub(super) async fn status(call: Call, Path(id): Path<String>) -> Response {
    let standing = async {
        let found = find(&call, &id).await?;
        standing(&call, &found).await
    };
    let standing = standing.await;
    call.answer(standing.map(|standing| Reply { status: StatusCode::OK, data: standing.node() }))
}

/// The authentication of this id, if this API began it for this caller and it has not ended long ago.
pub(super) async fn find(call: &Call, id: &str) -> Result<Decided, Refused> {
    let id = verification_id(id).ok_or(error::UNKNOWN_ID)?;
    let found = call.web.engine().verification(&call.caller, id).await.map_err(|error| call.refused(&error))?;
    let Decided { verification, at } = &found;
    let ended_at = verification.decided_at.or(verification.expires_at());
    let is_readable = ended_at.is_none_or(|end| *at < end.plus(READABLE));
    if verification.service_name == NAME && is_readable { Ok(found) } else { Err(error::UNKNOWN_ID) }
}

pub(super) async fn standing(call: &Call, found: &Decided) -> Result<Standing, Refused> {
    let engine = call.web.engine();
    let is_undelivered = engine.is_undelivered(&call.caller, found.verification.id).await;
    let is_undelivered = is_undelivered.map_err(|error| call.refused(&error))?;
    Ok(Standing::of(found.verification.state_at(found.at), is_undelivered))
}
