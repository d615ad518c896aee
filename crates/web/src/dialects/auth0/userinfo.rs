//! `/userinfo`: what an access token with `openid` lets be told of its user (OpenID Connect Core 1.0, 5.3).

use super::{answer, auth, error::Refused, names::user_id};
use crate::Web;
use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::Value;

pub(super) async fn userinfo(State(web): State<Web>, headers: HeaderMap) -> Result<Response, Refused> {
    let token = auth::token(&headers).ok_or_else(Refused::no_bearer)?;
    let claims = web.engine().read_signed(token).await?.map_err(|_| bad_token())?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let scope = text("scope").unwrap_or_default();
    let has = |wanted: &str| scope.split(' ').any(|word| word == wanted);
    let (Some(subject), Some(client)) = (text("sub"), text("azp")) else { return Err(bad_token()) };
    if !has("openid") {
        return Err(Refused::insufficient_scope("openid"));
    }
    let user = user_id(subject).ok_or_else(bad_token)?;
    let client = web.engine().client(client).await?.ok_or_else(bad_token)?;
    let mut told = serde_json::Map::from_iter([("sub".to_owned(), Value::from(subject))]);
    told.extend(answer::profile(&web, &client, user, has).await?);
    Ok(Json(told).into_response())
}

fn bad_token() -> Refused {
    Refused::new("invalid_token", "The access token is unknown or has expired.").with_status(StatusCode::UNAUTHORIZED)
}
