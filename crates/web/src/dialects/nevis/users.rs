//! `GET /api/v1/users?username=…`, `GET /api/v1/users/{userId}`, `DELETE /api/v1/users/{userId}`.

use super::{
    auth::Asker,
    error::{self, Refused},
    instance::parameter,
    params::{Query, find as find_user},
    user_object::UserObject,
};
use crate::Web;
use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{StatusCode, Uri, request::Parts},
};
use countersign_engine::{UserRef, commands::DeleteUser};
use countersign_model::UserId;

/// The `{userId}` of a path.
pub(super) struct PathUser(pub UserId);

impl FromRequestParts<Web> for PathUser {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &Web) -> Result<Self, Refused> {
        let id = parameter(parts, "id").await.unwrap_or_default();
        UserId::from_uuid(&id).map(Self).ok_or(error::BAD_USER_ID)
    }
}

pub(super) async fn read(
    State(web): State<Web>,
    asker: Asker,
    PathUser(id): PathUser,
) -> Result<Json<UserObject>, Refused> {
    let caller = asker.with_key()?;
    let user = find_user(&web, &caller, &UserRef::Id(id)).await?.ok_or(error::NOT_FOUND)?;
    UserObject::of(&web, &caller, &user).await.map(Json)
}

pub(super) async fn find(State(web): State<Web>, asker: Asker, uri: Uri) -> Result<Json<UserObject>, Refused> {
    let caller = asker.with_key()?;
    let query = Query::of(&uri)?;
    let name = query.get("username").ok_or_else(|| Refused::parameter("username", "be given"))?;
    let user = find_user(&web, &caller, &UserRef::Named(name.to_owned())).await?.ok_or(error::NOT_FOUND)?;
    UserObject::of(&web, &caller, &user).await.map(Json)
}

pub(super) async fn remove(
    State(web): State<Web>,
    asker: Asker,
    PathUser(user): PathUser,
) -> Result<StatusCode, Refused> {
    let caller = asker.with_key()?;
    let done = web.engine().run(&caller, None, &DeleteUser { user }).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|error| Refused::of(&error, web.engine().now()))
}
