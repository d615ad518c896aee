//! `POST /mfa/challenge`: asks a user for the second factor. An app needs no asking; an address gets a fresh code.

use super::{
    appliance_mfa,
    auth::{self, Bearer},
    choice,
    error::{INVALID_REQUEST, Refused},
    heads,
    issuer::Issuer,
    names::{self, Way},
    params::{Call, Params},
    settings::UnenrolledError,
    texts,
};
use crate::{Web, first_step};
use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use countersign_engine::commands::{
    CodeSent, PushSent, SecondFactorCode, SendPush, SendSecondFactorCode, WithdrawFactorCode,
};
use countersign_engine::tokens::{Transaction, Unreadable};
use countersign_model::{Channel, Factor, MfaChoice};
use serde_json::json;

/// Which kinds of challenge a client can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Types {
    otp: bool,
    oob: bool,
}

pub(super) async fn challenge(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let Call { parts, params } = call;
    let client = auth::client(&web, &parts, &params).await?;
    let token = params.required("mfa_token")?;
    let transaction = match auth::open(&web, token).await? {
        Ok(Bearer::LogIn(transaction)) => transaction,
        Ok(Bearer::Factors(_)) => return Err(Refused::malformed_mfa_token()),
        Err(why) => return Err(Refused::unreadable_mfa_token(why)),
    };
    if transaction.client != client.id {
        return Err(Refused::foreign_mfa_token());
    }
    let types = Types::of(&params)?;
    let factors = web.engine().factors_of(&auth::caller(&transaction), transaction.user).await?;
    let choice = choice::of(&web, transaction.tenant).await?;
    let (factor, way) = chosen(&web, &params, types, &factors, &choice)?;
    match way {
        Way::Totp => Ok(Json(json!({ "challenge_type": "otp" })).into_response()),
        Way::Code(channel) => {
            let wording =
                texts::wording(&web, &transaction, &parts.headers, Some(channel), texts::Message::Verification).await?;
            send(&web, &transaction, factor, channel, wording).await
        }
        Way::Push => ask(&web, &Issuer::of(&parts, &web), &transaction, factor).await,
        Way::Recovery => Err(invalid_authenticator()),
    }
}

/// The same, where the path begins with the host that the request is for.
pub(super) async fn challenge_with_domain(
    State(web): State<Web>,
    Path(domain): Path<String>,
    call: Call,
) -> Result<Response, Refused> {
    let issuer = Issuer::of(&call.parts, &web);
    if issuer.0.trim_end_matches('/').ends_with(&format!("//{domain}")) {
        challenge(State(web), call).await
    } else {
        Err(Refused::new("not_found", "Not found."))
    }
}

/// The answer waits until the question is on its way.
async fn ask(web: &Web, issuer: &Issuer, transaction: &Transaction, factor: &Factor) -> Result<Response, Refused> {
    let limits = &web.dialects().auth0.limits;
    let command = SendPush { transaction, factor: factor.id, limits };
    match web.engine().run(&auth::caller(transaction), None, &command).await? {
        PushSent::Asked { waits, ends_at, app, level } => {
            let body = appliance_mfa::question(web, issuer, &waits, &app, ends_at)?;
            let url = appliance_mfa::carrier(web).unwrap_or_default();
            if !web.engine().carry_push(transaction.tenant, url, body).await {
                return Err(Refused::new("bad_gateway", "The push notification could not be sent.").limited(level));
            }
            let oob_code = web.engine().seal_push_on_its_way(&waits, ends_at)?;
            let body = json!({ "challenge_type": "oob", "oob_code": oob_code });
            Ok(heads::limited(Json(body).into_response(), level))
        }
        PushSent::Spent => Err(Refused::unreadable_mfa_token(Unreadable::Malformed)),
        PushSent::NoSuchFactor => Err(invalid_authenticator()),
        PushSent::TooMany(level) => Err(Refused::too_many_pushes(level)),
    }
}

async fn send(
    web: &Web,
    transaction: &Transaction,
    factor: &Factor,
    channel: Channel,
    wording: countersign_engine::commands::CodeWording,
) -> Result<Response, Refused> {
    let limits = &web.dialects().auth0.limits;
    let command = SendSecondFactorCode { transaction, factor: factor.id, channel, wording, limits };
    match web.engine().run(&auth::caller(transaction), None, &command).await? {
        SecondFactorCode::Sent(sent) => {
            must_leave(web, transaction, &sent, false).await?;
            let oob_code = web.engine().seal_code_on_its_way(&sent.code, sent.ends_at)?;
            let body = json!({ "challenge_type": "oob", "oob_code": oob_code, "binding_method": "prompt" });
            Ok(heads::limited(Json(body).into_response(), sent.level))
        }
        SecondFactorCode::Spent => Err(Refused::unreadable_mfa_token(Unreadable::Malformed)),
        SecondFactorCode::NoSuchFactor => Err(invalid_authenticator()),
        SecondFactorCode::TooMany(level) if channel == Channel::Email => Err(Refused::too_many_mails(level)),
        SecondFactorCode::TooMany(level) => Err(Refused::too_many_messages(level)),
    }
}

