//! `POST /mfa/associate`: the first step of a new second factor. The second is its first right code, at `/oauth/token`.

use super::{
    appliance_mfa,
    auth::{self, Bearer},
    error::{INVALID_REQUEST, Refused},
    heads,
    issuer::Issuer,
    mfa_challenge::must_leave,
    params::{Call, Params},
    texts,
};
use crate::Web;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use countersign_engine::{
    UserRef,
    commands::{EnrolSecondFactor, NewFactor, SecondFactorEnrolled},
    tokens::{DeviceTicket, PushOnItsWay, Transaction},
};
use countersign_model::{Address, Channel, FactorId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

pub(super) async fn associate(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let transaction = Bearer::of(&web, &call.parts.headers).await?.with_scope("enroll")?;
    let factor = factor(&web, &transaction, &call.params).await?;
    let channel = match &factor {
        NewFactor::Totp | NewFactor::Push => None,
        NewFactor::Address { channel, .. } => Some(*channel),
    };
    let wording = texts::wording(&web, &transaction, &call.parts.headers, channel, texts::Message::Enrolment).await?;
    let limits = &web.dialects().auth0.limits;
    let command = EnrolSecondFactor { transaction: &transaction, factor, wording, limits };
    let caller = auth::caller(&transaction);
    let (mut body, recovery_code, level) = match web.engine().run(&caller, None, &command).await? {
        SecondFactorEnrolled::Totp { secret, recovery_code } => {
            let uri = barcode_uri(&web, &transaction, &secret).await?;
            let body = json!({ "authenticator_type": "otp", "secret": *secret, "barcode_uri": uri });
            (body, recovery_code, None)
        }
        SecondFactorEnrolled::Push { factor, recovery_code } => {
            (push(&web, &Issuer::of(&call.parts, &web), &transaction, factor).await?, recovery_code, None)
        }
        SecondFactorEnrolled::Address { sent, recovery_code } => {
            must_leave(&web, &transaction, &sent, recovery_code.is_some()).await?;
            let oob_code = web.engine().seal_code_on_its_way(&sent.code, sent.ends_at)?;
            let channel = channel.map_or("", Channel::name);
            let body = json!({
                "authenticator_type": "oob", "binding_method": "prompt", "oob_channel": channel, "oob_code": oob_code,
            });
            (body, recovery_code, Some(sent.level))
        }
        SecondFactorEnrolled::HasOne => return Err(Refused::already_enrolled()),
        SecondFactorEnrolled::Spent => {
            return Err(Refused::bad_bearer(countersign_engine::tokens::Unreadable::Malformed));
        }
        SecondFactorEnrolled::NotChosen => return Err(not_chosen()),
        SecondFactorEnrolled::TooMany(level) if channel == Some(Channel::Email) => {
            return Err(Refused::too_many_mails(level));
        }
        SecondFactorEnrolled::TooMany(level) => return Err(Refused::too_many_messages(level)),
    };
    if let (Some(code), Some(object)) = (recovery_code, body.as_object_mut()) {
        object.insert("recovery_codes".to_owned(), json!([code]));
    }
    Ok(level.into_iter().fold(Json(body).into_response(), heads::limited))
}

/// The app reads out of the picture where it may register, and with what; until it has, the client waits.
async fn push(web: &Web, issuer: &Issuer, transaction: &Transaction, factor: FactorId) -> Result<Value, Refused> {
    let engine = web.engine();
    let (tenant, ends_at) = (transaction.tenant, engine.now().plus_seconds(Transaction::LIFE_OF_A_CODE_SECONDS));
    let waits = PushOnItsWay { transaction: transaction.id, tenant, factor, push: None };
    let ticket = engine.device_ticket(&DeviceTicket { tenant, factor, push: None, ends_at });
    let label = label(web, transaction).await?;
    let base = encoded(&issuer.at(appliance_mfa::BASE));
    Ok(json!({
        "authenticator_type": "oob",
        "barcode_uri": format!("otpauth://totp/{label}?enrollment_tx_id={ticket}&base_url={base}"),
        "oob_channel": "auth0",
        "oob_code": engine.seal_push_on_its_way(&waits, ends_at)?,
    }))
}

fn not_chosen() -> Refused {
    let text = "This kind of factor is not enabled for the tenant";
    Refused::unsupported_challenge_type(text).with_status(axum::http::StatusCode::BAD_REQUEST)
}

async fn factor(web: &Web, transaction: &Transaction, params: &Params) -> Result<NewFactor, Refused> {
    let unknown = |what: &str, name: &str| Refused::new(INVALID_REQUEST, format!("Unknown {what}: {name}"));
    match params.texts("authenticator_types")?.as_slice() {
        ["otp"] => return Ok(NewFactor::Totp),
        ["oob"] => {}
        [other] => return Err(unknown("authenticator type", other)),
        _ => return Err(Refused::new(INVALID_REQUEST, "authenticator_types must have exactly one type")),
    }
    let channels = params.texts("oob_channels")?;
    let channel = match channels.as_slice() {
        ["auth0"] if appliance_mfa::carrier(web).is_some() => return Ok(NewFactor::Push),
        ["auth0"] => return Err(not_chosen()),
        [name] => Channel::of_second_factor(name).ok_or_else(|| unknown("OOB channel", name))?,
        _ => return Err(Refused::new(INVALID_REQUEST, "oob_channels must have exactly one channel")),
    };
    let to = match channel {
        Channel::Sms | Channel::Voice | Channel::Whatsapp | Channel::Telegram => {
            let number = params.required("phone_number")?;
            Address::parse(channel, number).map_err(|_| Refused::bad_phone())?
        }
        Channel::Email => {
            let given = params.text("email")?.map(str::to_owned);
            let mail = match given {
                Some(mail) => mail,
                None => own_mail(web, transaction).await?.ok_or_else(|| Refused::missing("email"))?,
            };
            Address::parse(channel, &mail).map_err(|_| Refused::new(INVALID_REQUEST, "The email is invalid."))?
        }
    };
    Ok(NewFactor::Address { to, channel })
}

/// The mailbox of the user's profile.
async fn own_mail(web: &Web, transaction: &Transaction) -> Result<Option<String>, Refused> {
    let user = web.engine().user(&auth::caller(transaction), &UserRef::Id(transaction.user)).await?;
    let mail = web.engine().email_of(&user)?;
    Ok(mail.or(web.engine().name_of(&user)?.filter(|name| name.contains('@'))))
}

/// RFC 3986, 2.3: what need not be encoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What an app reads out of a QR code (the key URI format).
pub(super) async fn barcode_uri(web: &Web, transaction: &Transaction, secret: &str) -> Result<String, Refused> {
    let tenant = encoded(&web.engine().name_of_tenant(transaction.tenant).await?);
    let label = label(web, transaction).await?;
    Ok(format!("otpauth://totp/{label}?secret={secret}&issuer={tenant}&algorithm=SHA1&digits=6&period=30"))
}

/// What the app calls it: the tenant and the user.
async fn label(web: &Web, transaction: &Transaction) -> Result<String, Refused> {
    let caller = auth::caller(transaction);
    let user = web.engine().user(&caller, &UserRef::Id(transaction.user)).await?;
    let name = web.engine().name_of(&user)?.unwrap_or_else(|| super::names::name_of_user(user.id));
    let tenant = web.engine().name_of_tenant(transaction.tenant).await?;
    Ok(format!("{}:{}", encoded(&tenant), encoded(&name)))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}
