//! Messages: what became of a text of a caller's own, whether a verification's message could be delivered, and whom messages
//! speak for.

use crate::{Caller, Engine, Error, Thing};
use countersign_model::{Message, MessageId, Scope, TenantId, VerificationId, message::MessageState};

impl Engine {
    /// A text of the caller's own.
    ///
    /// # Errors
    /// When there is none of this name, or the caller may not see it.
    pub async fn text(&self, caller: &Caller, id: MessageId) -> Result<Message, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        self.text_message(caller.tenant(), id).await
    }

    pub(crate) async fn text_message(&self, tenant: TenantId, id: MessageId) -> Result<Message, Error> {
        let found = self.store().message(tenant, id).await?;
        found.filter(|message| message.verification().is_none()).ok_or(Error::NotFound(Thing::Message))
    }

    /// Whether all messages of a verification have failed, so that its code or link has reached nobody.
    ///
    /// # Errors
    /// When the caller may not see it.
    pub async fn is_undelivered(&self, caller: &Caller, id: VerificationId) -> Result<bool, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        let messages = self.store().messages_of(caller.tenant(), id).await?;
        Ok(!messages.is_empty() && messages.iter().all(|message| message.state == MessageState::Failed))
    }

    /// Whom the messages of a service speak for: its brand, or its tenant's name.
    ///
    /// # Errors
    /// When the caller may send none.
    pub async fn brand(&self, caller: &Caller, service: &str) -> Result<String, Error> {
        caller.must_have(Scope::VerificationsWrite)?;
        let service = self.store().service_named(caller.tenant(), service).await?;
        self.speaks_for(caller.tenant(), service.and_then(|service| service.brand).as_deref()).await
    }

    pub(crate) async fn speaks_for(&self, tenant: TenantId, brand: Option<&str>) -> Result<String, Error> {
        match brand {
            Some(brand) => Ok(brand.to_owned()),
            None => Ok(self.store().tenant(tenant).await?.map(|tenant| tenant.name).unwrap_or_default()),
        }
    }

    /// Whether somebody is configured who knows which numbers exist.
    #[must_use]
    pub fn has_number_lookup(&self) -> bool {
        self.0.parts.lookup.is_some()
    }
}
