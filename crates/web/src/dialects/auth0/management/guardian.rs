//! `guardian/factors` and `guardian/policies`: which kinds of factor a tenant has, what its text messages say, and of whom a
//! second factor is asked.

use super::{
    auth::{Administrator, Sent},
    error::Refused,
};
use crate::dialects::auth0::{
    appliance_mfa::carrier,
    choice::{ASKING, MESSAGE_TYPES, ON_FOR_NOTHING, POLICIES},
    texts::{self, Message},
};
use axum::{Json, extract::Path, http::StatusCode};
use countersign_engine::commands::PutMfaChoice;
use countersign_model::{ChosenKind, MfaChoice, MfaTexts};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The vendor's names, and what of ours goes by them. A switch of what this server has not is kept, since it is the tenant's to set,
/// and changes nothing: no log-in asks for such a factor or offers one.
const FACTORS: [(&str, Option<ChosenKind>); 8] = [
    ("push-notification", Some(ChosenKind::Push)),
    ("sms", Some(ChosenKind::Sms)),
    ("email", Some(ChosenKind::Email)),
    ("duo", None),
    ("otp", Some(ChosenKind::Totp)),
    ("webauthn-roaming", None),
    ("webauthn-platform", None),
    ("recovery-code", Some(ChosenKind::RecoveryCodes)),
];

pub(super) async fn factors(asking: Administrator) -> Result<Json<Vec<Value>>, Refused> {
    asking.must_have(&["read:guardian_factors"])?;
    let choice = asking.choice().await?;
    let shown = FACTORS.into_iter().map(|(name, kind)| {
        let enabled = match kind.filter(|kind| is_here(&asking, *kind)) {
            Some(kind) => is_on(&choice, kind),
            None => on_for_nothing(&choice).any(|on| on == name),
        };
        json!({ "name": name, "enabled": enabled, "trial_expired": false })
    });
    Ok(Json(shown.collect()))
}

fn is_here(asking: &Administrator, kind: ChosenKind) -> bool {
    kind != ChosenKind::Push || carrier(&asking.web).is_some()
}

fn on_for_nothing(choice: &MfaChoice) -> impl Iterator<Item = &str> {
    let names = choice.notes.get(ON_FOR_NOTHING).map(String::as_str).unwrap_or_default();
    names.split(' ').filter(|name| !name.is_empty())
}

/// A phone is on if it is reached in any way.
fn is_on(choice: &MfaChoice, kind: ChosenKind) -> bool {
    if kind == ChosenKind::Sms { ways_of_phones(choice).next().is_some() } else { choice.allows(kind) }
}

fn ways_of_phones(choice: &MfaChoice) -> impl Iterator<Item = &'static str> {
    let ways = [(ChosenKind::Sms, "sms"), (ChosenKind::Voice, "voice")];
    ways.into_iter().filter(|(kind, _)| choice.allows(*kind)).map(|(_, name)| name)
}

/// Whether a factor is on.
#[derive(Serialize, Deserialize)]
pub(super) struct Switch {
    enabled: bool,
}

pub(super) async fn switch(
    asking: Administrator,
    Path(name): Path<String>,
    Sent(Switch { enabled }): Sent<Switch>,
) -> Result<Json<Switch>, Refused> {
    asking.must_have(&["update:guardian_factors"])?;
    let name = if name == "phone" { "sms" } else { name.as_str() };
    let known = FACTORS.into_iter().find(|(known, _)| *known == name);
    let (name, kind) = known.ok_or_else(|| Refused::not_found("The factor does not exist."))?;
    let mut choice = asking.choice().await?;
    if !kind.is_some_and(|kind| is_here(&asking, kind)) {
        let others = on_for_nothing(&choice).filter(|other| *other != name);
        let names: Vec<&str> = others.chain(enabled.then_some(name)).collect();
        let names = names.join(" ");
        choice.notes.insert(ON_FOR_NOTHING.to_owned(), names);
    }
    match kind {
        Some(ChosenKind::Sms) => switch_phones(&mut choice, enabled),
        Some(kind) => choice.set(kind, enabled),
        None => {}
    }
    put(&asking, choice).await?;
    Ok(Json(Switch { enabled }))
}

/// Phones come back as they went.
fn switch_phones(choice: &mut MfaChoice, enabled: bool) {
    let ways = if enabled {
        choice.notes.remove(MESSAGE_TYPES).unwrap_or_else(|| "sms voice".to_owned())
    } else {
        let ways: Vec<&str> = ways_of_phones(choice).collect();
        if ways.is_empty() {
            return;
        }
        choice.notes.insert(MESSAGE_TYPES.to_owned(), ways.join(" "));
        String::new()
    };
    set_ways(choice, &ways);
}

fn set_ways(choice: &mut MfaChoice, ways: &str) {
    let has = |name: &str| ways.split(' ').any(|way| way == name);
    choice.set(ChosenKind::Sms, has("sms"));
    choice.set(ChosenKind::Voice, has("voice"));
}

/// What text messages say.
#[derive(Serialize, Deserialize)]
pub(super) struct Templates {
    enrollment_message: String,
    verification_message: String,
}

pub(super) async fn templates(asking: Administrator, Path(kind): Path<String>) -> Result<Json<Templates>, Refused> {
    asking.must_have(&["read:guardian_factors"])?;
    must_be_phone(&kind)?;
    let texts = asking.choice().await?.texts;
    let usual = || MfaTexts { enrolment: texts::USUAL.to_owned(), verification: texts::USUAL.to_owned() };
    let MfaTexts { enrolment, verification } = texts.unwrap_or_else(usual);
    Ok(Json(Templates { enrollment_message: enrolment, verification_message: verification }))
}

