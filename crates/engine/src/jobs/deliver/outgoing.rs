//! Puts a message together: to whom, and from whom. What it says is put together in `contents.rs`.

use super::Deliver;
use crate::{Error, contents::Contents};
use countersign_delivery::{DltIds, Outgoing};
use countersign_model::{
    Address, Message, Timestamp, Verification,
    message::Content,
    routing::{Destination, Dlt},
};

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
        let offered = engine.providers().get(provider).map_or(&[][..], |provider| provider.languages());
        let Contents { rendered: content, language, code, link } =
            engine.contents(message, verification, offered).await?;
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
            language,
            life_seconds: verification.and_then(|of| life_left(message, of, engine.now())),
            life_minutes: verification.and_then(Verification::life_minutes),
            code,
            link,
            receipt_url: engine.receipt_url(provider, message.tenant, message.id),
            call_url: engine.call_url(provider, message),
            now: engine.clock().wall(),
        })
    }
}

/// For how many seconds the code of a message can still be used; none: there is no end.
fn life_left(message: &Message, of: &Verification, now: Timestamp) -> Option<u32> {
    let Content::Code { generation, .. } = message.content else { return None };
    let ends_at = of.live_codes(now).find(|code| code.generation == generation)?.expires_at?;
    Some(u32::try_from(ends_at.since(now).as_secs()).unwrap_or(u32::MAX))
}

/// The ids of sender and text, if the text is registered there.
fn dlt_ids(dlt: &Dlt, text: &str, to: &Destination) -> Result<DltIds, Unbuilt> {
    let unregistered = || Unbuilt::Unregistered(to.country.clone().unwrap_or_default());
    let template = dlt.template_of(text).ok_or_else(unregistered)?;
    Ok(DltIds { entity: dlt.entity.clone(), template: template.to_owned() })
}
