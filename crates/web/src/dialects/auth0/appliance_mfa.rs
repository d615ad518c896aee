//! `POST /appliance-mfa/api/enroll` and `…/resolve-transaction`: the calls of an app on a device, as the vendor's Guardian libraries
//! for Android and iOS make them. An app registers once with its own key, and signs each answer with it; what it was asked comes
//! to it by push, which an address of the operator's carries.

use super::{
    error::{INVALID_GRANT, INVALID_REQUEST, Refused},
    issuer::Issuer,
    names,
    params::{Call, Params},
};
use crate::{Web, time};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse as _, Response},
};
use countersign_engine::{
    Caller,
    commands::{AnswerPush, DeviceKey, DeviceRegistered, RegisterDevice},
    tokens::{DeviceTicket, PushOnItsWay},
};
use countersign_model::{DeviceApp, Timestamp};
use serde_json::{Value, json};

/// What comes before the paths here, and what an app takes for the address of this server.
pub(super) const BASE: &str = "appliance-mfa";
const ANSWER: &str = "appliance-mfa/api/resolve-transaction";
/// How far a device's clock may be off.
const CLOCK_SKEW_SECONDS: i64 = 60;

/// Who carries questions to devices; none: there is no push. In dev mode nothing leaves: the call is recorded.
pub(super) fn carrier(web: &Web) -> Option<&str> {
    let url = web.dialects().auth0.push_url.as_str();
    let in_dev_mode = web.sandbox().map(|_| "https://push.example.com/");
    Some(url).filter(|url| !url.is_empty()).or(in_dev_mode)
}

pub(super) async fn enroll(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let issuer = Issuer::of(&call.parts, &web);
    let ticket = ticket_in(&call.parts.headers).and_then(|text| web.engine().open_device_ticket(text));
    let ticket = ticket.filter(|ticket| ticket.push.is_none()).ok_or_else(invalid_ticket)?;
    let (tenant, factor) = (ticket.tenant, ticket.factor);
    let command = registration(&call.params, ticket)?;
    match web.engine().run(&Caller::client(tenant), None, &command).await? {
        DeviceRegistered::Registered { factor, secret } => {
            let id = names::device(web.engine(), &factor);
            let name = web.engine().name_of_tenant(tenant).await?;
            Ok(Json(json!({
                "id": id,
                "url": issuer.0.trim_end_matches('/'),
                "issuer": name,
                "user_id": names::name_of_user(factor.user),
                "totp": { "secret": secret, "algorithm": "SHA1", "digits": 6, "period": 30 },
            }))
            .into_response())
        }
        DeviceRegistered::Refused => {
            tracing::info!(%factor, "an app may not register any more");
            Err(Refused::new("enrollment_conflict", "The device is enrolled already.")
                .with_status(StatusCode::CONFLICT))
        }
    }
}

fn registration(params: &Params, ticket: DeviceTicket) -> Result<RegisterDevice, Refused> {
    const LONGEST: usize = 4096;
    let credentials = params.value("push_credentials").ok_or_else(|| Refused::missing("push_credentials"))?;
    let credential = |name: &str| {
        let text = credentials.get(name).and_then(Value::as_str).filter(|text| (1..=LONGEST).contains(&text.len()));
        text.map(str::to_owned).ok_or_else(|| Refused::missing(&format!("push_credentials.{name}")))
    };
    let key = params.value("public_key").ok_or_else(|| Refused::missing("public_key"))?;
    let key = DeviceKey::parse(key);
    let (identifier, name) = (params.required("identifier")?, params.required("name")?);
    let is_shown = |text: &str| text.chars().count() <= 128 && !text.chars().any(char::is_control);
    if !is_shown(identifier) || !is_shown(name) {
        return Err(Refused::new(INVALID_REQUEST, "identifier and name must have at most 128 visible characters"));
    }
    Ok(RegisterDevice {
        ticket,
        identifier: identifier.to_owned(),
        name: name.to_owned(),
        key: key.ok_or_else(|| Refused::new(INVALID_REQUEST, "public_key must be a JSON Web Key of RSA or P-256"))?,
        service: credential("service")?,
        token: credential("token")?,
    })
}

pub(super) async fn resolve(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let token = super::auth::token(&call.parts.headers).and_then(|text| web.engine().open_device_ticket(text));
    let ticket = token.filter(|ticket| ticket.push.is_some()).ok_or_else(invalid_ticket)?;
    let text = call.params.required("challenge_response")?;
    let bad = || Refused::new(INVALID_REQUEST, "Invalid challenge_response");
    let (app, claims) = web.engine().signed_by_device(&ticket, text).await?.ok_or_else(bad)?;
    let claim = |name: &str| claims.get(name).and_then(Value::as_str);
    let now = web.engine().now().as_ms().div_euclid(1000);
    let ends =
        claims.get("exp").and_then(Value::as_i64).is_some_and(|end| now < end.saturating_add(CLOCK_SKEW_SECONDS));
    let challenge = web.engine().challenge_of_push(ticket.push.as_deref().unwrap_or_default());
    let is_meant = claim("aud") == Some(&Issuer::of(&call.parts, &web).at(ANSWER));
    let is_it = claim("iss") == Some(&app.identifier) && claim("sub") == Some(&challenge);
    let accepted = claims.get("auth0_guardian_accepted").and_then(Value::as_bool);
    let Some(accepted) =
        accepted.filter(|_| ends && is_meant && is_it && claim("auth0_guardian_method") == Some("push"))
    else {
        return Err(bad());
    };
    let caller = Caller::client(ticket.tenant);
    if web.engine().run(&caller, None, &AnswerPush { ticket, accepted }).await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(Refused::new("transaction_expired", "The transaction was resolved, or its time is over."))
    }
}

/// `Ticket id="…"`.
fn ticket_in(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Ticket ")?.trim().strip_prefix("id=\"")?.strip_suffix('"')
}

fn invalid_ticket() -> Refused {
    Refused::new(INVALID_GRANT, "The ticket or token is invalid or expired.").with_status(StatusCode::UNAUTHORIZED)
}

/// What is given to whoever carries a question: where it goes, and what the app's library reads.
pub(super) fn question(
    web: &Web,
    issuer: &Issuer,
    waits: &PushOnItsWay,
    app: &DeviceApp,
    ends_at: Timestamp,
) -> Result<Vec<u8>, Refused> {
    let engine = web.engine();
    let ticket = DeviceTicket { tenant: waits.tenant, factor: waits.factor, push: waits.push.clone(), ends_at };
    let host = issuer.0.split_once("://").map_or(issuer.0.as_str(), |(_, host)| host).trim_end_matches('/');
    let body = json!({
        "service": app.service,
        "token": engine.token_of_app(waits.tenant, waits.factor, app)?,
        "data": {
            "txtkn": engine.device_ticket(&ticket),
            "c": engine.challenge_of_push(waits.push.as_deref().unwrap_or_default()),
            "dai": app.identifier,
            "s": host,
            "d": time::text(engine.now()),
        },
    });
    Ok(body.to_string().into_bytes())
}
