//! The words around codes: the tenant's own templates in Liquid, if it has any, in the language that the client asks for, or the user's; else
//! the product's texts. A template is run with a mark in the place of the code, so that no code is ever near one.

use super::{NAME, error::Refused};
use crate::Web;
use axum::http::HeaderMap;
use countersign_engine::{
    Caller,
    commands::{CodeWording, OwnText, ServiceRef},
    tokens::Transaction,
};
use countersign_model::{Channel, MfaChoice};
use liquid::{ParserBuilder, object};

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// To confirm a new factor.
    Enrolment,
    /// To use one.
    Verification,
}

/// No template and no text of a person has this character.
const MARK: &str = "\u{1}";
/// The longest template, in characters.
const LONGEST: usize = 2048;

/// How a code goes out.
pub(super) async fn wording(
    web: &Web,
    transaction: &Transaction,
    headers: &HeaderMap,
    channel: Option<Channel>,
    message: Message,
) -> Result<CodeWording, Refused> {
    let locale = match locale(headers) {
        Some(asked) => Some(asked),
        None => web.engine().language_of(&Caller::client(transaction.tenant), transaction.user).await?,
    };
    let choice = web.engine().mfa_choice(transaction.tenant).await?;
    let text = match channel {
        Some(channel @ (Channel::Sms | Channel::Voice)) => {
            let tenant = web.engine().name_of_tenant(transaction.tenant).await?;
            own_text(&choice, message, channel, locale.as_deref(), &tenant)
        }
        Some(Channel::Email | Channel::Whatsapp | Channel::Telegram) | None => None,
    };
    Ok(CodeWording { service: ServiceRef::Dialect(NAME), locale, text })
}

/// The first language that the client asks for.
fn locale(headers: &HeaderMap) -> Option<String> {
    let asked = headers.get("x-request-language")?.to_str().ok()?;
    let first = asked.split([',', ';']).next()?.trim();
    let is_tag =
        (2..=35).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_tag.then(|| first.to_owned())
}

fn own_text(
    choice: &MfaChoice,
    message: Message,
    channel: Channel,
    locale: Option<&str>,
    tenant: &str,
) -> Option<OwnText> {
    let texts = choice.texts.as_ref()?;
    let template = match message {
        Message::Enrolment => &texts.enrolment,
        Message::Verification => &texts.verification,
    };
    let made = run(template, message, channel, locale.unwrap_or("en"), tenant);
    if let Err(why) = &made {
        tracing::warn!(%why, "a tenant's template cannot be used; the product's text goes out instead");
    }
    OwnText::with_placeholder(&made.ok()?, MARK)
}

fn run(template: &str, message: Message, channel: Channel, locale: &str, tenant: &str) -> Result<String, String> {
    let parser = ParserBuilder::with_stdlib().build().map_err(|error| error.to_string())?;
    let parsed = parser.parse(template).map_err(|error| error.to_string())?;
    let message_type = match message {
        Message::Enrolment => "otp_enroll",
        Message::Verification => "otp_verify",
    };
    let pause = if channel == Channel::Voice { ", " } else { "" };
    let known = object!({
        "code": MARK,
        "locale": locale,
        "message_type": message_type,
        "pause": pause,
        "requestInfo": { "lang": locale },
        "tenant": { "friendly_name": tenant, "friendlyName": tenant },
        "custom_domain": { "domain": "", "domain_metadata": {} },
    });
    let text = parsed.render(&known).map_err(|error| error.to_string())?;
    let text = text.trim();
    if text.contains(MARK) { Ok(text.to_owned()) } else { Err("it leaves the code out".to_owned()) }
}

/// Why a template cannot be used; none if it can.
pub(super) fn fault(template: &str, message: Message) -> Option<String> {
    if template.chars().count() > LONGEST || template.contains(MARK) {
        return Some("is too long".to_owned());
    }
    run(template, message, Channel::Sms, "en", "Acme").err()
}

/// What a tenant without own words is shown as its templates.
pub(super) const USUAL: &str = "{{code}} is your verification code for {{tenant.friendly_name}}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_takes_the_branch_of_its_language() {
        let template = "{% if locale contains 'fr' %}Votre code : {{code}}{% elsif requestInfo.lang == 'es' %}Tu código \
                        {{ code }}{% else %}{{tenant.friendly_name}}: {{code}}{% endif %}";
        let made = |locale| run(template, Message::Verification, Channel::Sms, locale, "Acme").unwrap();
        assert_eq!(made("fr-CA"), "Votre code : \u{1}");
        assert_eq!(made("es"), "Tu código \u{1}");
        assert_eq!(made("en"), "Acme: \u{1}");
        assert_eq!(fault(USUAL, Message::Enrolment), None);
    }

    #[test]
    fn a_template_without_a_code_or_with_a_fault_is_none() {
        for bad in ["no code", "{{code", "{% if %}{{code}}", "{{code}}{{nothing.at.all}}"] {
            assert!(fault(bad, Message::Verification).is_some(), "{bad}");
        }
    }
}
