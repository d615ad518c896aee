//! `POST /sandbox/users`: a test has as many users as it wants.

use super::wire::{Open, Sent, bad};
use crate::{
    Web,
    dialects::{auth0::user_object, native::Problem},
};
use axum::{Json, extract::State, http::StatusCode};
use countersign_engine::passwords::LONGEST_PASSWORD;
use countersign_model::MfaRule;
use serde::Deserialize;
use serde_json::Value;

/// A user to be made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    tenant: String,
    username: String,
    password: String,
    mfa: MfaRule,
}

pub(super) async fn create(
    State(web): State<Web>,
    Open(sandbox): Open,
    Sent(new): Sent<NewUser>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let name = new.username.trim().to_lowercase();
    if !(1..=256).contains(&name.len()) || name.chars().any(char::is_control) {
        return Err(bad("The username has 1 to 256 characters."));
    }
    if !(1..=LONGEST_PASSWORD).contains(&new.password.len()) {
        return Err(bad("The password has 1 to 256 characters."));
    }
    let made = sandbox.add_user(&new.tenant, &name, &new.password, new.mfa).await;
    let user = made.map_err(|error| Problem::of(&error, web.engine().now()))?;
    Ok((StatusCode::CREATED, Json(user_object(&user))))
}
