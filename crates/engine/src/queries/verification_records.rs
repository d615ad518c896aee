//! A verification together with all that a caller is told of it, opened: so that an answer can be given without asking the store
//! again, once something is written.

use super::{Page, Slice};
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{
    Address, Channel, Message, MessageId, Payment, Scope, ServiceId, State, TenantId, Timestamp, Verification,
    VerificationId,
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A verification, whole and opened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerificationRecord {
    /// The verification.
    pub verification: Verification,
    /// Where its messages go.
    #[serde(serialize_with = "address_as_text", deserialize_with = "address_from_text")]
    pub to: Address,
    /// What the person approves.
    pub payment: Option<Payment>,
    /// Its messages that were asked for, oldest first.
    pub sendings: Vec<Sending>,
    /// As of when.
    pub at: Timestamp,
}

/// One message of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// Its name.
    pub id: MessageId,
    /// Its way.
    pub channel: Channel,
    /// When it was made.
    pub at: Timestamp,
}

impl From<&Message> for Sending {
    fn from(message: &Message) -> Self {
        Self { id: message.id, channel: message.channel, at: message.created_at }
    }
}

impl Engine {
    /// A verification of a service.
    ///
    /// # Errors
    /// When there is none of that id in that service, or the caller may not see it.
    pub async fn verification_record(
        &self,
        caller: &Caller,
        service: ServiceId,
        id: VerificationId,
    ) -> Result<VerificationRecord, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        let found = self.store().verification(caller.tenant(), id).await?;
        let found = found.filter(|verification| verification.service == service);
        self.record_of(found.ok_or(Error::NotFound(Thing::Verification))?).await
    }

    /// The one of an address in a service that is pending, for just this payment.
    ///
    /// # Errors
    /// When there is none, or the caller may not see it.
    pub async fn pending_record(
        &self,
        caller: &Caller,
        service: ServiceId,
        to: &Address,
        payment: Option<&Payment>,
    ) -> Result<VerificationRecord, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        let found = self.pending(caller.tenant(), service, to, payment).await?;
        self.record_of(found.ok_or(Error::NotFound(Thing::Verification))?).await
    }

    /// Of the verifications of a service whose messages are trials, a part of those that can be checked, the newest first.
    ///
    /// # Errors
    /// When the caller may not see them.
    pub async fn checkable_records(
        &self,
        caller: &Caller,
        service: ServiceId,
        slice: Slice,
    ) -> Result<Page<VerificationRecord>, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        let page = self.store().checkable_verifications(caller.tenant(), service, self.now(), slice).await?;
        let items = try_join_all(page.items.into_iter().map(|verification| self.record_of(verification))).await?;
        Ok(Page { total: page.total, items })
    }

    pub(crate) async fn pending(
        &self,
        tenant: TenantId,
        service: ServiceId,
        to: &Address,
        payment: Option<&Payment>,
    ) -> Result<Option<Verification>, Error> {
        let now = self.now();
        let index = self.keys().blind_index(tenant, to);
        let pending = self.store().pending_verifications(tenant, service, index).await?;
        for verification in pending.into_iter().rev().filter(|it| it.state_at(now) == State::Pending) {
            let is_meant = match (self.payment_of(&verification)?, payment) {
                (None, None) => true,
                (Some(bound), Some(given)) => bound.is_same(given),
                (None, Some(_)) | (Some(_), None) => false,
            };
            if is_meant {
                return Ok(Some(verification));
            }
        }
        Ok(None)
    }

    pub(crate) async fn record_of(&self, verification: Verification) -> Result<VerificationRecord, Error> {
        let messages = self.store().messages_of(verification.tenant, verification.id).await?;
        Ok(VerificationRecord {
            to: self.address_of(&verification)?,
            payment: self.payment_of(&verification)?,
            sendings: messages.iter().filter(|it| it.chain.first.is_none()).map(Sending::from).collect(),
            at: self.now(),
            verification,
        })
    }
}

/// Only into what is sealed afterwards: see `Engine::run`.
fn address_as_text<S: Serializer>(address: &Address, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(address.as_str())
}

fn address_from_text<'de, D: Deserializer<'de>>(from: D) -> Result<Address, D::Error> {
    Address::from_normalised(&String::deserialize(from)?).map_err(D::Error::custom)
}
