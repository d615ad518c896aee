//! `POST /api/v1/introspect`: what a token of this instance is good for (after RFC 7662). The body is a form.

use super::{
    auth::Asker,
    error::{self, Refused},
    params::is_kind,
    tokens::{FAILED, INTENT, STATUS, TRANSACTION, one_time},
};
use crate::{Web, body};
use axum::{
    Json,
    extract::{Form, FromRequest as _, FromRequestParts as _, Request, State},
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
};
use countersign_engine::{
    Caller,
    commands::{Once, Spend},
    instance_tokens::InstanceClaims,
};
use countersign_model::{ApiKey, Timestamp};
use serde::Serialize;
use serde_json::json;

/// A token that is good.
#[derive(Serialize)]
struct Introspected {
    active: bool,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    nbf: i64,
    sub: String,
    aud: String,
    iss: String,
    jti: String,
    scope: String,
}

pub(super) async fn introspect(State(web): State<Web>, request: Request) -> Result<Response, Refused> {
    let (mut parts, body) = request.into_parts();
    let asker = Asker::from_request_parts(&mut parts, &web).await?;
    asker.must_have_key()?;
    if !is_kind(&parts.headers, "application/x-www-form-urlencoded") {
        return Err(error::NOT_A_FORM);
    }
    let bytes = body::read(&parts.headers, body, web.body_timeout()).await?;
    let token = token_of(bytes).await.ok_or_else(|| Refused::parameter("token", "be given"))?;
    let found = look(&web, &asker, &token).await?;
    Ok(found.map_or_else(|| Json(json!({"active": false})).into_response(), |active| Json(active).into_response()))
}

/// None: it is missing, or empty, or the form makes no sense.
async fn token_of(bytes: Vec<u8>) -> Option<String> {
    let form = Request::post("/").header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(bytes.into()).ok()?;
    let Form(fields) = Form::<Vec<(String, String)>>::from_request(form, &()).await.ok()?;
    fields.into_iter().find(|(name, value)| name == "token" && !value.is_empty()).map(|(_, value)| value)
}

/// None: it is not good, or nobody here knows it.
async fn look(web: &Web, asker: &Asker, token: &str) -> Result<Option<Introspected>, Refused> {
    let (engine, now) = (web.engine(), web.engine().now());
    let key = engine.working_key(&asker.caller, token).await.map_err(|error| Refused::of(&error, now))?;
    if let Some(key) = key {
        let base_url = &asker.instance.base_url;
        let said = engine.verify(token).map(|claims| Introspected::token(claims).issued_at(base_url));
        return Ok(Some(said.unwrap_or_else(|| Introspected::key(&key, base_url))));
    }
    let claims = engine.verify(token).filter(|claims| claims.tenant == asker.caller.tenant());
    let Some(claims) = claims.filter(|claims| !claims.is_over(now)) else { return Ok(None) };
    let is_good = match claims.aud.as_str() {
        INTENT => !is_spent(web, &asker.caller, &claims, now).await?,
        // What proves a failure proves nothing that anybody should act on.
        TRANSACTION if claims.scope.ends_with(FAILED) => false,
        TRANSACTION if web.dialects().nevis.introspection_consumes => {
            let spend = Once { command: Spend, token: Some(one_time(&claims)) };
            match engine.run(&asker.caller, None, &spend).await {
                Ok(()) => true,
                Err(countersign_engine::Error::Spent) => false,
                Err(error) => return Err(Refused::of(&error, now)),
            }
        }
        STATUS | TRANSACTION => true,
        // An access key works or was found above.
        _ => false,
    };
    Ok(is_good.then(|| Introspected::token(claims)))
}

async fn is_spent(web: &Web, caller: &Caller, claims: &InstanceClaims, now: Timestamp) -> Result<bool, Refused> {
    let spent = web.engine().is_spent(caller, &one_time(claims).id).await;
    spent.map_err(|error| Refused::of(&error, now))
}

impl Introspected {
    fn token(claims: InstanceClaims) -> Self {
        let InstanceClaims { aud, iss, sub, jti, iat, nbf, exp, scope, tenant: _ } = claims;
        Self { active: true, iat, exp, nbf, sub, aud, iss, jti, scope }
    }

    /// A key that was made where no address was set names its tenant in the place of it.
    fn issued_at(self, base_url: &str) -> Self {
        let iss = if self.iss.contains("://") { self.iss } else { base_url.to_owned() };
        Self { iss, ..self }
    }

    /// A key that says nothing itself: what the list of keys says.
    fn key(key: &ApiKey, base_url: &str) -> Self {
        let since = key.created_at.as_ms().div_euclid(1000);
        Self {
            active: true,
            iat: since,
            exp: None,
            nbf: since,
            sub: key.id.to_uuid(),
            aud: "access".to_owned(),
            iss: base_url.to_owned(),
            jti: key.id.to_uuid(),
            scope: "api".to_owned(),
        }
    }
}
