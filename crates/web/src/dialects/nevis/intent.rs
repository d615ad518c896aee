//! `POST /api/v1/intent`: a token with which somebody else may do one enrolment or one approval of one user, once.

use super::{
    error::{self, Refused},
    params::Call,
    tokens::Issuer,
};
use crate::Web;
use axum::{Json, extract::State};
use serde_json::{Value, json};

pub(super) async fn intent(State(web): State<Web>, call: Call) -> Result<Json<Value>, Refused> {
    call.asker.must_have_key()?;
    let (params, caller) = (&call.params, &call.asker.caller);
    let Some(operation @ ("enroll" | "approve")) = params.text("operation")? else {
        return Err(Refused::parameter("operation", "be enroll or approve"));
    };
    let channels = params.texts("channels")?.unwrap_or_default();
    if let Some(strange) = channels.iter().find(|name| !["app", "push", "sms"].contains(name)) {
        return Err(Refused::parameter("channels", &format!("hold app, push and sms only, and not {strange}")));
    }
    let identity = params.identity()?;
    let user = identity.find(&web, caller).await?;
    if user.is_none() && operation == "approve" {
        return Err(error::NOT_FOUND);
    }
    // A name that nobody has yet is personal all the same: a token can be read by whoever holds it.
    let subject = match &user {
        Some(user) => user.id.to_uuid(),
        None => web.engine().name_hash(caller, identity.username.unwrap_or_default()),
    };
    let scope = [&[operation], channels.as_slice()].concat().join(" ");
    let (base_url, now) = (&call.asker.instance.base_url, web.engine().now());
    let issuer = Issuer { web: &web, base_url, tenant: caller.tenant(), now };
    Ok(Json(json!({ "token": issuer.intent(subject, scope)? })))
}
