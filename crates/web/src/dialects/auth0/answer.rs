//! The answer that brings tokens: an access token always, an ID token where the user's identity was asked for, and what else the
//! grant has brought.

use super::{
    error::Refused,
    issuer::{Issuer, OwnApi},
    names::name_of_user,
};
use crate::{Web, time};
use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use countersign_engine::tokens::{Granted, TokenRequest};
use countersign_model::Client;
use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The audience `…/mfa/` has tokens of a short life.
const MFA_TOKEN_SECONDS: u32 = 600;

/// The body of such an answer.
#[derive(Serialize)]
struct Tokens {
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    expires_in: u32,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_code: Option<String>,
}

/// For a user.
pub(super) async fn for_user(
    web: &Web,
    issuer: &Issuer,
    client: &Client,
    granted: Granted,
    gty: &str,
) -> Result<Response, Refused> {
    let subject = name_of_user(granted.user);
    let (access_token, expires_in) = access_token(web, issuer, client, &subject, &granted.request, gty).await?;
    let id_token =
        if granted.request.has("openid") { Some(id_token(web, issuer, client, &granted).await?) } else { None };
    Ok(answer(Tokens {
        access_token,
        refresh_token: granted.refresh_token,
        id_token,
        scope: granted.request.scope,
        expires_in,
        token_type: "Bearer",
        recovery_code: granted.recovery_code,
    }))
}

/// For a client itself.
pub(super) async fn for_client(
    web: &Web,
    issuer: &Issuer,
    client: &Client,
    request: TokenRequest,
) -> Result<Response, Refused> {
    let subject = format!("{}@clients", client.id);
    let (access_token, expires_in) =
        access_token(web, issuer, client, &subject, &request, "client-credentials").await?;
    let (refresh_token, id_token, recovery_code) = (None, None, None);
    let scope = request.scope;
    Ok(answer(Tokens { access_token, refresh_token, id_token, scope, expires_in, token_type: "Bearer", recovery_code }))
}

fn answer(tokens: Tokens) -> Response {
    Json(tokens).into_response()
}

async fn access_token(
    web: &Web,
    issuer: &Issuer,
    client: &Client,
    subject: &str,
    request: &TokenRequest,
    gty: &str,
) -> Result<(String, u32), Refused> {
    let userinfo = issuer.at("userinfo");
    let audience: Value = match &request.audience {
        None => userinfo.into(),
        Some(audience) if request.has("openid") => json!([audience, userinfo]),
        Some(audience) => audience.as_str().into(),
    };
    let is_for_factors = request.audience.as_deref().and_then(|it| issuer.own_api(it)) == Some(OwnApi::Mfa);
    let life = if is_for_factors { MFA_TOKEN_SECONDS } else { web.dialects().auth0.access_token_seconds };
    let mut claims = claims(web, issuer, subject, audience, life);
    claims.insert("azp".to_owned(), client.id.as_str().into());
    if !request.scope.is_empty() {
        claims.insert("scope".to_owned(), request.scope.as_str().into());
    }
    claims.insert("gty".to_owned(), gty.into());
    claims.insert("jti".to_owned(), HEXLOWER.encode(&web.engine().fresh_bytes()).into());
    Ok((web.engine().sign_token("JWT", &claims).await?, life))
}

async fn id_token(web: &Web, issuer: &Issuer, client: &Client, granted: &Granted) -> Result<String, Refused> {
    let life = web.dialects().auth0.id_token_seconds;
    let subject = name_of_user(granted.user);
    let mut claims = claims(web, issuer, &subject, client.id.as_str().into(), life);
    claims.extend(profile(web, client, granted.user, |scope| granted.request.has(scope)).await?);
    if granted.after_mfa {
        claims.insert("amr".to_owned(), json!(["mfa"]));
    }
    Ok(web.engine().sign_token("JWT", &claims).await?)
}

fn claims(web: &Web, issuer: &Issuer, subject: &str, audience: Value, life: u32) -> Map<String, Value> {
    let now = web.engine().now().as_ms().div_euclid(1000);
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), issuer.0.as_str().into());
    claims.insert("sub".to_owned(), subject.into());
    claims.insert("aud".to_owned(), audience);
    claims.insert("iat".to_owned(), now.into());
    claims.insert("exp".to_owned(), (now + i64::from(life)).into());
    claims
}

/// What is told of a user, by scope.
pub(super) async fn profile(
    web: &Web,
    client: &Client,
    user: countersign_model::UserId,
    has: impl Fn(&str) -> bool,
) -> Result<Map<String, Value>, Refused> {
    let caller = countersign_engine::Caller::client(client.tenant);
    let user = web.engine().user(&caller, &countersign_engine::UserRef::Id(user)).await?;
    let name = web.engine().name_of(&user)?.unwrap_or_default();
    let mail = web.engine().email_of(&user)?.or_else(|| Some(name.clone()).filter(|name| name.contains('@')));
    let mut told = Map::new();
    if has("profile") {
        let nickname = name.split('@').next().unwrap_or_default();
        told.insert("nickname".to_owned(), nickname.into());
        told.insert("name".to_owned(), name.as_str().into());
        told.insert("updated_at".to_owned(), time::text(user.updated_at).into());
    }
    if let (true, Some(mail)) = (has("email"), mail) {
        told.insert("email".to_owned(), mail.into());
        // Nobody has shown that the mailbox is theirs; a factor shows that of its own address only.
        told.insert("email_verified".to_owned(), false.into());
    }
    Ok(told)
}
