//! `/.well-known/openid-configuration` and `/.well-known/jwks.json`: what clients read before their first call.

use super::{
    error::Refused,
    issuer::Issuer,
    scopes::{OF_FACTORS, OF_USERS},
};
use crate::Web;
use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderValue, header::CACHE_CONTROL},
    response::{IntoResponse as _, Response},
};
use countersign_engine::tokens::PublishedKey;
use serde_json::{Value, json};

/// How long clients may keep what they read here: less than a key waits for its turn.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=15");

/// RFC 8414 and OpenID Connect Discovery 1.0, and where challenges are asked for (draft-oauth-mfa, 4).
pub(super) async fn configuration(State(web): State<Web>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let issuer = Issuer::of(&parts, &web);
    let mut scopes = OF_USERS.to_vec();
    scopes.extend(OF_FACTORS);
    kept(&json!({
        "issuer": issuer.0,
        "authorization_endpoint": issuer.at("authorize"),
        "token_endpoint": issuer.at("oauth/token"),
        "device_authorization_endpoint": issuer.at("oauth/device/code"),
        "userinfo_endpoint": issuer.at("userinfo"),
        "mfa_challenge_endpoint": issuer.at("mfa/challenge"),
        "jwks_uri": issuer.at(".well-known/jwks.json"),
        "revocation_endpoint": issuer.at("oauth/revoke"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "RS384", "PS256", "PS384", "ES256", "ES384"],
        "claims_supported": ["aud", "auth_time", "email", "email_verified", "exp", "iat", "iss", "name", "nickname", "sub"],
        "grant_types_supported": [
            "password", "refresh_token", "client_credentials",
            "http://auth0.com/oauth/grant-type/password-realm",
            "http://auth0.com/oauth/grant-type/mfa-otp",
            "http://auth0.com/oauth/grant-type/mfa-oob",
            "http://auth0.com/oauth/grant-type/mfa-recovery-code",
        ],
    }))
}

pub(super) async fn jwks(State(web): State<Web>) -> Result<Response, Refused> {
    let keys = web.engine().published_keys().await?;
    Ok(kept(&json!({ "keys": keys.iter().map(jwk).collect::<Vec<_>>() })))
}

/// RFC 7517, 4.
fn jwk(key: &PublishedKey) -> Value {
    json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "n": key.n, "e": key.e, "kid": key.kid,
        "x5t": key.fingerprint, "x5c": [key.certificate],
    })
}

fn kept(value: &Value) -> Response {
    let mut response = Json(value).into_response();
    response.headers_mut().insert(CACHE_CONTROL, KEEP);
    response
}
