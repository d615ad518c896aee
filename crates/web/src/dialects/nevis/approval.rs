//! `POST /api/v1/approval`: a code to the user's phone, to sign in or to approve a transaction.

use super::{
    SERVICE,
    enroll::{must_leave, text},
    error::{self, Refused},
    params::Call,
    tokens::Issuer,
};
use crate::Web;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use countersign_engine::{
    UserRef,
    commands::{Once, SendFactorCode},
};
use countersign_model::{Channel, FactorId};
use serde::Serialize;

/// The answer: exactly these three.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    status_token: String,
    transaction_id: String,
    user_id: String,
}

pub(super) async fn approve(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let (engine, settings) = (web.engine(), &web.dialects().nevis);
    let params = &call.params;
    let channel = params.text("channel")?.unwrap_or("push");
    call.asker.must_allow("approve", channel)?;
    match channel {
        "sms" => {}
        other @ ("app" | "push" | "fido2") => return Err(Refused::channel(other)),
        _ => return Err(Refused::parameter("channel", "be app, push, sms or fido2")),
    }
    let identity = params.identity()?;
    let text = text(params, settings.code_digits.length())?;
    let authenticator = params.text("authenticatorId")?;
    if authenticator == Some("*") {
        return Err(Refused::parameter("authenticatorId", "name one authenticator: * is for the channel app only"));
    }
    let caller = &call.asker.caller;
    let user = call.asker.must_be_for(&web, identity).await?.ok_or(error::NOT_FOUND)?;
    let factor = authenticator.map(|id| FactorId::from_uuid(id).ok_or(error::NOT_FOUND)).transpose()?;
    let command = SendFactorCode {
        user: UserRef::Id(user.id),
        factor,
        service: SERVICE,
        channel: Channel::Sms,
        locale: None,
        overrides: settings.overrides(text),
        replaces_pending: true,
    };
    let sent = engine.run(caller, None, &Once { command, token: call.asker.spends() }).await;
    let sent = sent.map_err(|error| Refused::of(&error, engine.now()))?;
    let verification = &sent.started.verification;
    must_leave(&web, caller, verification.id, false).await?;
    let base_url = &call.asker.instance.base_url;
    let issuer = Issuer { web: &web, base_url, tenant: caller.tenant(), now: sent.started.at };
    let answer = Begun {
        status_token: issuer.status(verification)?,
        transaction_id: verification.id.to_uuid(),
        user_id: sent.user.id.to_uuid(),
    };
    Ok((settings.created_status.of_approval(), Json(answer)).into_response())
}
