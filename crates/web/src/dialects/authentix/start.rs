//! `POST configurations/{id}/authentications`: sends a code. While the destination waits for one, the same goes out once more. The
//! answer comes before the message leaves.

use super::{
    authentications::AuthenticationObject,
    call::Call,
    error::{Code, Refused},
    fields::{Field, Fields},
    map::{self, Map},
    payment,
    settings::Settings,
    template::{Place, Template, Values, one_line},
};
use crate::Web;
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use countersign_engine::commands::{OwnMail, OwnText, SendCode};
use countersign_model::{
    Address, Channel, Code as SecretCode, Configuration, ConfigurationRules, EmailAddress, Payment, PhoneNumber,
};

pub(super) async fn start(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let configuration = call.configuration().await?;
    let fields = call.required_fields()?;
    let request = Request { settings: &web.dialects().authentix, tenant: &call.applet.tenant, fields: &fields };
    let command = request.command(&configuration)?;
    let sent = web.engine().run(&call.applet.caller, None, &command).await.map_err(|error| call.refused(&error))?;
    Ok((StatusCode::CREATED, Json(AuthenticationObject::from(sent))).into_response())
}

/// What is asked for, and in whose name.
struct Request<'r> {
    settings: &'r Settings,
    tenant: &'r str,
    fields: &'r Fields,
}

/// The texts of a message, before anything is put into them.
struct Texts {
    text: Template,
    mail: Option<(Template, Option<Template>)>,
}

