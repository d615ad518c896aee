//! What an operator can set for this dialect, as the section `[dialects.authentix]`. The vendor's console, in which SMTP settings and
//! templates are made, is a configuration file here.

use super::{ids, read_limit::ReadLimit, template::Template};
use countersign_model::EmailAddress;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::collections::BTreeMap;

/// What can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct Settings {
    /// What messages say where no template is named.
    #[serde(deserialize_with = "with_code")]
    pub(super) text: Template,
    /// The same where the code confirms a payment.
    #[serde(deserialize_with = "with_code")]
    pub(super) payment_text: Template,
    /// The subject of mails where no template is named.
    pub(super) subject: Template,
    /// How often a minute one applet may ask for trials and statistics; 0: any number.
    trial_reads_per_minute: u32,
    #[serde(rename = "smtp_settings")]
    smtp: BTreeMap<String, SmtpSetting>,
    sms_templates: BTreeMap<String, SmsTemplate>,
    email_templates: BTreeMap<String, EmailTemplate>,
    #[serde(skip)]
    reads: ReadLimit,
}

/// A mail relay as configurations name it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub(super) struct SmtpSetting {
    /// The provider that is the relay.
    pub relay: String,
    /// Domains from which a caller may let its mails come (`sender_email`); `*` is any.
    #[serde(default)]
    sender_domains: Vec<String>,
    /// Who may use it; empty: everybody.
    #[serde(default)]
    tenants: Vec<String>,
}

/// A text of text messages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub(super) struct SmsTemplate {
    #[serde(deserialize_with = "with_code")]
    pub text: Template,
    #[serde(default)]
    tenants: Vec<String>,
}

/// A text of mails.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub(super) struct EmailTemplate {
    pub subject: Template,
    #[serde(deserialize_with = "with_code")]
    pub text: Template,
    #[serde(default, deserialize_with = "some_with_code")]
    pub html: Option<Template>,
    #[serde(default)]
    tenants: Vec<String>,
}

impl Settings {
    /// The relay of an id, if this tenant may use it.
    pub(super) fn smtp_setting(&self, tenant: &str, id: &str) -> Option<&SmtpSetting> {
        self.smtp.get(id).filter(|it| is_for(&it.tenants, tenant))
    }

    /// The text of an id, if this tenant may use it.
    pub(super) fn sms_template(&self, tenant: &str, id: &str) -> Option<&SmsTemplate> {
        self.sms_templates.get(id).filter(|it| is_for(&it.tenants, tenant))
    }

    /// The mail text of an id, if this tenant may use it.
    pub(super) fn email_template(&self, tenant: &str, id: &str) -> Option<&EmailTemplate> {
        self.email_templates.get(id).filter(|it| is_for(&it.tenants, tenant))
    }

    /// How much may be read.
    pub(super) const fn reads(&self) -> (&ReadLimit, u32) {
        (&self.reads, self.trial_reads_per_minute)
    }

    /// The providers that must be there, each with the setting that names it.
    pub(in super::super) fn relays(&self) -> impl Iterator<Item = (String, &str)> {
        let named = self.smtp.iter();
        named.map(|(id, it)| (format!("dialects.authentix.smtp_settings.{id}.relay"), it.relay.as_str()))
    }

    /// Adds what each tenant of dev mode has: a relay and a text for each channel, under ids of its own.
    pub(in super::super) fn add_sandbox(&mut self, tenants: &[&str], relay: &str) {
        for tenant in tenants {
            let id = |prefix| ids::sandbox(prefix, tenant);
            let tenants = vec![(*tenant).to_owned()];
            let (relay, sender_domains) = (relay.to_owned(), vec!["*".to_owned()]);
            let smtp = SmtpSetting { relay, sender_domains, tenants: tenants.clone() };
            self.smtp.insert(id(ids::SMTP_SETTING), smtp);
            let text = Template::parse("Use ${CODE} for ${SERVICE_NAME}. ${NOTE}");
            let sms = SmsTemplate { text: text.clone(), tenants: tenants.clone() };
            self.sms_templates.insert(id(ids::SMS_TEMPLATE), sms);
            let html = Some(Template::parse("<p>Use <b>${CODE}</b> for ${SERVICE_NAME}.</p><p>${NOTE}</p>"));
            let mail = EmailTemplate { subject: Template::parse("${SERVICE_NAME}: your code"), text, html, tenants };
            self.email_templates.insert(id(ids::EMAIL_TEMPLATE), mail);
        }
    }
}

impl SmtpSetting {
    /// Whether a caller may let its mails come from there.
    pub(super) fn lets_send_from(&self, address: &EmailAddress) -> bool {
        let domain = address.as_str().rsplit('@').next().unwrap_or_default();
        self.sender_domains.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(domain))
    }
}

fn is_for(tenants: &[String], tenant: &str) -> bool {
    tenants.is_empty() || tenants.iter().any(|known| known == tenant)
}

fn with_code<'de, D: Deserializer<'de>>(from: D) -> Result<Template, D::Error> {
    let template = Template::deserialize(from)?;
    if template.has_code() { Ok(template) } else { Err(D::Error::custom("must have the placeholder ${CODE}")) }
}

fn some_with_code<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Template>, D::Error> {
    with_code(from).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(more: &str) -> Result<Settings, String> {
        let text = format!(
            r#"{{"text":"${{CODE}}","payment_text":"${{CODE}}","subject":"x","trial_reads_per_minute":0,
                "smtp_settings":{{}},"sms_templates":{{{more}}},"email_templates":{{}}}}"#
        );
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_text_without_a_place_for_the_code_is_refused() {
        assert!(settings(r#""TMS1":{"text":"${CODE}!"}"#).is_ok());
        let error = settings(r#""TMS1":{"text":"no code"}"#).unwrap_err();
        assert!(error.starts_with("must have the placeholder ${CODE}"), "{error}");
    }

    #[test]
    fn what_is_for_one_tenant_is_unknown_to_another() {
        let settings = settings(r#""TMS1":{"text":"${CODE}"},"TMS2":{"text":"${CODE}","tenants":["acme"]}"#).unwrap();
        assert!(settings.sms_template("other", "TMS1").is_some());
        assert!(settings.sms_template("acme", "TMS2").is_some());
        assert!(settings.sms_template("other", "TMS2").is_none() && settings.sms_template("acme", "TMS3").is_none());
    }

    #[test]
    fn in_dev_mode_each_tenant_has_its_own() {
        let mut settings = settings("").unwrap();
        settings.add_sandbox(&["dev", "dev2"], "sandbox");
        let id = ids::sandbox(ids::SMTP_SETTING, "dev2");
        assert!(settings.smtp_setting("dev2", &id).is_some() && settings.smtp_setting("dev", &id).is_none());
        assert_eq!(settings.relays().count(), 2);
    }

    #[test]
    fn mails_come_only_from_domains_that_the_operator_lets() {
        let lets = |domains: &[&str], address: &str| {
            let sender_domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
            let setting = SmtpSetting { relay: "r".into(), sender_domains, tenants: vec![] };
            setting.lets_send_from(&EmailAddress::parse(address).unwrap())
        };
        assert!(lets(&["my-company.com"], "me@My-Company.com") && lets(&["*"], "me@bank.example"));
        assert!(!lets(&[], "me@my-company.com") && !lets(&["my-company.com"], "me@not-my-company.com"));
    }
}