pub(super) async fn put_templates(
    asking: Administrator,
    Path(kind): Path<String>,
    Sent(templates): Sent<Templates>,
) -> Result<Json<Templates>, Refused> {
    asking.must_have(&["update:guardian_factors"])?;
    must_be_phone(&kind)?;
    for (name, text, message) in [
        ("enrollment_message", &templates.enrollment_message, Message::Enrolment),
        ("verification_message", &templates.verification_message, Message::Verification),
    ] {
        if let Some(why) = texts::fault(text, message) {
            return Err(Refused::bad(format!("Payload validation error: {name} cannot be used: {why}")));
        }
    }
    let mut choice = asking.choice().await?;
    choice.texts = Some(MfaTexts {
        enrolment: templates.enrollment_message.clone(),
        verification: templates.verification_message.clone(),
    });
    put(&asking, choice).await?;
    Ok(Json(templates))
}

fn must_be_phone(kind: &str) -> Result<(), Refused> {
    if ["sms", "phone"].contains(&kind) { Ok(()) } else { Err(Refused::not_found("The factor has no such settings.")) }
}

/// How phones get codes.
#[derive(Serialize, Deserialize)]
pub(super) struct MessageTypes {
    message_types: Vec<String>,
}

pub(super) async fn message_types(asking: Administrator) -> Result<Json<MessageTypes>, Refused> {
    asking.must_have(&["read:guardian_factors"])?;
    let choice = asking.choice().await?;
    let message_types = match choice.notes.get(MESSAGE_TYPES) {
        Some(ways) => ways.split(' ').map(str::to_owned).collect(),
        None => ways_of_phones(&choice).map(str::to_owned).collect(),
    };
    Ok(Json(MessageTypes { message_types }))
}

pub(super) async fn put_message_types(
    asking: Administrator,
    Sent(types): Sent<MessageTypes>,
) -> Result<Json<MessageTypes>, Refused> {
    asking.must_have(&["update:guardian_factors"])?;
    let are_known = types.message_types.iter().all(|kind| ["sms", "voice"].contains(&kind.as_str()));
    if types.message_types.is_empty() || !are_known {
        return Err(Refused::bad("Payload validation error: message_types has sms, voice or both."));
    }
    let mut choice = asking.choice().await?;
    let ways = types.message_types.join(" ");
    if choice.notes.contains_key(MESSAGE_TYPES) {
        // Phones are off: this is how they will come back.
        choice.notes.insert(MESSAGE_TYPES.to_owned(), ways);
    } else {
        set_ways(&mut choice, &ways);
    }
    put(&asking, choice).await?;
    Ok(Json(types))
}

/// Who carries text messages is the operator's to say, for all tenants.
#[derive(Serialize, Deserialize)]
pub(super) struct Provider {
    provider: String,
}

const OURS: &str = "auth0";

pub(super) async fn selected_provider(
    asking: Administrator,
    Path(kind): Path<String>,
) -> Result<Json<Provider>, Refused> {
    asking.must_have(&["read:guardian_factors"])?;
    must_be_phone(&kind)?;
    Ok(Json(Provider { provider: OURS.to_owned() }))
}

pub(super) async fn put_selected_provider(
    asking: Administrator,
    Path(kind): Path<String>,
    Sent(provider): Sent<Provider>,
) -> Result<Json<Provider>, Refused> {
    asking.must_have(&["update:guardian_factors"])?;
    must_be_phone(&kind)?;
    if provider.provider == OURS { Ok(Json(provider)) } else { Err(operators()) }
}

pub(super) async fn twilio(asking: Administrator, Path(kind): Path<String>) -> Result<Json<Value>, Refused> {
    asking.must_have(&["read:guardian_factors"])?;
    must_be_phone(&kind)?;
    Ok(Json(json!({ "from": null, "messaging_service_sid": null, "auth_token": null, "sid": null })))
}

pub(super) async fn put_twilio(asking: Administrator, Path(kind): Path<String>) -> Result<Json<Value>, Refused> {
    asking.must_have(&["update:guardian_factors"])?;
    must_be_phone(&kind)?;
    Err(operators())
}

fn operators() -> Refused {
    let text = "The operator of this server says in its configuration who carries messages.";
    Refused::new(StatusCode::BAD_REQUEST, "operation_not_supported", text)
}

pub(super) async fn policies(asking: Administrator) -> Result<Json<Vec<String>>, Refused> {
    asking.must_have(&["read:mfa_policies", "read:guardian_factors"])?;
    let choice = asking.choice().await?;
    let policies = choice.notes.get(POLICIES).map(String::as_str).unwrap_or_default();
    Ok(Json(policies.split(' ').filter(|policy| !policy.is_empty()).map(str::to_owned).collect()))
}

pub(super) async fn put_policies(
    asking: Administrator,
    Sent(policies): Sent<Vec<String>>,
) -> Result<Json<Vec<String>>, Refused> {
    asking.must_have(&["update:mfa_policies", "update:guardian_factors"])?;
    match policies.as_slice() {
        [] => {}
        [policy] if ASKING.contains(&policy.as_str()) => {}
        _ => {
            return Err(Refused::bad(
                "Payload validation error: there is all-applications, confidence-score, or no policy.",
            ));
        }
    }
    let mut choice = asking.choice().await?;
    choice.notes.insert(POLICIES.to_owned(), policies.join(" "));
    put(&asking, choice).await?;
    Ok(Json(policies))
}

async fn put(asking: &Administrator, choice: MfaChoice) -> Result<(), Refused> {
    Ok(asking.web.engine().run(&asking.caller(), None, &PutMfaChoice { choice }).await?)
}
