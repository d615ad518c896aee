//! `keys/signing`: the keys that sign tokens. They are the installation's, and so whoever may let them take turns does it for
//! all tenants.

use super::{auth::Administrator, error::Refused};
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use countersign_engine::commands::RotateSigningKeys;
use countersign_model::SigningKeyState;
use serde_json::{Value, json};

pub(super) async fn list(asking: Administrator) -> Result<Json<Vec<Value>>, Refused> {
    asking.must_have(&["read:signing_keys"])?;
    let keys = asking.web.engine().published_keys().await?;
    let shown = keys.into_iter().map(|key| {
        json!({
            "kid": key.kid,
            "cert": key.certificate,
            "fingerprint": key.fingerprint,
            "current": key.state == SigningKeyState::Current,
            "next": key.state == SigningKeyState::Next,
            "previous": key.state == SigningKeyState::Retired,
            "revoked": false,
        })
    });
    Ok(Json(shown.collect()))
}

pub(super) async fn rotate(asking: Administrator) -> Result<Response, Refused> {
    asking.must_have(&["update:signing_keys", "create:signing_keys"])?;
    let rotated = asking.web.engine().run(&asking.caller(), None, &RotateSigningKeys).await?;
    Ok((StatusCode::CREATED, Json(json!({ "kid": rotated.current, "next": rotated.next }))).into_response())
}
