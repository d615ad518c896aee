//! `GET /mfa/authenticators` and `DELETE /mfa/authenticators/{id}`: what a user proves itself with, one entry for each way in
//! which it can be challenged. An entry names one channel (`oob_channel`); the plural that one page of the vendor has would
//! break some of the vendor's own clients.

use super::{
    auth::{self, Bearer},
    choice,
    error::{INVALID_REQUEST, Refused},
    names::{self, Way},
};
use crate::{Web, time};
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use countersign_engine::commands::DeleteFactor;
use countersign_model::{Factor, FactorKind};
use serde::Serialize;
use serde_json::Value;

/// One way in which a user can be challenged.
#[derive(Serialize)]
struct Authenticator {
    id: String,
    #[serde(rename = "authenticator_type")]
    way: &'static str,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    oob_channel: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Value>,
    #[serde(rename = "type")]
    kind: &'static str,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_auth: Option<String>,
}

pub(super) async fn list(State(web): State<Web>, headers: HeaderMap) -> Result<Response, Refused> {
    let transaction = Bearer::of(&web, &headers).await?.with_scope("read:authenticators")?;
    let choice = choice::of(&web, transaction.tenant).await?;
    let factors = web.engine().factors_of(&auth::caller(&transaction), transaction.user).await?;
    let mut listed = Vec::new();
    // The way back in comes after all others.
    let (primary, spare): (Vec<&Factor>, Vec<&Factor>) = factors.iter().partition(|factor| factor.is_primary());
    for factor in primary.into_iter().chain(spare) {
        for way in Way::of(factor).into_iter().filter(|way| choice::allows(&choice, *way)) {
            listed.push(shown(&web, factor, way)?);
        }
    }
    Ok(Json(listed).into_response())
}

fn shown(web: &Web, factor: &Factor, way: Way) -> Result<Authenticator, Refused> {
    let oob_channel = match way {
        Way::Code(channel) => Some(channel.name()),
        Way::Push => Some("auth0"),
        Way::Totp | Way::Recovery => None,
    };
    let device = factor.device().and_then(|device| device.app.as_ref()).filter(|_| way == Way::Push);
    let address = web.engine().address_of_factor(factor)?;
    Ok(Authenticator {
        id: names::authenticator_id(web.engine(), factor, way),
        way: way.authenticator_type(),
        active: factor.is_active(),
        oob_channel,
        name: device.map(|app| app.name.as_str().into()).or_else(|| address.as_ref().map(names::masked)),
        kind: way.kind(),
        created_at: time::text(factor.created_at),
        last_auth: factor.last_used_at.map(time::text),
    })
}

/// Whoever has only half a log-in takes nothing away.
pub(super) async fn delete(
    State(web): State<Web>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    const SCOPE: &str = "remove:authenticators";
    let transaction = match Bearer::of(&web, &headers).await? {
        Bearer::LogIn(_) => return Err(Refused::insufficient_scope(SCOPE)),
        token @ Bearer::Factors(_) => token.with_scope(SCOPE)?,
    };
    let caller = auth::caller(&transaction);
    let factors = web.engine().factors_of(&caller, transaction.user).await?;
    let Some((factor, _)) = names::find(web.engine(), &factors, &id) else {
        return Err(Refused::new("not_found", "Authenticator not found."));
    };
    if matches!(factor.kind, FactorKind::RecoveryCodes { .. }) {
        return Err(Refused::new(INVALID_REQUEST, "Recovery codes cannot be removed, only replaced."));
    }
    web.engine().run(&caller, None, &DeleteFactor { factor: factor.id }).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
