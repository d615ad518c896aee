//! `guardian/enrollments`: single factors by their own name, and tickets with which a user enrols on a page of ours.

use super::{
    auth::{Administrator, Sent},
    error::Refused,
};
use crate::{
    Web,
    dialects::auth0::names::{device, masked},
    pages::mfa,
    time,
};
use axum::{Json, extract::Path, http::StatusCode};
use countersign_engine::commands::{BeginEnrolment, DeleteFactor, EnrolmentBegun};
use countersign_model::{Channel, ChosenKind, Factor, FactorId, FactorKind};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

pub(super) async fn show(asking: Administrator, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    asking.must_have(&["read:guardian_enrollments"])?;
    Ok(Json(enrollment(&asking.web, &find(&asking, &id).await?)?))
}

pub(super) async fn delete(asking: Administrator, Path(id): Path<String>) -> Result<StatusCode, Refused> {
    asking.must_have(&["delete:guardian_enrollments"])?;
    let factor = find(&asking, &id).await?;
    asking.web.engine().run(&asking.caller(), None, &DeleteFactor { factor: factor.id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// These names tell their factor without its user.
async fn find(asking: &Administrator, id: &str) -> Result<Factor, Refused> {
    let unknown = || Refused::not_found("The enrollment does not exist.");
    let id = id.strip_prefix("dev_").and_then(|id| format!("fac_{id}").parse::<FactorId>().ok()).ok_or_else(unknown)?;
    asking.web.engine().factor(&asking.caller(), id).await.map_err(|_| unknown())
}

/// A factor as it is shown here.
pub(super) fn enrollment(web: &Web, factor: &Factor) -> Result<Value, Refused> {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put("id", factor.id.to_string().replacen("fac_", "dev_", 1).into());
    put("status", if factor.is_active() { "confirmed" } else { "pending" }.into());
    let (kind, method) = match &factor.kind {
        FactorKind::Phone { channels, .. } => ("phone", channels.first().map_or("sms", |channel| channel.name())),
        FactorKind::Email { .. } => ("email", Channel::Email.name()),
        FactorKind::Totp { device: Some(_), .. } => ("pn", "guardian"),
        FactorKind::Totp { .. } => ("authenticator", "authenticator"),
        FactorKind::RecoveryCodes { .. } => ("recovery-code", "recovery-code"),
    };
    put("type", kind.into());
    put("auth_method", method.into());
    put("identifier", device(web.engine(), factor).into());
    let device = factor.device().and_then(|device| device.app.as_ref());
    if let Some(name) = factor.name.as_ref().or(device.map(|app| &app.name)) {
        put("name", name.as_str().into());
    }
    if let Some(address) = web.engine().address_of_factor(factor)? {
        put(if kind == "phone" { "phone_number" } else { "email" }, masked(&address));
    }
    if let Some(at) = factor.confirmed_at {
        put("enrolled_at", time::text(at).into());
    }
    if let Some(at) = factor.last_used_at {
        put("last_auth", time::text(at).into());
    }
    Ok(shown.into())
}

/// For whom a ticket is, and for what. Where and in which language the vendor would mail it is not asked.
#[derive(Deserialize)]
pub(super) struct Ticket {
    user_id: String,
    #[serde(default)]
    send_mail: bool,
    factor: Option<String>,
    #[serde(default)]
    allow_multiple_enrollments: bool,
}

/// How long it can be used: once.
const LIFE_OF_A_TICKET: Duration = Duration::from_hours(24 * 5);

pub(super) async fn ticket(asking: Administrator, Sent(ticket): Sent<Ticket>) -> Result<Json<Value>, Refused> {
    asking.must_have(&["create:guardian_enrollment_tickets"])?;
    if ticket.send_mail {
        return Err(Refused::bad("Tickets are not mailed: send ticket_url to the user yourself, without send_mail."));
    }
    let user = asking.user(&ticket.user_id).await?;
    let begin = BeginEnrolment {
        client: asking.client.id.clone(),
        user: user.id,
        only: ticket.factor.as_deref().map(kind_of_factor).transpose()?,
        one_more: ticket.allow_multiple_enrollments,
        life: LIFE_OF_A_TICKET,
    };
    match asking.web.engine().run(&asking.caller(), None, &begin).await? {
        EnrolmentBegun::Begun { id, link } => {
            let url = asking.issuer.at(mfa::path_of(&link).trim_start_matches('/'));
            Ok(Json(json!({ "ticket_id": id, "ticket_url": url })))
        }
        EnrolmentBegun::HasOne => {
            let text = "The user is enrolled already. Allow more with allow_multiple_enrollments.";
            Err(Refused::new(StatusCode::CONFLICT, "already_enrolled", text))
        }
    }
}

fn kind_of_factor(name: &str) -> Result<ChosenKind, Refused> {
    match name {
        "phone" | "sms" => Ok(ChosenKind::Sms),
        "email" => Ok(ChosenKind::Email),
        "otp" => Ok(ChosenKind::Totp),
        _ => Err(Refused::bad("This kind of factor cannot be enrolled on a page.")),
    }
}
