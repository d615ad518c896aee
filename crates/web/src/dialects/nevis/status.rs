//! `POST /api/v1/status`: where a transaction stands. The status token is the credential, and the header is not looked at. The
//! vendor has this for mobile devices; for text messages it tells the truth just so.

use super::{
    auth::bearer_of,
    error::Refused,
    instance::Instance,
    params::{Params, find},
    tokens::{FAILED, Issuer, SUCCEEDED, Transaction},
};
use crate::{Web, time};
use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use countersign_engine::{Error, Thing, UserRef, instance_tokens::InstanceClaims};
use countersign_model::{State as TransactionState, Verification};
use serde::Serialize;
use serde_json::json;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusObject {
    transaction_id: String,
    status: &'static str,
    user_id: String,
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    created_at: String,
    last_updated_at: String,
}

pub(super) async fn status(State(web): State<Web>, request: Request) -> Result<Response, Refused> {
    let (mut parts, body) = request.into_parts();
    let params = Params::read(&parts.headers, body, &web).await?;
    let token = params.required("statusToken")?;
    let instance = Instance::of(&mut parts, &web).await;
    let found = look(&web, token, &instance).await?;
    Ok(found.map_or_else(|| Json(json!({"status": "unknown"})).into_response(), |found| Json(found).into_response()))
}

/// None: there is no such transaction, or not here.
async fn look(web: &Web, token: &str, instance: &Instance) -> Result<Option<StatusObject>, Refused> {
    let (engine, now) = (web.engine(), web.engine().now());
    let Some(claims) = engine.verify(token) else { return Ok(None) };
    let Some(transaction) = Transaction::of(&claims) else { return Ok(None) };
    if !instance.admits(web, claims.tenant, now).await? {
        return Ok(None);
    }
    let caller = bearer_of(claims.tenant);
    let verification = match engine.verification(&caller, transaction.verification).await {
        Ok(found) => found.verification,
        Err(Error::NotFound(Thing::Verification)) => return Ok(None),
        Err(error) => return Err(Refused::of(&error, now)),
    };
    let Some(user) = find(web, &caller, &UserRef::Id(transaction.user)).await? else { return Ok(None) };
    let status = name_of(verification.state_at(now));
    let issuer = Issuer { web, base_url: &instance.base_url, tenant: claims.tenant, now };
    let is_final = status != PENDING;
    Ok(Some(StatusObject {
        transaction_id: verification.id.to_uuid(),
        status,
        user_id: user.id.to_uuid(),
        username: engine.name_of(&user).map_err(|error| Refused::of(&error, now))?,
        token: is_final.then(|| proof(&issuer, &verification, &claims)).transpose()?,
        created_at: time::to_the_second(verification.created_at),
        last_updated_at: time::to_the_second(ended_at(&verification, now).unwrap_or(verification.created_at)),
    }))
}

const PENDING: &str = "pending";

fn name_of(state: TransactionState) -> &'static str {
    match state {
        TransactionState::Pending => PENDING,
        TransactionState::Approved => SUCCEEDED,
        TransactionState::Denied
        | TransactionState::Exhausted
        | TransactionState::Cancelled
        | TransactionState::Expired => FAILED,
    }
}

/// What became of the transaction, as a token. It is fresh as long as the status token is; later, what proves a result dates
/// from that result, and has ended with it: an old status token gives nobody a new proof.
fn proof(issuer: &Issuer<'_>, of: &Verification, claims: &InstanceClaims) -> Result<String, Refused> {
    let since = if claims.is_over(issuer.now) { ended_at(of, issuer.now).unwrap_or(of.created_at) } else { issuer.now };
    issuer.transaction(of, since)
}

/// A code whose time is over ended then, whether or not anybody has written that down yet.
fn ended_at(of: &Verification, now: countersign_model::Timestamp) -> Option<countersign_model::Timestamp> {
    of.decided_at.or_else(|| of.expires_at().filter(|end| *end <= now))
}
