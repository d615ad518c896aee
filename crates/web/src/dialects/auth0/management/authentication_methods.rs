//! `users/{id}/authentication-methods`: a user's factors, as an administrator sees them and vouches for them. One that is
//! made here is active at once.

use super::{
    auth::{Administrator, Sent},
    error::Refused,
};
use crate::{
    Web,
    dialects::auth0::names::{self, Way},
    time,
};
use axum::{
    Json,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use countersign_engine::commands::{
    AppSecret, DeleteFactor, GiveFactors, GivenFactor, GivenKind, PreferChannel, RenameFactor,
};
use countersign_model::{Address, Channel, Factor, FactorKind, User};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Which part of a list.
#[derive(Deserialize)]
pub(super) struct Part {
    page: Option<u32>,
    per_page: Option<u32>,
    include_totals: Option<bool>,
}

const PER_PAGE: u32 = 50;
const MOST_PER_PAGE: u32 = 100;

pub(super) async fn list(
    asking: Administrator,
    Path(id): Path<String>,
    part: Result<Query<Part>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, Refused> {
    asking.must_have(&["read:authentication_methods"])?;
    let Query(part) = part.map_err(|_| Refused::bad("Query validation error: page and per_page are numbers."))?;
    let (page, per_page) = (part.page.unwrap_or(0), part.per_page.unwrap_or(PER_PAGE).min(MOST_PER_PAGE));
    let user = asking.user(&id).await?;
    let all = asking.factors(&user).await?;
    let as_index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let start = page.saturating_mul(per_page);
    let shown = all.iter().skip(as_index(start)).take(as_index(per_page)).map(|factor| method(&asking.web, factor));
    let shown: Vec<Value> = shown.collect::<Result<_, _>>()?;
    Ok(Json(if part.include_totals == Some(true) {
        json!({ "start": start, "limit": per_page, "total": all.len(), "authenticators": shown })
    } else {
        shown.into()
    }))
}

pub(super) async fn show(
    asking: Administrator,
    Path((id, mid)): Path<(String, String)>,
) -> Result<Json<Value>, Refused> {
    asking.must_have(&["read:authentication_methods"])?;
    let user = asking.user(&id).await?;
    let factor = find(&asking, &user, &mid).await?;
    Ok(Json(method(&asking.web, &factor)?))
}

/// A factor as it is given.
#[derive(Deserialize)]
pub(super) struct Given {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    phone_number: Option<String>,
    email: Option<String>,
    totp_secret: Option<String>,
    preferred_authentication_method: Option<String>,
}

pub(super) async fn create(
    asking: Administrator,
    Path(id): Path<String>,
    Sent(given): Sent<Given>,
) -> Result<Response, Refused> {
    asking.must_have(&["create:authentication_methods"])?;
    let user = asking.user(&id).await?;
    let command = GiveFactors { user: user.id, factors: vec![given.read()?], replace: false };
    let made = asking.web.engine().run(&asking.caller(), None, &command).await?;
    let shown: Vec<Value> = made.iter().map(|factor| method(&asking.web, factor)).collect::<Result<_, _>>()?;
    Ok((StatusCode::CREATED, Json(shown.into_iter().next().unwrap_or_default())).into_response())
}

pub(super) async fn replace(
    asking: Administrator,
    Path(id): Path<String>,
    Sent(given): Sent<Vec<Given>>,
) -> Result<Json<Vec<Value>>, Refused> {
    asking.must_have(&["update:authentication_methods"])?;
    let user = asking.user(&id).await?;
    let factors = given.iter().map(Given::read).collect::<Result<_, _>>()?;
    let command = GiveFactors { user: user.id, factors, replace: true };
    let made = asking.web.engine().run(&asking.caller(), None, &command).await?;
    Ok(Json(made.iter().map(|factor| method(&asking.web, factor)).collect::<Result<_, _>>()?))
}

/// What can be changed of a factor.
#[derive(Deserialize)]
pub(super) struct Changed {
    name: Option<String>,
    preferred_authentication_method: Option<String>,
}

pub(super) async fn change(
    asking: Administrator,
    Path((id, mid)): Path<(String, String)>,
    Sent(changed): Sent<Changed>,
) -> Result<Json<Value>, Refused> {
    asking.must_have(&["update:authentication_methods"])?;
    let user = asking.user(&id).await?;
    let factor = find(&asking, &user, &mid).await?.id;
    let channel = changed.preferred_authentication_method.as_deref().map(phone_channel).transpose()?;
    let (engine, caller) = (asking.web.engine(), asking.caller());
    if let Some(name) = changed.name {
        engine.run(&caller, None, &RenameFactor { factor, name }).await?;
    }
    if let Some(channel) = channel {
        engine.run(&caller, None, &PreferChannel { factor, channel }).await?;
    }
    Ok(Json(method(&asking.web, &engine.factor(&caller, factor).await?)?))
}

pub(super) async fn delete_one(
    asking: Administrator,
    Path((id, mid)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    asking.must_have(&["delete:authentication_methods"])?;
    let user = asking.user(&id).await?;
    let factor = find(&asking, &user, &mid).await?;
    asking.web.engine().run(&asking.caller(), None, &DeleteFactor { factor: factor.id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn delete_all(asking: Administrator, Path(id): Path<String>) -> Result<StatusCode, Refused> {
    asking.must_have(&["delete:authentication_methods"])?;
    delete_all_of(&asking, &id).await
}

/// Whatever a user has, in one step.
pub(super) async fn delete_all_of(asking: &Administrator, id: &str) -> Result<StatusCode, Refused> {
    let user = asking.user(id).await?;
    let command = GiveFactors { user: user.id, factors: Vec::new(), replace: true };
    asking.web.engine().run(&asking.caller(), None, &command).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(asking: &Administrator, user: &User, mid: &str) -> Result<Factor, Refused> {
    let factors = asking.factors(user).await?;
    let found = factors.into_iter().find(|factor| method_id(&asking.web, factor) == mid);
    found.ok_or_else(|| Refused::not_found("The authentication method does not exist."))
}

fn method_id(web: &Web, factor: &Factor) -> String {
    format!("{}|{}", kind(factor), names::device(web.engine(), factor))
}

const fn kind(factor: &Factor) -> &'static str {
    match factor.kind {
        FactorKind::Phone { .. } => "phone",
        FactorKind::Email { .. } => "email",
        FactorKind::Totp { device: Some(_), .. } => "push",
        FactorKind::Totp { .. } => "totp",
        FactorKind::RecoveryCodes { .. } => "recovery-code",
    }
}

/// A factor as it is shown.
fn method(web: &Web, factor: &Factor) -> Result<Value, Refused> {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put("id", method_id(web, factor).into());
    put("type", kind(factor).into());
    put("confirmed", factor.is_active().into());
    let device = factor.device().and_then(|device| device.app.as_ref());
    if let Some(name) = factor.name.as_ref().or(device.map(|app| &app.name)) {
        put("name", name.as_str().into());
    }
    match web.engine().address_of_factor(factor)? {
        Some(Address::Phone(number)) => {
            put("phone_number", number.e164().into());
        }
        Some(Address::Email(mail)) => {
            put("email", mail.as_str().into());
        }
        None => {}
    }
    if let FactorKind::Phone { channels, .. } = &factor.kind {
        put("preferred_authentication_method", channels.first().map_or(Value::Null, |channel| channel.name().into()));
        let ways = Way::of(factor)
            .into_iter()
            .map(|way| json!({ "id": names::authenticator_id(web.engine(), factor, way), "type": way.prefix() }));
        put("authentication_methods", ways.collect::<Vec<_>>().into());
    }
    put("created_at", time::text(factor.created_at).into());
    if let Some(at) = factor.confirmed_at {
        put("enrolled_at", time::text(at).into());
    }
    if let Some(at) = factor.last_used_at {
        put("last_auth_at", time::text(at).into());
    }
    Ok(shown.into())
}

impl Given {
    fn read(&self) -> Result<GivenFactor, Refused> {
        let missing =
            |name: &str| Refused::bad(format!("Payload validation error: 'Missing required property: {name}'."));
        let kind = match self.kind.as_str() {
            "phone" => {
                let number = self.phone_number.as_deref().ok_or_else(|| missing("phone_number"))?;
                let channel = self.preferred_authentication_method.as_deref().map(phone_channel).transpose()?;
                let to =
                    Address::parse(Channel::Sms, number).map_err(|_| Refused::bad("The phone number is invalid."))?;
                GivenKind::Address { to, preferred: channel.unwrap_or(Channel::Sms) }
            }
            "email" => {
                let mail = self.email.as_deref().ok_or_else(|| missing("email"))?;
                let to = Address::parse(Channel::Email, mail).map_err(|_| Refused::bad("The email is invalid."))?;
                GivenKind::Address { to, preferred: Channel::Email }
            }
            "totp" => {
                let text = self.totp_secret.as_deref().ok_or_else(|| missing("totp_secret"))?;
                let bad = "Payload validation error: totp_secret has 14 to 64 bytes, in base 32.";
                GivenKind::Totp(AppSecret::parse(text).ok_or_else(|| Refused::bad(bad))?)
            }
            "webauthn-roaming" => {
                let text =
                    "This server cannot ask for security keys, so it takes none: the types are phone, email and totp.";
                return Err(Refused::new(StatusCode::BAD_REQUEST, "operation_not_supported", text));
            }
            other => {
                return Err(Refused::bad(format!("Payload validation error: the type '{other}' is not supported.")));
            }
        };
        Ok(GivenFactor { kind, name: self.name.clone() })
    }
}

fn phone_channel(name: &str) -> Result<Channel, Refused> {
    match name {
        "sms" => Ok(Channel::Sms),
        "voice" => Ok(Channel::Voice),
        _ => Err(Refused::bad("Payload validation error: preferred_authentication_method is sms or voice.")),
    }
}
