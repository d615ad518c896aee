//! Puts a message together: to whom, from whom, and what it says.

use super::Deliver;
use crate::{Error, keys};
use countersign_delivery::{DltIds, Outgoing, Rendered, render};
use countersign_model::{
    Address, Code, Message, Template, Verification,
    message::{Content, Purpose},
    routing::{Destination, Dlt},
};

/// What a message says, and which part of it is the secret.
struct Carried {
    content: Rendered,
    code: Option<Code>,
    link: Option<String>,
}

/// Where a message goes and whom it comes from.
pub(super) struct Ends {
    address: Address,
    from: Option<String>,
    /// The address, as far as routes care.
    pub to: Destination,
}

/// Why a message cannot be put together.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unbuilt {
    /// Its words are none of those that are registered in this country.
    #[error("its text is none of those that are registered in {0}: see routes.senders")]
    Unregistered(String),
    /// Something that it is made of cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Error),
}

impl Deliver {
    /// Opens both ends of a message.
    pub(super) fn ends(&self, message: &Message, verification: Option<&Verification>) -> Result<Ends, Error> {
        let gone = || Error::internal("the verification of a message is gone");
        let (address, from) = self.0.ends_with(message, verification)?.ok_or_else(gone)?;
        let to = Destination::of(&address, verification.and_then(|verification| verification.phone.as_ref()));
        Ok(Ends { address, from, to })
    }

    pub(super) async fn outgoing(
        &self,
        message: &Message,
        verification: Option<&Verification>,
        provider: &str,
        ends: &Ends,
    ) -> Result<Outgoing, Unbuilt> {
        let engine = &self.0;
        let tenant = engine.store().tenant(message.tenant).await.map_err(Error::from)?;
        let Carried { content, code, link } = self.carried(message, verification).await?;
        let own = verification.map(|verification| engine.own_text_of(verification)).transpose()?.flatten();
        let registered = engine.routes().sender(message.channel, ends.to.country.as_deref());
        let dlt = registered.and_then(|sender| sender.dlt.as_ref());
        let dlt = dlt.map(|dlt| dlt_ids(dlt, &content.text, &ends.to)).transpose()?;
        let wanted = ends.from.as_deref();
        let from = registered.map_or(wanted, |sender| Some(sender.registered(wanted))).map(str::to_owned);
        Ok(Outgoing {
            id: message.id,
            tenant: message.tenant,
            tenant_name: tenant.map(|tenant| tenant.name).unwrap_or_default(),
            verification: message.verification(),
            channel: message.channel,
            to: ends.address.clone(),
            from,
            dlt,
            from_address: own.and_then(|own| own.from_address()),
            content,
            code,
            link,
            receipt_url: engine.receipt_url(provider, message.tenant, message.id),
            now: engine.clock().wall(),
        })
    }

    async fn carried(&self, message: &Message, verification: Option<&Verification>) -> Result<Carried, Error> {
        let engine = &self.0;
        let plain = |text: String| Rendered { subject: None, text, html: None };
        if let Some((verification, link)) =
            verification.and_then(|it| engine.link_of(it).transpose().map(|link| (it, link)))
        {
            let (link, own) = (link?, engine.own_text_of(verification)?);
            let text = own.map_or_else(|| link.clone(), |own| own.filled_with(&link));
            return Ok(Carried { content: plain(text), code: None, link: Some(link) });
        }
        match (&message.content, verification) {
            (Content::Text { text, .. }, _) => {
                let context = keys::context(keys::TEXT, message.tenant, &message.id.to_bytes());
                let text = engine.keys().open(text, &context)?.to_string();
                Ok(Carried { content: plain(text), code: None, link: None })
            }
            (Content::Code { generation, purpose, .. }, Some(verification)) => {
                let code = engine.keys().code_of(verification, *generation)?;
                let content = match engine.own_text_of(verification)? {
                    Some(own) => own.with(&code),
                    None => self.render(message, *purpose, verification, &code).await?,
                };
                Ok(Carried { content, code: Some(code), link: None })
            }
            (Content::Code { .. }, None) => Err(Error::internal("a code without its verification")),
        }
    }

    async fn render(
        &self,
        message: &Message,
        purpose: Purpose,
        verification: &Verification,
        code: &Code,
    ) -> Result<Rendered, Error> {
        let own = self.own_template(message, purpose, &verification.locale).await?;
        let payment = self.0.payment_of(verification)?;
        let life_minutes =
            (verification.policy.life_seconds > 0).then(|| verification.policy.life_seconds.div_ceil(60));
        let brand = verification.brand.as_deref();
        let last_line = verification.last_line.as_ref();
        let context = render::Context { code, brand, life_minutes, payment: payment.as_ref(), last_line };
        self.0
            .templates()
            .render(own.as_ref(), purpose, message.channel, &verification.locale, &context)
            .map_err(|error| Error::Internal(error.to_string()))
    }

    /// The tenant's own text in the language nearest to the one asked for, if it has one that no built-in text beats.
    async fn own_template(&self, message: &Message, purpose: Purpose, locale: &str) -> Result<Option<Template>, Error> {
        for candidate in render::candidates(locale) {
            let store = self.0.store();
            let found = store.template(message.tenant, purpose, message.channel, &candidate).await?;
            if found.is_some() || render::LANGUAGES.contains(&candidate.as_str()) {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// The ids of sender and text, if the text is registered there.
fn dlt_ids(dlt: &Dlt, text: &str, to: &Destination) -> Result<DltIds, Unbuilt> {
    let unregistered = || Unbuilt::Unregistered(to.country.clone().unwrap_or_default());
    let template = dlt.template_of(text).ok_or_else(unregistered)?;
    Ok(DltIds { entity: dlt.entity.clone(), template: template.to_owned() })
}
