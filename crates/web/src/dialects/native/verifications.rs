//! `POST /v1/verifications` and `GET /v1/verifications/{id}`, and the object that both answer with.

use super::{
    Problem, ProblemObject,
    auth::Authenticated,
    extract::{Input, Segment, object},
    last_line::{self, WireWebOtp},
};
use crate::{Web, time};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use countersign_engine::{
    Engine,
    commands::{Decided, Overrides, ServiceRef, StartVerification},
};
use countersign_model::{Address, Channel, Code, Payment, State as Standing, VerificationId, payment::BadPayment};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a verification is started with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StartRequest {
    /// A phone number in international form, or an e-mail address.
    #[schema(example = "+34666666111")]
    to: String,
    /// How the code is sent.
    channel: WireChannel,
    /// The service whose rules apply; `default` if left out.
    #[schema(example = "default")]
    service: Option<String>,
    /// Your own code instead of a generated one: 4 to 16 letters and digits.
    #[schema(example = "481516")]
    code: Option<String>,
    /// The language of the message (BCP 47). If left out: that of the number's country where the service wants that, else the
    /// service's.
    #[schema(example = "es-ES")]
    locale: Option<String>,
    /// The site whose pages may read the code from a text message, in place of the service's.
    #[serde(default, deserialize_with = "object")]
    web_otp: Option<WireWebOtp>,
    /// Or the Android app that may: its 11 characters for the SMS Retriever.
    #[schema(example = "FA+9qCX9VSu")]
    app_hash: Option<String>,
    /// Up to 10 texts that come back in every answer. Put no personal data here.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// What the person approves with the code. The message shows it, and the check must repeat it.
    #[serde(default, deserialize_with = "object")]
    payment: Option<WirePayment>,
}

/// How a code is sent.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum WireChannel {
    /// A text message.
    Sms,
    /// A call that reads the code out.
    Voice,
    /// A mail.
    Email,
    /// A message by WhatsApp.
    Whatsapp,
    /// A message by Telegram.
    Telegram,
}

impl From<WireChannel> for Channel {
    fn from(channel: WireChannel) -> Self {
        match channel {
            WireChannel::Sms => Self::Sms,
            WireChannel::Voice => Self::Voice,
            WireChannel::Email => Self::Email,
            WireChannel::Whatsapp => Self::Whatsapp,
            WireChannel::Telegram => Self::Telegram,
        }
    }
}

impl From<Channel> for WireChannel {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Sms => Self::Sms,
            Channel::Voice => Self::Voice,
            Channel::Email => Self::Email,
            Channel::Whatsapp => Self::Whatsapp,
            Channel::Telegram => Self::Telegram,
        }
    }
}

/// One payment.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WirePayment {
    /// Who gets the money: at most 64 characters.
    #[schema(example = "Books & Co")]
    payee: String,
    /// How much, as a decimal number with a point.
    #[schema(example = "12.50")]
    amount: String,
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    currency: String,
}

impl WirePayment {
    pub(super) fn parse(&self) -> Result<Payment, Problem> {
        Payment::new(&self.payee, &self.amount, &self.currency).map_err(|error| {
            let field = match error {
                BadPayment::Payee => "/payment/payee",
                BadPayment::Amount => "/payment/amount",
                BadPayment::Currency => "/payment/currency",
            };
            Problem::field(field, format!("is wrong: {error}"))
        })
    }
}

/// A verification as it stands.
#[derive(Serialize, ToSchema)]
pub(super) struct VerificationObject {
    /// Its name.
    #[schema(example = "ver_01kb0c5m3f8e9r7t6y5u4i3o2p")]
    id: String,
    /// `pending`, `approved`, `denied`, `exhausted`, `cancelled` or `expired`.
    #[schema(example = "pending")]
    status: &'static str,
    /// The service it was started under.
    service: String,
    /// Where its messages go, normalised.
    #[schema(example = "+34666666111")]
    to: String,
    /// The way of the latest message that was asked for.
    channel: WireChannel,
    /// Country and kind of line, for phone numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<PhoneObject>,
    /// How many characters the code has; null for your own code.
    code_length: Option<u8>,
    /// What the code is made of; null for your own code.
    code_alphabet: Option<&'static str>,
    /// How many more wrong codes it survives; null means any number.
    attempts_left: Option<u32>,
    /// How many messages were asked for.
    sends: u32,
    /// The language of its messages.
    locale: String,
    /// As it was given.
    metadata: BTreeMap<String, String>,
    /// As it was given.
    payment: Option<WirePayment>,
    /// When it began.
    #[schema(format = DateTime)]
    created_at: String,
    /// When its code stops working; null means never.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// When it ended; null while it is pending.
    #[schema(format = DateTime)]
    decided_at: Option<String>,
}

/// What the numbering plan tells of a phone number.
#[derive(Serialize, ToSchema)]
struct PhoneObject {
    /// ISO 3166-1 alpha-2; null for numbers of no country.
    #[schema(example = "ES")]
    country: Option<String>,
    /// `mobile`, `fixed`, `fixed_or_mobile`, `voip` or `unknown`.
    #[schema(value_type = String, example = "mobile")]
    line: countersign_model::address::LineType,
}

