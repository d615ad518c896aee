//! Delivery reports: what a caller's server is told of the fate of a message. What is to be told is a row that is written with the
//! message's last step; `jobs/report.rs` tells it; how it is worded is the dialect's business ([`ReportFormat`]).

use crate::{Engine, Error, keys};
use countersign_model::{
    Address, Callback, CallbackId, Message, MessageId, Sealed, TenantId, Timestamp, Verification,
    message::{Content, Fate, fate_of},
};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub use countersign_model::message::Fate as ReportStatus;

/// Who wants to be told what becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportTo {
    /// In the words of which dialect.
    pub dialect: String,
    /// At which address.
    pub url: String,
    /// The caller's own name for the message.
    pub custom: String,
}

/// What is told of one message.
#[derive(Clone, Debug)]
pub struct DeliveryReport {
    /// The message.
    pub message: MessageId,
    /// Whom it came from.
    pub from: Option<String>,
    /// Where it went.
    pub to: Address,
    /// The caller's own name for it.
    pub custom: String,
    /// What became of it.
    pub status: Fate,
    /// When it was made.
    pub sent_at: Timestamp,
    /// When its fate was known.
    pub settled_at: Timestamp,
}

/// Words reports, at most [`MOST_AT_ONCE`] of one address, as the JSON body of one call.
pub type ReportFormat = Arc<dyn Fn(&[DeliveryReport]) -> Vec<u8> + Send + Sync>;

/// How many reports one call carries at most.
pub const MOST_AT_ONCE: u32 = 1000;

impl Engine {
    pub(crate) fn seal_report(&self, tenant: TenantId, report: &ReportTo) -> Result<Sealed, Error> {
        let text = serde_json::to_string(report).map_err(|error| Error::Internal(error.to_string()))?;
        self.keys().seal(&text, &keys::context(keys::REPORT, tenant, b""), self.random())
    }

    /// What is to be written, if a message's fate is known and somebody wants to be told. Messages that took over from one another
    /// have one fate and one report, which the first of them keeps: telling it takes it away there. So the message that is
    /// given may change, and is to be written in the same batch.
    pub(crate) async fn report_of(&self, message: &mut Message, now: Timestamp) -> Result<Batch, Error> {
        let Some(fate) = message.fate() else { return Ok(Batch::new()) };
        if !message.chain.is_linked() {
            return self.report(message, fate, now).await;
        }
        let Some(verification) = message.verification() else { return Ok(Batch::new()) };
        let (first, _) = message.first_of_chain();
        let mut chain = self.store().messages_of(message.tenant, verification).await?;
        chain.retain(|it| it.first_of_chain().0 == first);
        // As it is about to be written. One that has just taken over is not there yet, and its fate is not known.
        let is_going_on = message.chain.next.is_some_and(|next| chain.iter().all(|it| it.id != next));
        for old in chain.iter_mut().filter(|it| it.id == message.id) {
            old.clone_from(message);
        }
        let fate = fate_of(&chain).filter(|fate| *fate == Fate::Delivered || !is_going_on);
        let (Some(fate), Some(mut root)) = (fate, chain.into_iter().find(|it| it.id == first)) else {
            return Ok(Batch::new());
        };
        let mut batch = self.report(&root, fate, now).await?;
        if root.report.take().is_some() {
            if root.id == message.id {
                message.report = None;
            } else {
                batch.push(Change::UpdateMessage(root));
            }
        }
        Ok(batch)
    }

    async fn report(&self, message: &Message, fate: Fate, now: Timestamp) -> Result<Batch, Error> {
        let Some(sealed) = &message.report else { return Ok(Batch::new()) };
        let tenant = message.tenant;
        let opened = self.keys().open(sealed, &keys::context(keys::REPORT, tenant, b""))?;
        let report: ReportTo =
            serde_json::from_str(&opened).map_err(|_| Error::internal("a report does not read back"))?;
        let Some((to, from)) = self.ends_of(message).await? else { return Ok(Batch::new()) };
        let id = CallbackId::generate(now, self.random());
        let seal =
            |what, text: &str| self.keys().seal(text, &keys::context(what, tenant, &id.to_bytes()), self.random());
        Ok(Batch::new().with(Change::InsertCallback(Callback {
            id,
            tenant,
            version: 0,
            target: self.keys().callback_target(tenant, &report.url),
            url: seal(keys::REPORT, &report.url)?,
            dialect: report.dialect,
            message: message.id,
            to: seal(keys::ADDRESS, to.as_str())?,
            from,
            custom: report.custom,
            fate,
            sent_at: message.created_at,
            settled_at: now,
            attempts: 0,
            due_at: now,
            leased_until: Timestamp::from_ms(0),
        })))
    }

    /// Where a message goes and whom it comes from; none if its verification is gone.
    async fn ends_of(&self, message: &Message) -> Result<Option<(Address, Option<String>)>, Error> {
        let of = match message.verification() {
            Some(id) => self.store().verification(message.tenant, id).await?,
            None => None,
        };
        self.ends_with(message, of.as_ref())
    }

    /// The same, of a message whose verification is at hand.
    pub(crate) fn ends_with(
        &self,
        message: &Message,
        of: Option<&Verification>,
    ) -> Result<Option<(Address, Option<String>)>, Error> {
        match (&message.content, of) {
            (Content::Code { .. }, None) => Ok(None),
            (Content::Code { .. }, Some(of)) => Ok(Some((self.address_of(of)?, of.sender.clone()))),
            (Content::Text { to, from, .. }, _) => {
                let context = keys::context(keys::ADDRESS, message.tenant, &message.id.to_bytes());
                Ok(Some((self.open_address(to, &context)?, from.clone())))
            }
        }
    }

    pub(crate) fn open_address(&self, sealed: &Sealed, context: &[u8]) -> Result<Address, Error> {
        let text = self.keys().open(sealed, context)?;
        Address::from_normalised(&text).map_err(|_| Error::internal("a sealed address does not read back"))
    }

    pub(crate) fn open_callback(&self, callback: &Callback) -> Result<(String, DeliveryReport), Error> {
        let context = |what| keys::context(what, callback.tenant, &callback.id.to_bytes());
        let url = self.keys().open(&callback.url, &context(keys::REPORT))?.to_string();
        let report = DeliveryReport {
            message: callback.message,
            from: callback.from.clone(),
            to: self.open_address(&callback.to, &context(keys::ADDRESS))?,
            custom: callback.custom.clone(),
            status: callback.fate,
            sent_at: callback.sent_at,
            settled_at: callback.settled_at,
        };
        Ok((url, report))
    }
}