/// Waits a moment for whoever carries a code. With one that nobody took what was made for it goes, too.
pub(super) async fn must_leave(
    web: &Web,
    transaction: &Transaction,
    sent: &CodeSent,
    with_recovery_codes: bool,
) -> Result<(), Refused> {
    let verification = sent.code.verification;
    let code = WithdrawFactorCode { verification, with_user: false, with_recovery_codes };
    let patience = web.dialects().auth0.gateway_wait;
    if first_step::leaves(web, &auth::caller(transaction), &code, patience).await? {
        Ok(())
    } else {
        Err(Refused::not_sent().limited(sent.level))
    }
}

fn invalid_authenticator() -> Refused {
    Refused::new("invalid_authenticator", "The authenticator is unknown or not active.")
}

/// The factor that is meant, or the best one of those that fit: a push first, then an app, a text message, a call, a mail; of equals
/// the one that was used last.
fn chosen<'a>(
    web: &Web,
    params: &Params,
    types: Types,
    factors: &'a [Factor],
    choice: &MfaChoice,
) -> Result<(&'a Factor, Way), Refused> {
    let id = params.text("authenticator_id")?;
    let preferred = match params.text("oob_channel")? {
        None => None,
        Some("auth0") => Some(Way::Push),
        Some(name) => {
            let known = Channel::of_second_factor(&name.to_ascii_lowercase());
            let unknown = || Refused::new(INVALID_REQUEST, format!("Unknown OOB channel: {name}"));
            Some(Way::Code(known.ok_or_else(unknown)?))
        }
    };
    let active: Vec<&Factor> = factors.iter().filter(|factor| factor.is_active() && factor.is_primary()).collect();
    if let Some(id) = id {
        let (factor, way) = names::find(web.engine(), factors, id)
            .filter(|(factor, way)| factor.is_active() && *way != Way::Recovery)
            .ok_or_else(invalid_authenticator)?;
        if !choice::allows(choice, way) || !types.allow(way) {
            return Err(types.unsupported(&[way]));
        }
        return Ok((factor, way));
    }
    if active.is_empty() {
        return Err(not_enrolled(web));
    }
    let ways = active.iter().flat_map(|factor| Way::of(factor).into_iter().map(move |way| (*factor, way)));
    let ways: Vec<(&Factor, Way)> = ways.filter(|(_, way)| choice::allows(choice, *way)).collect();
    let fitting = ways.iter().filter(|(_, way)| types.allow(*way)).copied();
    fitting
        .min_by_key(|(factor, way)| {
            let last_used = factor.last_used_at.map_or(0, countersign_model::Timestamp::as_ms);
            (preferred != Some(*way), rank(*way), std::cmp::Reverse(last_used))
        })
        .ok_or_else(|| types.unsupported(&ways.iter().map(|(_, way)| *way).collect::<Vec<_>>()))
}

const fn rank(way: Way) -> u8 {
    match way {
        Way::Push => 0,
        Way::Totp => 1,
        Way::Code(Channel::Sms) => 2,
        Way::Code(Channel::Voice) => 3,
        Way::Code(Channel::Email) => 4,
        Way::Code(Channel::Whatsapp | Channel::Telegram) => 5,
        Way::Recovery => 6,
    }
}

fn not_enrolled(web: &Web) -> Refused {
    let text = "User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator.";
    match web.dialects().auth0.unenrolled_error {
        UnenrolledError::AssociationRequired => Refused::new("association_required", text),
        UnenrolledError::UnsupportedChallengeType => Refused::unsupported_challenge_type(text),
    }
}

impl Types {
    fn of(params: &Params) -> Result<Self, Refused> {
        let Some(text) = params.text("challenge_type")? else { return Ok(Self { otp: true, oob: true }) };
        let words: Vec<String> = text.split_whitespace().map(str::to_ascii_lowercase).collect();
        let has = |word: &str| words.iter().any(|other| other == word);
        let types = Self { otp: has("otp"), oob: has("oob") };
        if types.otp || types.oob { Ok(types) } else { Err(unsupported(text, "otp oob")) }
    }

    const fn allow(self, way: Way) -> bool {
        match way {
            Way::Totp => self.otp,
            Way::Code(_) | Way::Push => self.oob,
            Way::Recovery => false,
        }
    }

    fn unsupported(self, ways: &[Way]) -> Refused {
        let asked: Vec<&str> =
            [(self.otp, "otp"), (self.oob, "oob")].into_iter().filter(|it| it.0).map(|it| it.1).collect();
        let mut has: Vec<&str> = ways.iter().map(|way| way.authenticator_type()).collect();
        has.sort_unstable();
        has.dedup();
        unsupported(&asked.join(" "), &has.join(" "))
    }
}

fn unsupported(asked: &str, has: &str) -> Refused {
    let has = if has.is_empty() { "none" } else { has };
    Refused::unsupported_challenge_type(format!("Requested challenge types: {asked}. Supported by the user: {has}"))
}
