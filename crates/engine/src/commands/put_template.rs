//! Keeps a tenant's own text for a message, after the linter has agreed.

use super::Command;
use crate::{Caller, Engine, Error, TemplateFinding};
use countersign_delivery::{
    lint::lint,
    render::{TemplateText, locale},
};
use countersign_model::{Channel, Scope, Template, Timestamp, message::Purpose};
use countersign_store::{Batch, Change};

/// "Say it like this."
#[derive(Debug)]
pub struct PutTemplate {
    /// Which message.
    pub message: Purpose,
    /// On which channel.
    pub channel: Channel,
    /// In which language (BCP 47).
    pub locale: String,
    /// The subject, for mail.
    pub subject: Option<String>,
    /// The text.
    pub text: String,
    /// The HTML part, for mail.
    pub html: Option<String>,
}

impl Command for PutTemplate {
    type Outcome = Template;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, _: &Engine, caller: &Caller, now: Timestamp) -> Result<(Template, Batch), Error> {
        let text = TemplateText { subject: self.subject.as_deref(), text: &self.text, html: self.html.as_deref() };
        lint(self.message, self.channel, &text).map_err(|findings| {
            let told = findings
                .iter()
                .map(|finding| TemplateFinding { part: finding.part.name(), problem: finding.problem.to_string() });
            Error::BadTemplate(told.collect())
        })?;
        let template = Template {
            tenant: caller.tenant(),
            message: self.message,
            channel: self.channel,
            locale: canonical(&self.locale),
            subject: self.subject.clone(),
            text: self.text.clone(),
            html: self.html.clone(),
            updated_at: now,
        };
        Ok((template.clone(), Batch::new().with(Change::PutTemplate(template))))
    }
}

/// The one spelling of a language tag under which a template is kept and found, and a user's language is kept: `pt-BR`, however
/// it was written.
pub(crate) fn canonical(text: &str) -> String {
    locale::canonical(text).unwrap_or_else(|| text.to_owned())
}