impl VerificationObject {
    pub(super) fn of(engine: &Engine, decided: Decided) -> Result<Self, Problem> {
        let (verification, at) = (decided.verification, decided.at);
        let opened = |error| Problem::of(&error, at);
        let to = engine.address_of(&verification).map_err(opened)?;
        let payment = engine.payment_of(&verification).map_err(opened)?;
        let is_drawn = matches!(verification.code, countersign_model::verification::CodeSource::Derived { .. });
        let shape = is_drawn.then_some(verification.policy.code);
        // It counts as expired from the moment its time ran out, whether or not that is written down yet.
        let has_expired = verification.state_at(at) == Standing::Expired;
        let decided_at = verification.decided_at.or(verification.expires_at().filter(|_| has_expired));
        Ok(Self {
            id: verification.id.to_string(),
            status: verification.state_at(at).name(),
            to: to.as_str().to_owned(),
            channel: verification.channel.into(),
            code_length: shape.map(countersign_model::CodeShape::length),
            code_alphabet: shape.map(|shape| shape.alphabet().name()),
            attempts_left: verification.attempts_left(),
            sends: verification.sends,
            payment: payment.map(|payment| WirePayment {
                payee: payment.payee().to_owned(),
                amount: payment.amount().to_owned(),
                currency: payment.currency().to_owned(),
            }),
            created_at: time::text(verification.created_at),
            expires_at: verification.expires_at().map(time::text),
            decided_at: decided_at.map(time::text),
            phone: verification.phone.map(|phone| PhoneObject { country: phone.country, line: phone.line }),
            service: verification.service_name,
            locale: verification.locale,
            metadata: verification.metadata,
        })
    }
}

impl StartRequest {
    fn parse(self) -> Result<StartVerification, Problem> {
        let channel = self.channel.into();
        let to = Address::parse(channel, &self.to).map_err(|error| Problem::field("/to", error.to_string()))?;
        let code = self.code.as_deref().map(Code::own).transpose();
        if self.locale.as_deref().is_some_and(|locale| !is_locale(locale)) {
            return Err(Problem::field("/locale", NOT_A_LOCALE));
        }
        check_metadata(&self.metadata)?;
        Ok(StartVerification {
            service: self.service.map_or(ServiceRef::Default, ServiceRef::Named),
            channel,
            to,
            code: code.map_err(|error| Problem::field("/code", error.to_string()))?,
            locale: self.locale,
            metadata: self.metadata,
            payment: self.payment.as_ref().map(WirePayment::parse).transpose()?,
            overrides: Overrides { last_line: last_line::read(self.web_otp, self.app_hash)?, ..Overrides::default() },
        })
    }
}

pub(super) const NOT_A_LOCALE: &str = "must be a language tag (BCP 47), such as \"en\" or \"pt-BR\"";

/// The shape of a language tag: letters first, then short groups. Whether there is a template in it is another question.
pub(super) fn is_locale(text: &str) -> bool {
    let mut groups = text.split('-');
    let language = groups.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && text.len() <= 35
        && groups.all(|group| (2..=8).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn check_metadata(metadata: &BTreeMap<String, String>) -> Result<(), Problem> {
    let fits =
        |(key, value): (&String, &String)| (1..=40).contains(&key.chars().count()) && value.chars().count() <= 200;
    if metadata.len() <= 10 && metadata.iter().all(fits) {
        return Ok(());
    }
    Err(Problem::field(
        "/metadata",
        "takes at most 10 entries, with keys of 1 to 40 and values of at most 200 characters",
    ))
}

/// Start a verification: send somebody a code
#[utoipa::path(
    post, path = "/v1/verifications", operation_id = "start_verification", tag = "verifications", request_body(content = StartRequest, example = json!({"to": "+34666666111", "channel": "sms"})),
    responses(
        (status = 201, description = "The message is on its way", body = VerificationObject),
        (status = 401, description = "No key that works", body = ProblemObject, content_type = "application/problem+json"),
        (status = 402, description = "The account has less than the message costs", body = ProblemObject, content_type = "application/problem+json"),
        (status = 404, description = "There is no such service", body = ProblemObject, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemObject, content_type = "application/problem+json"),
        (status = 429, description = "A limit of this destination refuses it", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn start(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    input: Input<StartRequest>,
) -> Result<Response, Problem> {
    let command = input.value.parse()?;
    let started = web.engine().run(&caller, input.idempotency.as_ref(), &command).await;
    let started = started.map_err(|error| Problem::of(&error, web.engine().now()))?;
    let place = format!("/v1/verifications/{}", started.verification.id);
    let object = VerificationObject::of(web.engine(), started)?;
    Ok((StatusCode::CREATED, [(LOCATION, place)], Json(object)).into_response())
}

/// Look at a verification
#[utoipa::path(
    get, path = "/v1/verifications/{id}", operation_id = "get_verification", tag = "verifications",
    params(("id" = String, Path, description = "The verification's id")),
    responses(
        (status = 200, description = "As it stands", body = VerificationObject),
        (status = 401, description = "No key that works", body = ProblemObject, content_type = "application/problem+json"),
        (status = 404, description = "There is none of this id", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<VerificationId>,
) -> Result<Json<VerificationObject>, Problem> {
    let found = web.engine().verification(&caller, id).await;
    let found = found.map_err(|error| Problem::of(&error, web.engine().now()))?;
    VerificationObject::of(web.engine(), found).map(Json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_tags_are_told_from_other_texts() {
        for good in ["en", "pt-BR", "zh-Hant-TW", "ast", "es-419"] {
            assert!(is_locale(good), "{good}");
        }
        for bad in ["", "e", "english", "en_US", "en-", "-en", "en-x", "é", "en-toolonggroup", "12"] {
            assert!(!is_locale(bad), "{bad}");
        }
    }
}
