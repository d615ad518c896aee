//! `POST /oauth/revoke`: ends a refresh token (RFC 7009). One that is unknown, or no refresh token, is as good as ended.

use super::{
    auth,
    error::{INVALID_REQUEST, Refused},
    params::Call,
};
use crate::Web;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use countersign_engine::{
    Caller,
    commands::{RevokeRefreshToken, TokenRevoked},
};

pub(super) async fn revoke(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let client = auth::client(&web, &call.parts, &call.params).await?;
    let token = call.params.required("token")?;
    let command = RevokeRefreshToken { client: &client, token };
    match web.engine().run(&Caller::client(client.tenant), None, &command).await? {
        TokenRevoked::Gone => Ok(StatusCode::OK.into_response()),
        TokenRevoked::NotYours => Err(Refused::new(INVALID_REQUEST, "The token was not issued to this client")),
    }
}
