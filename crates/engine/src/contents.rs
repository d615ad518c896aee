//! What a message says: the caller's own words, the tenant's template or ours, in the best language that whoever carries it can say.

use crate::{Engine, Error, keys};
use countersign_delivery::{Rendered, render};
use countersign_model::{
    Channel, Code, Message, Template, Verification,
    message::{Content, Purpose},
};

/// What a message says, and which part of it is the secret.
pub(crate) struct Contents {
    pub rendered: Rendered,
    /// In which language it is said.
    pub language: String,
    pub code: Option<Code>,
    pub link: Option<String>,
}

impl Engine {
    /// `offered` are the languages that whoever carries it can say it in; none: any.
    pub(crate) async fn contents(
        &self,
        message: &Message,
        verification: Option<&Verification>,
        offered: &[String],
    ) -> Result<Contents, Error> {
        let locale = verification.map_or(render::locale::LAST_RESORT, |verification| &verification.locale);
        let language = render::said_in(locale, offered);
        let plain = |text: String| Rendered { subject: None, text, html: None };
        if let Some((verification, link)) =
            verification.and_then(|it| self.link_of(it).transpose().map(|link| (it, link)))
        {
            let (link, own) = (link?, self.own_text_of(verification)?);
            let text = own.map_or_else(|| link.clone(), |own| own.filled_with(&link));
            return Ok(Contents { rendered: plain(text), language, code: None, link: Some(link) });
        }
        match (&message.content, verification) {
            (Content::Text { text, .. }, _) => {
                let context = keys::context(keys::TEXT, message.tenant, &message.id.to_bytes());
                let text = self.keys().open(text, &context)?.to_string();
                Ok(Contents { rendered: plain(text), language, code: None, link: None })
            }
            (Content::Code { generation, purpose, .. }, Some(verification)) => {
                let code = self.keys().code_of(verification, *generation)?;
                let is_read_out = message.channel == Channel::Voice;
                let mut rendered = match self.own_text_of(verification)? {
                    Some(own) if is_read_out => own.spoken(&code),
                    Some(own) => own.with(&code),
                    None => self.render(message, *purpose, verification, (&code, offered, &language)).await?,
                };
                if is_read_out {
                    rendered.text = render::said_twice(rendered.text, &code);
                }
                Ok(Contents { rendered, language, code: Some(code), link: None })
            }
            (Content::Code { .. }, None) => Err(Error::internal("a code without its verification")),
        }
    }

    async fn render(
        &self,
        message: &Message,
        purpose: Purpose,
        of: &Verification,
        (code, offered, language): (&Code, &[String], &str),
    ) -> Result<Rendered, Error> {
        let can_say = |tag: &str| offered.is_empty() || render::is_same_language(tag, language);
        let own = self.nearest_template(message, purpose, &of.locale, &can_say).await?;
        let payment = self.payment_of(of)?;
        let (brand, last_line) = (of.brand.as_deref(), of.last_line.as_ref());
        let context =
            render::Context { code, brand, life_minutes: of.life_minutes(), payment: payment.as_ref(), last_line };
        self.templates()
            .render(own.as_ref(), purpose, message.channel, language, &context)
            .map_err(|error| Error::Internal(error.to_string()))
    }

    /// The tenant's own text in the language nearest to the one asked for, if it has one that can be said and that no built-in text
    /// beats.
    async fn nearest_template(
        &self,
        message: &Message,
        purpose: Purpose,
        locale: &str,
        can_say: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Option<Template>, Error> {
        for candidate in render::candidates(locale).into_iter().filter(|tag| can_say(tag)) {
            let store = self.store();
            let found = store.template(message.tenant, purpose, message.channel.words(), &candidate).await?;
            if found.is_some() || render::LANGUAGES.contains(&candidate.as_str()) {
                return Ok(found);
            }
        }
        Ok(None)
    }
}