impl Request<'_> {
    /// Refuses in the order in which this API does.
    fn command(&self, configuration: &Configuration) -> Result<SendCode, Refused> {
        let rules = &configuration.rules;
        let (channel, to) = self.destination()?;
        let relay = match channel {
            Channel::Email => Some(self.relay(rules)?),
            Channel::Sms | Channel::Voice | Channel::Whatsapp | Channel::Telegram => None,
        };
        let code = self.own_code(rules)?;
        let service_name = self.service_name(rules)?;
        let texts = self.texts(rules, channel)?;
        let mut data = self.template_data()?;
        let from = self.sender(&mut data, rules, channel)?;
        let payment = rules.payments.then(|| payment::required(self.fields)).transpose()?;
        let given = data.into_iter().map(|(name, value)| (name, value.into_text())).collect();
        let values = Values::new(given, &service_name, payment.as_ref());
        Ok(SendCode {
            configuration: configuration.id,
            channel,
            to,
            code,
            text: texts.fill(&values, payment.as_ref(), from),
            payment,
            via: relay,
        })
    }

    fn destination(&self) -> Result<(Channel, Address), Refused> {
        let (dest, channel) = (self.fields.filled("dest")?, self.fields.filled("channel")?);
        let (Some(dest), Some(channel)) = (dest, channel) else { return Err(Code::DestAndChannel.refused()) };
        let channel = match channel.as_str() {
            "sms" => Channel::Sms,
            "email" => Channel::Email,
            _ => return Err(Code::BadChannel.refused()),
        };
        let to = address(&dest).filter(|to| to.suits(channel)).ok_or(Code::BadDest.refused())?;
        Ok((channel, to))
    }

    fn relay(&self, rules: &ConfigurationRules) -> Result<String, Refused> {
        let setting = rules.relay.as_deref().and_then(|id| self.settings.smtp_setting(self.tenant, id));
        setting.map(|setting| setting.relay.clone()).ok_or(Code::UnknownSmtpSetting.refused())
    }

    fn own_code(&self, rules: &ConfigurationRules) -> Result<Option<SecretCode>, Refused> {
        let Some(code) = self.fields.text("customCode")?.filter(|code| !code.is_empty()) else { return Ok(None) };
        if !rules.own_codes {
            return Err(Code::OwnCodeNotAllowed.refused());
        }
        if !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Code::OwnCodeNotNumeric.refused());
        }
        if !(4..=10).contains(&code.len()) {
            return Err(Code::BadCodeLength.refused());
        }
        SecretCode::own(&code).map(Some).map_err(|_| Code::BadCodeLength.refused())
    }

    /// This message's own, or the configuration's.
    fn service_name(&self, rules: &ConfigurationRules) -> Result<String, Refused> {
        let name = self.fields.filled("serviceName")?.map(|name| one_line(name.trim()));
        if name.as_ref().is_some_and(|name| name.chars().count() > 40) {
            return Err(Refused::bad("serviceName", "have at most 40 characters"));
        }
        Ok(name.unwrap_or_else(|| rules.name.clone()))
    }

    /// Of the template that is asked for, or the configuration's, or ours. One that the operator has taken away since the
    /// configuration named it keeps nobody from getting a code.
    fn texts(&self, rules: &ConfigurationRules, channel: Channel) -> Result<Texts, Refused> {
        let asked = self.fields.filled("templateId")?.map(|id| id.trim().to_owned());
        let named = |usual: &Option<String>| asked.clone().or_else(|| usual.clone());
        let usual = if rules.payments { &self.settings.payment_text } else { &self.settings.text };
        let plain = || Texts { text: usual.clone(), mail: Some((self.settings.subject.clone(), None)) };
        match channel {
            Channel::Email => {
                let Some(id) = named(&rules.email_template) else { return Ok(plain()) };
                match self.settings.email_template(self.tenant, &id) {
                    Some(known) => {
                        let mail = Some((known.subject.clone(), known.html.clone()));
                        Ok(Texts { text: known.text.clone(), mail })
                    }
                    None if asked.is_some() => Err(Code::UnknownEmailTemplate.refused()),
                    None => Ok(plain()),
                }
            }
            Channel::Sms | Channel::Voice | Channel::Whatsapp | Channel::Telegram => {
                let found = named(&rules.sms_template).map(|id| self.settings.sms_template(self.tenant, &id));
                match found {
                    Some(Some(known)) => Ok(Texts { text: known.text.clone(), mail: None }),
                    Some(None) if asked.is_some() => Err(Code::UnknownSmsTemplate.refused()),
                    Some(None) | None => Ok(Texts { text: usual.clone(), mail: None }),
                }
            }
        }
    }

    fn template_data(&self) -> Result<Map, Refused> {
        match self.fields.get("templateDataMap") {
            None => Ok(Map::new()),
            Some(Field::Text(text)) if text.trim().is_empty() => Ok(Map::new()),
            Some(Field::Text(text) | Field::Object(text)) => map::parse(text).ok_or(Code::BadTemplateData.refused()),
            Some(Field::Number(_) | Field::Bool(_) | Field::List) => Err(Code::BadTemplateData.refused()),
        }
    }

    /// Whom a mail comes from, if the caller says so and may.
    fn sender(&self, data: &mut Map, rules: &ConfigurationRules, channel: Channel) -> Result<Option<String>, Refused> {
        let wish = data.remove("sender_email").map(|value| one_line(&value.into_text()).trim().to_owned());
        let Some(wish) = wish.filter(|wish| !wish.is_empty() && channel == Channel::Email) else { return Ok(None) };
        let address = EmailAddress::parse(&wish)
            .map_err(|_| Code::BadTemplateData.because("sender_email in templateDataMap must be an e-mail address."))?;
        let setting = rules.relay.as_deref().and_then(|id| self.settings.smtp_setting(self.tenant, id));
        if setting.is_some_and(|setting| setting.lets_send_from(&address)) {
            return Ok(Some(address.as_str().to_owned()));
        }
        Err(Code::BadTemplateData.because("The SMTP setting does not let mails come from this sender_email."))
    }
}

impl Texts {
    fn fill(&self, values: &Values, payment: Option<&Payment>, from: Option<String>) -> OwnText {
        let fill = |template: &Template, place| match payment {
            Some(_) if place != Place::Header => template.saying_payment(place).fill(values, place),
            Some(_) | None => template.fill(values, place),
        };
        let mail = self.mail.as_ref().map(|(subject, html)| OwnMail {
            subject: fill(subject, Place::Header),
            html: html.as_ref().map(|html| fill(html, Place::Html)),
            from,
        });
        OwnText { text: fill(&self.text, Place::Text), mail }
    }
}

/// A phone number in E.164 form, or an e-mail address.
pub(super) fn address(dest: &str) -> Option<Address> {
    if dest.contains('@') {
        EmailAddress::parse(dest).ok().map(Address::Email)
    } else {
        PhoneNumber::parse_e164(dest).ok().map(Address::Phone)
    }
}
