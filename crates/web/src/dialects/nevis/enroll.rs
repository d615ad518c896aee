//! `POST /api/v1/users/enroll`: a phone, or a set of recovery codes, for a user who is made if there is none of that name. A phone
//! can be used once its first code has come back (`verification.rs`).

use super::{
    SERVICE,
    error::{self, Refused},
    message::own_text,
    params::{Call, Identity, Params},
    settings::StatusTokenPlace,
    tokens::Issuer,
    user_object::UserObject,
};
use crate::{Web, first_step};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use countersign_engine::{
    Caller, UserRef,
    commands::{EnrolFactor, MakeRecoveryCodes, Once, OwnText, WithdrawFactorCode},
};
use countersign_model::{Address, Channel, User, VerificationId};
use serde::Serialize;

/// The answer for a phone: the user, and how to verify the code.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhoneEnrolled {
    #[serde(flatten)]
    user: UserObject,
    enrollment: Enrollment,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Enrollment {
    transaction_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_token: Option<String>,
}

/// The answer for recovery codes, the only one that ever has them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecoveryEnrolled {
    user_id: String,
    username: Option<String>,
    status: &'static str,
    recovery_codes: Vec<String>,
}

/// 62 characters: 95 bits in 16 of them.
const RECOVERY_ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const RECOVERY_LENGTH: u8 = 16;

pub(super) async fn enroll(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let channel = call.params.text("channel")?.unwrap_or("app");
    call.asker.must_allow("enroll", channel)?;
    match channel {
        "sms" => enroll_phone(&web, &call).await,
        "recovery" => enroll_recovery(&web, &call).await,
        other @ ("app" | "push" | "fido2") => {
            call.params.identity()?;
            Err(Refused::channel(other))
        }
        _ => Err(Refused::parameter("channel", "be app, push, sms, fido2 or recovery")),
    }
}

async fn enroll_phone(web: &Web, call: &Call) -> Result<Response, Refused> {
    let (engine, settings) = (web.engine(), &web.dialects().nevis);
    let identity = call.params.identity()?;
    let to = phone(&call.params)?;
    let text = text(&call.params, settings.code_digits.length())?;
    let user = call.asker.must_be_for(web, identity).await?;
    let command = EnrolFactor {
        user: reference(user.as_ref(), identity),
        service: SERVICE,
        channel: Channel::Sms,
        to,
        name: None,
        locale: None,
        overrides: settings.overrides(text),
        replaces_pending: true,
    };
    let paid = Once { command, token: call.asker.spends() };
    let caller = &call.asker.caller;
    let enrolling = engine.run(caller, None, &paid).await.map_err(|error| Refused::of(&error, engine.now()))?;
    let verification = &enrolling.started.verification;
    must_leave(web, caller, verification.id, enrolling.user_is_new).await?;

    let base_url = &call.asker.instance.base_url;
    let issuer = Issuer { web, base_url, tenant: caller.tenant(), now: enrolling.started.at };
    let token = issuer.status(verification)?;
    let (inside, at_top) = match settings.status_token_place {
        StatusTokenPlace::Both => (Some(token.clone()), Some(token)),
        StatusTokenPlace::Enrollment => (Some(token), None),
        StatusTokenPlace::Top => (None, Some(token)),
    };
    let transaction_id = verification.id.to_uuid();
    let answer = PhoneEnrolled {
        user: UserObject::of(web, caller, &enrolling.user).await?,
        transaction_id: at_top.is_some().then(|| transaction_id.clone()),
        enrollment: Enrollment { transaction_id, status_token: inside },
        status_token: at_top,
    };
    Ok((settings.created_status.of_enrolment(), Json(answer)).into_response())
}

async fn enroll_recovery(web: &Web, call: &Call) -> Result<Response, Refused> {
    let (engine, settings) = (web.engine(), &web.dialects().nevis);
    let identity = call.params.identity()?;
    let recovery_username = call.params.required("recovery_username")?;
    let user = call.asker.must_be_for(web, identity).await?;
    let name = match &user {
        Some(user) => engine.name_of(user).map_err(|error| Refused::of(&error, engine.now()))?,
        None => identity.username.map(str::to_owned),
    };
    if name.as_deref() != Some(recovery_username) {
        return Err(Refused::parameter("recovery_username", "be the username of the user"));
    }
    let command = MakeRecoveryCodes {
        user: reference(user.as_ref(), identity),
        count: settings.recovery_codes,
        length: RECOVERY_LENGTH,
        alphabet: RECOVERY_ALPHABET,
    };
    let caller = &call.asker.caller;
    let made = engine.run(caller, None, &Once { command, token: call.asker.spends() }).await;
    let made = made.map_err(|error| Refused::of(&error, engine.now()))?;
    let user = UserObject::of(web, caller, &made.user).await?;
    let answer = RecoveryEnrolled {
        user_id: user.user_id,
        username: user.username,
        status: user.status,
        recovery_codes: made.codes.iter().map(|code| dashed(code)).collect(),
    };
    Ok((settings.created_status.of_enrolment(), Json(answer)).into_response())
}

fn reference(user: Option<&User>, identity: Identity<'_>) -> UserRef {
    match user {
        Some(user) => UserRef::Id(user.id),
        None => UserRef::Named(identity.username.unwrap_or_default().to_owned()),
    }
}

/// `+`, then 8 to 15 digits (E.164); blanks, dashes and brackets between them are nobody's business, and neither is whether the
/// country has such a number. What costs whoever is called is refused: that is the vendor's "business rule".
fn phone(params: &Params) -> Result<Address, Refused> {
    let text = params.text("phone")?.filter(|text| !text.is_empty()).ok_or(error::PHONE_REQUIRED)?;
    let bare: String = text.chars().filter(|character| !" -()".contains(*character)).collect();
    let digits = bare.strip_prefix('+').ok_or(error::INVALID_PHONE)?;
    if !(8..=15).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(error::INVALID_PHONE);
    }
    Address::of_msisdn(digits).map_err(|_| error::INVALID_PHONE)
}

/// The caller's own words around the code.
pub(super) fn text(params: &Params, code_length: u8) -> Result<Option<OwnText>, Refused> {
    let wrong = |why: &str| Refused::unprocessable("invalid_message", format!("message {why}."));
    params.text("message")?.map(|text| own_text(text, code_length).map_err(wrong)).transpose()
}

/// Waits a moment for the SMS gateway. A code that no gateway took is taken back: it is as if it had never been asked for.
pub(super) async fn must_leave(
    web: &Web,
    caller: &Caller,
    verification: VerificationId,
    with_user: bool,
) -> Result<(), Refused> {
    let code = WithdrawFactorCode { verification, with_user, with_recovery_codes: false };
    match first_step::leaves(web, caller, &code, web.dialects().nevis.gateway_wait).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(error::SMS_DELIVERY_FAILED),
        Err(error) => Err(Refused::of(&error, web.engine().now())),
    }
}

/// Four characters, a dash, four characters, …
fn dashed(code: &str) -> String {
    let characters: Vec<char> = code.chars().collect();
    let groups: Vec<String> = characters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_codes_have_four_groups_of_four() {
        assert_eq!(dashed("aB3d9KxZ77qQLm2P"), "aB3d-9KxZ-77qQ-Lm2P");
    }
}
